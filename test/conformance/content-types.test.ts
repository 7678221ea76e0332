import { exchange } from '../support/exchange';
import { T1J, T1P } from '../support/literal-cases';
import { CONTENT_TYPE, type Encoding, expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { openConnection } from '../support/raw-connection';
import { useGateway } from '../support/use-gateway';

const KEY = 'gw-content-types-1';
const gateway = useGateway();
const guarded = useGateway({ env: { GATEWAY_INGEST_KEYS: KEY, GATEWAY_BODY_MAX_BYTES: '65536' } });

const HTML_FORM = 'application/x-www-form-urlencoded';
const send = (contentType: string | undefined, body: Uint8Array) =>
  gateway.pass({ headers: contentType === undefined ? {} : { 'content-type': contentType }, body: Buffer.from(body) });

describe('what counts as JSON and as protobuf', () => {
  test.each<[name: string, contentType: string | undefined, body: Buffer, encoding: Encoding]>([
    ['B01 JSON with a charset', 'application/json; charset=utf-8', T1J, 'json'],
    ['B02 upper case, protobuf', 'APPLICATION/X-PROTOBUF', T1P, 'protobuf'],
    ['B03 protobuf with parameters', 'application/x-protobuf;charset=utf-8;messageType="x.Y"', T1P, 'protobuf'],
    ['B04 protobuf and a semicolon', 'application/x-protobuf ;', T1P, 'protobuf'],
    ['B06 no type, JSON', undefined, T1J, 'json'],
    ['B06 no type, protobuf', undefined, T1P, 'protobuf'],
    ['B06 no type, JSON after white space', undefined, Buffer.concat([Buffer.from('\n\t '), T1J]), 'json'],
    ['B06 no type, JSON after a byte order mark', undefined, Buffer.concat([Buffer.from('\uFEFF'), T1J]), 'json'],
    ['B08 plain text, protobuf', 'text/plain', T1P, 'protobuf'],
    ['B08 plain text, JSON', 'TEXT/PLAIN; charset=us-ascii', T1J, 'json'],
    ['B10 the other name of protobuf', 'application/vnd.google.protobuf', T1P, 'protobuf'],
    ['B10 the name without x', 'application/protobuf', T1P, 'protobuf'],
  ])('%s', async (_, contentType, body, encoding) => {
    const { answer, spans } = await send(contentType, body);
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test.each<[name: string, contentType: string | undefined, body: Buffer, words: string]>([
    ['B06 no type, a number', undefined, Buffer.from('1234'), 'application/json'],
    ['B06 no type, an array', undefined, Buffer.from('[]'), 'application/json'],
    ['B08 plain text, words', 'text/plain', Buffer.from('hello'), 'application/json'],
    ['B09 a form: the message says what curl -d does', HTML_FORM, T1J, 'curl'],
    ['B11 octets', 'application/octet-stream', T1P, 'application/x-protobuf'],
    ['B12 JSON lines', 'application/x-ndjson', T1J, 'application/json'],
    ['B17 two types', 'application/json, application/json', T1J, 'application/json'],
    ['B17 another JSON', 'application/vnd.api+json', T1J, 'application/json'],
    ['B17 a type that begins alike', 'application/jsonp', T1J, 'application/json'],
  ])('%s', async (_, contentType, body, words) => {
    const { answer } = await send(contentType, body);
    expect(expectRefusal(answer, { status: 415, encoding: 'json' }).message).toContain(words);
  });
});

test.each(twins(requestOf(spanOf())))('B15 Accept says nothing about the answer, %s', async (encoding, sent) => {
  const other: Encoding = encoding === 'json' ? 'protobuf' : 'json';
  const headers = { ...sent.headers, accept: `${CONTENT_TYPE[other]}, text/html;q=0.9` };
  expectSuccess(await gateway.post({ ...sent, headers }), encoding);
});

/** One of each: what is answered must have a bare type, and a Status in the request's encoding where it is a refusal. */
describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  const known = { ...sent.headers, 'x-api-key': KEY };

  test('B16 full success', async () => {
    expectSuccess(await gateway.post({ ...sent, headers: { ...sent.headers, accept: '*/*' } }), encoding);
  });

  test('B16 partial success', async () => {
    const bad = twins(requestOf(spanOf({ spanId: '' }))).find(([name]) => name === encoding)!;
    expectRejected(await gateway.post(bad[1]), { encoding, spans: 1 });
  });

  test.each([
    { name: 'B18 400, a body that cannot be read', status: 400, headers: known, body: sent.body.subarray(1) },
    { name: 'B18 401, no key', status: 401, headers: sent.headers },
    { name: 'B18 404, a path nobody has', status: 404, headers: known, path: '/nowhere' },
    { name: 'B18 405, another method', status: 405, headers: known, method: 'PUT' },
    { name: 'B18 413, too large', status: 413, headers: known, body: Buffer.alloc(65537, 0x20) },
    { name: 'B18 415, an unknown coding', status: 415, headers: { ...known, 'content-encoding': 'lzma' } },
  ])('$name', async ({ status, headers, method = 'POST', path = '/v1/traces', body = sent.body }) => {
    expectRefusal(await exchange(guarded.url, { method, path, headers, body }), { status, encoding });
  });
});

describe('refusals that come before the type is known', () => {
  test.each([
    ['B18 431, headers too large', `GET / HTTP/1.1\r\nHost: g\r\nCookie: ${'c'.repeat(80_000)}\r\n\r\n`, 431],
    ['B18 400, no HTTP', 'HELO gateway\r\n\r\n', 400],
    ['B18 400, a header without a name', 'POST /v1/traces HTTP/1.1\r\nHost: g\r\n: x\r\n\r\n', 400],
    [
      'B18 400, two lengths',
      'POST /v1/traces HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['B18 400, no Host', 'POST /v1/traces HTTP/1.1\r\nContent-Length: 0\r\n\r\n', 400],
  ])('%s', async (_, bytes, status) => {
    const connection = await openConnection(gateway.url);
    await connection.write(bytes);
    expectRefusal(await connection.answer(), { status, encoding: 'json' });
    connection.socket.destroy();
  });

  test('B18 an expectation that nobody knows', async () => {
    const connection = await openConnection(gateway.url);
    await connection.write('POST /v1/traces HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\nExpect: x\r\n\r\n');
    const answer = await connection.answer();
    expect([415, 417]).toContain(answer.status);
    expectRefusal(answer, { status: answer.status, encoding: 'json' });
    connection.socket.destroy();
  });

  test('B18 a chunk that is none', async () => {
    const connection = await openConnection(gateway.url);
    const head = 'POST /v1/traces HTTP/1.1\r\nHost: g\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked';
    await connection.write(`${head}\r\n\r\nnot a length\r\n`);
    expectRefusal(await connection.answer(), { status: 400, encoding: 'json' });
    await connection.closed;
  });
});
