import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { LANGFUSE_SDK_NAME, LANGFUSE_SDK_VERSION } from '@langfuse/core';
import type { Destination } from '../config';
import { failureReason } from './failure-reason';
import { createHttpClient, type HttpClientOptions } from './http-client';
import { judge, type Verdict } from './langfuse-answer';

const TRACES_PATH = '/api/public/otel/v1/traces';
const CONNECTIONS = 8;
const ANSWER_TIMEOUT_MS = 30_000;
const POST_TIMEOUT_MS = 60_000;

const compress = promisify(gzip);

export interface LangfuseClient {
  /** Posts an ExportTraceServiceRequest, given in pieces. Never rejects: what goes wrong is a verdict. */
  post(body: readonly Buffer[]): Promise<Verdict>;
  close(): Promise<void>;
}

export interface LangfuseClientOptions {
  destination: Destination;
  proxy: HttpClientOptions['proxy'];
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
  const http = createHttpClient({ proxy, connections: CONNECTIONS, silenceMs: ANSWER_TIMEOUT_MS });
  const url = `${destination.baseUrl}${TRACES_PATH}`;
  const headers = {
    ...langfuseHeaders(destination, userAgent),
    'content-type': 'application/x-protobuf',
    ...(options.gzip ? { 'content-encoding': 'gzip' } : {}),
  };
  return {
    async post(body) {
      try {
        // Level 1: higher levels cost five times the CPU for a quarter less bytes.
        const sent = options.gzip ? [await compress(Buffer.concat(body), { level: constants.Z_BEST_SPEED })] : body;
        const answer = await http.send({ method: 'POST', url, headers, body: sent, timeoutMs: POST_TIMEOUT_MS });
        return judge(answer, options.now());
      } catch (error) {
        return { kind: 'retry', reason: failureReason(error) };
      }
    },
    close: http.close,
  };
}

/** Who calls: for Langfuse alone, and nobody else it points to. */
export function langfuseHeaders({ publicKey, secretKey }: Destination, userAgent: string): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`,
    'user-agent': userAgent,
    // By these Langfuse tells which write path a batch takes (WORKER: checkHeaderBasedDirectWrite).
    'x-langfuse-sdk-name': LANGFUSE_SDK_NAME,
    'x-langfuse-sdk-version': LANGFUSE_SDK_VERSION,
    'x-langfuse-public-key': publicKey,
  };
}
