import { exchange } from '../support/exchange';
import { type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { requestOf, type Sent, spanOf, T1, twins } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { useGateway } from '../support/use-gateway';

const PAGE = 'https://app.example.com';
const SUBDOMAIN = 'https://shop.example.org';
const OTHERS_PAGE = 'https://backoffice.example.net';

/** A bucket of two spans that is not refilled within a test. */
const TWO_SPANS = 'spansPerSecond: 0.001, burstSeconds: 2000';
const TWO_KILOBYTES = 'bytesPerSecond: 1, burstSeconds: 2000';

const page = (name: string, rest = '') =>
  `  - { name: ${name}, key: gw-${name}-1, browser: true, origins: [${PAGE}, "https://*.example.org"]${rest && `, ${rest}`} }`;

const YAML = `
receiver: { bodyMaxBytes: 65536 }
keys:
${page('web', 'paths: [/v1/traces, /otel-ingest]')}
${page('old', 'expires: 2020-01-01T00:00:00Z')}
${page('spans', TWO_SPANS)}
${page('lines', TWO_SPANS)}
${page('bytes', TWO_KILOBYTES)}
${page('day', 'dailySpans: 3')}
${page('small', 'maxSpansPerRequest: 2')}
  - { name: backend, key: gw-backend-1 }
  - { name: backoffice, key: gw-backoffice-1, origins: ["${OTHERS_PAGE}"] }
  - { name: steady, key: gw-steady-1, ${TWO_SPANS} }
`;

const gateway = useGateway({ yaml: YAML });

interface Refusal {
  headers: Record<string, string>;
  status: number;
  /** Labels of the counter that grows. */
  counted: string;
  path?: string;
  message?: RegExp;
}

const from = (origin: string, key: string) => ({ origin, 'x-api-key': key });

/** What is refused before anything of a body is looked at. */
const REFUSALS: [name: string, refusal: Refusal][] = [
  ['no key', { headers: { origin: PAGE }, status: 401, counted: 'key="",reason="no_key"' }],
  ['a wrong key', { headers: from(PAGE, 'gw-web-2'), status: 401, counted: 'key="",reason="unknown_key"' }],
  [
    'a wrong key in the query',
    {
      ...{ headers: { origin: PAGE }, path: '/v1/traces?key=gw-web-2', status: 401 },
      counted: 'key="",reason="unknown_key"',
    },
  ],
  [
    'a server key in the query',
    {
      ...{ headers: { origin: PAGE }, path: '/v1/traces?key=gw-backend-1', status: 401 },
      ...{ counted: 'key="",reason="unknown_key"', message: /only keys marked browser: true/ },
    },
  ],
  [
    'an expired key',
    { headers: from(PAGE, 'gw-old-1'), status: 401, counted: 'key="old",reason="expired_key"', message: /expired/ },
  ],
  [
    'a wrong origin that another key has',
    { headers: from(OTHERS_PAGE, 'gw-web-1'), status: 403, counted: 'key="web",reason="origin"', message: /origin/ },
  ],
  [
    'a path that is not allowed',
    {
      ...{ headers: from(PAGE, 'gw-web-1'), path: '/api/public/otel/v1/traces', status: 403 },
      ...{ counted: 'key="web",reason="path"', message: /path/ },
    },
  ],
  [
    'a flush that is not allowed',
    {
      ...{ headers: from(PAGE, 'gw-web-1'), path: '/api/span-forward/flush', status: 403 },
      counted: 'key="web",reason="path"',
    },
  ],
];

const metric = (labels: string) => `gateway_receiver_refused_requests_total{${labels}}`;

/** Sends, and asserts that it is refused so, that nothing arrives, and that it is counted once. */
async function expectRefused(send: () => Promise<Answer>, expected: Omit<Refusal, 'headers'> & { encoding: Encoding }) {
  const before = await gateway.gateway.metrics();
  const { answer, spans } = await gateway.watch(send);
  const { message } = expectRefusal(answer, expected);
  expect(message).toMatch(expected.message ?? /./);
  expect(spans).toEqual([]);
  const after = await gateway.gateway.metrics();
  expect(after[metric(expected.counted)]).toBe((before[metric(expected.counted)] ?? 0) + 1);
  return answer;
}

const readable = (origin: string) => ({
  ...{ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' },
  'access-control-expose-headers': 'Retry-After',
});

const withHeaders = (sent: Sent, headers: Record<string, string>): Sent => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
});
const times = (count: number) => requestOf(...Array.from({ length: count }, () => spanOf()));

describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  test.each(REFUSALS)('%s: refused, readable by the page, and counted', async (_, refusal) => {
    const { headers, path = '/v1/traces' } = refusal;
    const answer = await expectRefused(() => gateway.post(withHeaders(sent, headers), path), { ...refusal, encoding });
    expect(answer.headers).toMatchObject(readable(headers.origin!));
  });

  test('a wrong origin that nobody has named: refused, and the page cannot read why', async () => {
    const headers = from('https://evil.example', 'gw-web-1');
    const expected = { status: 403, counted: 'key="web",reason="origin"', encoding };
    const answer = await expectRefused(() => gateway.post(withHeaders(sent, headers)), expected);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    expect(answer.headers.vary).toBe('Origin');
  });

  test('no origin: a browser key is of no use outside a browser', async () => {
    const expected = { status: 403, counted: 'key="web",reason="no_origin"', message: /Origin/, encoding };
    await expectRefused(() => gateway.post(withHeaders(sent, { 'x-api-key': 'gw-web-1' })), expected);
  });

  test.each([
    ['a header', { 'x-api-key': 'gw-web-1' }, '/v1/traces'],
    ['a bearer token', { authorization: 'Bearer gw-web-1' }, '/v1/traces'],
    ['the query', {}, '/v1/traces?key=gw-web-1'],
    ['the query, beside a key of somebody else’s', { authorization: 'Bearer x' }, '/v1/traces/?a=b&key=gw-web-1'],
  ])('a browser key in %s, from an origin of its own', async (_, headers, path) => {
    for (const origin of [PAGE, SUBDOMAIN]) {
      const page = withHeaders(sent, { ...headers, origin });
      const { answer, spans } = await gateway.watch(() => gateway.post(page, path));
      expectSuccess(answer, encoding);
      expect(answer.headers).toMatchObject(readable(origin));
      expect(spans).toEqual([T1]);
    }
  });

  test.each<Record<string, string>>([{}, { origin: OTHERS_PAGE }])(
    'a server key with origins needs one of them where there is one: %j',
    async (headers) => {
      const key = { 'x-api-key': 'gw-backoffice-1' };
      expectSuccess((await gateway.pass(withHeaders(sent, { ...key, ...headers }))).answer, encoding);
    },
  );

  test('a server key of another origin than it has', async () => {
    const headers = from(PAGE, 'gw-backoffice-1');
    const expected = { status: 403, counted: 'key="backoffice",reason="origin"', encoding };
    await expectRefused(() => gateway.post(withHeaders(sent, headers)), expected);
  });

  test('a known key on a path that there is not: 404, as without keys', async () => {
    const answer = await gateway.post(withHeaders(sent, from(PAGE, 'gw-web-1')), '/nowhere');
    expectRefusal(answer, { status: 404, encoding });
    expect(answer.headers).toMatchObject(readable(PAGE));
  });
});

describe('rates and budgets', () => {
  const [[, one]] = twins(times(1)) as [[Encoding, Sent], [Encoding, Sent]];
  const [[, three], [, threeInProtobuf]] = twins(times(3)) as [[Encoding, Sent], [Encoding, Sent]];
  const by = (key: string, sent: Sent = one) => withHeaders(sent, from(PAGE, key));
  const send = (key: string, sent?: Sent) => () => gateway.post(by(key, sent));

  test('F07 over the rate of spans: 429 with a Retry-After that pages may read and can wait for', async () => {
    for (let sent = 0; sent < 2; sent += 1) expect((await gateway.pass(by('gw-spans-1'))).answer.status).toBe(200);
    const expected = { status: 429, counted: 'key="spans",reason="rate"', message: /rate of spans/ };
    const answer = await expectRefused(send('gw-spans-1'), { ...expected, encoding: 'json' });
    expect(answer.headers).toMatchObject({ ...readable(PAGE), 'retry-after': '5' });
    await expectRefused(send('gw-spans-1', threeInProtobuf), { ...expected, encoding: 'protobuf' });
  });

  test('a request larger than the burst passes when the bucket is full, and leaves it in debt', async () => {
    expect((await gateway.pass(by('gw-lines-1', three))).answer.status).toBe(200);
    const expected = { status: 429, counted: 'key="lines",reason="rate"', encoding: 'json' as const };
    await expectRefused(send('gw-lines-1'), expected);
  });

  test('a server key is told how long it has to wait', async () => {
    const key = { 'x-api-key': 'gw-steady-1' };
    expect((await gateway.pass(withHeaders(three, key))).answer.status).toBe(200);
    const expected = { status: 429, counted: 'key="steady",reason="rate"', encoding: 'json' as const };
    const answer = await expectRefused(() => gateway.post(withHeaders(one, key)), expected);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(1000);
  });

  test('over the rate of bytes: refused by what the request announces, before it is read', async () => {
    const body = Buffer.alloc(1500, ' ');
    const padded = { ...one, body: Buffer.concat([one.body, body]) };
    expect((await gateway.pass(by('gw-bytes-1', padded))).answer.status).toBe(200);
    const headers = { ...by('gw-bytes-1').headers, 'Content-Length': '1900' };
    const answer = await expectRefused(
      async () => {
        const connection = await openConnection(gateway.url);
        await connection.write(rawPost({ headers }));
        const early = await connection.answer();
        connection.socket.destroy();
        return early;
      },
      { status: 429, counted: 'key="bytes",reason="rate"', message: /rate of bytes/, encoding: 'json' },
    );
    expect(answer.headers).toMatchObject(readable(PAGE));
  });

  test('over the day’s budget: 403 until midnight, which it says; a smaller request still passes', async () => {
    const expected = { status: 403, counted: 'key="day",reason="day_budget"', encoding: 'json' as const };
    const message = /until \d{4}-\d\d-\d\dT00:00:00/;
    expect((await gateway.pass(by('gw-day-1'))).answer.status).toBe(200);
    await expectRefused(send('gw-day-1', three), { ...expected, message });
    for (let sent = 0; sent < 2; sent += 1) expect((await gateway.pass(by('gw-day-1'))).answer.status).toBe(200);
    const answer = await expectRefused(send('gw-day-1'), { ...expected, message });
    expect(answer.headers).toMatchObject(readable(PAGE));
    expect(answer.headers).not.toHaveProperty('retry-after');
  });

  test('more spans in a request than the key takes: 413, and it says how many it takes', async () => {
    const expected = { status: 413, counted: 'key="small",reason="too_many_spans"', message: /\b2 spans/ };
    await expectRefused(send('gw-small-1', three), { ...expected, encoding: 'json' });
    expect((await gateway.pass(by('gw-small-1'))).answer.status).toBe(200);
  });
});

test('a preflight needs no key and no path of a key', async () => {
  const headers = { origin: SUBDOMAIN, 'access-control-request-method': 'POST' };
  for (const path of ['/v1/traces', '/otel-ingest', '/flush']) {
    const { status, headers: sent } = await exchange(gateway.url, { method: 'OPTIONS', path, headers });
    expect([status, sent['access-control-allow-origin']]).toEqual([204, SUBDOMAIN]);
  }
});

test('health needs no key', async () => {
  const answer = await exchange(gateway.url, { method: 'GET', path: '/api/span-forward/health' });
  expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([
    200,
    { status: 'healthy', langfuse_configured: true, message: expect.stringMatching(/./) as string },
  ]);
});

test('keys, origins and what came with them: no key is in a log or a metric', async () => {
  await post(`${gateway.url}/v1/traces?key=gw-web-1`, { headers: { origin: PAGE }, body: Buffer.from('{}') });
  const { logs } = gateway.gateway;
  const text = `${logs.join('\n')}${Object.keys(await gateway.gateway.metrics()).join('\n')}`;
  expect(text).not.toMatch(/gw-[a-z]+-\d/);
  expect(logs.filter((line) => line.includes('with key web refused'))).not.toEqual([]);
});

test('when a key was last used can be seen', async () => {
  const beginSeconds = Date.now() / 1000;
  await gateway.post(withHeaders(twins(times(1))[0]![1], { 'x-api-key': 'gw-backend-1' }));
  const metrics = await gateway.gateway.metrics();
  expect(metrics['gateway_key_last_used_timestamp_seconds{key="backend",position="1"}']).toBeGreaterThanOrEqual(
    Math.floor(beginSeconds),
  );
  expect(metrics['gateway_key_last_used_timestamp_seconds{key="old",position="1"}']).toBe(0);
});
