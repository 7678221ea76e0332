import express from 'express';
import { configOf, containing, type Env, KEYS, mistakesOf } from '../support/configuration';

describe('values are brought into one form', () => {
  test.each([
    ['https://APP.example.com:443', 'https://app.example.com'],
    ['https://*.Example.com', 'https://*.example.com'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['*', '*'],
    ['null', 'null'],
  ])('origin %s is kept as browsers send it: %s', (given, kept) => {
    expect(configOf({ GATEWAY_CORS_ORIGINS: given }).receiver.corsOrigins).toEqual([kept]);
  });

  test.each([
    ['https://cloud.langfuse.com/', 'https://cloud.langfuse.com'],
    ['HTTP://Langfuse.internal:3000//', 'http://langfuse.internal:3000'],
    ['https://example.com/langfuse/', 'https://example.com/langfuse'],
  ])('base URL %s becomes %s', (given, kept) => {
    expect(configOf({ ...KEYS, LANGFUSE_BASE_URL: given }).destinations[0]?.baseUrl).toBe(kept);
  });

  test.each([
    ['GATEWAY_BODY_MAX_BYTES', '1024'],
    ['GATEWAY_BODY_MAX_BYTES', '268435456'],
    ['GATEWAY_QUEUE_MAX_BYTES', ' 1024 '],
    ['GATEWAY_RETRY_MAX_AGE_S', '0'],
    ['PORT', '65535'],
  ])('%s=%s is within its range', (name, value) => {
    expect(JSON.stringify(configOf({ [name]: value }))).toContain(`:${value.trim()}`);
  });
});

describe('queue.deadLetterMaxAgeS, which only the file can say', () => {
  const file = (value: string) => `queue: { deadLetterMaxAgeS: ${value} }`;

  test.each([
    ['60', 60],
    ['315360000', 315_360_000],
    ['"86400"', 86_400],
  ])('%s is within its range', (given, age) => {
    expect(configOf({}, file(given)).queue.deadLetterMaxAgeS).toBe(age);
  });

  test.each(['59', '0', '-60', '315360001', '60.5', 'never'])('%s is a mistake', (given) => {
    expect(mistakesOf({}, file(given))).toEqual([
      'gateway.yaml:1: queue.deadLetterMaxAgeS must be a whole number from 60 to 315360000',
    ]);
  });
});

describe('inspector, which only the file can say: without it what people wrote is for Langfuse, unless there is none', () => {
  test.each<[name: string, env: Env, yaml: string | undefined, kept: string]>([
    ['preview mode', {}, undefined, 'full'],
    ['a destination', KEYS, undefined, 'metadata'],
    ['a destination of the file', {}, 'destinations: [{ name: eu, publicKey: pk, secretKey: sk }]', 'metadata'],
    ['nothing said', KEYS, 'inspector:', 'metadata'],
    ['full with a destination', KEYS, 'inspector: full', 'full'],
    ['metadata in preview mode', {}, 'inspector: metadata', 'metadata'],
    ['off, as YAML 1.1 would take for false', KEYS, 'inspector: off', 'off'],
    ['in capitals', {}, 'inspector: "OFF"', 'off'],
  ])('%s', (_, env, yaml, kept) => {
    expect(configOf(env, yaml).inspector).toBe(kept);
  });

  test.each(['true', 'all', '[full]', '{ mode: full }'])('%s is a mistake', (given) => {
    expect(mistakesOf({}, `inspector: ${given}`)).toEqual([
      'gateway.yaml:1: inspector must be one of full, metadata, off',
    ]);
  });
});

describe('receiver.trustProxy, which only the file can say', () => {
  const file = (value: string) => `receiver: { trustProxy: ${value} }`;
  const expected =
    'true, false, a whole number of proxies from 1 to 32, or a list of addresses, subnets (10.0.0.0/8) and the names ' +
    'loopback, linklocal, uniquelocal';

  test.each<[string, boolean | number | string[]]>([
    ['false', false],
    ['"TRUE"', true],
    ['1', 1],
    ['"32"', 32],
    ['[]', false],
    ['loopback', ['loopback']],
    ['"Loopback, 10.0.0.0/8"', ['loopback', '10.0.0.0/8']],
    [
      '[linklocal, uniquelocal, 192.0.2.1, "2001:DB8::/32", "::1/128"]',
      ['linklocal', 'uniquelocal', '192.0.2.1', '2001:db8::/32', '::1/128'],
    ],
  ])('%s is %j, and Express takes it', (given, kept) => {
    const { trustProxy } = configOf({}, file(given)).receiver;
    expect(trustProxy).toEqual(kept);
    expect(() => express().set('trust proxy', trustProxy)).not.toThrow();
  });

  test.each([
    ...['0', '33', '1.5', '-1', 'yes', '"*"', '[1]', '[true]', '{ a: 1 }', '10.0.0.0/0', '10.0.0.0/33', '10.0.0/8'],
    ...['"::1/129"', '"fe80::1%eth0"', '10.0.0.0/', '10.0.0.0/255.0.0.0', 'proxy.example.com', '[loopback, local]'],
  ])('%s is a mistake', (given) => {
    expect(mistakesOf({}, file(given))).toEqual([`gateway.yaml:1: receiver.trustProxy must be ${expected}`]);
  });
});

test.each(['UPLOAD', '"upload "'])('media may be %s', (given) => {
  expect(configOf({}, `media: ${given}`).media).toBe('upload');
});

test('media is nothing else', () => {
  expect(mistakesOf({}, 'media: s3')).toEqual(['gateway.yaml:1: media must be one of inline, upload']);
});

test.each(['DISK', ' memory '])('the queue %j: neither case nor blanks around it matter', (given) => {
  expect(configOf({ GATEWAY_QUEUE: given }).queue.kind).toBe(given.trim().toLowerCase());
});

test('a data directory keeps its letters as they are, and blanks inside', () => {
  expect(configOf({ GATEWAY_DATA_DIR: '/srv/Gateway Daten/ä' }).queue.dataDir).toBe('/srv/Gateway Daten/ä');
});

const WHOLE_NUMBER = 'must be a whole number from';

test.each<[name: string, value: string, part: string]>([
  ['PORT', '65536', `${WHOLE_NUMBER} 0 to 65535`],
  ['PORT', '-1', WHOLE_NUMBER],
  ['GATEWAY_ADMIN_PORT', '80a', WHOLE_NUMBER],
  ['GATEWAY_BODY_MAX_BYTES', '1023', `${WHOLE_NUMBER} 1024`],
  ['GATEWAY_BODY_MAX_BYTES', '268435457', `${WHOLE_NUMBER} 1024`],
  ['GATEWAY_QUEUE_MAX_BYTES', '1023', `${WHOLE_NUMBER} 1024`],
  ['GATEWAY_QUEUE_MAX_BYTES', '1GiB', WHOLE_NUMBER],
  ['GATEWAY_RETRY_MAX_AGE_S', '1.5', `${WHOLE_NUMBER} 0`],
  ['GATEWAY_RETRY_MAX_AGE_S', '1e3', WHOLE_NUMBER],
  ['GATEWAY_SHUTDOWN_TIMEOUT_S', '3601', `${WHOLE_NUMBER} 0 to 3600`],
  ['LOG_LEVEL', 'loud', 'must be one of trace, debug, info'],
  ['GATEWAY_QUEUE', 'redis://x', 'must be one of disk, memory'],
  ['GATEWAY_DATA_DIR', ' ', 'must be a path'],
  ['GATEWAY_DATA_DIR', '/data\n/other', 'must be a path'],
  ['GATEWAY_ALLOW_ANONYMOUS', 'yes', 'must be true or false'],
  ['HOST', 'a host', 'must be an IP address or a host name'],
  ['GATEWAY_ADMIN_HOST', 'http://localhost', 'must be an IP address or a host name'],
  ['LANGFUSE_BASE_URL', 'localhost:3000', 'must be an http:// or https:// URL without'],
  ['LANGFUSE_BASE_URL', 'http:localhost', 'must be an http:// or https:// URL without'],
  ['LANGFUSE_BASE_URL', 'ftp://localhost', 'must be an http:// or https:// URL without'],
  ['LANGFUSE_BASE_URL', 'http://user:word@localhost', 'must be an http:// or https:// URL without user'],
  ['LANGFUSE_BASE_URL', 'http://localhost?a=b', 'must be an http:// or https:// URL without'],
  ['LANGFUSE_BASE_URL', 'http://localhost/api/public/otel', 'must be an http:// or https:// URL without'],
  ['LANGFUSE_BASE_URL', 'https://localhost:99999', 'must be an http:// or https:// URL without'],
  ['HTTPS_PROXY', 'socks5://localhost', 'must be an http:// or https:// URL'],
  ['LANGFUSE_TRACING_ENVIRONMENT', 'Prod EU', 'must be up to 40 of a-z'],
  ['LANGFUSE_TRACING_ENVIRONMENT', 'langfuse-x', 'must be up to 40 of a-z'],
  ['LANGFUSE_RELEASE', 'a\nb', 'must be 1 to 200 characters on one line'],
  ['LANGFUSE_SECRET_KEY', 'sk ', 'must be visible ASCII characters without blanks'],
  ['LANGFUSE_PUBLIC_KEY', 'p:k', 'must be visible ASCII characters without blanks and colons'],
  ['GATEWAY_ADMIN_TOKEN', 'tökén', 'must be visible ASCII'],
  ['GATEWAY_INGEST_KEYS', 'a,b c', 'entry 2 must be visible ASCII'],
])('%s=%s is a mistake: %s', (name, value, part) => {
  const env: Env = { ...KEYS, [name]: value };
  expect(mistakesOf(env)).toEqual(containing([`${name} ${part}`]));
});

test.each([
  'app.example.com',
  'https://app.example.com/',
  'https://app.example.com/path',
  'https://*',
  'https://*.127.0.0.1',
  'https://a.*.example.com',
  'https://user@app.example.com',
  'https://app.example.com:99999',
  '**',
])('origin %s is a mistake', (origin) => {
  expect(mistakesOf({ GATEWAY_CORS_ORIGINS: `https://ok.example,${origin}` })).toEqual(
    containing(['GATEWAY_CORS_ORIGINS entry 2 must be *, null, or an origin']),
  );
});
