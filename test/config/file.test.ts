import { SETTINGS } from '../../src/config';
import { configOf, containing, type Env, KEYS, load, mistakesOf, warningsOf, write } from '../support/configuration';

const reference = (text: string) => `\${${text}}`;

test('numbers, switches and lists come out of variables as in the environment, quoted or not', () => {
  const yaml = `
receiver: { port: "${reference('env:P')}", corsOrigins: "${reference('env:O')}" }
repairs:
  invalid_utf8: ${reference('env:R')}
`;
  const config = configOf({ P: '80', O: 'https://a.example,https://b.example', R: 'false' }, yaml);
  expect(config.receiver).toMatchObject({ port: 80, corsOrigins: ['https://a.example', 'https://b.example'] });
  expect(config.repairs.invalid_utf8).toBe(false);
});

test('text out of a variable stays text', () => {
  const yaml = `destinations: [{ release: "${reference('env:R')}" }]`;
  expect(configOf({ ...KEYS, R: '1.10' }, yaml).destinations[0]?.release).toBe('1.10');
});

test('a name that is not set leaves the setting unset and is warned of', () => {
  const yaml = `receiver:\n  port: ${reference('env:NOT_THERE')}\n`;
  expect(configOf({}, yaml).receiver.port).toBe(4318);
  expect(warningsOf({}, yaml)).toEqual([`gateway.yaml:2: ${reference('env:NOT_THERE')} is not set and has no default`]);
});

test('twins with File', () => {
  const yaml = `
destinations:
  - publicKeyFile: ${write('pk-lf-file\n', 'public')}
    secretKeyFile: ${write('sk-lf-file\n', 'secret')}
`;
  expect(configOf({}, yaml).destinations).toMatchObject([{ publicKey: 'pk-lf-file', secretKey: 'sk-lf-file' }]);
});

test('anchors and merge keys work as in other YAML files', () => {
  const yaml = `
destinations:
  - &eu { name: eu, publicKey: pk, secretKey: sk, compression: gzip }
  - { <<: *eu, name: eu-2 }
`;
  expect(configOf({}, yaml).destinations[1]).toMatchObject({ name: 'eu-2', publicKey: 'pk', compression: 'gzip' });
});

test.each<[name: string, yaml: string, parts: string[]]>([
  [
    'a number as text',
    'destinations:\n  - release: 1.10',
    ['2: destinations[0].release must be text: put it in quotes'],
  ],
  ['a mapping for a number', 'receiver: { port: { a: 1 } }', ['1: receiver.port must be a whole number']],
  [
    'a number too high',
    '\n\nreceiver:\n\n  port: 65536\n',
    ['5: receiver.port must be a whole number from 0 to 65535'],
  ],
  ['a number out of a variable', `receiver: { port: "${reference('env:X')}" }`, ['1: receiver.port must be a whole']],
  ['a list entry', 'receiver: { corsOrigins: [1] }', ['1: receiver.corsOrigins entry 1 must be *, null, or an origin']],
  [
    'a value of a list',
    'destinations: [{ compression: zstd }]',
    ['1: destinations[0].compression must be one of auto'],
  ],
  ['an unknown key', 'receiver:\n  prot: 1\n', ['2: receiver.prot is not a setting; known here: host, port,']],
  ['an unknown group', 'recevier: { port: 1 }', ['1: recevier is not a setting; known here: receiver, admin,']],
  ['an unknown field', 'destinations:\n  - name: a\n    url: x\n', ['3: destinations[0].url is not a setting']],
  [
    'a repair of ids',
    'repairs:\n  id_base64: true\n',
    ['2: repairs.id_base64 is not a setting; known here: ids, link_'],
  ],
  ['a dotted key', 'receiver.port: 1', ['1: (unnamed) is not a setting']],
  ['names all objects have', 'constructor: 1\n__proto__: { a: 1 }\n', ['1: constructor is not', '2: __proto__ is not']],
  ['what only a variable says', 'logLevel: info', ['1: logLevel is not a setting']],
  ['a value for a group', 'receiver: 4318', ['1: receiver must be a mapping']],
  ['a mapping for a list', 'destinations: { name: a }', ['1: destinations must be a list']],
  ['a list for the file', '- a', ['1: the file must be a mapping']],
  ['a twin that is no path', 'admin: { tokenFile: 1 }', ['1: admin.tokenFile must be the path of a file']],
  ['both twins', 'admin:\n  token: a\n  tokenFile: /b\n', ['3: admin.tokenFile is given both by itself and by a file']],
  [
    'both, the other way',
    'admin:\n  tokenFile: /\n  token: a\n',
    ['2: admin.tokenFile names', '3: admin.token is given both'],
  ],
])('%s', (_, yaml, parts) => {
  const env: Env = { ...KEYS, X: 'x' };
  expect(mistakesOf(env, yaml)).toEqual(containing(parts.map((part) => `gateway.yaml:${part}`)));
});

test('a mistake in the file counts even where the environment wins', () => {
  expect(mistakesOf({ PORT: '1' }, 'receiver: { port: x }')).toHaveLength(1);
});

test('a file that is not there', () => {
  expect(load({ GATEWAY_CONFIG: '/nowhere/gateway.yaml' })).toMatchObject({
    mistakes: ['/nowhere/gateway.yaml: cannot be read (ENOENT); it must be a readable YAML file'],
  });
});

test('every setting of the table can be given in the file', () => {
  const inFile = Object.entries(SETTINGS).filter(
    ([key, { inFile, default: value }]) => inFile && !key.includes('[]') && value !== undefined,
  );
  const groups: Record<string, unknown> = {};
  for (const [key, { default: value }] of inFile) {
    const [group = '', name] = key.split('.');
    groups[group] = name === undefined ? value : { ...(groups[group] as object | undefined), [name]: value };
  }
  expect(inFile.length).toBeGreaterThan(40);
  expect(load({}, JSON.stringify(groups))).toEqual(load({}));
});
