import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from '../../src/data-directory';
import { createKeeper } from '../../src/dead-letter-keeper';
import { METADATA } from '../../src/langfuse/visibility';
import { letterOf, lettersOf, put, storeAt } from '../dead-letters/letters';
import { type Balance, watchBalance } from '../support/balance';
import { canonicalFromProtobuf } from '../support/canonical';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { encodeSpans as encode, IDS } from '../support/otlp-messages';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { encodeSpans, numberedSpans, postOf, spanIdOf, TRACE_ID } from '../support/trace-request';

let dataDir: string;
let fake: FakeLangfuse;
let gateway: RunningGateway | undefined;
let watch: ReturnType<typeof watchBalance> | undefined;
beforeEach(() => {
  dataDir = makeTemporary();
});
afterEach(async () => {
  await stop();
  await fake.close();
  removeTemporary(dataDir);
});

async function stop(): Promise<void> {
  await watch?.stop();
  watch = undefined;
  await gateway?.stop();
  gateway = undefined;
}

async function start(env: Record<string, string> = {}): Promise<RunningGateway> {
  const own = { GATEWAY_DATA_DIR: dataDir, GATEWAY_SHUTDOWN_TIMEOUT_S: '0', LANGFUSE_TRACING_ENVIRONMENT: 'staging' };
  gateway = await startGateway({ fake, env: { ...own, ...env } });
  return gateway;
}

/** Behind it, spans of these names are refused with 400 until `forgive` is called. */
async function startStrict(refused: readonly string[], options: FakeLangfuseOptions = {}) {
  let isStrict = true;
  fake = await startFakeLangfuse({ ...options, refuseSpan: ({ name }) => isStrict && refused.includes(name) });
  return {
    forgive() {
      isStrict = false;
    },
  };
}

const SPANS = numberedSpans(5, { attributes: { prompt: 'dear diary' } });
const names = () => fake.spans.map(({ name }) => name).toSorted();
const wrong = (seen: readonly Balance[]) => seen.filter(({ received, accountedFor }) => received !== accountedFor);
/** Beside the gateway: whoever only reads needs nobody's leave. */
const store = () => storeAt(dataDirectory(dataDir).deadLetters);
const letters = () => lettersOf(store());
const files = () => readdirSync(dataDirectory(dataDir).deadLetters).toSorted();

async function replay(id: string) {
  const keeper = createKeeper(dataDir);
  try {
    return await keeper.replay(id);
  } finally {
    await keeper.close();
  }
}

async function send({ url }: RunningGateway, spans = SPANS): Promise<void> {
  expect((await post(`${url}/v1/traces`, postOf(spans))).status).toBe(200);
}

const becomes = ({ metrics }: RunningGateway, samples: Record<string, number>) =>
  eventually(async () => expect(await metrics()).toMatchObject(samples), 10_000);

test('refused spans become files, and are delivered when they are replayed; the sum holds all the time', async () => {
  const { forgive } = await startStrict(['s2', 's4']);
  const running = await start();
  watch = watchBalance(running);
  await send(running);
  const refused = 'gateway_dead_lettered_spans_total{destination="main",reason="refused"}';
  await becomes(running, { gateway_queue_spans: 0, [refused]: 2 });
  expect(names()).toEqual(['s1', 's3', 's5']);

  const [letter, ...others] = await letters();
  expect(others).toEqual([]);
  const ids = ['s2', 's4'].map((name) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) }));
  expect(letter).toMatchObject({ destination: 'main', reason: 'refused', status: 400, attempts: 1, spans: ids });
  const { id = '' } = letter ?? {};
  expect(files()).toEqual([`${id}.json`, `${id}.otlp`]);
  const bytes = readFileSync(join(dataDirectory(dataDir).deadLetters, `${id}.otlp`));
  expect(bytes.toString('hex')).toBe(encodeSpans([SPANS[1]!, SPANS[3]!]).toString('hex'));
  const sizes = files().map((name) => statSync(join(dataDirectory(dataDir).deadLetters, name)).size);
  expect(await running.metrics()).toMatchObject({
    ...{ gateway_dead_letters: 1, gateway_replayed_spans_total: 0 },
    gateway_dead_letters_bytes: sizes.reduce((sum, size) => sum + size, 0),
  });

  forgive();
  expect(await replay(id)).toEqual({ spans: 2, isWaiting: false });
  await fake.waitForSpans(5);
  await becomes(running, {
    ...{ gateway_queue_spans: 0, gateway_dead_letters: 0, gateway_dead_letters_bytes: 0 },
    ...{ gateway_receiver_accepted_spans_total: 5, gateway_replayed_spans_total: 2, [refused]: 2 },
    'gateway_delivered_spans_total{destination="main"}': 5,
  });
  expect([names(), files()]).toEqual([['s1', 's2', 's3', 's4', 's5'], []]);
  // What is put on for the destination is put on again.
  expect(fake.spans.filter(({ name }) => name === 's2').map(({ attributes }) => attributes)).toEqual([
    [
      { key: 'prompt', value: { string: 'dear diary' } },
      { key: 'langfuse.environment', value: { string: 'staging' } },
    ],
  ]);
  const seen = await watch.stop();
  expect(seen.length).toBeGreaterThan(5);
  expect(wrong(seen)).toEqual([]);
  expect(running.logs.join('')).not.toContain('dear diary');
});

test('replayed too early they are refused again, and are a letter again', async () => {
  await startStrict(['s2']);
  const running = await start();
  watch = watchBalance(running);
  await send(running);
  await becomes(running, { gateway_queue_spans: 0, gateway_dead_letters: 1 });
  const [first] = await letters();
  expect(await replay(first!.id)).toEqual({ spans: 1, isWaiting: false });
  await becomes(running, {
    ...{ gateway_queue_spans: 0, gateway_dead_letters: 1, gateway_replayed_spans_total: 1 },
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 2,
  });
  const [second, ...others] = await letters();
  expect(others).toEqual([]);
  expect(second).toMatchObject({ attempts: 1, spans: first!.spans });
  expect(second!.id > first!.id).toBe(true);
  expect(wrong(await watch.stop())).toEqual([]);
});

test('they are found by the next gateway; what was replayed in between is found in the queue', async () => {
  const { forgive } = await startStrict(['s2', 's4']);
  const first = await start();
  await send(first, SPANS.slice(0, 2));
  await becomes(first, { gateway_queue_spans: 0, gateway_dead_letters: 1 });
  await send(first, SPANS.slice(2));
  await becomes(first, { gateway_queue_spans: 0, gateway_dead_letters: 2 });
  await stop();
  forgive();
  const [one, other] = await letters();
  expect(await replay(one!.id)).toEqual({ spans: 1, isWaiting: true });

  const second = await start();
  await becomes(second, {
    ...{ gateway_queue_recovered_spans_total: 1, gateway_dead_letters: 1, gateway_replayed_spans_total: 0 },
    ...{ 'gateway_delivered_spans_total{destination="main"}': 1, gateway_queue_spans: 0 },
  });
  expect(names()).toEqual(['s1', 's2', 's3', 's5']);
  expect((await letters()).map(({ id }) => id)).toEqual([other!.id]);
  const said = second.logs.map((line) => JSON.parse(line)).filter(({ letters }) => letters !== undefined);
  expect(said).toMatchObject([{ level: 30, letters: 1, msg: expect.stringContaining('dead-letters list') }]);
});

test('what fails for longer than the longest time becomes a letter that says so', async () => {
  fake = await startFakeLangfuse({ respond: () => ({ status: 503 }) });
  const running = await start({ GATEWAY_RETRY_MAX_AGE_S: '1' });
  watch = watchBalance(running);
  await send(running);
  await becomes(running, {
    ...{ gateway_queue_spans: 0, gateway_dead_letters: 1 },
    'gateway_dead_lettered_spans_total{destination="main",reason="expired"}': 5,
  });
  const [letter] = await letters();
  expect(letter).toMatchObject({ reason: 'expired', status: 503, spans: { length: 5 } });
  expect(letter!.attempts).toBeGreaterThan(1);
  expect(Date.parse(letter!.lastAt) - Date.parse(letter!.firstAt)).toBeGreaterThanOrEqual(1_000);
  const read = await store().read(letter!.id);
  expect(canonicalFromProtobuf(read!.bytes)).toEqual(canonicalFromProtobuf(encodeSpans(SPANS)));
  expect(wrong(await watch.stop())).toEqual([]);
});

test('letters older than queue.deadLetterMaxAgeS are removed and counted, younger ones stay', async () => {
  await startStrict([]);
  const directory = dataDirectory(dataDir).deadLetters;
  const old = storeAt(directory, { now: () => Date.now() - 3_600_000 });
  await old.open();
  for (const at of [1, 2]) await put(old, numberedSpans(at), { atMs: Date.now() - 3_600_000 });
  const young = await put(storeAt(directory, { now: () => Date.now() }), numberedSpans(1), { atMs: Date.now() });
  const file = join(dataDir, 'gateway.yaml');
  writeFileSync(file, 'queue: { deadLetterMaxAgeS: 600 }\n');
  const running = await start({ GATEWAY_CONFIG: file });
  await becomes(running, { gateway_dead_letters: 1, gateway_dead_letters_expired_total: 2 });
  expect(files()).toEqual([`${young}.json`, `${young}.otlp`]);
  const said = running.logs.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
  expect(said).toMatchObject([{ letters: 2, msg: expect.stringContaining('queue.deadLetterMaxAgeS') }]);
});

test('letters that somebody has removed by hand are no longer counted a minute later', async () => {
  await startStrict(['s2', 's4']);
  const running = await start();
  await send(running);
  await becomes(running, { gateway_queue_spans: 0, gateway_dead_letters: 1 });
  for (const file of files()) rmSync(join(dataDirectory(dataDir).deadLetters, file));
  const clock = jest.spyOn(Date, 'now');
  try {
    const aheadMs = Date.now() - performance.now() + 61_000;
    clock.mockImplementation(() => aheadMs + performance.now());
    await becomes(running, { gateway_dead_letters: 0, gateway_dead_letters_bytes: 0 });
  } finally {
    clock.mockRestore();
  }
});

test('a queue in memory has none: what is refused is dropped, counted and said, and no folder is made', async () => {
  await startStrict(['s2']);
  const running = await start({ GATEWAY_QUEUE: 'memory' });
  watch = watchBalance(running);
  await send(running);
  await becomes(running, {
    ...{ gateway_queue_spans: 0, gateway_dead_letters: 0 },
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 1,
  });
  await eventually(() =>
    expect(running.logs.join('')).toContain('are dropped: a queue in memory keeps no dead letters'),
  );
  expect(wrong(await watch.stop())).toEqual([]);
  expect(existsSync(dataDirectory(dataDir).deadLetters)).toBe(false);
});

test('a letter from before a repair was switched on is mended and counted when it is replayed', async () => {
  fake = await startFakeLangfuse();
  await store().open();
  const parentSpanId = Buffer.from('abcde');
  const id = await store().write(letterOf().letter, [encode({ ...IDS, name: 'n', kind: 3, parentSpanId })]);
  const running = await start();
  expect(await replay(id)).toEqual({ spans: 1, isWaiting: false });
  const [span] = await fake.waitForSpans(1);
  const keys = span?.attributes.map(({ key }) => key);
  expect([span?.parentSpanId, keys]).toEqual(['', expect.arrayContaining([METADATA.originalParentSpanId])]);
  const repaired = (repair: string) => [`gateway_spans_repaired_total{repair="${repair}"}`, 1] as const;
  const repairs = ['parent_unreadable', 'kind_to_metadata', 'start_absent'].map(repaired);
  await becomes(running, Object.fromEntries(repairs));
});
