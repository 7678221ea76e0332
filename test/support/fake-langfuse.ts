import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CanonicalSpan } from './canonical';
import { createFakeMedia, type FakeMedia, type FakeMediaOptions } from './fake-media';
import { type Answer, basicAuth, judgeIngestion } from './langfuse-ingestion';

export const FAKE_PUBLIC_KEY = 'pk-lf-fake';
export const FAKE_SECRET_KEY = 'sk-lf-fake';

export interface FakeLangfuseOptions {
  publicKey?: string;
  secretKey?: string;
  /** Injects failures: undefined lets the post be judged as the real server judges it. */
  respond?: (post: ReceivedPost) => ForcedAnswer | undefined;
  /** Every batch that holds such a span is answered with 400. */
  refuseSpan?: (span: CanonicalSpan) => boolean;
  /** Limit of a body, on the wire and after decompression; beyond it: 413. */
  bodyBytesMax?: number;
  media?: FakeMediaOptions;
}

export interface ForcedAnswer {
  /** Without it the answer is the one the post deserves, after the delay. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  delayMs?: number;
  /** Closes the connection instead of answering. */
  destroy?: boolean;
  /** The spans are stored although the answer is lost or says otherwise. */
  store?: boolean;
}

export interface ReceivedPost {
  headers: IncomingHttpHeaders;
  /** undefined: neither of the two content types that Langfuse knows. */
  encoding: 'json' | 'protobuf' | undefined;
  contentEncoding: string;
  bodyBytes: number;
  /** What could be decoded, also of a batch that was refused. */
  spans: CanonicalSpan[];
  /** undefined while unanswered, and for a connection that was closed instead. */
  status?: number;
}

export interface FakeLangfuse {
  /** For `LANGFUSE_BASE_URL`. */
  baseUrl: string;
  publicKey: string;
  secretKey: string;
  /** Everything posted, in order of arrival. */
  requests: ReceivedPost[];
  /** The spans of the batches that were answered with 200. */
  spans: CanonicalSpan[];
  /** What the real server would answer with 200 and then lose, or store as something else. */
  violations: string[];
  media: FakeMedia;
  /** How many connections were opened, and how many posts were unanswered at once at most. */
  connections(): { opened: number; postsInFlightMax: number };
  /** Resolves with all stored spans once there are at least `count`; rejects after `timeoutMs`. */
  waitForSpans(count: number, timeoutMs?: number): Promise<CanonicalSpan[]>;
  close(): Promise<void>;
}

/**
 * A Langfuse on loopback that is as strict as the real one at `POST /api/public/otel/v1/traces` (4.16.0,
 * web/src/pages/api/public/otel/v1/traces/index.ts), and stricter where the real one stores nonsense. Images have their own
 * way in: `createFakeMedia`.
 */
export async function startFakeLangfuse(options: FakeLangfuseOptions = {}): Promise<FakeLangfuse> {
  const { publicKey = FAKE_PUBLIC_KEY, secretKey = FAKE_SECRET_KEY } = options;
  const requests: ReceivedPost[] = [];
  const spans: CanonicalSpan[] = [];
  const violations: string[] = [];
  const stored = new EventTarget();
  const closing = new AbortController();
  const authorization = basicAuth({ publicKey, secretKey });
  const media = createFakeMedia({ ...options.media, authorization, violations, closing: closing.signal });
  const counts = { opened: 0, postsInFlight: 0, postsInFlightMax: 0 };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (media.owns(request.url ?? '')) return media.handle(request, response);
    const body = Buffer.concat(await request.toArray());
    const judged = judgeIngestion({ request, body, publicKey, secretKey, bodyBytesMax: options.bodyBytesMax });
    const { encoding, violations: found } = judged;
    const contentEncoding = String(request.headers['content-encoding'] ?? '');
    const post: ReceivedPost = {
      ...{ headers: request.headers, encoding, contentEncoding, bodyBytes: body.length, spans: judged.spans },
    };
    requests.push(post);
    violations.push(...found);

    const forced = options.respond?.(post);
    if (forced?.delayMs !== undefined) await sleep(forced.delayMs, undefined, { signal: closing.signal });
    const answer = forcedAnswer(forced) ?? refusal(judged.answer, post, options.refuseSpan) ?? judged.answer;
    if (forced?.store || (answer.status === 200 && !forced?.destroy)) {
      spans.push(...judged.spans);
      judged.spans.forEach(media.check);
      stored.dispatchEvent(new Event('stored'));
    }
    if (forced?.destroy) return request.socket.destroy();
    post.status = answer.status;
    response.writeHead(answer.status, { 'Content-Type': 'application/json; charset=utf-8', ...answer.headers });
    response.end(answer.body);
  };

  const server = createServer((request, response) => {
    counts.postsInFlight += 1;
    counts.postsInFlightMax = Math.max(counts.postsInFlightMax, counts.postsInFlight);
    response.on('close', () => {
      counts.postsInFlight -= 1;
    });
    // A sender that goes away, and a delay that `close` cuts short, leave nobody to answer.
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', () => {
    counts.opened += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    ...{ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, publicKey, secretKey },
    ...{ requests, spans, violations, media: media.view },
    waitForSpans: (count, timeoutMs = 5000) => waitForSpans({ count, timeoutMs, stored, requests, spans }),
    connections: () => ({ opened: counts.opened, postsInFlightMax: counts.postsInFlightMax }),
    close: async () => {
      if (!server.listening) return;
      closing.abort();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function waitForSpans(options: {
  count: number;
  timeoutMs: number;
  stored: EventTarget;
  requests: readonly ReceivedPost[];
  spans: CanonicalSpan[];
}): Promise<CanonicalSpan[]> {
  const { count, timeoutMs, stored, requests, spans } = options;
  const signal = AbortSignal.timeout(timeoutMs);
  while (spans.length < count) {
    await once(stored, 'stored', { signal }).catch(() => {
      const statuses = requests.map((post) => post.status ?? 'none').join(', ');
      const missing = `${spans.length} of ${count} spans within ${timeoutMs} ms`;
      throw new Error(`${missing}; ${requests.length} posts answered: ${statuses}`);
    });
  }
  return spans;
}

function forcedAnswer(forced: ForcedAnswer | undefined): Answer | undefined {
  if (forced?.status === undefined) return undefined;
  return { status: forced.status, headers: forced.headers ?? {}, body: forced.body ?? '{"message":"forced"}' };
}

function refusal(
  judged: Answer,
  post: ReceivedPost,
  refuseSpan: FakeLangfuseOptions['refuseSpan'] = () => false,
): Answer | undefined {
  if (judged.status !== 200 || !post.spans.some(refuseSpan)) return undefined;
  return { status: 400, headers: {}, body: '{"error":"The entire export was rejected and no spans were ingested"}' };
}
