import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Encoding, expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import { inBothEncodings, jsonText, requestOf, type Sent, SPAN_ID, spanOf, T1, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { useGateway } from '../support/use-gateway';
import { lenField } from '../support/wire';

const LIMIT_BYTES = 65_536;
const DEFAULT_LIMIT_BYTES = 67_108_864;
const MIB = 1024 * 1024;

const gateway = useGateway();
const limited = useGateway({ env: { GATEWAY_BODY_MAX_BYTES: String(LIMIT_BYTES) } });

const T1_TWINS = twins(requestOf(spanOf()));
const withHeaders = ({ headers, body }: Sent, more: Record<string, string>): Sent => ({
  headers: { ...headers, ...more },
  body,
});

/** The request with white space or an unknown field that fills it up to so many bytes. */
function padded({ headers, body }: Sent, { encoding, bytes }: { encoding: Encoding; bytes: number }): Sent {
  const missing = bytes - body.length;
  // Tag (2 bytes) and length (3 bytes) of field 99.
  const padding = encoding === 'json' ? Buffer.alloc(missing, ' ') : lenField(99, Buffer.alloc(missing - 5));
  const full = Buffer.concat([body, padding]);
  expect(full).toHaveLength(bytes);
  return { headers, body: full };
}

describe.each(T1_TWINS)('%s', (encoding, t1) => {
  const row = { json: 'C01', protobuf: 'C03' }[encoding];
  const overRow = { json: 'C02', protobuf: 'C03' }[encoding];
  const gzipped = (body: Buffer): Sent => ({ headers: { ...t1.headers, 'content-encoding': 'gzip' }, body });

  test.each([false, true])(`${row} a body of exactly the limit, in chunks: %s`, async (chunked) => {
    const sent = { ...padded(t1, { encoding, bytes: LIMIT_BYTES }), chunked };
    const { answer, spans } = await limited.watch(() => post(`${limited.url}/v1/traces`, sent));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test.each([false, true])(`${overRow} a body of one byte more, in chunks: %s`, async (chunked) => {
    const sent = { ...padded(t1, { encoding, bytes: LIMIT_BYTES + 1 }), chunked };
    expectRefusal(await post(`${limited.url}/v1/traces`, sent), { status: 413, encoding });
  });

  test('C04 small on the wire, too large after decompression', async () => {
    const body = gzipSync(padded(t1, { encoding, bytes: LIMIT_BYTES + 1 }).body);
    expect(body.length).toBeLessThan(2000);
    expectRefusal(await limited.post(gzipped(body)), { status: 413, encoding });
    const fitting = gzipSync(padded(t1, { encoding, bytes: LIMIT_BYTES }).body);
    expectSuccess(await limited.post(gzipped(fitting)), encoding);
  });

  test.each([false, true])('C05 too large on the wire, compressed, in chunks: %s', async (chunked) => {
    const sent = { ...gzipped(gzipSync(randomBytes(LIMIT_BYTES))), chunked };
    expectRefusal(await post(`${limited.url}/v1/traces`, sent), { status: 413, encoding });
  });

  test('C06 30 MiB without configuration', async () => {
    const [, large] = twins(requestOf(spanOf({ name: 'x'.repeat(30 * MIB) }))).find(([name]) => name === encoding)!;
    const { answer, spans } = await gateway.pass(large);
    expectSuccess(answer, encoding);
    expect(spans.map(({ name }) => name.length)).toEqual([30 * MIB]);
  });

  test.each([
    ['C06 one byte more than the default', DEFAULT_LIMIT_BYTES + 1, {}],
    ['C07 100 MiB and Expect: 100-continue', 100 * MIB, { Expect: '100-continue' }],
    ['C07 a length beyond all whole numbers of JavaScript', 2 ** 60, { Expect: '100-continue' }],
  ])('%s: refused without reading', async (_, declaredBytes, more) => {
    const connection = await openConnection(gateway.url);
    const length = { 'Content-Length': declaredBytes.toFixed(0) };
    await connection.write(rawPost({ headers: { ...t1.headers, ...length, ...more } }));
    expectRefusal(await connection.answer(), { status: 413, encoding });
    connection.socket.destroy();
  });

  test.each([
    ['C08 announced', { 'Content-Length': String(32 * MIB) }, 32 * MIB],
    ['C08 in chunks', { 'Transfer-Encoding': 'chunked', 'Content-Length': '' }, 8 * MIB],
  ])('%s: who writes all and only then reads gets the answer', async (_, framing, bytes) => {
    const connection = await openConnection(limited.url);
    await connection.write(head({ ...t1.headers, ...framing }));
    const isChunked = 'Transfer-Encoding' in framing;
    const piece = Buffer.alloc(MIB, ' ');
    const framed = isChunked ? Buffer.concat([Buffer.from('100000\r\n'), piece, Buffer.from('\r\n')]) : piece;
    connection.socket.pause();
    for (let sent = 0; sent < bytes; sent += MIB) await connection.write(framed);
    await connection.write(isChunked ? '0\r\n\r\n' : '');
    await sleep(50);
    connection.socket.resume();
    expectRefusal(await connection.answer(), { status: 413, encoding });
    await connection.closed;
  });

  test('C08 who writes slowly reads the answer while writing', async () => {
    const connection = await openConnection(limited.url);
    await connection.write(head({ ...t1.headers, 'Content-Length': String(32 * MIB) }));
    for (let piece = 0; piece < 10; piece += 1) {
      await connection.write(Buffer.alloc(10_000, ' '));
      await sleep(20);
    }
    expectRefusal(await connection.answer(), { status: 413, encoding });
    connection.socket.destroy();
  });

  test('C13 32 KiB of headers', async () => {
    const cookies = withHeaders(t1, { cookie: 'c'.repeat(16 * 1024), baggage: `b=${'v'.repeat(16 * 1024)}` });
    const { answer, spans } = await gateway.pass(cookies);
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test.each([
    ['C14 on the wire', (body: Buffer) => ({ ...t1, body })],
    ['C14 after decompression', (body: Buffer) => gzipped(gzipSync(body))],
  ])('%s: the message tells the limit and its setting', async (_, make) => {
    const answer = await limited.post(make(Buffer.alloc(LIMIT_BYTES + 1, ' ')));
    const { message } = expectRefusal(answer, { status: 413, encoding });
    expect(message).toContain(String(LIMIT_BYTES));
    expect(message).toContain('GATEWAY_BODY_MAX_BYTES');
  });
});

test.each(
  inBothEncodings([
    ['C09 2,000 bad spans', requestOf(...Array.from({ length: 2000 }, () => spanOf({ spanId: '00'.repeat(8) }))), 2000],
    ['C09 one bad span', requestOf(spanOf({ traceId: '' })), 1],
  ]),
)('%s: the answer stays small', async (_, encoding, sent, spans) => {
  expect(expectRejected(await gateway.post(sent), { encoding, spans }).length).toBeLessThan(2000);
});

test('C10 paths of 60 levels stay out of a large answer', async () => {
  const nested = `${'{"kvlistValue":{"values":[{"key":"k","value":'.repeat(60)}{"arrayValue":{"values":5}}${'}]}}'.repeat(60)}`;
  const span = `{"traceId":"${'a'.repeat(32)}","spanId":"${SPAN_ID}","attributes":[{"key":"k","value":${nested}}]}`;
  const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[${Array(100).fill(span)}]}]}]}`;
  expectRejected(await gateway.post(jsonText(text)), { encoding: 'json', spans: 100 });
});

const TEN_THOUSAND = Array.from({ length: 10_000 }, (_, index) => (index + 1).toString(16).padStart(16, '0'));

test.each(inBothEncodings([['C11 10,000 spans', requestOf(...TEN_THOUSAND.map((spanId) => spanOf({ spanId })))]]))(
  '%s arrive',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectSuccess(answer, encoding);
    expect(spans.map(({ spanId }) => spanId).sort()).toEqual(TEN_THOUSAND);
  },
);

const FIVE_MIB = { key: 'gen_ai.prompt', value: { stringValue: 'ü'.repeat(2.5 * MIB) } };

test.each(inBothEncodings([['C12 a string of 5 MiB', requestOf(spanOf({ kind: 1, attributes: [FIVE_MIB] }))]]))(
  '%s arrives',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectSuccess(answer, encoding);
    // Compared as a whole: a difference of 5 MiB would fill the report.
    const arrived = spans.flatMap(({ attributes }) => attributes.map(({ value }) => value));
    expect(isDeepStrictEqual(arrived, [{ string: FIVE_MIB.value.stringValue }])).toBe(true);
  },
);

/** The head of a request whose body comes later; a header set to nothing is left out. */
function head(headers: Record<string, string>): Buffer {
  const text = rawPost({ headers }).toString('latin1');
  return Buffer.from(text.replace(/Content-Length: \r\n/, ''), 'latin1');
}
