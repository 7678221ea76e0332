import { setTimeout as sleep } from 'node:timers/promises';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { expectRefusal } from '../support/otlp-answer';
import { asJson, requestOf, spanOf } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';

const PAGE = 'https://app.example.com';

const running: (RunningGateway | FakeLangfuse)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await ('stop' in one ? one.stop() : one.close());
});

async function fakeLangfuse(options = {}): Promise<FakeLangfuse> {
  const fake = await startFakeLangfuse(options);
  // Gateways end before what they deliver to.
  running.push(fake);
  return fake;
}

async function gatewayWith(options: Parameters<typeof startGateway>[0]): Promise<RunningGateway> {
  const gateway = await startGateway(options);
  running.unshift(gateway);
  return gateway;
}

const requestOfSpan = (name: string, changes = {}) => asJson(requestOf(spanOf({ name, ...changes })));

const send = (
  gateway: RunningGateway,
  key: string,
  { name = 'n', headers = {}, changes = {} } = {},
): Promise<Answer> => {
  const { headers: types, body } = requestOfSpan(name, changes);
  return post(`${gateway.url}/v1/traces`, { headers: { ...types, 'x-api-key': key, ...headers }, body });
};

describe('the key chooses the destination', () => {
  const SESSION = { attributes: [{ key: 'session.id', value: { stringValue: 'only-of-a' } }] };

  test('and nothing of one gets to the other, not even what is remembered of a trace', async () => {
    const [a, b] = [await fakeLangfuse(), await fakeLangfuse({ publicKey: 'pk-b', secretKey: 'sk-b' })];
    const destination = (name: string, fake: FakeLangfuse) =>
      `{ name: ${name}, baseUrl: "${fake.baseUrl}", publicKey: ${fake.publicKey}, secretKey: ${fake.secretKey} }`;
    const gateway = await gatewayWith({
      yaml: `
destinations: [${destination('a', a)}, ${destination('b', b)}]
keys: [{ name: first, key: gw-first-1 }, { name: to-b, key: gw-b-1, destination: b }]
`,
    });
    expect((await send(gateway, 'gw-first-1', { name: 'of a', changes: SESSION })).status).toBe(200);
    expect((await send(gateway, 'gw-b-1', { name: 'of b' })).status).toBe(200);
    await Promise.all([a.waitForSpans(1), b.waitForSpans(1)]);
    expect([a, b].map(({ spans }) => spans.map(({ name }) => name))).toEqual([['of a'], ['of b']]);
    expect(JSON.stringify(b.spans[0]!.attributes)).not.toContain('only-of-a');
    expect(await gateway.metrics()).toMatchObject({
      'gateway_delivered_spans_total{destination="a"}': 1,
      'gateway_delivered_spans_total{destination="b"}': 1,
    });
  });

  test('one that is down takes its spans all the same, and holds up nobody', async () => {
    const up = await fakeLangfuse();
    const gateway = await gatewayWith({
      fake: up,
      yaml: `
destinations: [{ name: main }, { name: down, baseUrl: "http://127.0.0.1:9", publicKey: p, secretKey: s }]
keys: [{ name: up, key: gw-up-1 }, { name: down, key: gw-down-1, destination: down }]
`,
    });
    expect((await send(gateway, 'gw-down-1')).status).toBe(200);
    expect((await send(gateway, 'gw-up-1')).status).toBe(200);
    await up.waitForSpans(1);
    expect((await gateway.metrics()).gateway_queue_spans).toBe(1);
    // Who waits for a flush waits for the spans of its own destination.
    const flush = { headers: { 'x-api-key': 'gw-up-1' }, body: Buffer.alloc(0) };
    expect((await post(`${gateway.url}/flush`, flush)).status).toBe(202);
    const headers = { 'content-type': 'application/json', 'x-api-key': 'gw-up-1' };
    const answer = await post(`${gateway.url}/otel-ingest?flush=true`, { headers, body: Buffer.from('[]') });
    expect(JSON.parse(answer.body.toString())).toMatchObject({ flushed: true });
  });
});

test('a key is changed without a lost span: both live at once, and each is seen to be used', async () => {
  const fake = await fakeLangfuse();
  const dataDir = makeTemporary();
  const keys = (...texts: string[]) => `keys: [${texts.map((key) => `{ name: web, key: ${key} }`).join(', ')}]`;
  const start = (yaml: string) => startGateway({ fake, yaml, env: { GATEWAY_DATA_DIR: dataDir } });
  const kept: string[] = [];
  const keep = async (gateway: RunningGateway, key: string, name: string) => {
    expect([name, (await send(gateway, key, { name })).status]).toEqual([name, 200]);
    kept.push(name);
  };
  const used = (metrics: Record<string, number>) =>
    [1, 2].map((position) => metrics[`gateway_key_last_used_timestamp_seconds{key="web",position="${position}"}`]);

  const before = await start(keys('gw-old-1'));
  for (let at = 0; at < 20; at += 1) await keep(before, 'gw-old-1', `before ${at}`);
  await before.stop();

  const between = await start(keys('gw-old-1', 'gw-new-1'));
  await keep(between, 'gw-new-1', 'the first with the new key');
  expect(used(await between.metrics())).toEqual([0, expect.any(Number)]);
  for (let at = 0; at < 20; at += 1) await keep(between, at % 2 ? 'gw-old-1' : 'gw-new-1', `between ${at}`);
  expect(used(await between.metrics()).every((seconds) => Number(seconds) > 1e9)).toBe(true);
  await between.stop();

  const after = await start(keys('gw-new-1'));
  for (let at = 0; at < 20; at += 1) await keep(after, 'gw-new-1', `after ${at}`);
  expectRefusal(await send(after, 'gw-old-1'), { status: 401, encoding: 'json' });
  await fake.waitForSpans(kept.length);
  await after.stop();
  removeTemporary(dataDir);
  expect(fake.spans.map(({ name }) => name).sort()).toEqual([...kept].sort());
});

test('a key expires while the gateway runs', async () => {
  const expiresAt = new Date(Date.now() + 1500).toISOString();
  const gateway = await gatewayWith({ yaml: `keys: [{ name: short, key: gw-short-1, expires: "${expiresAt}" }]` });
  expect((await send(gateway, 'gw-short-1')).status).toBe(200);
  await sleep(1600);
  expectRefusal(await send(gateway, 'gw-short-1'), { status: 401, encoding: 'json' });
  expect(await gateway.metrics()).toMatchObject({
    'gateway_receiver_refused_requests_total{key="short",reason="expired_key"}': 1,
  });
});

describe('client addresses of one key', () => {
  /** 20 spans, which nothing refills within the test. */
  const RATE = 'spansPerSecond: 0.001, burstSeconds: 20000';
  const yaml = (trustProxy: string) =>
    `{ receiver: { trustProxy: ${trustProxy} }, keys: [{ name: web, key: gw-web-1, browser: true, origins: [${PAGE}], ${RATE} }] }`;
  const from = (address: string) => ({ headers: { origin: PAGE, 'x-forwarded-for': address } });

  async function useUp(gateway: RunningGateway): Promise<void> {
    for (let sent = 0; sent < 20; sent += 1) {
      expect((await send(gateway, 'gw-web-1', from('192.0.2.1'))).status).toBe(200);
    }
    expect((await send(gateway, 'gw-web-1', from('192.0.2.1'))).status).toBe(429);
  }

  test.each(['true', '1', 'loopback', '["127.0.0.0/8"]'])(
    'trustProxy: %s: who has used up the rate is refused, another is not',
    async (trustProxy) => {
      const gateway = await gatewayWith({ yaml: yaml(trustProxy) });
      await useUp(gateway);
      expect((await send(gateway, 'gw-web-1', from('192.0.2.2'))).status).toBe(200);
      expect((await send(gateway, 'gw-web-1', from('192.0.2.1'))).status).toBe(429);
    },
  );

  test.each(['false', '["192.0.2.0/24"]'])('trustProxy: %s: a header changes nothing', async (trustProxy) => {
    const gateway = await gatewayWith({ yaml: yaml(trustProxy) });
    await useUp(gateway);
    expect((await send(gateway, 'gw-web-1', from('192.0.2.2'))).status).toBe(429);
  });
});

describe('foreign origins', () => {
  const FOREIGN = 'gateway_receiver_foreign_origin_requests_total';
  const originOf = (gateway: RunningGateway) => ({
    headers: { origin: gateway.url.replace('127.0.0.1', 'localhost') },
  });

  test('on an open gateway they are accepted and counted; those that are named, and its own, are not', async () => {
    const gateway = await gatewayWith({ env: { GATEWAY_CORS_ORIGINS: PAGE } });
    for (const headers of [{}, { origin: PAGE }, { origin: gateway.url }]) {
      expect((await send(gateway, 'none', { headers })).status).toBe(200);
    }
    expect((await gateway.metrics())[FOREIGN]).toBe(0);
    for (const origin of ['https://evil.example', 'null']) {
      expect((await send(gateway, 'none', { headers: { origin } })).status).toBe(200);
    }
    expect((await gateway.metrics())[FOREIGN]).toBe(2);
    expect((await send(gateway, 'none', originOf(gateway))).status).toBe(200);
    expect((await gateway.metrics())[FOREIGN]).toBe(3);
  });
});

test('spans whose request failed are given back', async () => {
  const gateway = await gatewayWith({
    fake: await fakeLangfuse(),
    env: { GATEWAY_QUEUE_MAX_BYTES: '65536' },
    yaml: 'keys: [{ name: day, key: gw-day-1, dailySpans: 2 }]',
  });
  const neverFits = { attributes: [{ key: 'text', value: { stringValue: 'x'.repeat(70_000) } }] };
  for (let tried = 0; tried < 5; tried += 1) {
    expectRefusal(await send(gateway, 'gw-day-1', { changes: neverFits }), { status: 413, encoding: 'json' });
  }
  for (const status of [200, 200, 403]) expect((await send(gateway, 'gw-day-1')).status).toBe(status);
});
