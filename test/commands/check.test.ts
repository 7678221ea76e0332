import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { check } from '../../src/commands/check';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(env: Record<string, string>, configFile?: string): { code: number; lines: string[] } {
  const lines: string[] = [];
  return { code: check({ env, configFile, out: (line) => lines.push(line) }), lines };
}

test('defaults: both listeners, the queue, preview mode', () => {
  expect(run({})).toEqual({
    code: 0,
    lines: [
      'receiver http://127.0.0.1:4318 (no keys: open to this machine; no origins)',
      'admin http://127.0.0.1:4319 (no token: open to this machine)',
      'queue disk ./data, up to 1073741824 bytes',
      'no destination: preview mode, spans end in the memory of the gateway',
    ],
  });
});

test('everything given, the second destination and the warnings named', () => {
  const file = join(folder, 'two.yaml');
  writeFileSync(
    file,
    `destinations: [{ name: eu }, { name: us, baseUrl: http://localhost:3000/, publicKey: p, secretKey: s }, { name: idle, publicKey: p, secretKey: s }]
keys: [{ name: web, key: k, browser: true, destination: us, origins: [https://a.example], paths: [/v1/traces/], spansPerSecond: 5, dailySpans: 7, maxSpansPerRequest: 3, maxAttributeBytes: 99, stamp: { langfuse.environment: a-value, team: web }, expires: 2099-01-01T00:00:00Z }]
receiver: { trustProxy: [loopback, 10.0.0.0/8] }
media: upload`,
  );
  const env = {
    HOST: '::',
    GATEWAY_INGEST_KEYS: 'a,b',
    GATEWAY_CORS_ORIGINS: '*',
    GATEWAY_ADMIN_HOST: '::1',
    GATEWAY_ADMIN_TOKEN: 't',
    GATEWAY_DATA_DIR: '/var/lib/gateway',
    GATEWAY_QUEUE_MAX_BYTES: '4096',
    LANGFUSE_PUBLIC_KEY: 'pk',
    LANGFUSE_SECRET_KEY: 'sk',
  };
  expect(run(env, file)).toEqual({
    code: 0,
    lines: [
      'receiver http://[::]:4318 (3 key(s); origins *; trustProxy loopback 10.0.0.0/8)',
      'browser key web to us, from https://a.example, at /v1/traces, 5 spans/s, 10000000 bytes/s, 7 spans a day, 3 spans a request, 99 bytes an attribute, stamped with langfuse.environment team, until 2099-01-01T00:00:00.000Z',
      'server key env to eu',
      'server key env to eu',
      'admin http://[::1]:4319 (token set)',
      'queue disk /var/lib/gateway, up to 4096 bytes',
      'destination eu https://cloud.langfuse.com, media uploaded',
      'destination us http://localhost:3000, media uploaded',
      'destination idle https://cloud.langfuse.com, media uploaded',
      expect.stringMatching(/^warning: .*destinations\[2\] receives no new spans/),
    ],
  });
});

test.each([
  ['1', 'a', '1 key(s); no origins but those of keys; trustProxy 1'],
  ['true', 'a', '1 key(s); no origins but those of keys; trustProxy true'],
  ['false', 'a', '1 key(s); no origins but those of keys'],
  ['false', 'none', '1 key(s); no origins'],
])('trustProxy %s, origins of a key: %s', (trustProxy, origin, expected) => {
  const file = join(folder, 'pages.yaml');
  const origins = origin === 'none' ? '[]' : '[https://a.example]';
  writeFileSync(
    file,
    `{ receiver: { trustProxy: ${trustProxy} }, keys: [{ name: web, key: k, origins: ${origins} }] }`,
  );
  expect(run({}, file).lines[0]).toBe(`receiver http://127.0.0.1:4318 (${expected})`);
});

test('open to everybody is said', () => {
  expect(run({ HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' }).lines[0]).toBe(
    'receiver http://0.0.0.0:4318 (no keys: open to everybody who reaches it; no origins)',
  );
});

test('a queue in memory is said, without the directory that it does not use', () => {
  expect(run({ GATEWAY_QUEUE: 'memory', GATEWAY_DATA_DIR: '/var/lib/gateway' }).lines[2]).toBe(
    'queue memory, up to 1073741824 bytes, lost when the process ends',
  );
});

test('the data directory is not made', () => {
  const dataDir = join(folder, 'data');
  expect(run({ GATEWAY_DATA_DIR: dataDir }).code).toBe(0);
  expect(existsSync(dataDir)).toBe(false);
});

test('mistakes: one a line, warnings after them, exit code 1, nothing else', () => {
  expect(run({ PORT: 'x', LOG_LEVEL: 'y', GATEWAY_UNKNOWN: 'z' })).toEqual({
    code: 1,
    lines: [
      'PORT must be a whole number from 0 to 65535',
      expect.stringMatching(/^LOG_LEVEL must be one of /),
      expect.stringMatching(/^warning: GATEWAY_UNKNOWN /),
    ],
  });
});

test('--config wins over GATEWAY_CONFIG and its absence is a mistake', () => {
  expect(run({ GATEWAY_CONFIG: join(folder, 'a') }, join(folder, 'b'))).toMatchObject({
    code: 1,
    lines: [expect.stringMatching(/\/b: cannot be read \(ENOENT\)/)],
  });
});

test('no secret of a configuration that is fine is printed', () => {
  const secret = fc.stringMatching(/^[a-zA-Z0-9_-]{16,40}$/);
  const names = ['GATEWAY_INGEST_KEYS', 'GATEWAY_ADMIN_TOKEN', 'LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'];
  fc.assert(
    fc.property(secret, (value) => {
      const env = { ...Object.fromEntries(names.map((name) => [name, value])), HTTPS_PROXY: `http://u:${value}@proxy` };
      const { code, lines } = run(env);
      expect(code).toBe(0);
      expect(lines.join('\n')).not.toContain(value);
    }),
    { numRuns: 100 },
  );
});
