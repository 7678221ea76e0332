import type { Destination } from '../config';
import type { MediaField } from '../langfuse/media';
import { failureReason } from './failure-reason';
import { createHttpClient, type HttpClientOptions } from './http-client';
import { judge, type LangfuseAnswer } from './langfuse-answer';
import { langfuseHeaders } from './langfuse-client';
import type { Retry } from './outcome';

/** Something that a span shows, and where in it. */
export interface Medium {
  readonly traceId: string;
  readonly observationId: string;
  readonly field: MediaField;
  readonly contentType: string;
  readonly content: Buffer;
  /** SHA-256 of the content, in base64. */
  readonly sha256: string;
}

/** `refused`: Langfuse, or its store, does not take such a thing. */
export type MediaFailure = Retry | { readonly kind: 'refused'; readonly status: number };

export interface Announced {
  readonly kind: 'announced';
  readonly mediaId: string;
  /** Signed; good for an hour. Absent: Langfuse has that content. */
  readonly uploadUrl?: string;
}

/** None of its calls rejects. */
export interface MediaClient {
  /** Asks where the content goes. From then on Langfuse shows the medium at its observation, once it has it. */
  announce(medium: Medium): Promise<Announced | MediaFailure>;
  put(uploadUrl: string, medium: Medium): Promise<{ readonly kind: 'put'; readonly status: number } | MediaFailure>;
  /** Says that it is there: before, Langfuse hands it out to nobody. */
  confirm(mediaId: string, put: { status: number; tookMs: number }): Promise<{ readonly kind: 'confirmed' } | Retry>;
  close(): Promise<void>;
}

export interface MediaClientOptions {
  destination: Destination;
  proxy: HttpClientOptions['proxy'];
  userAgent: string;
  now: () => number;
  /** Uploads at once. */
  connections: number;
  limits?: MediaTimeouts;
}

export interface MediaTimeouts {
  readonly apiMs: number;
  /** For a large one there is more. */
  readonly putMs: number;
  readonly putBytesPerSecond: number;
  /** How long nothing may happen. */
  readonly silenceMs: number;
}

export const MEDIA_TIMEOUTS: MediaTimeouts = {
  apiMs: 30_000,
  putMs: 60_000,
  putBytesPerSecond: 100_000,
  silenceMs: 30_000,
};

const MEDIA_PATH = '/api/public/media';
/** What Langfuse says of a type or a size that it does not take; 413 and 415 are a proxy's words for them. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);
/** All that Langfuse takes for an upload (mediaService.ts: getMedia). Azure answers 201. */
const STORED: ReadonlySet<number> = new Set([200, 201]);
/** What a store, or the proxy before it, says of a size or a type; S3 says 400 and the reason in words. */
const NOT_STORED: ReadonlySet<number> = new Set([413, 415]);
const S3_TOO_LARGE = '<Code>EntityTooLarge</Code>';
/** So much is written at a time: each is a sign of life. */
const PIECE_BYTES = 64 * 1024;

/** Langfuse's media API, and the store behind it, as its own SDK would call them (@langfuse/core: uploadMedia). */
export function createMediaClient(options: MediaClientOptions): MediaClient {
  const { destination, proxy, userAgent, now, connections, limits = MEDIA_TIMEOUTS } = options;
  const http = createHttpClient({ proxy, connections, silenceMs: limits.silenceMs });
  const url = `${destination.baseUrl}${MEDIA_PATH}`;
  const headers = { ...langfuseHeaders(destination, userAgent), 'content-type': 'application/json' };
  const ask = (method: 'POST' | 'PATCH', path: string, body: object) => {
    const sent = { method, url: `${url}${path}`, headers, body: [Buffer.from(JSON.stringify(body))] };
    return http.send({ ...sent, timeoutMs: limits.apiMs });
  };
  return {
    async announce({ content, sha256, ...rest }) {
      try {
        const answer = await ask('POST', '', { ...rest, contentLength: content.length, sha256Hash: sha256 });
        if (REFUSALS.has(answer.status)) return { kind: 'refused', status: answer.status };
        return failureOf(answer, 'media', now()) ?? announced(answer);
      } catch (error) {
        return failed('media', error);
      }
    },
    async put(uploadUrl, { content, contentType, sha256 }) {
      try {
        const answer = await http.send({
          method: 'PUT',
          url: uploadUrl,
          headers: { 'user-agent': userAgent, ...storeHeaders(uploadUrl, { contentType, sha256 }) },
          body: piecesOf(content),
          timeoutMs: limits.putMs + Math.ceil((content.length / limits.putBytesPerSecond) * 1000),
        });
        if (STORED.has(answer.status)) return { kind: 'put', status: answer.status };
        if (NOT_STORED.has(answer.status) || (answer.status === 400 && answer.body.includes(S3_TOO_LARGE)))
          return { kind: 'refused', status: answer.status };
        // A signature that has expired or a store that is not set up: nothing that the medium is to blame for.
        const failure = failureOf(answer, 'media_upload', now());
        return failure ?? { kind: 'retry', reason: `media_upload_http_${answer.status}`, media: true };
      } catch (error) {
        return failed('media_upload', error);
      }
    },
    async confirm(mediaId, { status, tookMs }) {
      try {
        const said = { uploadedAt: new Date(now()).toISOString(), uploadHttpStatus: status, uploadTimeMs: tookMs };
        const answer = await ask('PATCH', `/${encodeURIComponent(mediaId)}`, said);
        return failureOf(answer, 'media', now()) ?? { kind: 'confirmed' };
      } catch (error) {
        return failed('media', error);
      }
    },
    close: http.close,
  };
}

/** Every mishap but the refusal of a medium; `step` goes before its reason. */
function failureOf(answer: LangfuseAnswer, step: string, nowMs: number): Retry | undefined {
  const verdict = judge(answer, nowMs);
  if (verdict.kind === 'accepted') return undefined;
  if (verdict.kind === 'refused') return { kind: 'retry', reason: `${step}_http_${verdict.status}`, media: true };
  return { ...verdict, reason: `${step}_${verdict.reason}`, media: true };
}

const failed = (step: string, error: unknown): Retry => {
  return { kind: 'retry', reason: `${step}_${failureReason(error)}`, media: true };
};

/** A 2xx that is something else comes from what stands before Langfuse. */
const STRANGE: Retry = { kind: 'retry', reason: 'media_answer', configuration: true, media: true };

function announced({ body }: LangfuseAnswer): Announced | Retry {
  try {
    const { mediaId, uploadUrl } = JSON.parse(body) as { mediaId?: unknown; uploadUrl?: unknown };
    // It becomes part of a text.
    if (typeof mediaId !== 'string' || !/^[\w-]{1,100}$/.test(mediaId)) return STRANGE;
    if (uploadUrl === null || uploadUrl === undefined) return { kind: 'announced', mediaId };
    if (typeof uploadUrl !== 'string' || !/^https?:\/\//i.test(uploadUrl)) return STRANGE;
    return { kind: 'announced', mediaId, uploadUrl };
  } catch {
    return STRANGE;
  }
}

/** What the URL was signed with, and no credentials: it is its own. Google's store takes no more than the type. */
function storeHeaders(uploadUrl: string, { contentType, sha256 }: Pick<Medium, 'contentType' | 'sha256'>) {
  const { hostname } = new URL(uploadUrl);
  const type = { 'content-type': contentType };
  if (hostname === GOOGLE || hostname.endsWith(`.${GOOGLE}`)) return type;
  return { ...type, 'x-amz-checksum-sha256': sha256, 'x-ms-blob-type': 'BlockBlob' };
}

const GOOGLE = 'storage.googleapis.com';

function piecesOf(content: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += PIECE_BYTES) pieces.push(content.subarray(at, at + PIECE_BYTES));
  return pieces;
}
