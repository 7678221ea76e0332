import { createBatchExporter } from '../../src/delivery/batch-exporter';
import { canonicalFromProtobuf } from '../support/canonical';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { numberedSpans } from '../support/trace-request';

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

const BAD = 's7';

/** A dispatcher whose posts fail for `reason` whenever the bad span is among them. */
async function start(reason: string): Promise<void> {
  const exporter = createBatchExporter({
    post: async (pieces) => {
      const names = canonicalFromProtobuf(Buffer.concat(pieces)).map(({ name }) => name);
      return names.includes(BAD) ? { kind: 'retry', reason } : { kind: 'accepted', rejected: 0 };
    },
    onVerdict: () => {},
  });
  running = await startDispatcher({
    processor: { onEnd: (span) => exporter.export([span], () => {}) },
    retryMaxAgeMs: 3_600_000,
  });
}

/** One span a minute, `s100` being the first. */
async function passMinutes(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    await running.offer(numberedSpans(1, { from: 100 + minute }));
    await jest.advanceTimersByTimeAsync(60_000);
  }
}

const names = (...spans: ReturnType<typeof numberedSpans>[]) =>
  spans
    .flat()
    .map(({ name }) => name)
    .filter((name) => name !== BAD)
    .toSorted();

test.each(['http_500', 'timeout', 'network'])(
  'a batch that keeps failing (%s) while others pass: one bad span costs one span',
  async (reason) => {
    await start(reason);
    await running.offer(numberedSpans(20));
    await passMinutes(65);
    expect(running.delivered.toSorted()).toEqual(names(numberedSpans(20), numberedSpans(65, { from: 100 })));
    expect(running.deadLettered).toEqual([[BAD, 'expired']]);
  },
);

test('nobody waits for a span that never passes', async () => {
  await start('http_500');
  await running.offer([{ name: BAD }]);
  await passMinutes(10);
  expect(running.delivered.toSorted()).toEqual(names(numberedSpans(10, { from: 100 })));
});

test.each(['http_503', 'http_429'])('an outage (%s) is no storm: what waited leaves in batches', async (reason) => {
  const posts: number[] = [];
  let isDown = true;
  const exporter = createBatchExporter({
    post: async (pieces) => {
      posts.push(canonicalFromProtobuf(Buffer.concat(pieces)).length);
      return isDown ? { kind: 'retry', reason } : { kind: 'accepted', rejected: 0 };
    },
    onVerdict: () => {},
  });
  running = await startDispatcher({ processor: { onEnd: (span) => exporter.export([span], () => {}) } });
  for (let from = 0; from < 1_000; from++) await running.offer(numberedSpans(1, { from }));
  await jest.advanceTimersByTimeAsync(20_000);
  // One post per pause, the first ones apart: 1, 2, 4 and 8 s.
  expect(posts.length).toBeLessThan(10);
  isDown = false;
  await jest.advanceTimersByTimeAsync(60_000);
  expect(running.delivered).toHaveLength(1_000);
  expect(posts.length).toBeLessThan(20);
});

test('several spans that never pass, oldest of all, hold nobody up', async () => {
  await start('http_500');
  for (let copy = 0; copy < 5; copy++) await running.offer([{ name: BAD }]);
  await passMinutes(20);
  expect(running.delivered.toSorted()).toEqual(names(numberedSpans(20, { from: 100 })));
});
