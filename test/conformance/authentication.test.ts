import { eventually } from '../support/eventually';
import { exchange } from '../support/exchange';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asJson, requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { useGateway } from '../support/use-gateway';

const KEYS = ['gw-server-1', 'gw-server-2', 'gw-server-3'];
const gateway = useGateway({ env: { GATEWAY_INGEST_KEYS: KEYS.join(','), GATEWAY_BODY_MAX_BYTES: '65536' } });
const open = useGateway();

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const UNKNOWN: [name: string, headers: Record<string, string>][] = [
  ['no credentials', {}],
  ['a key nobody knows', { authorization: 'Bearer gw-server-4' }],
  ['the beginning of a key', { authorization: 'Bearer gw-server-' }],
  ['a key and more', { authorization: 'Bearer gw-server-1x' }],
  ['all keys in one', { authorization: `Bearer ${KEYS.join(',')}` }],
  ['an empty key', { authorization: 'Bearer ' }],
  ['a scheme nobody knows', { authorization: 'Digest gw-server-1' }],
  ['the key alone', { authorization: 'gw-server-1' }],
  ['the key as a user name', { authorization: basic('gw-server-1', '') }],
  ['Basic that is no base64', { authorization: 'Basic !!!' }],
  ['an unknown X-API-Key', { 'x-api-key': 'GW-SERVER-1' }],
];

describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  const withHeaders = (headers: Record<string, string>) => ({ ...sent, headers: { ...sent.headers, ...headers } });

  test.each(UNKNOWN)('K01 %s: 401 and what is asked for', async (_, headers) => {
    const { answer, spans } = await gateway.pass(withHeaders(headers));
    expectRefusal(answer, { status: 401, encoding });
    expect(answer.headers['www-authenticate']).toMatch(/Bearer.*Basic/);
    expect(spans).toEqual([]);
  });

  test.each([
    ['K02 a type that cannot be used', { 'content-type': 'text/html' }],
    ['K02 a type that cannot be read', { 'content-type': ';;' }],
    ['K02 a coding that cannot be undone', { 'content-type': 'text/plain', 'content-encoding': 'x' }],
  ])('%s: 401 all the same, in JSON', async (_, headers) => {
    expectRefusal(await gateway.post(withHeaders(headers)), { status: 401, encoding: 'json' });
  });

  test.each(['/nowhere', '/', '/v1/logs'])('K03 401 on %s', async (path) => {
    expectRefusal(await gateway.post(sent, path), { status: 401, encoding });
  });

  test.each(KEYS)('K05 %s in the query is no key: a server key never is', async (key) => {
    expectRefusal(await gateway.post(sent, `/v1/traces?key=${key}`), { status: 401, encoding });
  });

  test.each([
    ['K06 401 comes before the body', { 'Content-Length': '50000' }, 401],
    ['K06 401 comes before 413', { 'Content-Length': '5000000' }, 401],
    ['K06 401 comes before 415', { 'Content-Length': '50000', 'Content-Encoding': 'x' }, 401],
    ['K06 with a key, 413 comes before the body', { 'Content-Length': '5000000', 'X-API-Key': 'gw-server-1' }, 413],
    ['K06 401 instead of 100 Continue', { 'Content-Length': '50000', Expect: '100-continue' }, 401],
  ])('%s', async (_, headers, status) => {
    const connection = await openConnection(gateway.url);
    await connection.write(rawPost({ headers: { ...sent.headers, ...headers } }));
    expectRefusal(await connection.answer(), { status, encoding });
    connection.socket.destroy();
  });

  test.each([
    ...KEYS.map((key) => [`K07 ${key} as Bearer`, { authorization: `Bearer ${key}` }] as const),
    ['K07 in another case of the scheme', { authorization: 'bEARER gw-server-2' }] as const,
    ['K07 as the password of Basic', { authorization: basic('pk-lf-any', 'gw-server-2') }] as const,
    ['K07 as the password of Basic without a user', { authorization: basic('', 'gw-server-3') }] as const,
    ['K07 as X-API-Key', { 'x-api-key': 'gw-server-3' }] as const,
    ['K07 as X-API-Key beside another Bearer', { authorization: 'Bearer other', 'x-api-key': 'gw-server-3' }] as const,
    ['K07 as Bearer beside another X-API-Key', { authorization: 'Bearer gw-server-1', 'x-api-key': 'other' }] as const,
  ])('%s', async (_, headers) => {
    const { answer, spans } = await gateway.pass(withHeaders(headers));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
    expect(JSON.stringify(gateway.fake.requests.at(-1)?.headers)).not.toMatch(/gw-server/);
  });

  test.each(UNKNOWN)('K07 where there are no keys: %s is ignored', async (_, headers) => {
    const { answer, spans } = await open.pass(withHeaders(headers));
    expectSuccess(answer, encoding);
    expect(spans).toEqual([T1]);
  });
});

test.each(['/healthz'])('K06 %s needs no key', async (path) => {
  expect(await exchange(gateway.url, { method: 'GET', path })).toMatchObject({ status: 200 });
});

test('K08 the destination is kept with what is queued on disk, whatever its key says after a restart', async () => {
  const dataDir = makeTemporary();
  let isDown = true;
  const a = await startFakeLangfuse();
  const b = await startFakeLangfuse({
    ...{ publicKey: 'pk-lf-b', secretKey: 'sk-lf-b' },
    respond: () => (isDown ? { destroy: true } : undefined),
  });
  const start = ({ keyOfB }: { keyOfB: string }) => {
    const destination = (name: string, { baseUrl, publicKey, secretKey }: FakeLangfuse) =>
      `{ name: ${name}, baseUrl: "${baseUrl}", publicKey: ${publicKey}, secretKey: ${secretKey} }`;
    const yaml = `
destinations: [${destination('a', a)}, ${destination('b', b)}]
keys:
  - { name: to-a, key: gw-server-1, destination: a }
  - { name: to-b, key: gw-server-2, destination: ${keyOfB} }
  - { name: to-b-too, key: gw-server-3, destination: b }
`;
    return startGateway({ yaml, env: { GATEWAY_DATA_DIR: dataDir, GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
  };
  const send = async ({ url }: RunningGateway, key: string, name: string) => {
    const { headers, body } = asJson(requestOf(spanOf({ name })));
    const answer = await post(`${url}/v1/traces`, { headers: { ...headers, 'x-api-key': key }, body });
    expect([name, answer.status]).toEqual([name, 200]);
  };
  const namesAt = ({ spans }: FakeLangfuse) => spans.map(({ name }) => name);

  const before = await start({ keyOfB: 'b' });
  await send(before, 'gw-server-2', 'for b');
  await send(before, 'gw-server-1', 'for a');
  await eventually(async () => expect((await before.metrics()).gateway_queue_spans).toBe(1));
  await before.stop();
  expect([namesAt(a), namesAt(b)]).toEqual([['for a'], []]);

  isDown = false;
  const after = await start({ keyOfB: 'a' });
  expect((await after.metrics()).gateway_queue_recovered_spans_total).toBe(1);
  await send(after, 'gw-server-2', 'for a now');
  await Promise.all([a.waitForSpans(2), b.waitForSpans(1)]);
  await after.stop();
  expect([namesAt(a), namesAt(b)]).toEqual([['for a', 'for a now'], ['for b']]);
  for (const fake of [a, b]) await fake.close();
  removeTemporary(dataDir);
});

test('no key and no wrong key is ever logged', () => {
  expect(gateway.gateway.logs.join('\n')).not.toMatch(/gw-server/i);
});
