import { readDataDir } from '../../src/commands/data-dir';
import { type Env, write } from '../support/configuration';

const SAYS_SO = 'queue: { dataDir: /var/lib/gateway }\n';

test.each<[string, Env, string | undefined, string]>([
  ['nothing said', {}, undefined, './data'],
  ['the environment', { GATEWAY_DATA_DIR: '/data' }, undefined, '/data'],
  ['an empty variable', { GATEWAY_DATA_DIR: '' }, undefined, './data'],
  ['the file', {}, SAYS_SO, '/var/lib/gateway'],
  ['a file that does not say', {}, 'receiver: { port: 5 }', './data'],
  ['the environment before the file', { GATEWAY_DATA_DIR: '/data' }, SAYS_SO, '/data'],
  ['whatever else is wrong', { GATEWAY_DATA_DIR: '/data', PORT: 'x' }, 'unknown: 1', '/data'],
])('%s', (_, env, file, dataDir) => {
  const configFile = file === undefined ? undefined : write(file);
  expect(readDataDir({ env, ...(configFile === undefined ? {} : { configFile }) })).toEqual({ dataDir });
  expect(readDataDir({ env: { ...env, ...(configFile && { GATEWAY_CONFIG: configFile }) } })).toEqual({ dataDir });
});

test('a file with a mistake may have said it: the mistakes, and what helps', () => {
  const configFile = write(`${SAYS_SO}receiver: { port: x }\n`);
  expect(readDataDir({ env: {}, configFile })).toEqual({
    mistakes: [expect.stringContaining('receiver.port'), expect.stringContaining('set GATEWAY_DATA_DIR')],
  });
});
