import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Posts the bytes with these headers and no others but those of the connection. */
export async function post(
  url: string,
  { headers, body, chunked = false }: { headers: Record<string, string>; body: Uint8Array; chunked?: boolean },
): Promise<Answer> {
  const framing = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) };
  const outgoing = request(url, { method: 'POST', headers: { ...headers, ...framing } });
  outgoing.end(body);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(await answer.toArray()) };
}
