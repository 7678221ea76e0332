import type { Readable } from 'node:stream';
import { EnvHttpProxyAgent, request } from 'undici';
import type { LangfuseAnswer } from './langfuse-answer';

const CONNECT_TIMEOUT_MS = 10_000;
/** Of an answer nothing more is looked at. Langfuse answers with a few hundred bytes. */
const ANSWER_BYTES_MAX = 64 * 1024;

export interface HttpClientOptions {
  /** Empty strings: no proxy. */
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
  /** To one origin at once. */
  connections: number;
  /** How long nothing may happen: no byte that is taken, none that comes. */
  silenceMs: number;
}

export interface HttpRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In pieces, to be sent one after the other. */
  readonly body: readonly Buffer[];
  /** Connect, send, answer: after this it has failed. A sender that drips a byte now and then is no exception. */
  readonly timeoutMs: number;
}

export interface HttpClient {
  /** Redirects are not followed. Rejects with an error that may hold addresses: see `failureReason`. */
  send(request: HttpRequest): Promise<LangfuseAnswer>;
  /** What is under way fails. */
  close(): Promise<void>;
}

/** Connections that stay open, straight or through the proxy of the URL's own scheme. */
export function createHttpClient({ proxy, connections, silenceMs }: HttpClientOptions): HttpClient {
  const agents = new Map<string, EnvHttpProxyAgent>();
  let isClosed = false;
  const agentFor = (protocol: string): EnvHttpProxyAgent => {
    const known = agents.get(protocol);
    if (known !== undefined) return known;
    if (isClosed) throw new Error('the client is closed');
    // Given as strings, so that undici does not look into the environment itself; one for both, for it would take that of
    // http for https too.
    const proxyOfScheme = (protocol === 'https:' ? proxy.httpsProxy : proxy.httpProxy) ?? '';
    const agent = new EnvHttpProxyAgent({
      httpProxy: proxyOfScheme,
      httpsProxy: proxyOfScheme,
      noProxy: proxy.noProxy ?? '',
      connections,
      // Plain http is asked of the proxy itself; CONNECT, which many allow for port 443 only, is for https.
      proxyTunnel: false,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
    });
    agents.set(protocol, agent);
    return agent;
  };
  return {
    async send({ method, url, headers, body, timeoutMs }) {
      const length = body.reduce((sum, piece) => sum + piece.length, 0);
      const answer = await request(url, {
        method,
        headers: { ...headers, 'content-length': String(length) },
        // undici writes any iterable piece by piece, though its types do not say so.
        body: body as unknown as Readable,
        dispatcher: agentFor(new URL(url).protocol),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return {
        status: answer.statusCode,
        retryAfter: single(answer.headers['retry-after']),
        body: await beginningOf(answer.body),
      };
    },
    async close() {
      isClosed = true;
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
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
