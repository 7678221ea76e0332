import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { REPAIRS } from '../src/admission/repairs';
import {
  type Config,
  ENVIRONMENT_VARIABLES,
  environment,
  type IngestKey,
  type LoadedConfig,
  loadConfig,
} from '../src/config';
import { configOf, KEYS, load, mistakesOf, write } from './support/configuration';

describe('defaults', () => {
  test('nothing set: loopback, preview mode, every repair on but derived ids', () => {
    expect(load({})).toEqual({
      warnings: [],
      config: {
        receiver: { host: '127.0.0.1', port: 4318, bodyMaxBytes: 67_108_864, corsOrigins: [], trustProxy: false },
        admin: { host: '127.0.0.1', port: 4319 },
        queue: { kind: 'disk', dataDir: './data', maxBytes: 1_073_741_824, retryMaxAgeS: 86_400 },
        destinations: [],
        keys: [],
        repairs: Object.fromEntries(REPAIRS.map((name) => [name, name !== 'id_derived'])),
        traceContext: { traceIdAlone: 'reject' },
        traceAttributes: { maxTraces: 100_000, windowS: 600 },
        warnings: { response: false },
        media: 'inline',
        inspector: 'full',
        shutdownTimeoutS: 25,
        logLevel: 'info',
        proxy: {},
      },
    });
  });

  test.each([
    '',
    '# nothing\n',
    '{}',
    'receiver:\nadmin: {}\n',
    'queue: { kind: , dataDir: "", deadLetterMaxAgeS: }',
    'keys: []\ndestinations: []\n',
  ])('a file that says nothing changes nothing: %j', (yaml) => expect(load({}, yaml)).toEqual(load({})));

  test('every empty variable counts as unset', () => {
    const env = Object.fromEntries(ENVIRONMENT_VARIABLES.map((name) => [name, '']));
    expect(loadConfig({ env })).toEqual(load({}));
  });

  test('keys alone make the destination main', () => {
    const [publicKey, secretKey] = ['pk-lf-1', 'sk-lf-1'];
    const baseUrl = 'https://cloud.langfuse.com';
    expect(configOf(KEYS).destinations).toEqual([{ name: 'main', baseUrl, publicKey, secretKey, compression: 'auto' }]);
  });

  test('the environment of the process is what environment() hands out', () => {
    expect(environment()).toBe(process.env);
  });
});

/** A key of GATEWAY_INGEST_KEYS. */
function serverKey(key: string): IngestKey {
  const sha256 = createHash('sha256').update(key).digest('hex');
  return { name: 'env', sha256, browser: false, origins: [], burstSeconds: 10, stamp: {} };
}

const everything: Config = {
  receiver: {
    host: '127.0.0.2',
    port: 1,
    bodyMaxBytes: 2048,
    corsOrigins: ['https://a.example', 'null'],
    trustProxy: false,
  },
  admin: { host: '::1', port: 2, token: 'admin-token' },
  queue: { kind: 'memory', dataDir: '/var/lib/gateway', maxBytes: 4096, retryMaxAgeS: 3 },
  destinations: [
    {
      name: 'main',
      baseUrl: 'http://localhost:3000/langfuse',
      publicKey: 'pk-lf-1',
      secretKey: 'sk-lf-1',
      environment: 'staging',
      release: 'v1.10',
      compression: 'auto',
    },
  ],
  keys: ['key-1', 'key-2'].map(serverKey),
  repairs: Object.fromEntries(REPAIRS.map((name) => [name, name !== 'id_derived'])) as Config['repairs'],
  traceContext: { traceIdAlone: 'reject' },
  traceAttributes: { maxTraces: 100_000, windowS: 600 },
  warnings: { response: false },
  media: 'inline',
  inspector: 'metadata',
  shutdownTimeoutS: 4,
  logLevel: 'debug',
  proxy: { httpProxy: 'http://proxy:3128/', httpsProxy: 'https://proxy:3129/', noProxy: 'localhost,.example' },
};

describe('every setting can be given', () => {
  test('by the environment', () => {
    const env = {
      HOST: '127.0.0.2',
      PORT: '1',
      GATEWAY_BODY_MAX_BYTES: '2048',
      GATEWAY_CORS_ORIGINS: 'https://a.example, null',
      GATEWAY_ADMIN_HOST: '[::1]',
      GATEWAY_ADMIN_PORT: '2',
      GATEWAY_ADMIN_TOKEN: 'admin-token',
      GATEWAY_QUEUE: 'memory',
      GATEWAY_DATA_DIR: '/var/lib/gateway',
      GATEWAY_QUEUE_MAX_BYTES: '4096',
      GATEWAY_RETRY_MAX_AGE_S: '3',
      LANGFUSE_BASE_URL: 'http://localhost:3000/langfuse/',
      LANGFUSE_TRACING_ENVIRONMENT: 'staging',
      LANGFUSE_RELEASE: 'v1.10',
      GATEWAY_INGEST_KEYS: 'key-1,key-2,key-1',
      GATEWAY_SHUTDOWN_TIMEOUT_S: '4',
      LOG_LEVEL: 'DEBUG',
      HTTP_PROXY: 'proxy:3128',
      https_proxy: 'https://proxy:3129',
      NO_PROXY: 'localhost,.example',
      ...KEYS,
    };
    expect(configOf(env)).toEqual(everything);
  });

  test('by the file', () => {
    const yaml = `
receiver: { host: 127.0.0.2, port: 1, bodyMaxBytes: 2048, corsOrigins: [https://a.example, "null"], trustProxy: 1 }
media: upload
inspector: off
admin: { host: "::1", port: 2, token: admin-token }
queue: { kind: memory, dataDir: /var/lib/gateway, maxBytes: 4096, retryMaxAgeS: 3, deadLetterMaxAgeS: 60 }
destinations:
  - name: EU
    baseUrl: http://localhost:3000/langfuse/
    publicKey: pk-lf-1
    secretKey: sk-lf-1
    environment: staging
    release: v1.10
    compression: none
repairs: { ids: off, bytes_to_base64: false, trace_user_id: false, kind_to_metadata: false }
traceContext: { fromRequest: false, traceIdAlone: accept }
traceAttributes: { maxTraces: 10, windowS: 20 }
warnings: { response: true }
`;
    const [destination] = everything.destinations;
    const ids = { id_base64: false, id_uuid: false, id_text: false, parent_zero: false, parent_unreadable: false };
    const others = { bytes_to_base64: false, trace_user_id: false, kind_to_metadata: false, trace_context: false };
    expect(configOf({}, yaml)).toEqual({
      ...everything,
      receiver: { ...everything.receiver, trustProxy: 1 },
      media: 'upload',
      inspector: 'off',
      queue: { ...everything.queue, deadLetterMaxAgeS: 60 },
      destinations: [{ ...destination, name: 'EU', compression: 'none' }],
      repairs: { ...everything.repairs, ...ids, ...others },
      traceContext: { traceIdAlone: 'accept' },
      traceAttributes: { maxTraces: 10, windowS: 20 },
      warnings: { response: true },
      keys: [],
      shutdownTimeoutS: 25,
      logLevel: 'info',
      proxy: {},
    });
  });
});

test('ids are derived on demand, and read as ever', () => {
  const { repairs } = configOf({}, 'repairs: { ids: derive }');
  expect(repairs).toEqual(Object.fromEntries(REPAIRS.map((name) => [name, true])));
});

describe('precedence', () => {
  const yaml = 'receiver: { port: 5000, bodyMaxBytes: 5000 }\n';

  test('the environment wins over the file, setting by setting', () => {
    expect(configOf({ PORT: '6000' }, yaml).receiver).toMatchObject({ port: 6000, bodyMaxBytes: 5000 });
  });

  test('an empty variable lets the file speak', () => {
    expect(configOf({ PORT: '' }, yaml).receiver.port).toBe(5000);
  });

  test('--config wins over GATEWAY_CONFIG', () => {
    const other = write('receiver: { port: 7000 }', 'other.yaml');
    expect(configOf({ GATEWAY_CONFIG: other }).receiver.port).toBe(7000);
    expect(configOf({ GATEWAY_CONFIG: other }, yaml).receiver.port).toBe(5000);
  });

  test('LANGFUSE_* set the fields of the first destination of the file', () => {
    const two = `
destinations:
  - { name: eu, publicKey: pk-eu, secretKey: sk-eu, release: "1" }
  - { name: us, publicKey: pk-us, secretKey: sk-us, release: "2" }
`;
    expect(configOf({ LANGFUSE_SECRET_KEY: 'sk-env', LANGFUSE_RELEASE: '3' }, two).destinations).toMatchObject([
      { name: 'eu', publicKey: 'pk-eu', secretKey: 'sk-env', release: '3' },
      { name: 'us', publicKey: 'pk-us', secretKey: 'sk-us', release: '2' },
    ]);
  });

  test('a secret of the environment wins over a twin in the file', () => {
    const twin = `admin: { tokenFile: ${write('of-the-file', 'token')} }`;
    expect(configOf({ GATEWAY_ADMIN_TOKEN: 'of-the-variable' }, twin).admin.token).toBe('of-the-variable');
  });
});

test('mistakes are reported together: of the environment, of the file, and what shows only together', () => {
  const env = { PORT: 'x', GATEWAY_QUEUE: 'redis', GATEWAY_ADMIN_HOST: '::', LANGFUSE_PUBLIC_KEY: 'pk' };
  const yaml = 'receiver:\n  host: 0.0.0.0\n  bodyMaxBytes: 1\nextra: 1\n';
  const names = mistakesOf(env, yaml).map((mistake) => mistake.replace(/^gateway.yaml:\d: /, '').split(' ')[0]);
  expect(names.sort()).toEqual(
    ['GATEWAY_ADMIN_HOST', 'GATEWAY_QUEUE', 'LANGFUSE_PUBLIC_KEY', 'PORT', 'extra'].concat([
      'receiver.bodyMaxBytes',
      'receiver.host',
    ]),
  );
});

describe('values stay out of mistakes and warnings, for they may be secrets', () => {
  const secret = fc.stringMatching(/^[!-~]{16,40}$/);
  const said = (loaded: LoadedConfig) =>
    [...('mistakes' in loaded ? loaded.mistakes : []), ...loaded.warnings].join('\n');

  test('in any variable, known or not', () => {
    // GATEWAY_CONFIG is a path, and paths are said.
    const names = [...ENVIRONMENT_VARIABLES, 'GATEWAY_UNKNOWN'].filter((name) => name !== 'GATEWAY_CONFIG');
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), secret, (given, value) => {
        const loaded = loadConfig({ env: Object.fromEntries(given.map((name) => [name, value])) });
        expect(said(loaded)).not.toContain(value);
      }),
      { numRuns: 300 },
    );
  });

  const places: [string, (value: string) => string][] = [
    ['as a value', (value) => `receiver: { port: ${JSON.stringify(value)} }`],
    ['as a name of a setting', (value) => `receiver: { ${JSON.stringify(value)}: 1 }`],
    ['as a name', (value) => `destinations: [{ name: ${JSON.stringify(value)}, publicKey: ${JSON.stringify(value)} }]`],
    ['as a path', (value) => `admin: { tokenFile: ${JSON.stringify(value)} }`],
    ['as a default', (value) => `queue: { kind: "\${env:NOPE:-${value}" }`],
    ['in broken YAML', (value) => `admin:\n  token: ${value}: ${value}\n- ${value}`],
    ['as the whole file', (value) => value],
    ['as the key of a sender', (value) => `keys: [{ key: ${JSON.stringify(value)} }]`],
    [
      'as the key of two senders',
      (value) => `keys: [{ name: a, key: ${JSON.stringify(value)} }, { key: ${JSON.stringify(value)} }]`,
    ],
    ...['name', 'keyFile', 'keySha256', 'destination', 'browser', 'origins', 'paths', 'spansPerSecond', 'expires'].map(
      (field): [string, (value: string) => string] => [
        `as ${field} of a key`,
        (value) => `keys: [{ key: k, ${field}: ${JSON.stringify(value)} }]`,
      ],
    ),
    ['as a stamp', (value) => `keys: [{ stamp: { ${JSON.stringify(value)}: [${JSON.stringify(value)}] } }]`],
    ['as the stamps', (value) => `keys: [{ stamp: ${JSON.stringify(value)} }]`],
    ['instead of a key', (value) => `keys: [${JSON.stringify(value)}]`],
    ['as proxies', (value) => `receiver: { trustProxy: [${JSON.stringify(value)}] }`],
    [
      'as paths of TLS',
      (value) => `receiver: { tls: { cert: ${JSON.stringify(value)}, key: ${JSON.stringify(value)} } }`,
    ],
  ];

  // Signs and a digit among the letters, as in every real key: a mere word could be the name of a setting.
  test.each(places)('in the file, %s', (_, place) => {
    const file = write('', 'property.yaml');
    fc.assert(
      fc.property(secret, (text) => {
        const value = `sk-7-${text}`;
        writeFileSync(file, place(value));
        expect(said(loadConfig({ env: {}, configFile: file }))).not.toContain(value);
      }),
      { numRuns: 100 },
    );
  });

  test('in the file a secret comes from', () => {
    const env = { GATEWAY_ADMIN_TOKEN_FILE: write('a secret with blanks', 'token') };
    expect(mistakesOf(env)).toEqual([expect.not.stringContaining('secret with')]);
  });
});
