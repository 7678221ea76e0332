import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { FAKE_PUBLIC_KEY, FAKE_SECRET_KEY } from './fake-langfuse';

export interface CountingLangfuse {
  baseUrl: string;
  publicKey: string;
  secretKey: string;
  /** Answers 503 while set. */
  isDown: boolean;
  posts(): number;
  /** The numbers of the spans that were taken; a span's id is its number. */
  taken: Set<number>;
  /** Posts that Langfuse would not take. */
  violations: string[];
  close(): Promise<void>;
}

/** A Langfuse for more spans than could be kept: of each it only reads the id. */
export async function startCountingLangfuse(): Promise<CountingLangfuse> {
  let posts = 0;
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    posts++;
    const violation = violationOf(request);
    if (violation !== undefined) counting.violations.push(violation);
    else if (!counting.isDown) take(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    response.writeHead(violation !== undefined ? 400 : counting.isDown ? 503 : 200).end('{}');
  });
  const take = (body: Buffer) => {
    for (const id of spanIdsOf(body)) {
      if (id.readUInt32BE(0) === 0) counting.taken.add(id.readUInt32BE(4));
      else counting.violations.push(`no span has the id ${id.toString('hex')}`);
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const counting: CountingLangfuse = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ publicKey: FAKE_PUBLIC_KEY, secretKey: FAKE_SECRET_KEY },
    ...{ isDown: false, posts: () => posts, taken: new Set(), violations: [] },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return counting;
}

const AUTHORIZATION = `Basic ${Buffer.from(`${FAKE_PUBLIC_KEY}:${FAKE_SECRET_KEY}`).toString('base64')}`;

function violationOf({ method, url, headers }: IncomingMessage): string | undefined {
  if (method !== 'POST' || url !== '/api/public/otel/v1/traces') return `${method} ${url}`;
  if (headers.authorization !== AUTHORIZATION) return 'other keys';
  return headers['content-type'] === 'application/x-protobuf' ? undefined : `content type ${headers['content-type']}`;
}

/** ExportTraceServiceRequest.resource_spans, ResourceSpans.scope_spans, ScopeSpans.spans. */
const WAY_TO_SPANS = [1, 2, 2];
const SPAN_ID = 2;

function* spanIdsOf(request: Buffer): Generator<Buffer> {
  let messages = [request];
  for (const number of WAY_TO_SPANS) messages = messages.flatMap((message) => [...fieldsOf(message, number)]);
  for (const span of messages) yield* fieldsOf(span, SPAN_ID);
}

/** The length-delimited fields of that number. */
function* fieldsOf(message: Buffer, number: number): Generator<Buffer> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else {
      const length = varint();
      if (tag >> 3 === number) yield message.subarray(at, at + length);
      at += length;
    }
  }
}
