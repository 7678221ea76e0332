import { type Env, load, mistakesOf } from '../support/configuration';

test.each<[string, Env]>([
  ['GATEWAY_WORKERS', { GATEWAY_WORKERS: 'auto' }],
  ['GATEWAY_WORKERS', { GATEWAY_WORKERS: '2' }],
])('%s: asking for it is a mistake (%j)', (name, env) => {
  expect(mistakesOf(env)).toEqual([expect.stringMatching(new RegExp(`^${name} .*is not available in this version`))]);
});

test('what describes today’s behaviour is accepted and changes nothing', () => {
  const env = { GATEWAY_WORKERS: '1' };
  const yaml = `
receiver: { trustProxy: false, tls: { cert: , key: , clientCa: } }
keys: []
media: inline
`;
  expect(load(env, yaml)).toEqual(load({}));
});
