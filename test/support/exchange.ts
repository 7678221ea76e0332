import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import type { Answer } from './post';

/** One request of any method; `path` goes onto the wire as it stands. */
export async function exchange(
  url: string,
  options: { method: string; path: string; headers?: OutgoingHttpHeaders; body?: Uint8Array },
): Promise<Answer> {
  const { method, path, headers = {}, body } = options;
  const { hostname, port } = new URL(url);
  const framing = body === undefined ? {} : { 'content-length': body.length };
  const outgoing = request({ hostname, port, method, path, headers: { ...headers, ...framing } });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(await answer.toArray()) };
}
