import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { readTlsFiles } from '../../src/config';
import { createAuthority } from '../support/certificates';
import { configOf, type Env, mistakesOf, warningsOf, write } from '../support/configuration';

const authority = createAuthority('test');
const own = authority.issue({ hosts: ['localhost'] });
const other = authority.issue({ hosts: ['localhost'] });
const lines = own.cert.split('\n');
const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
});

const FILES = {
  cert: write(own.cert, 'cert.pem'),
  key: write(own.key, 'key.pem'),
  ca: write(authority.cert, 'ca.pem'),
  chain: write(`${own.cert}${authority.cert}`, 'chain.pem'),
  otherKey: write(other.key, 'other-key.pem'),
  encrypted: write(encrypted.privateKey, 'encrypted.pem'),
  old: write(
    '-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n',
    'old.pem',
  ),
  damagedKey: write('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'damaged-key.pem'),
  damagedCert: write([...lines.slice(0, 2), ...lines.slice(3)].join('\n'), 'damaged.pem'),
  cutOff: write(`${authority.cert}${lines.slice(0, 3).join('\n')}`, 'cut-off.pem'),
  nothing: write('PEM', 'nothing.pem'),
  nowhere: '/nowhere/file.pem',
};
type FileName = keyof typeof FILES;

const both = (cert: FileName, key: FileName): Env => ({ GATEWAY_TLS_CERT: FILES[cert], GATEWAY_TLS_KEY: FILES[key] });
const tlsYaml = (files: Partial<Record<'cert' | 'key' | 'clientCa', FileName>>) =>
  `receiver:\n  tls:\n${Object.entries(files)
    .map(([name, file]) => `    ${name}: ${FILES[file]}\n`)
    .join('')}`;

test('without any, the receiver speaks plain HTTP', () => {
  expect(configOf({}).receiver).not.toHaveProperty('tls');
});

test.each<[string, Env, string | undefined]>([
  ['the environment', { ...both('chain', 'key'), GATEWAY_TLS_CLIENT_CA: FILES.ca }, undefined],
  ['the file', {}, tlsYaml({ cert: 'chain', key: 'key', clientCa: 'ca' })],
  ['both of them', { GATEWAY_TLS_KEY: FILES.key }, tlsYaml({ cert: 'chain', key: 'otherKey', clientCa: 'ca' })],
])('%s names files, and TLS takes what they hold', (_, env, yaml) => {
  const { tls } = configOf(env, yaml).receiver;
  expect(tls).toEqual({ cert: FILES.chain, key: FILES.key, clientCa: FILES.ca });
  const { cert, key, ca } = readTlsFiles(tls!);
  expect({ cert, key, ca }).toEqual({
    cert: readFileSync(FILES.chain),
    key: readFileSync(FILES.key),
    ca: readFileSync(FILES.ca),
  });
  expect(() => createSecureContext({ cert, key, ca })).not.toThrow();
});

test('without authorities there are none', () => {
  expect(readTlsFiles({ cert: FILES.cert, key: FILES.key })).not.toHaveProperty('ca');
});

const HALF = 'is only half of what TLS needs: set';

test.each<[what: string, Env, yaml: string | undefined, mistakes: string[]]>([
  [
    'a certificate alone',
    { GATEWAY_TLS_CERT: FILES.cert },
    undefined,
    [`GATEWAY_TLS_CERT ${HALF} GATEWAY_TLS_KEY (in the file: receiver.tls.key) too`],
  ],
  [
    'a private key alone',
    {},
    tlsYaml({ key: 'key' }),
    [`gateway.yaml:3: receiver.tls.key ${HALF} GATEWAY_TLS_CERT (in the file: receiver.tls.cert) too`],
  ],
  [
    'authorities alone',
    { GATEWAY_TLS_CLIENT_CA: FILES.ca },
    undefined,
    [
      'GATEWAY_TLS_CLIENT_CA has no effect without a certificate: set GATEWAY_TLS_CERT and GATEWAY_TLS_KEY (in the file: ' +
        'receiver.tls.cert and receiver.tls.key) too',
    ],
  ],
  [
    'files that are not there',
    {},
    tlsYaml({ cert: 'nowhere', key: 'nowhere', clientCa: 'nowhere' }),
    [
      ...['3: receiver.tls.cert', '4: receiver.tls.key', '5: receiver.tls.clientCa'].map(
        (name) => `gateway.yaml:${name} cannot be read (ENOENT); it must be the path of a PEM file`,
      ),
    ],
  ],
  [
    'files that hold nothing',
    { ...both('nothing', 'nothing'), GATEWAY_TLS_CLIENT_CA: FILES.nothing },
    undefined,
    [
      'GATEWAY_TLS_CERT must be a PEM file with certificates: it holds none',
      'GATEWAY_TLS_KEY must be a PEM file with a private key: it holds none',
      'GATEWAY_TLS_CLIENT_CA must be a PEM file with certificates: it holds none',
    ],
  ],
  [
    'the two swapped',
    both('key', 'cert'),
    undefined,
    [
      'GATEWAY_TLS_CERT must be a PEM file with certificates: it holds none',
      'GATEWAY_TLS_KEY must be a PEM file with a private key: it holds none',
    ],
  ],
  [
    'another private key',
    both('cert', 'otherKey'),
    undefined,
    ['GATEWAY_TLS_CERT holds the certificate of another private key'],
  ],
  [
    'a chain that begins at its end',
    both('ca', 'key'),
    undefined,
    ['GATEWAY_TLS_CERT holds the certificate of another private key'],
  ],
  [
    'a passphrase',
    both('cert', 'encrypted'),
    undefined,
    ['GATEWAY_TLS_KEY must be a private key without a passphrase'],
  ],
  [
    'a passphrase, the old way',
    both('cert', 'old'),
    undefined,
    ['GATEWAY_TLS_KEY must be a private key without a passphrase'],
  ],
  [
    'a path that is none',
    { GATEWAY_TLS_CERT: FILES.cert, GATEWAY_TLS_KEY: own.key },
    undefined,
    ['GATEWAY_TLS_KEY must be a path'],
  ],
])('%s', (_, env, yaml, mistakes) => expect(mistakesOf(env, yaml)).toEqual(mistakes));

test.each<[string, Env, RegExp]>([
  ['a private key', both('cert', 'damagedKey'), /^GATEWAY_TLS_KEY must be a PEM file with a private key \(ERR_\w+\)$/],
  ['a certificate', both('damagedCert', 'key'), /^GATEWAY_TLS_CERT must be a PEM file with a certificate \(ERR_\w+\)$/],
  [
    'authorities of which one is cut off',
    { ...both('cert', 'key'), GATEWAY_TLS_CLIENT_CA: FILES.cutOff },
    /^GATEWAY_TLS_CLIENT_CA must be a PEM file with certificates \(ERR_\w+\)$/,
  ],
])('damaged: %s', (_, env, mistake) => expect(mistakesOf(env)).toEqual([expect.stringMatching(mistake)]));

test('who reads them again is told which file is at fault, and nothing of what is in it', () => {
  const files = { cert: FILES.cert, key: FILES.damagedKey, clientCa: FILES.nowhere };
  expect(() => readTlsFiles(files)).toThrow(
    /^\S+\/damaged-key\.pem must be a PEM file with a private key \(ERR_\w+\); \/nowhere\/file\.pem cannot be read \(ENOENT\); it must be the path of a PEM file$/,
  );
});

test('a certificate that has expired is warned of', () => {
  const [DAY_MS, now] = [86_400_000, Date.now()];
  expect(warningsOf(both('cert', 'key'), undefined, now)).toEqual([]);
  expect(warningsOf(both('cert', 'key'), undefined, now + 30 * DAY_MS)).toEqual([
    expect.stringMatching(/^GATEWAY_TLS_CERT names a certificate that expired at \d{4}-\d\d-\d\dT[\d:.]+Z$/),
  ]);
});
