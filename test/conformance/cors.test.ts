import { exchange } from '../support/exchange';
import { startGateway } from '../support/gateway';
import { type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asJson, requestOf, type Sent, spanOf, T1, twins } from '../support/otlp-twins';
import type { Answer } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { asTransparent } from '../support/transparent-twins';
import { useGateway } from '../support/use-gateway';

const ALLOWED = 'https://app.example.com';
const KEY = 'gw-cors-1';
const gateway = useGateway({
  env: {
    GATEWAY_CORS_ORIGINS: `${ALLOWED},https://*.example.org`,
    ...{ GATEWAY_INGEST_KEYS: KEY, GATEWAY_BODY_MAX_BYTES: '65536' },
  },
});
const withoutCors = useGateway();
const forAll = useGateway({ env: { GATEWAY_CORS_ORIGINS: '*' } });
const withNull = useGateway({ env: { GATEWAY_CORS_ORIGINS: `null,${ALLOWED}` } });
/** Keys of pages: one that does, one of another page, one for another path, and one for a single span. */
const pages = useGateway({
  yaml: `
keys:
  - { name: page, key: gw-page-1, browser: true, origins: [${ALLOWED}] }
  - { name: elsewhere, key: gw-elsewhere-1, browser: true, origins: [https://other.example.com] }
  - { name: narrow, key: gw-narrow-1, browser: true, origins: [${ALLOWED}], paths: [/v1/traces] }
  - { name: slow, key: gw-slow-1, browser: true, origins: [${ALLOWED}], spansPerSecond: 0.001, burstSeconds: 1000 }
`,
});

const preflight = (url: string, headers: Record<string, string>, path = '/v1/traces') =>
  exchange(url, { method: 'OPTIONS', path, headers: { 'access-control-request-method': 'POST', ...headers } });
const listOf = (header: unknown) =>
  String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
const allowOrigin = ({ headers }: Answer) => headers['access-control-allow-origin'];

function expectNotAllowed(answer: Answer): void {
  expect(answer.status).toBe(204);
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
}

describe('preflight', () => {
  test.each(['/v1/traces', '/v1/traces/', '/api/public/otel/v1/traces'])('J01 an allowed origin, %s', async (path) => {
    const answer = await preflight(gateway.url, { origin: ALLOWED }, path);
    expect(answer).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-origin': ALLOWED, 'access-control-allow-credentials': 'true' },
    });
    expect(listOf(answer.headers['access-control-allow-methods'])).toContain('post');
    expect(listOf(answer.headers.vary)).toContain('origin');
  });

  test.each([
    'https://app.example.net',
    'http://app.example.com',
    'https://app.example.com.evil.net',
    'https://app.example.com:8443',
    'https://xapp.example.com',
    'null',
  ])('J02 an origin that is not allowed: %s', async (origin) => {
    expectNotAllowed(await preflight(gateway.url, { origin }));
  });

  test('J03 no CORS configured', async () => {
    expectNotAllowed(await preflight(withoutCors.url, { origin: ALLOWED }));
  });

  test.each(['cache-control', 'content-type, cookie2', 'traceparent,sec-foo'])(
    'J04 a header that is not allowed: %s',
    async (names) => {
      expectNotAllowed(await preflight(gateway.url, { origin: ALLOWED, 'access-control-request-headers': names }));
    },
  );

  const HEADERS = 'content-type,authorization,x-api-key,traceparent,tracestate,baggage,content-encoding,x-trace-id';

  test.each([HEADERS, ...HEADERS.split(','), HEADERS.toUpperCase(), ' Content-Type , X-Parent-Span-ID '])(
    'J05 headers that are allowed: %s',
    async (names) => {
      const answer = await preflight(gateway.url, { origin: ALLOWED, 'access-control-request-headers': names });
      expect(allowOrigin(answer)).toBe(ALLOWED);
      expect(listOf(answer.headers['access-control-allow-headers'])).toEqual(expect.arrayContaining(listOf(names)));
    },
  );

  test.each(['https://a.example.org', 'https://a.b-1.example.org', 'HTTPS://A.Example.ORG'])(
    'J06 a subdomain of the wildcard: %s',
    async (origin) => {
      expect(allowOrigin(await preflight(gateway.url, { origin }))).toBe(origin);
    },
  );

  test.each([
    'https://example.org',
    'https://.example.org',
    'http://a.example.org',
    'https://a.example.org.evil.net',
    'https://evil.net/.example.org',
    'https://aexample.org',
    'https://a.example.org:444',
  ])('J06 no subdomain of the wildcard: %s', async (origin) => {
    expectNotAllowed(await preflight(gateway.url, { origin }));
  });

  test.each([ALLOWED, 'null', 'chrome-extension://abc'])('J07 any origin, without credentials: %s', async (origin) => {
    const answer = await preflight(forAll.url, { origin });
    expect(answer).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': '*' } });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  test('J08 is good for two hours', async () => {
    const { headers } = await preflight(gateway.url, { origin: ALLOWED });
    expect(headers['access-control-max-age']).toBe('7200');
  });

  test('J09 needs no key', async () => {
    const answer = await preflight(gateway.url, { origin: ALLOWED, 'access-control-request-headers': 'authorization' });
    expect(answer).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': ALLOWED } });
  });

  test.each([
    [{ 'access-control-request-private-network': 'true' }, 'true'],
    [{}, undefined],
  ])('J15 a private network where asked for, and then only: %j', async (asked, expected) => {
    const { headers } = await preflight(gateway.url, { origin: ALLOWED, ...asked });
    expect(headers['access-control-allow-private-network']).toBe(expected);
  });

  test('J15 a private network is nothing for an origin that is not allowed', async () => {
    const asked = { origin: 'https://evil.net', 'access-control-request-private-network': 'true' };
    const { headers } = await preflight(gateway.url, asked);
    expect(headers).not.toHaveProperty('access-control-allow-private-network');
  });

  test('J16 the origin null where it is listed', async () => {
    expect(allowOrigin(await preflight(withNull.url, { origin: 'null' }))).toBe('null');
  });
});

const allowed = { 'access-control-allow-origin': ALLOWED, 'access-control-allow-credentials': 'true' };
/** With what a page has to be told that wants to wait as long as it is asked to. */
const readable = { ...allowed, 'access-control-expose-headers': 'Retry-After' };
const REQUEST = twins(requestOf(spanOf()));

describe.each(REQUEST)('requests, %s', (encoding: Encoding, sent) => {
  const known = { ...sent.headers, 'x-api-key': KEY };
  const from = (origin: string, headers: Record<string, string>) => ({ ...sent, headers: { ...headers, origin } });

  test('J10 from an allowed origin', async () => {
    const { answer, spans } = await gateway.pass(from(ALLOWED, known));
    expectSuccess(answer, encoding);
    expect(answer.headers).toMatchObject(allowed);
    expect(listOf(answer.headers.vary)).toContain('origin');
    expect(spans).toEqual([T1]);
  });

  test('J10 from another origin: no permission to read the answer', async () => {
    const answer = await gateway.post(from('https://evil.net', known));
    expect(allowOrigin(answer)).toBeUndefined();
    expect(listOf(answer.headers.vary)).toContain('origin');
  });

  test.each([
    { name: '400', status: 400, headers: known, body: Buffer.from([1]) },
    { name: '401', status: 401, headers: sent.headers },
    { name: '404', status: 404, headers: known, path: '/nowhere' },
    { name: '405', status: 405, headers: known, method: 'PATCH' },
    { name: '413', status: 413, headers: known, body: Buffer.alloc(70_000) },
    { name: '415', status: 415, headers: { ...known, 'content-encoding': 'x' } },
  ])('J11 $name can be read', async ({ status, headers, method = 'POST', ...rest }) => {
    const { path = '/v1/traces', body = sent.body } = rest;
    const answer = await exchange(gateway.url, { method, path, headers: { ...headers, origin: ALLOWED }, body });
    expectRefusal(answer, { status, encoding });
    expect(answer.headers).toMatchObject(readable);
  });

  test('J12 503 can be read, and Retry-After with it', async () => {
    const full = await startGateway({
      env: { GATEWAY_CORS_ORIGINS: ALLOWED, GATEWAY_QUEUE_MAX_BYTES: '1024', ...UNREACHABLE },
    });
    const url = `${full.url}/v1/traces`;
    const body = new Uint8Array(sent.body);
    const headers = { ...sent.headers, origin: ALLOWED };
    const answers: Response[] = [];
    while (answers.at(-1)?.status !== 503 && answers.length < 30) {
      answers.push(await fetch(url, { method: 'POST', headers, body }));
    }
    await full.stop();
    const last = answers.at(-1)!;
    expect(last.status).toBe(503);
    expect(Object.fromEntries(last.headers)).toMatchObject(allowed);
    expect(listOf(last.headers.get('access-control-expose-headers'))).toContain('retry-after');
    expect(last.headers.get('retry-after')).toMatch(/^[1-5]$/);
  });

  test('J13 a beacon with credentials', async () => {
    const { answer } = await gateway.pass(from(ALLOWED, { ...known, cookie: 'session=1', 'sec-fetch-mode': 'cors' }));
    expectSuccess(answer, encoding);
    expect(answer.headers).toMatchObject(allowed);
    expect(JSON.stringify(gateway.fake.requests.at(-1)?.headers)).not.toContain('session=1');
  });

  test('J14 nine posts of 60 KiB at once', async () => {
    const [, large] = twins(requestOf(spanOf({ name: 'x'.repeat(60_000) }))).find(([name]) => name === encoding)!;
    const headers = { ...large.headers, 'x-api-key': KEY, origin: ALLOWED };
    const answers = await Promise.all(Array.from({ length: 9 }, () => gateway.post({ ...large, headers })));
    for (const answer of answers) expectSuccess(answer, encoding);
  });

  test('J17 without an origin', async () => {
    const { answer, spans } = await gateway.pass({ ...sent, headers: known });
    expectSuccess(answer, encoding);
    expect(allowOrigin(answer)).toBeUndefined();
    expect(listOf(answer.headers.vary)).toContain('origin');
    expect(spans).toEqual([T1]);
  });
});

/** Nothing listens there. */
const UNREACHABLE = {
  LANGFUSE_BASE_URL: 'http://127.0.0.1:9',
  ...{ LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1', GATEWAY_SHUTDOWN_TIMEOUT_S: '0' },
};

describe.each(['/otel-ingest', '/api/span-forward/ingest'])('transparent spans at %s', (path) => {
  const by = (key: string, { headers, body }: Sent) =>
    pages.post({ headers: { ...headers, origin: ALLOWED, 'x-api-key': key }, body }, path);
  const good = asTransparent(requestOf(spanOf()));

  test('J11 207 can be read', async () => {
    const answer = await by('gw-page-1', asTransparent(requestOf(spanOf(), spanOf({ traceId: 'x' }))));
    expect(answer).toMatchObject({ status: 207, headers: readable });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ accepted: 1, rejected: 1, errors: [{ index: 1 }] });
  });

  test.each(['gw-elsewhere-1', 'gw-narrow-1'])('J11 403 can be read, %s', async (key) => {
    const answer = await by(key, good);
    expectRefusal(answer, { status: 403, encoding: 'json' });
    expect(answer.headers).toMatchObject(readable);
  });

  test('J11 429 can be read, and Retry-After with it', async () => {
    await by('gw-slow-1', good);
    const answer = await by('gw-slow-1', good);
    expectRefusal(answer, { status: 429, encoding: 'json' });
    expect(answer.headers).toMatchObject({ ...readable, 'retry-after': expect.stringMatching(/^[1-5]$/) });
  });
});

test('J11 the health path can be read, too', async () => {
  const answer = await exchange(gateway.url, { method: 'GET', path: '/healthz', headers: { origin: ALLOWED } });
  expect(answer).toMatchObject({ status: 200, headers: readable });
});

test('J11 what is refused before its body came can be read, too', async () => {
  const connection = await openConnection(gateway.url);
  const length = { 'Content-Length': '1000000', Origin: ALLOWED, 'X-API-Key': KEY };
  await connection.write(rawPost({ headers: { ...asJson({}).headers, ...length } }));
  const answer = await connection.answer();
  expectRefusal(answer, { status: 413, encoding: 'json' });
  expect(answer.headers).toMatchObject(readable);
  connection.socket.destroy();
});
