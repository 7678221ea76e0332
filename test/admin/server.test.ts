import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { createMetrics } from '../../src/admin/metrics';
import type { Readiness } from '../../src/admin/readiness';
import { type AdminOptions, createAdmin } from '../../src/admin/server';
import { createTraceStore } from '../../src/admin/trace-store';
import { createLedger } from '../../src/ledger';
import { exchange } from '../support/exchange';
import { after2026, observationOf } from '../support/observations';
import { openConnection } from '../support/raw-connection';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  await (server && once(server, 'close'));
});

const logs: string[] = [];
const READY: Readiness = { code: 200, status: 'ready', reasons: [] };

/** An admin server; `get` answers with the status and, where it is JSON, the parsed body. */
async function start(options: Partial<AdminOptions> = {}) {
  logs.length = 0;
  const metrics = createMetrics({
    totals: createLedger().totals,
    queue: () => ({ items: 0, bytes: 0, oldestOfferedAtMs: undefined }),
    storage: () => ({
      ...{ expiredLetters: 0, damagedRecords: 0, isSick: false },
      deadLetters: { letters: 0, bytes: 0 },
    }),
    ...{ now: Date.now, isUp: () => true, queueBytesMax: 1_000 },
    ...{
      destinations: ['main'],
      refusals: [],
      repairs: [],
      warnings: [],
      rejections: [],
      contextOutcomes: [],
      keys: [],
      gateRefusals: [],
      mediaOutcomes: [],
    },
  });
  const log = pino({ level: 'trace' }, { write: (line: string) => logs.push(line) });
  const defaults = { host: '127.0.0.1', token: undefined, metrics, readiness: () => READY, log };
  server = createAdmin({ ...defaults, traces: createTraceStore(), ...options }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (path: string, { headers, method = 'GET' }: { headers?: object; method?: string } = {}) => {
    const { status, headers: sent, body } = await exchange(url, { method, path, headers: { ...headers } });
    const isJson = String(sent['content-type']).startsWith('application/json');
    return { status, headers: sent, body: isJson && body.length > 0 ? JSON.parse(body.toString()) : body.toString() };
  };
  return { get, url };
}

test('health, metrics and an index', async () => {
  const { get } = await start();
  expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready', reasons: [] } });
  const metrics = await get('/metrics');
  expect(metrics).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  });
  expect(metrics.body).toContain('\ngateway_queue_spans 0\n');
  const index = await get('/');
  expect(index.headers['content-type']).toMatch(/^text\/plain/);
  for (const path of ['/healthz', '/readyz', '/metrics', '/api/traces']) expect(index.body).toContain(path);
  expect(index.headers).not.toHaveProperty('x-powered-by');
});

test('readiness as it is at that moment', async () => {
  let now: Readiness = READY;
  const { get } = await start({ readiness: () => now });
  now = { code: 503, status: 'misconfigured', reasons: ['main: http_401 since then'] };
  expect(await get('/readyz')).toMatchObject({
    status: 503,
    body: { status: 'misconfigured', reasons: ['main: http_401 since then'] },
  });
});

const KNOWN = ['/', '/healthz', '/readyz', '/metrics', '/api/traces', '/api/traces/aa'];
const JSON_BODY = { 'content-type': 'application/json' };

test.each([
  ['GET', '/nothing'],
  ['GET', '/api'],
  ['POST', '/v1/traces'],
  ['DELETE', '/api'],
])('%s %s: 404', async (method, path) => {
  const { get } = await start();
  const answer = await get(path, { method, headers: JSON_BODY });
  expect(answer).toMatchObject({ status: 404, body: { error: expect.any(String) } });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('%s: 405 that names what is allowed', async (method) => {
  const { get } = await start();
  for (const path of KNOWN) {
    const answer = await get(path, { method, headers: JSON_BODY });
    const error = `${method} is not allowed here, only GET, HEAD, OPTIONS`;
    expect([path, answer]).toMatchObject([
      path,
      { status: 405, headers: { allow: 'GET, HEAD, OPTIONS' }, body: { error } },
    ]);
  }
});

test('HEAD is answered as GET, without a body', async () => {
  const { get } = await start();
  for (const path of KNOWN) expect(await get(path, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
});

test('OPTIONS: 204 that names what is allowed, and allows no page anything', async () => {
  const { get } = await start();
  const asks = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  for (const path of [...KNOWN, '/nothing', '*']) {
    const { status, headers, body } = await get(path, { method: 'OPTIONS', headers: asks });
    expect([path, status, headers.allow, body]).toEqual([path, 204, 'GET, HEAD, OPTIONS', '']);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('every answer keeps itself from the pages of others', async () => {
  const { get } = await start();
  const protection = {
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  const answers = [
    ...(await Promise.all([...KNOWN, '/nothing', '/api/traces/%zz'].map((path) => get(path)))),
    await get('/', { headers: { host: 'evil.example' } }),
    await get('/', { method: 'POST' }),
    await get('/', { method: 'OPTIONS' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200, 404, 400, 403, 415, 204]);
  for (const { headers } of answers) {
    expect(headers).toMatchObject(protection);
    expect(headers).not.toHaveProperty('etag');
  }
});

describe('changes: no page of another origin makes any', () => {
  const HERE = 'admin.example:4319';

  test.each([
    ['no Origin', {}, 405],
    ['its own', { origin: `http://${HERE}` }, 405],
    ['its own, behind a proxy with TLS', { origin: `https://${HERE}` }, 405],
    ['a default port left out', { host: 'admin.example:80', origin: 'http://admin.example' }, 405],
    ['a default port of TLS left out', { host: 'admin.example:443', origin: 'https://admin.example' }, 405],
    ['IPv6', { host: '[::1]:4319', origin: 'http://[::1]:4319' }, 405],
    ['Host in capitals', { host: 'ADMIN.example', origin: 'http://admin.example' }, 405],
    ['null', { origin: 'null' }, 403],
    ['an empty one', { origin: '' }, 403],
    ['another', { origin: 'https://evil.example' }, 403],
    ['another port', { origin: 'http://admin.example:4318' }, 403],
    ['another scheme and port', { host: 'admin.example', origin: 'https://admin.example:444' }, 403],
    ['a scheme that is not of the web', { origin: `ftp://${HERE}` }, 403],
    ['an extension', { origin: `chrome-extension://${HERE}` }, 403],
    ['its own as a user name', { origin: `http://${HERE}@evil.example` }, 403],
    ['its own as a subdomain', { origin: `http://${HERE}.evil.example` }, 403],
    ['its own by another name', { host: '127.0.0.1:4319', origin: 'http://localhost:4319' }, 403],
    ['its own with a path', { origin: `http://${HERE}/` }, 403],
  ])('Origin: %s', async (_, headers, status) => {
    const { get } = await start({ host: 'admin.example' });
    for (const method of ['POST', 'PUT', 'DELETE']) {
      for (const path of KNOWN) {
        const answer = await get(path, { method, headers: { ...JSON_BODY, host: HERE, ...headers } });
        expect([path, answer]).toMatchObject([path, { status, body: { error: expect.any(String) } }]);
      }
      const unknown = await get('/nothing', { method, headers: { ...JSON_BODY, host: HERE, ...headers } });
      expect(unknown.status).toBe(status === 405 ? 404 : status);
    }
  });

  test.each([
    ['application/json', 405],
    ['application/json; charset=utf-8', 405],
    ['Application/JSON ;charset=utf-8', 405],
    ['text/plain', 415],
    ['text/plain;application/json', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=application/json', 415],
    ['application/jsonp', 415],
    ['', 415],
  ])('Content-Type: %p', async (type, status) => {
    const { get } = await start();
    for (const path of KNOWN) {
      const answer = await get(path, { method: 'POST', headers: { 'content-type': type } });
      expect([path, answer]).toMatchObject([path, { status, body: { error: expect.any(String) } }]);
    }
  });

  test('without a Content-Type', async () => {
    const { get } = await start();
    expect((await get('/api/traces', { method: 'DELETE' })).status).toBe(415);
  });

  test('the guards in their order: Host, token, Origin, type', async () => {
    const { get } = await start({ token: 'token' });
    const sent: Record<string, string> = { host: 'evil.example', origin: 'https://evil.example' };
    const steps: [Record<string, string>, number][] = [
      [{}, 403],
      [{ host: '127.0.0.1' }, 401],
      [{ authorization: 'Bearer token' }, 403],
      [{ origin: 'http://127.0.0.1' }, 415],
      [JSON_BODY, 405],
    ];
    for (const [step, status] of steps) {
      Object.assign(sent, step);
      expect((await get('/healthz', { method: 'POST', headers: sent })).status).toBe(status);
    }
  });

  test('a page of another origin may ask, for it cannot read the answer', async () => {
    const { get } = await start();
    expect((await get('/metrics', { headers: { origin: 'https://evil.example' } })).status).toBe(200);
  });
});

describe('traces', () => {
  const traces = createTraceStore();
  const root = observationOf({ traceId: 'aa', spanId: '01', name: 'chat', startMs: 0, endMs: 90, sessionId: 's' });
  const child = observationOf({ traceId: 'aa', spanId: '02', parentSpanId: '01', startMs: 5 });
  for (const observation of [child, root, observationOf({ traceId: 'bb', spanId: '03' })]) traces.add(observation, 1);

  test('the list, newest first', async () => {
    const { get } = await start({ traces });
    const times = { startTime: after2026(0), durationMs: 90 };
    const first = { traceId: 'aa', name: 'chat', observations: 2, ...times, sessionId: 's', userId: null, warnings: 0 };
    expect((await get('/api/traces')).body).toEqual({
      traces: [expect.objectContaining({ traceId: 'bb', observations: 1 }), first],
    });
  });

  test.each<[string, string[]]>([
    ['?limit=1', ['bb']],
    ['?limit=1&before=bb', ['aa']],
    ['?before=aa', []],
    ['?limit=0', ['bb', 'aa']],
    ['?limit=-1', ['bb', 'aa']],
    ['?limit=many', ['bb', 'aa']],
    ['?limit=1e400', ['bb', 'aa']],
    ['?limit=1&limit=2', ['bb', 'aa']],
    ['?before[x]=1', ['bb', 'aa']],
  ])('%s', async (query, expected) => {
    const { get } = await start({ traces });
    const { status, body } = await get(`/api/traces${query}`);
    expect([status, body.traces.map(({ traceId }: { traceId: string }) => traceId)]).toEqual([200, expected]);
  });

  test('one trace: its observations as explain prints them, in the order of their tree', async () => {
    const { get } = await start({ traces });
    const expected = JSON.parse(JSON.stringify({ traceId: 'aa', observations: [root, child] }));
    expect((await get('/api/traces/aa')).body).toEqual(expected);
    expect((await get('/api/traces/AA')).body).toEqual(expected);
    // The names of the contract, and no others.
    const names = `traceId spanId parentSpanId isRoot type name startTime endTime completionStartTime level statusMessage model
      modelParameters usage cost input output sessionId userId traceName tags public environment release version promptName
      promptVersion metadata repairs warnings`;
    expect(Object.keys(expected.observations[0]).toSorted()).toEqual(names.split(/\s+/).toSorted());
  });

  test('a span without any time does not hide the others', async () => {
    const timeless = createTraceStore();
    timeless.add(observationOf({ traceId: 'aa', startTime: null, endTime: null }), 1);
    const { get } = await start({ traces: timeless });
    expect((await get('/api/traces')).status).toBe(200);
    expect((await get('/api/traces/aa')).body.observations).toHaveLength(1);
  });

  test.each(['/api/traces/unknown', '/api/traces/__proto__', '/api/traces/%00'])(
    '%s: empty, no error',
    async (path) => {
      const { get } = await start();
      expect(await get(path)).toMatchObject({ status: 200, body: { observations: [] } });
    },
  );

  test('none: an empty list', async () => {
    const { get } = await start();
    expect(await get('/api/traces')).toMatchObject({ status: 200, body: { traces: [] } });
  });
});

describe('Host: a page that points its own name here reads nothing', () => {
  test.each([
    ['127.0.0.1', 200],
    ['127.0.0.1:4319', 200],
    ['10.1.2.3:4319', 200],
    ['[::1]', 200],
    ['[::1]:4319', 200],
    ['localhost', 200],
    ['LOCALHOST:4319', 200],
    ['gateway.localhost:1', 200],
    ['admin.internal:4319', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example', 403],
    ['evil.example:127.0.0.1', 403],
    ['evillocalhost', 403],
    ['[evil.example]', 403],
  ])('%p: %i', async (host, status) => {
    const { get } = await start({ host: 'admin.internal' });
    for (const path of ['/', '/healthz', '/readyz', '/metrics', '/api/traces', '/api/traces/aa', '/nothing/of/this']) {
      // A load balancer asks for health by whatever name it knows.
      const expected = path === '/nothing/of/this' && status === 200 ? 404 : status;
      expect([path, (await get(path, { headers: { host } })).status]).toEqual([path, expected]);
    }
  });

  test('a request without Host, as HTTP/1.0 allows', async () => {
    const { url } = await start();
    const connection = await openConnection(url);
    await connection.write('GET /api/traces HTTP/1.0\r\n\r\n');
    expect((await connection.answer()).status).toBe(403);
    connection.socket.destroy();
  });

  test('no answer can be read by a foreign page: there are no CORS headers', async () => {
    const { get } = await start();
    const { headers } = await get('/api/traces', { headers: { origin: 'https://evil.example' } });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('token', () => {
  const bearer = (token: string) => ({ headers: { authorization: token } });

  test.each([
    ['none', {}, 401],
    ['another', bearer('Bearer tokem'), 401],
    ['a longer one', bearer('Bearer token2'), 401],
    ['an empty one', bearer('Bearer '), 401],
    ['another scheme', bearer(`Basic ${btoa(':token')}`), 401],
    ['the token', bearer('Bearer token'), 200],
    ['the scheme in lower case', bearer('bearer token'), 200],
  ])('%s', async (_, request, status) => {
    const { get } = await start({ token: 'token' });
    for (const path of ['/', '/metrics', '/api/traces', '/api/traces/aa']) {
      expect([path, (await get(path, request)).status]).toEqual([path, status]);
    }
  });

  test.each([
    ['the token', 'Bearer token', 200],
    ['another', 'Bearer tokem', 403],
    ['none', '', 403],
  ])('under any Host: %s', async (_, authorization, status) => {
    const { get } = await start({ token: 'token' });
    const headers = { host: 'gateway.example', authorization };
    expect((await get('/metrics', { headers })).status).toBe(status);
  });

  test('wrong ones are told of, one line for many, and no word of the token', async () => {
    const { get } = await start({ token: 'token' });
    await get('/metrics');
    expect(logs).toEqual([]);
    for (let round = 0; round < 5; round += 1) await get('/metrics', bearer('Bearer secret-of-mine'));
    const told = { level: 40, wrong: 1, address: '127.0.0.1' };
    expect(logs.map((line) => JSON.parse(line))).toMatchObject([told]);
    expect(logs.join('')).not.toMatch(/secret-of-mine|Bearer/);
  });

  test('health needs none; unknown paths tell nothing without', async () => {
    const { get } = await start({ token: 'token' });
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    const refused = await get('/nothing');
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer realm="admin"' } });
    expect(JSON.stringify(refused)).not.toContain('"token"');
  });
});

test('a failure inside is a 500 that says nothing, and a line in the log', async () => {
  const text = () => Promise.reject(new Error('what happened'));
  const { get } = await start({ metrics: { text, contentType: 'text/plain' } });
  expect(await get('/metrics')).toMatchObject({ status: 500, body: { error: 'internal error' } });
  expect(logs.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, path: '/metrics' }]);
});

test('a path that cannot be decoded is the mistake of who asks', async () => {
  const { get } = await start();
  expect((await get('/api/traces/%zz')).status).toBe(400);
});

test('connections and the time they take are bounded', async () => {
  await start();
  expect(server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000, maxConnections: 256 });
});
