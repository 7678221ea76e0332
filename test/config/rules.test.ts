import { configOf, containing, type Env, KEYS, load, mistakesOf, warningsOf } from '../support/configuration';

describe('listening beyond loopback', () => {
  test.each<[string, Env, string | undefined, string]>([
    [
      'any address',
      { HOST: '0.0.0.0' },
      undefined,
      'HOST must be a loopback address as long as there are no keys: set',
    ],
    ['a list of the file without a key', { HOST: '::' }, 'keys: []', 'HOST must be a loopback address'],
    ['a list without a key', { HOST: '::', GATEWAY_INGEST_KEYS: ' , ' }, undefined, 'HOST must be a loopback address'],
    ['a name', { HOST: 'localhost.example' }, undefined, 'HOST must be a loopback address'],
    ['a short spelling', { HOST: '127.1' }, undefined, 'HOST must be a loopback address'],
    ['the file', {}, 'receiver:\n  host: 10.0.0.1\n', 'gateway.yaml:2: receiver.host must be a loopback address'],
    ['admin', { GATEWAY_ADMIN_HOST: '0.0.0.0' }, undefined, 'GATEWAY_ADMIN_HOST must be a loopback address as long as'],
    [
      'admin, open',
      { GATEWAY_ADMIN_HOST: '::', GATEWAY_ALLOW_ANONYMOUS: 'true' },
      undefined,
      'GATEWAY_ADMIN_HOST must',
    ],
  ])('%s: needs keys or a token', (_, env, yaml, part) => {
    expect(mistakesOf(env, yaml)).toEqual(containing([part]));
  });

  test.each<[string, Env, string | undefined]>([
    ['keys', { GATEWAY_INGEST_KEYS: 'k' }, undefined],
    ['a key of the file', {}, 'keys: [{ name: a, key: k }]'],
    ['a key that has expired', {}, 'keys: [{ name: a, key: k, expires: 2001-01-01 }]'],
    ['a decision', { GATEWAY_ALLOW_ANONYMOUS: 'True' }, undefined],
  ])('is allowed with %s', (_, env, yaml) => {
    expect(configOf({ HOST: '0.0.0.0', ...env }, yaml).receiver.host).toBe('0.0.0.0');
  });

  test.each([
    ['a key that is a mistake', 'keys: [{ name: a, key: "a b" }]'],
    ['an entry that is none', 'keys: [gw-1]'],
    ['keys that are no list', 'keys: gw-1'],
  ])('%s is one mistake', (_, yaml) => expect(mistakesOf({ HOST: '0.0.0.0' }, yaml)).toHaveLength(1));

  test.each(['127.0.0.1', '127.255.0.9', '::1', '[::1]', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'LOCALHOST'])(
    '%s is loopback and needs neither',
    (host) => expect(load({ HOST: host, GATEWAY_ADMIN_HOST: host })).toHaveProperty('config'),
  );

  test('the admin listener is allowed with a token', () => {
    const env = { GATEWAY_ADMIN_HOST: '::', GATEWAY_ADMIN_TOKEN: 't' };
    expect(configOf(env).admin).toEqual({ host: '::', port: 4319, token: 't' });
  });

  test('a switch that cannot be read is one mistake', () => {
    expect(mistakesOf({ HOST: '::', GATEWAY_ALLOW_ANONYMOUS: '1' })).toHaveLength(1);
  });
});

describe('ports', () => {
  const open = { HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' };

  test.each<[string, Env, string]>([
    ['on one host', { PORT: '4319' }, "PORT must differ from the admin's port"],
    ['on any address', { ...open, GATEWAY_ADMIN_PORT: '4318' }, "GATEWAY_ADMIN_PORT must differ from the receiver's"],
  ])('one port for both, %s', (_, env, part) => {
    expect(mistakesOf(env)).toEqual(containing([part]));
  });

  test.each<[string, Env]>([
    ['two free ports', { PORT: '0', GATEWAY_ADMIN_PORT: '0' }],
    ['two hosts', { PORT: '4319', HOST: '127.0.0.2' }],
  ])('%s are fine', (_, env) => expect(load(env)).toHaveProperty('config'));
});

describe('a base URL that leads back to the gateway', () => {
  const open = { HOST: '0.0.0.0', GATEWAY_ALLOW_ANONYMOUS: 'true' };

  test.each<[string, Env, string, string]>([
    ['the receiver', {}, 'http://127.0.0.1:4318', 'receiver'],
    ['the admin listener', {}, 'http://127.0.0.1:4319', 'admin'],
    ['by name', {}, 'http://LOCALHOST:4318/langfuse', 'receiver'],
    ['by any address', {}, 'http://0.0.0.0:4318', 'receiver'],
    ['over IPv6', { HOST: '::1' }, 'http://[::1]:4318', 'receiver'],
    ['a listener on a name', { HOST: 'localhost' }, 'http://127.0.0.1:4318', 'receiver'],
    ['a listener on any address', open, 'http://127.0.0.1:4318', 'receiver'],
    ['a listener on its own address', { ...open, HOST: '10.0.0.1' }, 'http://10.0.0.1:4318', 'receiver'],
    ['the default port of http', { PORT: '80' }, 'http://localhost', 'receiver'],
  ])('%s', (_, env, baseUrl, listener) => {
    expect(mistakesOf({ ...KEYS, ...env, LANGFUSE_BASE_URL: baseUrl })).toEqual(
      containing([`LANGFUSE_BASE_URL must be the address of Langfuse: this is the gateway's own ${listener}`]),
    );
  });

  test('of a later destination of the file', () => {
    const yaml = 'destinations:\n  - {}\n  - { name: b, baseUrl: http://localhost:4318, publicKey: p, secretKey: s }\n';
    expect(mistakesOf(KEYS, yaml)).toEqual(
      containing(['gateway.yaml:3: destinations[1].baseUrl must be the address of Langfuse']),
    );
  });

  test.each<[string, Env, string]>([
    ['another port', {}, 'http://127.0.0.1:3000'],
    ['a free port', { PORT: '0', GATEWAY_ADMIN_PORT: '0' }, 'http://127.0.0.1:4318'],
    ['another loopback address', { HOST: '127.0.0.2' }, 'http://127.0.0.1:4318'],
    ['another host', open, 'http://langfuse.internal:4318'],
  ])('%s is fine', (_, env, baseUrl) => {
    expect(load({ ...KEYS, ...env, LANGFUSE_BASE_URL: baseUrl })).toHaveProperty('config');
  });

  test('without keys nothing is sent: preview mode starts and says so', () => {
    expect(warningsOf({ LANGFUSE_BASE_URL: 'http://127.0.0.1:4318' })).toEqual(
      containing(['has no effect without keys']),
    );
  });
});

describe('destinations', () => {
  const half = 'is only half of the credentials: set';

  test.each<[string, Env, string | undefined, string[]]>([
    ['public key alone', { LANGFUSE_PUBLIC_KEY: 'pk' }, undefined, [`LANGFUSE_PUBLIC_KEY ${half} LANGFUSE_SECRET_KEY`]],
    ['secret key alone', { LANGFUSE_SECRET_KEY: 'sk' }, undefined, [`LANGFUSE_SECRET_KEY ${half} LANGFUSE_PUBLIC_KEY`]],
    [
      'a secret that cannot be read',
      { LANGFUSE_PUBLIC_KEY: 'pk', LANGFUSE_SECRET_KEY_FILE: '/' },
      undefined,
      ['EISDIR'],
    ],
    [
      'no keys',
      {},
      'destinations:\n  - name: a\n',
      ['gateway.yaml:2: destinations[0] must have publicKey and secretKey'],
    ],
    ['empty', {}, 'destinations:\n  -\n', ['gateway.yaml:2: destinations[0] must have publicKey']],
    [
      'a second, empty',
      KEYS,
      'destinations: [{}, {}]',
      ['destinations[1] must have publicKey', 'destinations[1] must have a name'],
    ],
    ['half a second', KEYS, 'destinations: [{}, { name: b, secretKey: s }]', ['set destinations[1].publicKey too']],
    [
      'a variable not set',
      {},
      `destinations: [{ publicKey: p, secretKey: "\${A}" }]`,
      [`destinations[0].publicKey ${half}`],
    ],
    [
      'one name twice',
      KEYS,
      'destinations:\n  - {}\n  - { name: main, publicKey: p, secretKey: s }\n',
      ['gateway.yaml:3: destinations[1].name must be unique'],
    ],
    [
      'no label',
      KEYS,
      'destinations: [{ name: "a b" }]',
      ['gateway.yaml:1: destinations[0].name must be 1 to 64 letters'],
    ],
  ])('%s', (_, env, yaml, parts) => {
    expect(mistakesOf(env, yaml)).toEqual(containing(parts));
  });

  test('swapped keys are warned of, without a word of them', () => {
    const yaml = 'destinations:\n  - {}\n  - { name: b, publicKey: sk-lf-hidden, secretKey: pk-lf-hidden }\n';
    const env = { LANGFUSE_PUBLIC_KEY: 'sk-lf-hidden', LANGFUSE_SECRET_KEY: 'pk-lf-hidden' };
    expect(warningsOf(env)).toEqual([
      'LANGFUSE_PUBLIC_KEY begins with sk-lf- as secret keys do: are they swapped?',
      'LANGFUSE_SECRET_KEY begins with pk-lf- as public keys do: are they swapped?',
    ]);
    const parts = ['publicKey begins', 'secretKey begins'].map((part) => `gateway.yaml:3: destinations[1].${part}`);
    expect(warningsOf(KEYS, yaml)).toEqual(containing([...parts, 'destinations[1] receives no new spans']));
  });

  describe('that receive nothing new are warned of', () => {
    const yaml = `
keys:
  - { name: a, key: gw-a, destination: b }
  - { name: b, key: gw-b }
destinations:
  - { name: a }
  - { name: b, publicKey: p, secretKey: s }
  - name: c
    publicKey: p
    secretKey: s
`;
    test('neither the first nor one that a key names', () => {
      expect(warningsOf(KEYS, yaml)).toEqual([
        'gateway.yaml:8: destinations[2] receives no new spans: it is not the first, and no key names it',
      ]);
    });

    test('all but the first, without keys of the file', () => {
      const keyless = yaml.slice(yaml.indexOf('destinations'));
      expect(warningsOf({ ...KEYS, GATEWAY_INGEST_KEYS: 'k' }, keyless)).toEqual(
        containing(['gateway.yaml:3: destinations[1] receives no', 'gateway.yaml:4: destinations[2] receives no']),
      );
    });
  });
});
