import { type Env, load, mistakesOf } from '../support/configuration';

test.each<[string, Env, string | undefined]>([
  ['GATEWAY_WORKERS', { GATEWAY_WORKERS: 'auto' }, undefined],
  ['GATEWAY_WORKERS', { GATEWAY_WORKERS: '2' }, undefined],
  ['inspector', {}, 'inspector: full'],
])('%s: asking for it is a mistake (%j %j)', (name, env, yaml) => {
  expect(mistakesOf(env, yaml)).toEqual([
    expect.stringMatching(new RegExp(`^(gateway.yaml:1: )?${name} .*is not available in this version`)),
  ]);
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
