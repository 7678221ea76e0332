import { createHash } from 'node:crypto';
import { KEY_PATHS } from '../../src/receiver/paths';
import { configOf, type Env, KEYS, mistakesOf, warningsOf, write } from '../support/configuration';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const NOW = Date.parse('2027-06-15T12:00:00Z');

const keysOf = (yaml: string, env: Env = {}) => configOf(env, yaml, NOW).keys;
/** One key with these fields, besides a name and a key. */
const key = (fields: string) => `keys: [{ name: a, key: k, ${fields} }]`;
const SERVER = { browser: false, origins: [], burstSeconds: 10, stamp: {} };

test('a browser key with everything, and a server key with nothing', () => {
  const yaml = `
destinations: [{}, { name: other, publicKey: p, secretKey: s }]
keys:
  - name: web
    key: gw-web-1
    destination: other
    browser: true
    origins: [https://APP.example.com, "https://*.example.com", https://app.example.com:443]
    paths: [/v1/traces, /otel-ingest/, /v1/traces/]
    spansPerSecond: 50
    bytesPerSecond: 1000000
    burstSeconds: 2.5
    dailySpans: 1000000
    maxSpansPerRequest: 512
    maxAttributeBytes: 1000000
    stamp: { langfuse.environment: production, tier: 2, beta: true }
    expires: 2027-12-31T00:00:00Z
  - { name: backend, key: gw-backend-1 }
`;
  expect(keysOf(yaml, { ...KEYS, GATEWAY_INGEST_KEYS: 'gw-env-1' })).toEqual([
    {
      name: 'web',
      sha256: sha256('gw-web-1'),
      destination: 'other',
      browser: true,
      origins: ['https://app.example.com', 'https://*.example.com'],
      paths: ['/v1/traces', '/otel-ingest'],
      spansPerSecond: 50,
      bytesPerSecond: 1_000_000,
      burstSeconds: 2.5,
      dailySpans: 1_000_000,
      maxSpansPerRequest: 512,
      maxAttributeBytes: 1_000_000,
      stamp: { 'langfuse.environment': 'production', tier: 2, beta: true },
      expiresAtMs: Date.UTC(2027, 11, 31),
    },
    { name: 'backend', sha256: sha256('gw-backend-1'), ...SERVER },
    { name: 'env', sha256: sha256('gw-env-1'), ...SERVER },
  ]);
});

test('a browser key has bounds by itself; each that is given takes the place of its own only', () => {
  const browser = 'browser: true, origins: [https://a.example]';
  expect(keysOf(key(browser))).toEqual([
    expect.objectContaining({ spansPerSecond: 1_000, bytesPerSecond: 10_000_000, maxSpansPerRequest: 10_000 }),
  ]);
  expect(keysOf(key(`${browser}, spansPerSecond: 0.5`))).toEqual([
    expect.objectContaining({ spansPerSecond: 0.5, bytesPerSecond: 10_000_000, maxSpansPerRequest: 10_000 }),
  ]);
});

describe('the key itself', () => {
  const [expected] = keysOf('keys: [{ name: a, key: gw-1 }]');

  test.each<[string, string, Env]>([
    ['its hash', `keySha256: ${sha256('gw-1')}`, {}],
    ['its hash in capitals', `keySha256: ${sha256('gw-1').toUpperCase()}`, {}],
    ['a file', `keyFile: ${write('gw-1\n', 'key')}`, {}],
    ['a variable', `key: "\${env:MY_KEY}"`, { MY_KEY: 'gw-1' }],
  ])('may be %s', (_, given, env) => expect(keysOf(`keys: [{ name: a, ${given} }]`, env)).toEqual([expected]));

  test('is not kept', () => {
    const env = { GATEWAY_INGEST_KEYS: 'gw-of-the-environment' };
    expect(JSON.stringify(configOf(env, 'keys: [{ name: a, key: gw-of-the-file }]'))).not.toContain('gw-of-the');
  });
});

test('every path that takes a key may be named', () => {
  expect(keysOf(key(`paths: ${JSON.stringify(KEY_PATHS)}`))[0]?.paths).toEqual(KEY_PATHS);
});

test('origins are kept for a key that is not for browsers', () => {
  expect(keysOf(key('origins: "https://a.example,null"'))[0]).toMatchObject({
    browser: false,
    origins: ['https://a.example', 'null'],
  });
});

test.each([
  ['2027-12-31', '2027-12-31T00:00:00Z'],
  ['2027-12-31T18:00:00+02:00', '2027-12-31T16:00:00Z'],
  ['2027-12-31 18:00:00.5Z', '2027-12-31T18:00:00.500Z'],
  ['2028-02-29t23:59z', '2028-02-29T23:59:00Z'],
])('it expires at %s: %s', (given, at) => {
  expect(keysOf(key(`expires: ${given}`))[0]?.expiresAtMs).toBe(Date.parse(at));
});

test('dates of YAML 1.1 are dates', () => {
  const yaml = `%YAML 1.1\n---\n${key('expires: 2027-12-31')}\n`;
  expect(keysOf(yaml)[0]?.expiresAtMs).toBe(Date.UTC(2027, 11, 31));
});

test('stamps have any names, lose what is empty and keep their types', () => {
  const yaml = `
keys:
  - name: a
    key: k
    stamp:
      langfuse.trace.tags: "1.10"
      langfuse.release: 1.5
      empty: ""
      nothing:
      unset: \${env:NOT_THERE}
      __proto__: own
      constructor: text
      off: false
      zero: 0
`;
  const [{ stamp } = { stamp: {} }] = keysOf(yaml);
  expect(Object.entries(stamp)).toEqual([
    ['langfuse.trace.tags', '1.10'],
    ['langfuse.release', 1.5],
    ['__proto__', 'own'],
    ['constructor', 'text'],
    ['off', false],
    ['zero', 0],
  ]);
});

describe('destinations', () => {
  const naming = (name: string) => `keys: [{ name: a, key: k, destination: ${name} }]\n`;

  test('main is one that the environment makes', () => {
    expect(keysOf(naming('main'), KEYS)[0]?.destination).toBe('main');
  });

  test('in preview mode any may be named, and none is kept', () => {
    expect(keysOf(naming('nowhere'))[0]).not.toHaveProperty('destination');
  });

  test.each([
    ['a name that is a mistake', 'destinations: [{ name: "a b" }]'],
    ['a list that is none', 'destinations: none'],
    ['an entry that is none', 'destinations: [none]'],
  ])('%s is one mistake', (_, yaml) => expect(mistakesOf(KEYS, `${naming('eu')}${yaml}`)).toHaveLength(1));
});

const WEB = 'name: web, key: k, browser: true';
const HASH = sha256('k');

test.each<[what: string, yaml: string, mistakes: string[], env?: Env]>([
  ['nothing', 'keys:\n  -\n', ['2: keys[0] must have a name', '2: keys[0] must have key or keySha256']],
  ['no name', 'keys:\n  - key: k\n', ['2: keys[0] must have a name']],
  [
    'no key',
    'keys:\n  - {}\n  - name: a\n',
    ['2: keys[0] must have a name', '2: keys[0] must have key or keySha256', '3: keys[1] must have key or keySha256'],
  ],
  [
    'a variable that is not set',
    `keys: [{ name: a, key: "\${env:NOT_THERE}" }]`,
    ['1: keys[0] must have key or keySha256'],
  ],
  [
    'key and hash',
    `keys:\n  - name: a\n    keySha256: ${HASH}\n    key: k\n`,
    ['3: keys[0].keySha256 is given beside the key itself; keep one of them'],
  ],
  [
    'key and file',
    'keys:\n  - name: a\n    key: k\n    keyFile: /k\n',
    ['4: keys[0].keyFile is given both by itself and by a file; keep one of them'],
  ],
  ['a hash that is none', 'keys: [{ name: a, keySha256: abc }]', ['1: keys[0].keySha256 must be 64 hex digits']],
  [
    'a key with a blank',
    'keys: [{ name: a, key: "k k" }]',
    ['1: keys[0].key must be visible ASCII characters without blanks'],
  ],
  ['a number', 'keys: [{ name: a, key: 123 }]', ['1: keys[0].key must be text: put it in quotes']],
  [
    'a name with a blank',
    'keys: [{ name: a b, key: k }]',
    ['1: keys[0].name must be 1 to 64 letters, digits and . _ -'],
  ],
  [
    'a field nobody knows',
    'keys:\n  - name: a\n    key: k\n    origin: https://a.example\n',
    [
      '4: keys[0].origin is not a setting; known here: name, key, keySha256, destination, browser, origins, paths, spansPerSecond, ' +
        'bytesPerSecond, burstSeconds, dailySpans, maxSpansPerRequest, maxAttributeBytes, stamp, expires, keyFile',
    ],
  ],
  [
    'a page without origins',
    `keys:\n  - { ${WEB} }`,
    ['2: keys[0].browser is true, so origins must name the pages that may use the key'],
  ],
  [
    'a page with none',
    `keys: [{ ${WEB}, origins: [] }]`,
    ['1: keys[0].browser is true, so origins must name the pages that may use the key'],
  ],
  [
    'a page with a wrong one',
    `keys: [{ ${WEB}, origins: [a.example] }]`,
    [
      '1: keys[0].origins entry 1 must be *, null, or an origin without a path: https://app.example.com, http://localhost:3000, https://*.example.com',
    ],
  ],
  [
    'a path nobody serves',
    key('paths: [/v1/traces, /v1/logs]'),
    [
      '1: keys[0].paths entry 2 must be one of /v1/traces, /api/public/otel/v1/traces, /otel-ingest, /api/span-forward/ingest, /flush, /api/span-forward/flush',
    ],
  ],
  [
    'rates',
    key('spansPerSecond: 0, bytesPerSecond: -1, burstSeconds: .inf'),
    [
      '1: keys[0].spansPerSecond must be a number above 0',
      '1: keys[0].bytesPerSecond must be a number above 0',
      '1: keys[0].burstSeconds must be a number above 0',
    ],
  ],
  [
    'rates that are no numbers',
    key('spansPerSecond: 1e3x, bytesPerSecond: .nan, burstSeconds: "1 0"'),
    [
      '1: keys[0].spansPerSecond must be a number above 0',
      '1: keys[0].bytesPerSecond must be a number above 0',
      '1: keys[0].burstSeconds must be a number above 0',
    ],
  ],
  [
    'counts',
    key('dailySpans: 0, maxSpansPerRequest: 1.5, maxAttributeBytes: many'),
    [
      '1: keys[0].dailySpans must be a whole number from 1 to 1000000000000',
      '1: keys[0].maxSpansPerRequest must be a whole number from 1 to 1000000000000',
      '1: keys[0].maxAttributeBytes must be a whole number from 1 to 1000000000000',
    ],
  ],
  [
    'stamps that are no mapping',
    key('stamp: [[a, b]]'),
    ['1: keys[0].stamp must be a mapping, each value text, a number, true or false'],
  ],
  [
    'stamps that are nested',
    'keys:\n  - name: a\n    key: k\n    stamp:\n      a:\n      b: [x]\n      c: { d: 1 }\n      e: .inf\n',
    [
      '4: keys[0].stamp entry 2 must have a name, and text, a number, true or false as its value',
      '4: keys[0].stamp entry 3 must have a name, and text, a number, true or false as its value',
      '4: keys[0].stamp entry 4 must have a name, and text, a number, true or false as its value',
    ],
  ],
  [
    'a stamp without a name',
    key('stamp: { "": x }'),
    ['1: keys[0].stamp entry 1 must have a name, and text, a number, true or false as its value'],
  ],
  ...['2027-02-30', '2027-12-31T00:00:00', 'tomorrow', '2027', '2027-13-01T00:00:00Z'].map(
    (given): [string, string, string[]] => [
      `expires ${given}`,
      key(`expires: ${given}`),
      ['1: keys[0].expires must be a date (2027-12-31) or a date and a time with its zone (2027-12-31T18:00:00+02:00)'],
    ],
  ),
  [
    'a destination nobody knows',
    'keys:\n  - name: a\n    key: k\n    destination: eu\n',
    ['4: keys[0].destination must be the name of a destination of this configuration'],
    KEYS,
  ],
  [
    'one key twice',
    `keys:\n  - { name: a, key: k }\n  - { name: b, key: l }\n  - name: c\n    keySha256: ${HASH}\n`,
    ['5: keys[2].keySha256 is also the key of keys[0]; keep one of them'],
  ],
  [
    'one key three times',
    'keys:\n  - { name: a, key: k }\n  - { name: b, key: k }\n  - { name: c, key: k }\n',
    [
      '3: keys[1].key is also the key of keys[0]; keep one of them',
      '4: keys[2].key is also the key of keys[0]; keep one of them',
    ],
  ],
  [
    'a key of the environment',
    'keys:\n  - name: a\n    key: k\n',
    ['3: keys[0].key is also one of GATEWAY_INGEST_KEYS; keep one of them'],
    { GATEWAY_INGEST_KEYS: 'j,k' },
  ],
  [
    'a key of a file of the environment',
    'keys: [{ name: a, key: k }]',
    ['1: keys[0].key is also one of GATEWAY_INGEST_KEYS_FILE; keep one of them'],
    { GATEWAY_INGEST_KEYS_FILE: write('k', 'keys') },
  ],
])('%s: each mistake by its line', (_, yaml, mistakes, env = {}) => {
  expect(mistakesOf(env, yaml, NOW)).toEqual(mistakes.map((mistake) => `gateway.yaml:${mistake}`));
});

describe('changing a key', () => {
  const named = (...keys: string[]) =>
    `keys:\n${keys.map((rest, index) => `  - { name: a, key: k${index}, ${rest} }\n`).join('')}`;
  const [PAST, FUTURE] = ['expires: 2027-06-15T12:00:00Z', 'expires: 2027-06-15T12:00:01Z'];

  test.each([
    ['two that live', named('', '')],
    ['two that live and others that do not', named(PAST, '', FUTURE, PAST)],
    ['many of the environment', named('', '')],
  ])('%s may share a name', (_, yaml) => {
    expect(keysOf(yaml, { GATEWAY_INGEST_KEYS: 'e1,e2,e3' }).length).toBeGreaterThan(4);
  });

  test('three that live may not, and it is said once', () => {
    expect(mistakesOf({}, named('', PAST, FUTURE, '', ''), NOW)).toEqual([
      'gateway.yaml:5: keys[3].name is the name of more than 2 keys that have not expired; two are for changing a key',
    ]);
  });

  test('one whose end cannot be read may be over', () => {
    expect(mistakesOf({}, named('', '', 'expires: soon'), NOW)).toHaveLength(1);
  });

  test('a key that has expired is warned of', () => {
    expect(warningsOf({}, named(FUTURE, PAST), NOW)).toEqual([
      'gateway.yaml:3: keys[1].expires is in the past: the key lets nobody in',
    ]);
  });
});
