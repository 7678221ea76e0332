import { gzipSync } from 'node:zlib';
import { exchange } from '../support/exchange';
import { expectRefusal } from '../support/otlp-answer';
import { asJson, asProtobuf, requestOf, spanOf } from '../support/otlp-twins';
import type { Answer } from '../support/post';
import { useGateway } from '../support/use-gateway';

const PATHS = ['/otel-ingest', '/api/span-forward/ingest'];
const ORIGIN = 'https://app.example.com';
const KEY = 'gw-web-1';
const gateway = useGateway({
  yaml: `keys: [{ name: web, key: ${KEY}, browser: true, origins: ["${ORIGIN}"], stamp: { langfuse.environment: shop } }]`,
});
const open = useGateway();

const TRACE_ID = 'a1'.repeat(16);
const flat = (name: string, changes: object = {}) => ({
  ...{ traceId: TRACE_ID, spanId: 'b2'.repeat(8), traceFlags: 1, name, kind: 2 },
  ...{ startTime: [1_700_000_000, 5], endTime: [1_700_000_001, 0], status: { code: 0 }, attributes: { n: 1 } },
  ...{ resource: { attributes: { 'service.name': 'shop' } }, instrumentationScope: { name: 'page' } },
  ...changes,
});

type Options = { headers?: Record<string, string>; query?: string; path?: string; url?: string };
const send = (body: unknown, { headers = {}, query = '', path = PATHS[0]!, url = open.url }: Options = {}) =>
  exchange(url, {
    ...{ method: 'POST', path: `${path}${query}` },
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  });
const jsonOf = ({ status, headers, body }: Answer) => {
  expect(headers['content-type']).toBe('application/json');
  return [status, JSON.parse(body.toString())];
};

describe.each(PATHS)('%s', (path) => {
  test.each([
    ['a list', (spans: object[]): unknown => spans],
    ['an object with spans', (spans: object[]) => ({ spans })],
  ])('%s: 202, and the spans arrive as they would by OTLP', async (_, wrapped) => {
    const { answer, spans } = await open.watch(() => send(wrapped([flat('one'), flat('two')]), { path }));
    expect(jsonOf(answer)).toEqual([202, { accepted: 2, rejected: 0, errors: [] }]);
    expect(spans).toMatchObject(
      ['one', 'two'].map((name) => ({
        ...{ name, traceId: TRACE_ID, spanId: 'b2'.repeat(8), kind: 3, flags: 1 },
        ...{ startTimeUnixNano: 1_700_000_000_000_000_005n, endTimeUnixNano: 1_700_000_001_000_000_000n },
        scope: { name: 'page' },
      })),
    );
  });

  test('some are bad: 207, and each is named by its place in the list', async () => {
    const body = [flat('no id', { traceId: 'x' }), flat('good'), null, flat('no time', { startTime: 'soon' })];
    const { answer, spans } = await open.watch(() => send(body, { path }));
    const [status, { accepted, rejected, errors }] = jsonOf(answer);
    expect([status, accepted, rejected]).toEqual([207, 1, 3]);
    expect(errors).toEqual([
      { index: 0, message: expect.stringMatching(/^spans\[0\]\.traceId is not an id/) },
      { index: 2, message: expect.stringMatching(/^spans\[2\] /) },
      { index: 3, message: expect.stringMatching(/^spans\[3\]\.startTime /) },
    ]);
    expect(spans.map(({ name }) => name)).toEqual(['good']);
  });

  test('all are bad: 207 with nothing accepted', async () => {
    expect(jsonOf(await send([{}, {}], { path }))).toMatchObject([207, { accepted: 0, rejected: 2 }]);
  });

  test('an empty list: 202', async () => {
    expect(jsonOf(await send([], { path }))).toEqual([202, { accepted: 0, rejected: 0, errors: [] }]);
  });

  test('?flush=true answers when the spans are delivered', async () => {
    const name = `flushed by ${path}`;
    const answer = await send([flat(name)], { path, query: '?flush=true' });
    expect(jsonOf(answer)).toEqual([202, { accepted: 1, rejected: 0, errors: [], flushed: true }]);
    expect(open.fake.spans.filter((span) => span.name === name)).toHaveLength(1);
  });

  test.each([
    ['text/plain', { 'content-type': 'text/plain;charset=UTF-8' }, (text: Buffer) => text],
    ['no type', { 'content-type': '' }, (text: Buffer) => text],
    ['no type and white space', { 'content-type': '' }, (text: Buffer) => Buffer.concat([Buffer.from(' \n'), text])],
    ['gzip that is not declared', { 'content-type': '' }, (text: Buffer) => gzipSync(text)],
    ['gzip that is declared', { 'content-encoding': 'gzip' }, (text: Buffer) => gzipSync(text)],
  ])('%s', async (_, headers, packed) => {
    const text = Buffer.from(JSON.stringify([flat('packed')]));
    const { answer, spans } = await open.watch(() => send(packed(text), { path, headers }));
    expect([answer.status, spans.map(({ name }) => name)]).toEqual([202, ['packed']]);
  });

  test.each([
    ['not JSON', Buffer.from('['), {}, 400],
    ['JSON of something else', Buffer.from('{"a":1}'), {}, 400],
    ['OTLP', asJson(requestOf(spanOf())).body, {}, 400],
    ['protobuf by its type', asProtobuf(requestOf(spanOf())).body, { 'content-type': 'application/x-protobuf' }, 415],
    ['protobuf by itself', asProtobuf(requestOf(spanOf())).body, { 'content-type': '' }, 415],
    ['a form', Buffer.from('a=b'), { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('%s: refused with a Status', async (_, body, headers, status) => {
    const encoding = 'content-type' in headers && headers['content-type'].includes('protobuf') ? 'protobuf' : 'json';
    expectRefusal(await send(body, { path, headers }), { status, encoding });
  });

  test('GET: 405', async () => {
    const answer = await exchange(open.url, { method: 'GET', path });
    expectRefusal(answer, { status: 405, encoding: 'json' });
    expect(answer.headers.allow).toBe('POST, OPTIONS');
  });

  test('a trace context, in the query and in the body', async () => {
    const context = { traceId: 'c3'.repeat(16), parentSpanId: 'd4'.repeat(8) };
    const query = `?trace_id=${context.traceId}&parent_span_id=${context.parentSpanId}`;
    const { spans } = await open.watch(() => send([flat('root')], { path, query }));
    expect(spans).toMatchObject([context]);
    const inBody = await open.watch(() => send({ spans: [flat('root')], traceContext: context }, { path }));
    expect(inBody.spans).toMatchObject([context]);
  });

  test('a browser key in the query, its origin and its stamp', async () => {
    const headers = { origin: ORIGIN };
    const said = { attributes: { 'langfuse.environment': 'production', 'langfuse.trace.public': true, kept: 'yes' } };
    const { answer, spans, repaired } = await gateway.watch(() =>
      send([flat('denied', said)], { path, headers, query: `?key=${KEY}`, url: gateway.url }),
    );
    expect(answer).toMatchObject({ status: 202, headers: { 'access-control-allow-origin': ORIGIN } });
    const attributes = Object.fromEntries(spans[0]!.attributes.map(({ key, value }) => [key, value]));
    expect(attributes).toMatchObject({ 'langfuse.environment': { string: 'shop' }, kept: { string: 'yes' } });
    expect(attributes).not.toHaveProperty(['langfuse.trace.public']);
    expect(repaired).toMatchObject({ browser_denied: 1 });
  });

  test('without the key: 401 that the page may read', async () => {
    const answer = await send([flat('x')], { path, headers: { origin: ORIGIN }, url: gateway.url });
    expectRefusal(answer, { status: 401, encoding: 'json' });
    expect(answer.headers['access-control-allow-origin']).toBe(ORIGIN);
  });
});
