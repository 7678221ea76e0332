import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from './fake-langfuse';

const root = protobuf.parse(readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8')).root;
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

const TRACE_ID = '5b8efff798038103d269b633813fc60c';
const SPAN_ID = 'eee19b7ec3c1b174';
const SPAN = { traceId: TRACE_ID, spanId: SPAN_ID, name: 'n' };
const request = (...spans: object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
const hex = (text: string) => Buffer.from(text, 'hex');
const PROTOBUF_SPAN = { ...SPAN, traceId: hex(TRACE_ID), spanId: hex(SPAN_ID) };
const protobufBody = (span: object) => Request.encode(Request.fromObject(request(span))).finish();

let fake: FakeLangfuse;
const start = async (options?: FakeLangfuseOptions) => {
  fake = await startFakeLangfuse(options);
};
afterEach(() => fake.close());

interface Post {
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  path?: string;
  method?: string;
}

/** A post that the fake accepts, but for what the row changes. */
function post({ headers = {}, body = JSON.stringify(request(SPAN)), path, method = 'POST' }: Post = {}) {
  const authorization = `Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`;
  return fetch(`${fake.baseUrl}${path ?? '/api/public/otel/v1/traces'}`, {
    method,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: method === 'GET' ? undefined : body,
  });
}

describe('what it accepts', () => {
  test.each<[string, Post, number]>([
    ['JSON', {}, 1],
    ['JSON with a parameter', { headers: { 'content-type': 'Application/JSON; charset=utf-8' } }, 1],
    ['gzip', { headers: { 'content-encoding': 'gzip' }, body: gzipSync(JSON.stringify(request(SPAN))) }, 1],
    ['protobuf', { headers: { 'content-type': 'application/x-protobuf' }, body: protobufBody(PROTOBUF_SPAN) }, 1],
    ['a parent', { body: JSON.stringify(request({ ...SPAN, parentSpanId: 'aaaaaaaaaaaaaaaa' })) }, 1],
    ['an empty parent', { body: JSON.stringify(request({ ...SPAN, parentSpanId: '' })) }, 1],
    ['the newest ingestion version', { headers: { 'x-langfuse-ingestion-version': '4' } }, 1],
    ['no spans', { body: '{}' }, 0],
  ])('%s', async (_, row, spans) => {
    await start();
    expect((await post(row)).status).toBe(200);
    expect(fake.spans).toHaveLength(spans);
    expect(fake.violations).toEqual([]);
  });

  test('the answer is the job of the ingestion queue, and {} for no spans', async () => {
    await start();
    expect(await (await post()).json()).toMatchObject({ name: 'otel-ingestion-job' });
    expect(await (await post({ body: '{"resourceSpans":[]}' })).text()).toBe('{}');
  });

  test('it records what came', async () => {
    await start();
    const body = gzipSync(JSON.stringify(request(SPAN)));
    await post({ headers: { 'content-encoding': 'gzip', 'x-langfuse-sdk-name': 'javascript' }, body });
    expect(fake.requests).toEqual([
      {
        headers: expect.objectContaining({ 'x-langfuse-sdk-name': 'javascript' }),
        encoding: 'json',
        contentEncoding: 'gzip',
        bodyBytes: body.length,
        spans: [expect.objectContaining(SPAN)],
        status: 200,
      },
    ]);
    expect(fake.connections()).toEqual({ opened: 1, postsInFlightMax: 1 });
  });
});

describe('what it refuses', () => {
  const basic = (text: string) => ({ headers: { authorization: text } });
  const protobufHeaders = { 'content-type': 'application/x-protobuf' };
  const second = (span: object): Post => ({ body: JSON.stringify(request(SPAN, span)) });

  test.each<[string, Post, number]>([
    ['another path', { path: '/v1/traces' }, 404],
    ['another method', { method: 'GET' }, 405],
    ['no credentials', basic(''), 401],
    ['another secret key', basic(`Basic ${btoa('pk-lf-fake:sk-lf-other')}`), 401],
    ['a prefix in lower case', basic(`basic ${btoa('pk-lf-fake:sk-lf-fake')}`), 401],
    ['the public key as a token', basic('Bearer pk-lf-fake'), 403],
    ['another name of protobuf', { headers: { 'content-type': 'application/protobuf' } }, 400],
    ['text', { headers: { 'content-type': 'text/plain' } }, 400],
    ['what is no gzip', { headers: { 'content-encoding': 'gzip' } }, 400],
    ['brotli', { headers: { 'content-encoding': 'br' }, body: brotliCompressSync('{}') }, 400],
    ['half a JSON text', { body: '{"resourceSpans":' }, 400],
    ['a byte order mark', { body: '\uFEFF{}' }, 400],
    ['broken framing', { headers: protobufHeaders, body: protobufBody(PROTOBUF_SPAN).subarray(0, -1) }, 400],
    ['a name that is no UTF-8', { headers: protobufHeaders, body: hex('0a07120512032a01ff') }, 400],
    ['short ids in protobuf', { headers: protobufHeaders, body: protobufBody({ traceId: hex('aa') }) }, 400],
    ['a second span without trace id', second({ ...SPAN, traceId: undefined }), 400],
    ['a second span without span id', second({ ...SPAN, spanId: null }), 400],
    ['a trace id that is short', second({ ...SPAN, traceId: SPAN_ID }), 400],
    ['a trace id that is no hex', second({ ...SPAN, traceId: 'x'.repeat(32) }), 400],
    ['a trace id of zeros', second({ ...SPAN, traceId: '0'.repeat(32) }), 400],
    ['a span id of zeros', second({ ...SPAN, spanId: '0'.repeat(16) }), 400],
    ['a span id that is a number', second({ ...SPAN, spanId: 1 }), 400],
    ['a parent of zeros', second({ ...SPAN, parentSpanId: '0'.repeat(16) }), 400],
    ['a parent in base64', second({ ...SPAN, parentSpanId: '7uGbfsPBsXQ=' }), 400],
    ['attributes that are an object', second({ ...SPAN, attributes: { a: 1 } }), 400],
    ['events that are null', second({ ...SPAN, events: null }), 400],
    ['an ingestion version to come', { headers: { 'x-langfuse-ingestion-version': '5' } }, 400],
    ['an ingestion version that is no number', { headers: { x_langfuse_ingestion_version: 'new' } }, 400],
  ])('%s', async (_, row, status) => {
    await start();
    expect((await post(row)).status).toBe(status);
    expect(fake.requests.map((one) => one.status)).toEqual([status]);
    expect(fake.spans).toEqual([]);
  });

  test('bodies beyond its limit, on the wire and after decompression', async () => {
    await start({ bodyBytesMax: 200 });
    const body = gzipSync(JSON.stringify(request({ ...SPAN, name: 'n'.repeat(1000) })));
    expect(body.length).toBeLessThan(200);
    expect((await post({ headers: { 'content-encoding': 'gzip' }, body })).status).toBe(413);
    expect((await post({ body: ' '.repeat(201) })).status).toBe(413);
    expect((await post()).status).toBe(200);
  });
});

describe('what it would lose', () => {
  const attributes = [{ key: 'k' }];
  test.each<[string, Post]>([
    ['a span attribute without value', { body: JSON.stringify(request({ ...SPAN, attributes })) }],
    ['an event attribute without value', { body: JSON.stringify(request({ ...SPAN, events: [{ attributes }] })) }],
    [
      'a null value in protobuf',
      {
        headers: { 'content-type': 'application/x-protobuf' },
        body: protobufBody({ ...PROTOBUF_SPAN, attributes }),
      },
    ],
    [
      'null in an array value',
      {
        body: JSON.stringify(
          request({ ...SPAN, attributes: [{ key: 'k', value: { arrayValue: { values: [null] } } }] }),
        ),
      },
    ],
    [
      'library spans in protobuf',
      {
        headers: { 'content-type': 'application/x-protobuf' },
        body: Request.encode(
          Request.fromObject({ resourceSpans: [{ instrumentationLibrarySpans: [{ spans: [PROTOBUF_SPAN] }] }] }),
        ).finish(),
      },
    ],
    ['snake case', { body: JSON.stringify({ resource_spans: request(SPAN).resourceSpans }) }],
    ['library spans', { body: JSON.stringify({ resourceSpans: [{ instrumentationLibrarySpans: [] }] }) }],
    ['an upper case id', { body: JSON.stringify(request({ ...SPAN, traceId: TRACE_ID.toUpperCase() })) }],
    ['a status by name', { body: JSON.stringify(request({ ...SPAN, status: { code: 'STATUS_CODE_ERROR' } })) }],
  ])('%s', async (_, row) => {
    await start();
    expect((await post(row)).status).toBe(200);
    expect(fake.violations).toHaveLength(1);
  });
});

describe('injected failures', () => {
  test('an answer of the test, for the posts it chooses', async () => {
    await start({
      respond: () => (fake.requests.length === 1 ? { status: 503, headers: { 'Retry-After': '1' } } : undefined),
    });
    const first = await post();
    expect([first.status, first.headers.get('retry-after')]).toEqual([503, '1']);
    expect(fake.spans).toHaveLength(0);
    expect((await post()).status).toBe(200);
    expect(fake.spans).toHaveLength(1);
  });

  test('a closed connection, with and without storing first', async () => {
    await start({ respond: () => ({ destroy: true, store: fake.requests.length === 2 }) });
    await expect(post()).rejects.toThrow();
    expect(fake.spans).toHaveLength(0);
    await expect(post()).rejects.toThrow();
    expect(fake.spans).toHaveLength(1);
    expect(fake.requests.map((one) => one.status)).toEqual([undefined, undefined]);
  });

  test('a late answer', async () => {
    await start({ respond: () => ({ delayMs: 60 }) });
    const started = performance.now();
    expect((await post()).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(55);
  });

  test('closing does not wait for late answers', async () => {
    await start({
      respond: () => {
        setImmediate(() => fake.close());
        return { delayMs: 60_000 };
      },
    });
    await expect(post()).rejects.toThrow();
  });

  test('a span that is not wanted costs its batch', async () => {
    await start({ refuseSpan: (span) => span.name === 'bad' });
    expect((await post({ body: JSON.stringify(request(SPAN, { ...SPAN, name: 'bad' })) })).status).toBe(400);
    expect((await post()).status).toBe(200);
    expect(fake.spans.map((span) => span.name)).toEqual(['n']);
  });
});

describe('waiting for spans', () => {
  test('resolves once enough are there', async () => {
    await start();
    const waiting = fake.waitForSpans(2);
    await post();
    await post();
    await expect(waiting).resolves.toHaveLength(2);
  });

  test('rejects in time, saying what came', async () => {
    await start({ respond: () => ({ status: 500 }) });
    await post();
    await expect(fake.waitForSpans(1, 20)).rejects.toThrow('0 of 1 spans within 20 ms; 1 posts answered: 500');
  });
});
