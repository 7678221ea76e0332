import { balanceOf, watchBalance } from '../support/balance';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { numberedSpans, postOf, spanIdOf, TRACE_ID } from '../support/trace-request';

let fake: FakeLangfuse;
let gateway: RunningGateway;
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

async function start(options: FakeLangfuseOptions = {}) {
  fake = await startFakeLangfuse(options);
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
}

const send = (spans: Parameters<typeof postOf>[0]) => post(`${gateway.url}/v1/traces`, postOf(spans));
const settled = () => eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0));
const names = () => fake.spans.map(({ name }) => name).toSorted();
const namesOf = (spans: readonly { name: string }[]) => spans.map(({ name }) => name).toSorted();

test('spans arrive once each, and the numbers say so', async () => {
  await start();
  const balance = watchBalance(gateway);
  for (let request = 0; request < 20; request++) {
    expect((await send(numberedSpans(50, { from: request * 50 }))).status).toBe(200);
  }
  await settled();
  expect(names()).toEqual(namesOf(numberedSpans(1_000, { from: 0 })));
  expect(await gateway.metrics()).toMatchObject({
    gateway_receiver_accepted_spans_total: 1_000,
    'gateway_delivered_spans_total{destination="main"}': 1_000,
    gateway_queue_spans: 0,
    gateway_queue_bytes: 0,
    gateway_queue_oldest_age_seconds: 0,
    'gateway_receiver_requests_total{path="/v1/traces",code="200"}': 20,
  });
  const seen = await balance.stop();
  expect(seen.filter(({ received, accountedFor }) => received !== accountedFor)).toEqual([]);
  expect(fake.violations).toEqual([]);
});

test('many at once leave together in few posts', async () => {
  await start({ respond: () => ({ delayMs: 100 }) });
  await Promise.all(Array.from({ length: 100 }, (_, from) => send(numberedSpans(1, { from }))));
  await settled();
  expect(fake.spans).toHaveLength(100);
  expect(fake.requests.length).toBeLessThan(50);
});

test('one bad span among 200 costs one span: counted, named in the log, and none of its words', async () => {
  await start({ refuseSpan: ({ name }) => name === 's66' });
  const spans = numberedSpans(200, { attributes: { 'gen_ai.prompt': 'dear diary' } });
  expect((await send(spans)).status).toBe(200);
  await settled();
  expect(names()).toEqual(namesOf(spans.filter(({ name }) => name !== 's66')));
  expect(await gateway.metrics()).toMatchObject({
    'gateway_delivered_spans_total{destination="main"}': 199,
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 1,
    'gateway_delivery_attempts_total{destination="main",outcome="delivered"}': expect.any(Number),
    'gateway_delivery_attempts_total{destination="main",outcome="http_400"}': expect.any(Number),
  });
  expect(balanceOf(await gateway.metrics())).toEqual({ received: 200, accountedFor: 200 });
  const errors = () => gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  const refusal = {
    ...{ destination: 'main', count: 1, reasons: { refused: 1 }, statuses: [400] },
    spans: [{ traceId: TRACE_ID, spanId: spanIdOf('s66') }],
  };
  await eventually(() => expect(errors()).toEqual([expect.objectContaining(refusal)]));
  expect(gateway.logs.join('')).not.toContain('dear diary');
});

test('a bad span among those of other senders costs them nothing', async () => {
  await start({ refuseSpan: ({ name }) => name === 's7', respond: () => ({ delayMs: 20 }) });
  const sent = await Promise.all(Array.from({ length: 30 }, (_, from) => send(numberedSpans(1, { from }))));
  expect(sent.map(({ status }) => status)).toEqual(Array(30).fill(200));
  await settled();
  expect(names()).toEqual(namesOf(numberedSpans(30, { from: 0 }).filter(({ name }) => name !== 's7')));
});

test('a Langfuse behind a proxy that takes small bodies only: halves pass, what is too large alone does not', async () => {
  await start({ bodyBytesMax: 20_000 });
  const fitting = numberedSpans(60, { attributes: { padding: 'x'.repeat(1_000) } });
  const large = numberedSpans(1, { from: 500, attributes: { padding: 'x'.repeat(30_000) } });
  await send([...fitting.slice(0, 30), ...large, ...fitting.slice(30)]);
  await settled();
  expect(names()).toEqual(namesOf(fitting));
  expect(await gateway.metrics()).toMatchObject({
    'gateway_delivered_spans_total{destination="main"}': 60,
    'gateway_dead_lettered_spans_total{destination="main",reason="too_large"}': 1,
  });
});

test('all spans bad: each is a dead letter, and Langfuse counts as up', async () => {
  await start({ refuseSpan: () => true });
  await send(numberedSpans(8));
  await settled();
  expect(fake.spans).toEqual([]);
  expect(await gateway.metrics()).toMatchObject({
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 8,
  });
  expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
});

test('a partial success: the number it names is not delivered, and nothing is sent again', async () => {
  await start({ respond: () => ({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"3"}}' }) });
  await send(numberedSpans(10));
  await settled();
  expect(await gateway.metrics()).toMatchObject({
    'gateway_delivered_spans_total{destination="main"}': 7,
    'gateway_dead_lettered_spans_total{destination="main",reason="partial_success"}': 3,
    'gateway_delivery_attempts_total{destination="main",outcome="partial"}': 1,
  });
  expect(fake.requests).toHaveLength(1);
});

test('what Langfuse answers never reaches the sender', async () => {
  await start({ respond: () => ({ status: 400, body: '{"message":"langfuse says no"}' }) });
  const answer = await send(numberedSpans(1));
  expect([answer.status, answer.body.length]).toEqual([200, 0]);
  await settled();
});
