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
    ...{ destinations: ['main'], refusals: [], repairs: [], warnings: [], rejections: [], contextOutcomes: [] },
  });
  const log = pino({ level: 'trace' }, { write: (line: string) => logs.push(line) });
  const defaults = { host: '127.0.0.1', token: undefined, metrics, readiness: () => READY, log };
  server = createAdmin({ ...defaults, traces: createTraceStore(), ...options }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = async (path: string, { headers, method = 'GET' }: { headers?: object; method?: string } = {}) => {
    const { status, headers: sent, body } = await exchange(url, { method, path, headers: { ...headers } });
    const isJson = String(sent['content-type']).startsWith('application/json');
    return { status, headers: sent, body: isJson ? JSON.parse(body.toString()) : body.toString() };
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

test.each([
  ['GET', '/nothing'],
  ['GET', '/api'],
  ['POST', '/metrics'],
  ['POST', '/v1/traces'],
  ['DELETE', '/api/traces'],
])('%s %s: 404', async (method, path) => {
  const { get } = await start();
  expect(await get(path, { method })).toMatchObject({ status: 404, body: { error: expect.any(String) } });
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
      const isHealth = path === '/healthz' || path === '/readyz';
      const expected = isHealth ? 200 : path === '/nothing/of/this' && status === 200 ? 404 : status;
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
