import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { LANGFUSE_SDK_NAME, LANGFUSE_SDK_VERSION } from '@langfuse/core';
import { EnvHttpProxyAgent, request } from 'undici';
import type { Destination } from '../config';
import { failureReason } from './failure-reason';
import { judge, type Verdict } from './langfuse-answer';

const TRACES_PATH = '/api/public/otel/v1/traces';
const CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** Connect, send, answer: after this a post has failed. A sender that drips a byte now and then is no exception. */
const POST_TIMEOUT_MS = 60_000;
/** Of the answer nothing more is looked at. Langfuse answers with a job of a few hundred bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;

const compress = promisify(gzip);

export interface LangfuseClient {
  /** Posts an ExportTraceServiceRequest, given in pieces. Never rejects: what goes wrong is a verdict. */
  post(body: readonly Buffer[]): Promise<Verdict>;
  close(): Promise<void>;
}

export interface LangfuseClientOptions {
  destination: Destination;
  /** Empty strings: no proxy. */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
  userAgent: string;
  gzip: boolean;
  now: () => number;
}

/** Langfuse's OTLP endpoint as its own SDK would call it, in protobuf and with connections that stay open. */
export function createLangfuseClient({
  destination,
  proxy,
  userAgent,
  ...options
}: LangfuseClientOptions): LangfuseClient {
  const { baseUrl, publicKey, secretKey } = destination;
  const url = `${baseUrl}${TRACES_PATH}`;
  // Given as strings, so that undici does not look into the environment itself.
  const proxyOfScheme = (url.startsWith('https:') ? proxy.httpsProxy : proxy.httpProxy) ?? '';
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxyOfScheme,
    httpsProxy: proxyOfScheme,
    noProxy: proxy.noProxy ?? '',
    connections: CONNECTIONS,
    // Plain http is asked of the proxy itself; CONNECT, which many allow for port 443 only, is for https.
    proxyTunnel: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
  const headers = {
    authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    // By these Langfuse tells which write path a batch takes (WORKER: checkHeaderBasedDirectWrite).
    'x-langfuse-sdk-name': LANGFUSE_SDK_NAME,
    'x-langfuse-sdk-version': LANGFUSE_SDK_VERSION,
    'x-langfuse-public-key': publicKey,
    ...(options.gzip ? { 'content-encoding': 'gzip' } : {}),
  };
  return {
    async post(body) {
      try {
        // Level 1: higher levels cost five times the CPU for a quarter less bytes.
        const sent = options.gzip ? [await compress(Buffer.concat(body), { level: constants.Z_BEST_SPEED })] : body;
        const length = sent.reduce((sum, piece) => sum + piece.length, 0);
        const answer = await request(url, {
          method: 'POST',
          headers: { ...headers, 'content-length': String(length) },
          // undici writes any iterable piece by piece, though its types do not say so.
          body: sent as unknown as Readable,
          dispatcher,
          signal: AbortSignal.timeout(POST_TIMEOUT_MS),
        });
        return judge(
          {
            status: answer.statusCode,
            retryAfter: single(answer.headers['retry-after']),
            body: await beginningOf(answer.body),
          },
          options.now(),
        );
      } catch (error) {
        return { kind: 'retry', reason: failureReason(error) };
      }
    },
    close: () => dispatcher.destroy(),
  };
}

/**
 * Reads to the end, so that the connection can be used again, but keeps only so much. The status has said it all: a body
 * that breaks off changes nothing about it.
 */
async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > ANSWER_BYTES_MAX) break;
      chunks.push(chunk);
    }
  } catch {
    return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

const single = (header: string | string[] | undefined) => (Array.isArray(header) ? header[0] : header);
