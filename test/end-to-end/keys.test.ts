import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { expectRefusal } from '../support/otlp-answer';
import { asJson, requestOf, spanOf } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';

const PAGE = 'https://app.example.com';

const running: ({ stop(): Promise<unknown> } | FakeLangfuse)[] = [];
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
  gateway: Pick<RunningGateway, 'url'>,
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

/**
 * Pages that send one span after the other without a pause, until they are ended. What gets no answer, or a 503, is sent
 * again, as exporters do.
 *
 * @param keys of each page; may be changed while they send.
 */
function startPages(url: string, keys: string[]) {
  const kept: string[][] = keys.map(() => []);
  const lost: string[] = [];
  let isOver = false;
  const sendUntilKept = async (at: number, name: string) => {
    let status: number | undefined;
    for (let tries = 0; !isOver && tries < 2000 && (status ?? 503) === 503; tries += 1) {
      const answer = await send({ url }, keys[at]!, { name, headers: { origin: PAGE } }).catch(() => sleep(5));
      status = answer?.status;
    }
    if (status === 200) kept[at]!.push(name);
    else if (!isOver) lost.push(`${name}: ${status}`);
  };
  const page = async (_: string, at: number) => {
    for (let sent = 0; !isOver && sent < 100_000; sent += 1) await sendUntilKept(at, `page ${at}, span ${sent}`);
  };
  const over = Promise.all(keys.map(page));
  const pages = {
    /** Resolves when each page has had so many further spans kept. */
    async more(spans: number): Promise<void> {
      const before = kept.map(({ length }) => length);
      await eventually(() => {
        expect([lost, kept.filter(({ length }, at) => length < before[at]! + spans)]).toEqual([[], []]);
      }, 15_000);
    },
    /** Resolves to the names of all that were kept. */
    async stop(): Promise<string[]> {
      isOver = true;
      await over;
      expect(lost).toEqual([]);
      return kept.flat();
    },
  };
  running.unshift(pages);
  return pages;
}

test('a browser key is changed while pages never stop sending: nothing is lost', async () => {
  const fake = await fakeLangfuse();
  const dataDir = makeTemporary();
  const start = (port: string, ...keys: string[]) => {
    const ofPages = keys.map(
      (key) => `{ name: web, key: ${key}, browser: true, origins: [${PAGE}], spansPerSecond: 100000 }`,
    );
    const env = { GATEWAY_DATA_DIR: dataDir, PORT: port };
    return startGateway({ fake, yaml: `keys: [${ofPages.join(', ')}]`, env });
  };

  let gateway = await start('0', 'gw-old-1');
  const { port } = new URL(gateway.url);
  const keys = Array.from({ length: 4 }, () => 'gw-old-1');
  const pages = startPages(gateway.url, keys);
  await pages.more(20);
  await gateway.stop();

  gateway = await start(port, 'gw-old-1', 'gw-new-1');
  await pages.more(20);
  keys.fill('gw-new-1', 0, 2);
  await pages.more(20);
  keys.fill('gw-new-1');
  // The first may have been under way with the old key.
  await pages.more(2);
  await gateway.stop();

  gateway = await start(port, 'gw-new-1');
  await pages.more(20);
  const kept = await pages.stop();
  const missing = () => {
    const arrived = new Set(fake.spans.map(({ name }) => name));
    return kept.filter((name) => !arrived.has(name));
  };
  await eventually(() => expect(missing()).toEqual([]), 10_000);
  await gateway.stop();
  removeTemporary(dataDir);
}, 60_000);

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
