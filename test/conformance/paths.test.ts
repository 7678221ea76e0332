import { exchange } from '../support/exchange';
import { T1J, T1P } from '../support/literal-cases';
import { CONTENT_TYPE, type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asProtobuf, requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();
const T1_BODIES = { json: T1J, protobuf: T1P };
const ENCODINGS = Object.keys(T1_BODIES) as Encoding[];

const send = (options: { method?: string; path: string; encoding: Encoding }) =>
  exchange(gateway.url, {
    method: options.method ?? 'POST',
    path: options.path,
    headers: { 'content-type': CONTENT_TYPE[options.encoding] },
    body: T1_BODIES[options.encoding],
  });

describe.each(ENCODINGS)('%s', (encoding) => {
  test.each([
    'A04 PATCH /v1/traces',
    'A04 PUT /v1/traces',
    'A04 DELETE /v1/traces',
    'A04 GET /v1/traces',
    'A04 PROPFIND /v1/traces',
    'A04 PUT /api/public/otel/v1/traces',
  ])('%s', async (name) => {
    const [, method = '', path = ''] = name.split(' ');
    const answer = await send({ method, path, encoding });
    expectRefusal(answer, { status: 405, encoding });
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });

  test.each([
    ['A09 the root: the message names the path', '/', '/v1/traces'],
    ['A10 the path twice', '/v1/traces/v1/traces', 'twice'],
    ['A10 the version twice', '/v1/v1/traces', 'twice'],
    ['A12 logs: the message names the setting', '/v1/logs', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    ['A12 metrics: the message names the setting', '/v1/metrics', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    ['A13 profiles', '/v1development/profiles', '/v1/traces'],
    ['A14 upper case', '/V1/Traces', '/v1/traces'],
    ['A15 a path of another server', '/otlp/x', '/v1/traces'],
    ['A15 half of the Langfuse path', '/api/public/otel', '/v1/traces'],
    ['A15 prompts', '/api/public/v2/prompts/x', 'prompts, scores and media go to Langfuse itself'],
    ['A15 the ingestion of a Langfuse SDK', '/api/public/ingestion', 'point LANGFUSE_BASE_URL of the tracing here'],
  ])('%s', async (_, path, words) => {
    const answer = await send({ path, encoding });
    expect(expectRefusal(answer, { status: 404, encoding }).message).toContain(words);
  });

  test.each([
    ['A07 a slash at the end', '/v1/traces/'],
    ['A11 a query', '/v1/traces?x=1&%20=%zz'],
    ['A15 the Langfuse path', '/api/public/otel/v1/traces'],
    ['A15 the Langfuse path with a slash at the end', '/api/public/otel/v1/traces/'],
  ])('%s', async (_, path) => {
    const { answer, spans } = await gateway.watch(() => send({ path, encoding }));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test('A08 slashes at the beginning: no redirect', async () => {
    const answer = await send({ path: '//v1/traces', encoding });
    expectRefusal(answer, { status: 404, encoding });
    expect(answer.headers).not.toHaveProperty('location');
  });

  test('A16 a body in chunks', async () => {
    const sent = { headers: { 'content-type': CONTENT_TYPE[encoding] }, body: T1_BODIES[encoding], chunked: true };
    const { answer, spans } = await gateway.watch(() => post(`${gateway.url}/v1/traces`, sent));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });

  test('A21 HTTP/1.0 is answered, and the connection closed', async () => {
    const body = T1_BODIES[encoding];
    const connection = await openConnection(gateway.url);
    const head = `POST /v1/traces HTTP/1.0\r\nContent-Type: ${CONTENT_TYPE[encoding]}\r\nContent-Length: ${body.length}`;
    await connection.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]));
    expectSuccess(await connection.answer(), encoding);
    await connection.closed;
  });
});

describe('A17 Expect: 100-continue', () => {
  const TWO_MIB = requestOf(spanOf({ name: 'x'.repeat(2 * 1024 * 1024) }));

  test.each(twins(TWO_MIB))('A17 100 first, then 200, %s', async (encoding, { headers, body }) => {
    const connection = await openConnection(gateway.url);
    const { answer, spans } = await gateway.watch(async () => {
      const expecting = { ...headers, Expect: '100-continue', 'Content-Length': String(body.length) };
      await connection.write(rawPost({ headers: expecting }));
      expect(await connection.answer()).toMatchObject({ status: 100 });
      await connection.write(body);
      return connection.answer();
    });
    expectSuccess(answer, encoding);
    expect(spans.map(({ name }) => name.length)).toEqual([2 * 1024 * 1024]);
    connection.socket.destroy();
  });
});

test.each(['application/grpc', 'application/grpc+proto'])('A18 %s', async (contentType) => {
  const { body } = asProtobuf(requestOf(spanOf()));
  const answer = await gateway.post({ headers: { 'content-type': contentType, te: 'trailers' }, body });
  expect(expectRefusal(answer, { status: 415, encoding: 'json' }).message).toContain('application/x-protobuf');
});

test.each(['POST', 'PUT', 'DELETE'])('%s /healthz: 405 and what is allowed', async (method) => {
  const answer = await send({ method, path: '/healthz', encoding: 'json' });
  expectRefusal(answer, { status: 405, encoding: 'json' });
  expect(answer.headers.allow).toBe('GET, HEAD');
});

test('OPTIONS *, which asks for the server as a whole', async () => {
  expect(await exchange(gateway.url, { method: 'OPTIONS', path: '*' })).toMatchObject({ status: 204 });
});

test('a path that cannot be decoded', async () => {
  const answer = await send({ path: '/v1/%zz', encoding: 'json' });
  expect([400, 404]).toContain(answer.status);
  expectRefusal(answer, { status: answer.status, encoding: 'json' });
});
