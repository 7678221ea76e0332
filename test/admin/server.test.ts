import type { Readiness } from '../../src/admin/readiness';
import type { AdminOptions } from '../../src/admin/server';
import { READY, type RunningAdmin, startAdmin } from '../support/admin';
import { openConnection } from '../support/raw-connection';

let admin: RunningAdmin;
afterEach(() => admin.close());

async function start(options: Partial<AdminOptions> = {}): Promise<RunningAdmin> {
  admin = await startAdmin(options);
  return admin;
}

test('health and metrics', async () => {
  const { get } = await start();
  expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready', reasons: [] } });
  const metrics = await get('/metrics');
  expect(metrics).toMatchObject({
    status: 200,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  });
  expect(metrics.body).toContain('\ngateway_queue_spans 0\n');
  expect(metrics.headers).not.toHaveProperty('x-powered-by');
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

/** What may be read, but for the events, which have no end. */
const KNOWN = [
  ...['/', '/healthz', '/readyz', '/metrics', '/api', '/api/overview', '/api/traces', '/api/traces/aa'],
  ...['/api/traces/aa/tree', '/api/trouble', '/api/dead-letters'],
];
/** A span that is not there, and events. */
const UNUSUAL = ['/api/traces/aa/spans/bb', '/api/events'];
/** What may be changed only, and how. */
const CHANGES = [
  ['POST', '/api/dead-letters/x/replay'],
  ['DELETE', '/api/dead-letters/x'],
] as const;
/** A change that came through, to a gateway that keeps no dead letters. */
const NO_DESK = 409;
const JSON_BODY = { 'content-type': 'application/json' };

test.each([
  ['GET', '/nothing'],
  ['GET', '/api/nothing'],
  ['GET', '/api/traces/aa/nothing'],
  ['GET', '/api/traces/aa/spans/bb/nothing'],
  ['POST', '/v1/traces'],
  ['DELETE', '/api/dead-letters/x/replay/nothing'],
])('%s %s: 404', async (method, path) => {
  const { get } = await start();
  const answer = await get(path, { method, headers: JSON_BODY });
  expect(answer).toMatchObject({ status: 404, body: { error: expect.any(String) } });
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('%s: 405 that names what is allowed', async (method) => {
  const { get } = await start();
  for (const path of [...KNOWN, ...UNUSUAL]) {
    const answer = await get(path, { method, headers: JSON_BODY });
    const error = `${method} is not allowed here, only GET, HEAD, OPTIONS`;
    expect([path, answer]).toMatchObject([
      path,
      { status: 405, headers: { allow: 'GET, HEAD, OPTIONS' }, body: { error } },
    ]);
  }
});

test.each(CHANGES)('where %s %s is allowed nothing else is', async (allowed, path) => {
  const { get } = await start();
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => each !== allowed)) {
    const answer = await get(path, { method, headers: JSON_BODY });
    const error = `${method} is not allowed here, only ${allowed}, OPTIONS`;
    expect([method, answer]).toMatchObject([
      method,
      { status: 405, headers: { allow: `${allowed}, OPTIONS` }, body: { error } },
    ]);
  }
});

test('HEAD is answered as GET, without a body', async () => {
  const { get } = await start();
  for (const path of [...KNOWN, '/api/events']) {
    expect([path, await get(path, { method: 'HEAD' })]).toMatchObject([path, { status: 200, body: '' }]);
  }
});

test('OPTIONS: 204 that names what is allowed, and allows no page anything', async () => {
  const { get } = await start();
  const asks = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
  const reading = [...KNOWN, ...UNUSUAL, '/nothing', '*'].map((path) => [path, 'GET, HEAD, OPTIONS'] as const);
  for (const [path, allowed] of [
    ...reading,
    ...CHANGES.map(([method, path]) => [path, `${method}, OPTIONS`] as const),
  ]) {
    const { status, headers, body } = await get(path, { method: 'OPTIONS', headers: asks });
    expect([path, status, headers.allow, body]).toEqual([path, 204, allowed, '']);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

test('every answer keeps itself from the pages of others', async () => {
  const { get } = await start();
  const protection = {
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  const answers = [
    ...(await Promise.all([...KNOWN, '/nothing', '/api/traces/%zz'].map((path) => get(path)))),
    await get('/', { headers: { host: 'evil.example' } }),
    await get('/', { method: 'POST' }),
    await get('/', { method: 'OPTIONS' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([...KNOWN.map(() => 200), 404, 400, 403, 415, 204]);
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
    for (const [method, path] of CHANGES) {
      const answer = await get(path, { method, headers: { ...JSON_BODY, host: HERE, ...headers } });
      expect([path, answer]).toMatchObject([path, { status: status === 405 ? NO_DESK : status }]);
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
    for (const [method, path] of CHANGES) {
      const answer = await get(path, { method, headers: { 'content-type': type } });
      expect([path, answer]).toMatchObject([path, { status: status === 405 ? NO_DESK : status }]);
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
    for (const path of [...KNOWN, '/nothing/of/this']) {
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
  const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

  test.each([
    ['none', {}, 401],
    ['another', bearer('Bearer tokem'), 401],
    ['a longer one', bearer('Bearer token2'), 401],
    ['an empty one', bearer('Bearer '), 401],
    ['a scheme that is not known', bearer('Digest token'), 401],
    ['the token', bearer('Bearer token'), 200],
    ['the scheme in lower case', bearer('bearer token'), 200],
    ['Basic: the token as the password of nobody', bearer(basic(':token')), 200],
    ['Basic: of anybody', bearer(basic('admin:token')), 200],
    ['Basic: in lower case', bearer(`basic ${btoa('admin:token')}`), 200],
    ['Basic: another password', bearer(basic('admin:tokem')), 401],
    ['Basic: the token as the name', bearer(basic('token:')), 401],
    ['Basic: the token alone', bearer(basic('token')), 401],
    ['Basic: no password', bearer(basic('admin:')), 401],
    ['Basic: a colon more', bearer(basic('admin:token:')), 401],
    ['Basic: in front of the password', bearer(basic('admin::token')), 401],
    ['Basic: nothing', bearer('Basic '), 401],
    ['Basic: no base64', bearer('Basic token'), 401],
    ['Bearer: what is for Basic', bearer(`Bearer ${btoa(':token')}`), 401],
  ])('%s', async (_, request, status) => {
    const { get } = await start({ token: 'token' });
    for (const path of KNOWN.filter((path) => !path.endsWith('z'))) {
      expect([path, (await get(path, request)).status]).toEqual([path, status]);
    }
    for (const [method, path] of CHANGES) {
      const { headers } = { headers: {}, ...request };
      const answer = await get(path, { method, headers: { ...JSON_BODY, ...headers } });
      expect([path, answer.status]).toEqual([path, status === 200 ? NO_DESK : status]);
    }
  });

  test('a password has as many colons, and letters of any alphabet, as it likes', async () => {
    const { get } = await start({ token: 'a:b:größe' });
    expect((await get('/metrics', bearer(basic('admin:a:b:größe')))).status).toBe(200);
    expect((await get('/metrics', bearer(basic('admin:a:b')))).status).toBe(401);
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
    const { get, logs } = await start({ token: 'token' });
    await get('/metrics');
    expect(logs).toEqual([]);
    for (const scheme of ['Bearer secret-of-mine', basic('me:secret-of-mine'), 'Bearer secret-of-mine']) {
      await get('/metrics', bearer(scheme));
    }
    const told = { level: 40, wrong: 1, address: '127.0.0.1' };
    expect(logs.map((line) => JSON.parse(line))).toMatchObject([told]);
    expect(logs.join('')).not.toMatch(/secret-of-mine|Bearer|Basic/);
  });

  test('health needs none; unknown paths tell nothing without', async () => {
    const { get } = await start({ token: 'token' });
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    const refused = await get('/nothing');
    // Bearer for programs; for Basic a browser asks its user.
    const challenges = 'Bearer realm="admin", Basic realm="admin", charset="UTF-8"';
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': challenges } });
    expect(JSON.stringify(refused)).not.toContain('"token"');
  });
});

test('a failure inside is a 500 that says nothing, and a line in the log', async () => {
  const text = () => Promise.reject(new Error('what happened'));
  const { get, logs } = await start({ metrics: { text, contentType: 'text/plain' } });
  expect(await get('/metrics')).toMatchObject({ status: 500, body: { error: 'internal error' } });
  expect(logs.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, path: '/metrics' }]);
});

test('a path that cannot be decoded is the mistake of who asks', async () => {
  const { get } = await start();
  expect((await get('/api/traces/%zz')).status).toBe(400);
});

test('connections and the time they take are bounded', async () => {
  const { server } = await start();
  expect(server).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000, maxConnections: 256 });
});
