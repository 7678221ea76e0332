import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CanonicalSpan } from './canonical-span';
import type { ForcedAnswer } from './fake-langfuse';
import type { Answer } from './langfuse-ingestion';
import { isAnnouncement, isConfirmation } from './media-schema';

/** What is done with a medium, in that order: POST for a URL, PUT there, PATCH to say so. */
export type MediaStep = 'announce' | 'put' | 'confirm';

export interface MediaRequest {
  step: MediaStep;
  path: string;
  headers: IncomingHttpHeaders;
  /** Of announce and confirm. */
  said: Record<string, unknown>;
  /** undefined while unanswered, and for a connection that was closed instead. */
  status?: number;
}

export interface FakeMediaOptions {
  /** As for posts of spans; `stall`: takes not a byte of the body. With `store` what was asked is done all the same. */
  respond?: (request: MediaRequest) => (ForcedAnswer & { stall?: boolean }) | undefined;
  contentBytesMax?: number;
  /** Azure's store answers 201. */
  storeStatus?: number;
  /** Spans come from senders that have uploaded their media themselves, to another Langfuse: of tags nothing is asked. */
  isElsewhere?: boolean;
}

export interface StoredMedium {
  contentType: string;
  content: Buffer;
  /** `TRACE/OBSERVATION/FIELD`, in the order they were linked. */
  places: string[];
}

export interface FakeMedia {
  /** Everything asked, in order of arrival. */
  requests: MediaRequest[];
  /** How often that step was asked for. */
  count(step: MediaStep): number;
  /** What Langfuse would show, by media id. */
  shown(): Map<string, StoredMedium>;
  /** Loses all that was stored. */
  lose(): void;
}

interface Medium {
  id: string;
  contentType: string;
  contentLength: number;
  path: string;
  uploadHttpStatus?: number;
  places: Set<string>;
}

const API = '/api/public/media';
const STORE = '/store/';
const SIGNING_KEY = 'the store knows it';

/**
 * Langfuse's media API (4.x, web/src/features/media/server/mediaService.ts) and an S3 behind it, with URLs that are signed for
 * one content, in one process with the rest of the fake.
 */
export function createFakeMedia(
  options: FakeMediaOptions & { authorization: string; violations: string[]; closing: AbortSignal },
) {
  const { violations, closing, contentBytesMax = 1_000_000_000, storeStatus = 200, isElsewhere = false } = options;
  const requests: MediaRequest[] = [];
  const media = new Map<string, Medium>();
  const store = new Map<string, { contentType: string; content: Buffer }>();
  const byId = (id: string) => [...media.values()].find((medium) => medium.id === id);

  function announce({ said }: MediaRequest, baseUrl: string): Answer {
    if (!isAnnouncement(said)) return message(400, 'Invalid request data');
    const { contentType, contentLength, sha256Hash, traceId, observationId, field } = said;
    if (contentLength > contentBytesMax) return message(400, 'File size must be less');
    const id = sha256Hash.replaceAll('+', '-').replaceAll('/', '_').slice(0, 22);
    const known = media.get(sha256Hash);
    const place = `${traceId}/${observationId ?? ''}/${field}`;
    if (known?.uploadHttpStatus === 200 && known.contentType === contentType) {
      known.places.add(place);
      return json(201, { mediaId: id, uploadUrl: null });
    }
    const path = `${STORE}project/${id}.${contentType.split('/')[1]}`;
    const before = { places: new Set<string>(), ...known };
    const medium = { ...before, id, contentType, contentLength, path };
    media.set(sha256Hash, medium);
    medium.places.add(place);
    const signature = sign({ path, contentType, contentLength, sha256: sha256Hash });
    return json(201, { mediaId: id, uploadUrl: `${baseUrl}${path}?X-Amz-Signature=${signature}` });
  }

  function put({ headers, path }: MediaRequest, content: Buffer): Answer {
    const { pathname, searchParams } = new URL(path, 'http://store');
    const secrets = ['authorization', 'cookie', 'x-langfuse-public-key'].filter((name) => name in headers);
    if (secrets.length > 0) violations.push(`the store was sent ${secrets.join(', ')}`);
    if (headers.authorization !== undefined) return xml(400, 'InvalidArgument');
    const contentType = String(headers['content-type']);
    const sha256 = String(headers['x-amz-checksum-sha256']);
    const signed = { path: pathname, contentType, contentLength: Number(headers['content-length']), sha256 };
    if (searchParams.get('X-Amz-Signature') !== sign(signed)) return xml(403, 'SignatureDoesNotMatch');
    if (createHash('sha256').update(content).digest('base64') !== sha256) return xml(400, 'BadDigest');
    store.set(pathname, { contentType, content });
    return { status: storeStatus, headers: {}, body: '' };
  }

  function confirm({ said, path }: MediaRequest): Answer {
    if (!isConfirmation(said)) return message(400, 'Invalid request data');
    const medium = byId(path.slice(API.length + 1));
    if (medium === undefined) return message(404, 'Media asset not found');
    medium.uploadHttpStatus = said.uploadHttpStatus;
    if (isUploaded(medium) && !store.has(medium.path)) violations.push(`medium ${medium.id} was said to be there`);
    return { status: 200, headers: {}, body: '' };
  }

  function judge(request: MediaRequest, { body, baseUrl }: { body: Buffer; baseUrl: string }): Answer {
    if (request.step === 'put') return put(request, body);
    if (request.headers.authorization !== options.authorization) return message(401, 'Invalid credentials');
    return request.step === 'announce' ? announce(request, baseUrl) : confirm(request);
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers, url: path = '' } = incoming;
    const step = STEPS[`${incoming.method} ${path.startsWith(STORE) ? 'store' : path === API ? 'media' : 'medium'}`];
    if (step === undefined) return send(response, message(405, 'Method not allowed'));
    const request: MediaRequest = { step, path, headers, said: {} };
    requests.push(request);
    const early = step === 'put' ? options.respond?.(request) : undefined;
    if (early?.stall) return void (await once(incoming, 'close'));
    const body = Buffer.concat(await incoming.toArray());
    if (step !== 'put') request.said = parse(headers, body);
    const forced = step === 'put' ? early : options.respond?.(request);
    if (forced?.delayMs !== undefined) await sleep(forced.delayMs, undefined, { signal: closing });
    const isForced = forced?.destroy || forced?.status !== undefined;
    const deserved =
      isForced && !forced.store ? undefined : judge(request, { body, baseUrl: `http://${headers.host}` });
    if (forced?.destroy) return void incoming.socket.destroy();
    const answer =
      forced?.status === undefined ? deserved! : { headers: {}, body: '{}', ...forced, status: forced.status };
    request.status = answer.status;
    send(response, answer);
  }

  /** Tags that Langfuse could not resolve. */
  function check(span: CanonicalSpan): void {
    if (isElsewhere) return;
    for (const { value } of span.attributes) {
      if (value === null || !('string' in value)) continue;
      for (const [, type, id = ''] of value.string.matchAll(/@@@langfuseMedia:type=([^|]*)\|id=([^|]*)\|.+?@@@/g)) {
        const medium = byId(id);
        const isAt = (place: string) => place.startsWith(`${span.traceId}/${span.spanId}/`);
        if (!isUploaded(medium)) violations.push(`span ${span.spanId} shows a medium that is not there`);
        else if (medium.contentType !== type) violations.push(`span ${span.spanId} shows a medium of another type`);
        else if (![...medium.places].some(isAt)) violations.push(`span ${span.spanId} is not linked to what it shows`);
      }
    }
  }

  const view: FakeMedia = {
    requests,
    count: (wanted) => requests.filter(({ step }) => step === wanted).length,
    shown: () =>
      new Map(
        [...media.values()].filter(isUploaded).map(({ id, path, places }) => {
          return [id, { ...store.get(path)!, places: [...places] }];
        }),
      ),
    lose() {
      media.clear();
      store.clear();
    },
  };
  const owns = (url: string) => url === API || url.startsWith(`${API}/`) || url.startsWith(STORE);
  return { view, owns, handle, check };
}

const STEPS: Record<string, MediaStep | undefined> = {
  'POST media': 'announce',
  'PUT store': 'put',
  'PATCH medium': 'confirm',
};

/** As Langfuse's page asks before it shows one. */
const isUploaded = (medium: Medium | undefined): medium is Medium =>
  medium?.uploadHttpStatus === 200 || medium?.uploadHttpStatus === 201;

function sign(signed: { path: string; contentType: string; contentLength: number; sha256: string }): string {
  return createHmac('sha256', SIGNING_KEY)
    .update(JSON.stringify(Object.values(signed)))
    .digest('hex');
}

function parse(headers: IncomingHttpHeaders, body: Buffer): Record<string, unknown> {
  if (!String(headers['content-type']).startsWith('application/json')) return {};
  try {
    return JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const json = (status: number, body: object): Answer => ({ status, headers: {}, body: JSON.stringify(body) });
const message = (status: number, text: string): Answer => json(status, { message: text });
const xml = (status: number, code: string): Answer => ({
  status,
  headers: {},
  body: `<Error><Code>${code}</Code></Error>`,
});

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}
