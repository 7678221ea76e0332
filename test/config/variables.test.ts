import { configOf, containing, type Env, KEYS, mistakesOf, warningsOf, write } from '../support/configuration';

describe('secrets from files', () => {
  test.each([
    ['a line end', 'sk-lf-file\n'],
    ['a Windows line end', 'sk-lf-file\r\n'],
    ['nothing', 'sk-lf-file'],
  ])('%s at the end is cut', (_, content) => {
    const env = { LANGFUSE_PUBLIC_KEY: 'pk', LANGFUSE_SECRET_KEY_FILE: write(content, 'secret') };
    expect(configOf(env).destinations[0]?.secretKey).toBe('sk-lf-file');
  });

  test('a list may stand one entry a line', () => {
    const inFile = configOf({ GATEWAY_INGEST_KEYS_FILE: write('a\nb,c\n', 'keys') });
    expect(inFile.keys).toHaveLength(3);
    expect(inFile).toEqual(configOf({ GATEWAY_INGEST_KEYS: 'a,b,c' }));
  });

  test.each<[string, Env, string]>([
    ['that is not there', { GATEWAY_ADMIN_TOKEN_FILE: '/nowhere' }, 'names a file that cannot be read (ENOENT)'],
    ['that is a folder', { GATEWAY_INGEST_KEYS_FILE: '/' }, 'names a file that cannot be read (EISDIR)'],
    [
      'that is empty',
      { LANGFUSE_SECRET_KEY_FILE: write('\n', 'empty'), LANGFUSE_PUBLIC_KEY: 'p' },
      'names an empty file',
    ],
    ['beside the secret', { GATEWAY_ADMIN_TOKEN: 'a', GATEWAY_ADMIN_TOKEN_FILE: '/b' }, 'are both set; keep one'],
    ['that guards no less', { HOST: '::', GATEWAY_INGEST_KEYS_FILE: '/nowhere' }, 'names a file that cannot be read'],
  ])('a file %s is one mistake', (_, env, part) => {
    expect(mistakesOf(env)).toEqual(containing([part]));
  });
});

describe('proxies', () => {
  test('the spelling in lower case wins, as in curl', () => {
    const env = { HTTP_PROXY: 'http://upper', http_proxy: 'http://lower' };
    expect(configOf(env).proxy).toEqual({ httpProxy: 'http://lower/' });
  });

  test('an empty one in lower case does not hide the other', () => {
    expect(configOf({ NO_PROXY: 'a', no_proxy: '' }).proxy).toEqual({ noProxy: 'a' });
  });
});

test.each<[string, Env, string[]]>([
  ['an unknown variable', { GATEWAY_COLOR: 'x' }, ['GATEWAY_COLOR is not a variable of the gateway and has no effect']],
  ['a slip of the finger', { GATEWAY_INGEST_KEY: 'x' }, ['has no effect; did you mean GATEWAY_INGEST_KEYS?']],
  ['two letters swapped', { GATEWAY_QUEUE_MAX_BYTSE: '1' }, ['did you mean GATEWAY_QUEUE_MAX_BYTES?']],
  ['variables of others', { LANGFUSE_LOG_LEVEL: 'x', OTEL_SERVICE_NAME: 'x' }, []],
  ['the base URL of the Python SDK', { LANGFUSE_HOST: 'http://x' }, ['LANGFUSE_HOST is not read']],
  ['the same beside ours', { ...KEYS, LANGFUSE_HOST: 'http://x', LANGFUSE_BASE_URL: 'http://x' }, []],
  ['a base URL without keys', { LANGFUSE_BASE_URL: 'http://x' }, ['LANGFUSE_BASE_URL has no effect without keys']],
])('warning for %s', (_, env, parts) => {
  expect(warningsOf(env)).toEqual(containing(parts));
});

test('a variable that the file refers to is not unknown', () => {
  expect(warningsOf({ GATEWAY_WEB: 'localhost' }, `receiver: { host: "\${env:GATEWAY_WEB}" }`)).toEqual([]);
});
