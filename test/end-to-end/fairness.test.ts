import { type BuiltGateway, endAllBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type Interposer, startInterposer } from '../support/interposer';
import { writeDestinations } from '../support/langfuse-config';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf } from '../support/trace-request';

let folder: string;
let fast: FakeLangfuse;
let slow: FakeLangfuse;
let slowWire: Interposer;
beforeEach(async () => {
  folder = makeTemporary();
  [fast, slow] = [await startFakeLangfuse(), await startFakeLangfuse()];
  slowWire = await startInterposer(slow.baseUrl);
});
afterEach(async () => {
  await endAllBuilt();
  await slowWire.close();
  await Promise.all([fast.close(), slow.close()]);
  removeTemporary(folder);
});

/** Spans go to the first of the destinations. */
const startWith = (destinations: Readonly<Record<string, { baseUrl: string }>>) =>
  startBuilt({ GATEWAY_DATA_DIR: `${folder}/data`, GATEWAY_SHUTDOWN_TIMEOUT_S: '0' }, [
    ...['--config', writeDestinations(folder, destinations)],
  ]);

async function send({ url }: BuiltGateway, spans: Parameters<typeof postOf>[0]): Promise<void> {
  expect((await post(`${url}/v1/traces`, postOf(spans))).status).toBe(200);
}

async function end(gateway: BuiltGateway): Promise<void> {
  gateway.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
}

const namesAt = ({ spans }: FakeLangfuse) => [...new Set(spans.map(({ name }) => name))].sort();
const namesOf = (spans: Parameters<typeof postOf>[0]) => spans.map(({ name }) => name).sort();

const BACKLOG_REQUESTS = 1_000;
const BACKLOG = numberedSpans(BACKLOG_REQUESTS * 5, { from: 1_000, attributes: { padding: 'x'.repeat(500) } });

test('a destination that answers nothing and has a large backlog holds up no other', async () => {
  slowWire.interference = 'silence';
  const before = await startWith({ slow: slowWire });
  for (let request = 0; request < BACKLOG_REQUESTS; request++) {
    await send(before, BACKLOG.slice(request * 5, (request + 1) * 5));
  }
  await end(before);

  const gateway = await startWith({ fast, slow: slowWire });
  expect(await gateway.metrics()).toMatchObject({ gateway_queue_recovered_spans_total: BACKLOG.length });
  const spans = numberedSpans(50);
  for (const [index, span] of spans.entries()) {
    await send(gateway, [span]);
    await fast.waitForSpans(index + 1, 15_000);
  }
  expect(namesAt(fast)).toEqual(namesOf(spans));
  expect(slow.requests).toEqual([]);
  expect(await gateway.metrics()).toMatchObject({
    'gateway_delivered_spans_total{destination="fast"}': 50,
    gateway_queue_spans: BACKLOG.length,
  });

  slowWire.interference = 'none';
  slowWire.resetAll();
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0), 60_000);
  expect(namesAt(slow)).toEqual(namesOf(BACKLOG));
  expect(namesAt(fast)).toEqual(namesOf(spans));
  expect([...fast.violations, ...slow.violations]).toEqual([]);
  await end(gateway);
}, 120_000);

test('two destinations, one of which fails: each span arrives where it belongs, once', async () => {
  await slowWire.close();
  const before = await startWith({ slow: slowWire });
  const forSlow = numberedSpans(10, { from: 100 });
  await send(before, forSlow);
  await end(before);

  const gateway = await startWith({ fast, slow: slowWire });
  const forFast = numberedSpans(10);
  await send(gateway, forFast);
  await fast.waitForSpans(10);
  await slowWire.open();
  await slow.waitForSpans(10, 30_000);
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0));
  expect(fast.spans.map(({ name }) => name).sort()).toEqual(namesOf(forFast));
  expect(slow.spans.map(({ name }) => name).sort()).toEqual(namesOf(forSlow));
}, 60_000);

test('a destination that is configured no more: its spans stay, /readyz names it, and they go when it is back', async () => {
  await slowWire.close();
  const spans = numberedSpans(30, { from: 100 });
  const before = await startWith({ slow: slowWire });
  for (const span of spans) await send(before, [span]);
  await end(before);
  await slowWire.open();

  const without = await startWith({ fast });
  await send(without, numberedSpans(1));
  await fast.waitForSpans(1);
  const answer = await fetch(`${without.adminUrl}/readyz`);
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { status: 'degraded', reasons: [expect.stringMatching(/\bslow\b/)] },
  ]);
  expect(await without.metrics()).toMatchObject({
    gateway_queue_recovered_spans_total: spans.length,
    gateway_queue_spans: spans.length,
  });
  await end(without);
  expect(slow.requests).toEqual([]);

  const again = await startWith({ fast, slow: slowWire });
  await eventually(async () => expect((await again.metrics()).gateway_queue_spans).toBe(0), 30_000);
  expect(namesAt(slow)).toEqual(namesOf(spans));
  expect(namesAt(fast)).toEqual(['s1']);
  const ready = await fetch(`${again.adminUrl}/readyz`);
  expect(await ready.json()).toEqual({ status: 'ready', reasons: [] });
}, 60_000);
