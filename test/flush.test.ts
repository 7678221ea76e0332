import { createClock } from '../src/clock';
import { createFlush } from '../src/flush';
import { createMemoryQueue } from '../src/queue/memory-queue';
import type { Entry } from '../src/queue/port';

beforeEach(() => jest.useFakeTimers({ now: 1_000_000 }));
afterEach(() => jest.useRealTimers());

const CHECK_MS = 50;
const TIMEOUT_MS = 30_000;

/** A flush over a queue with the destinations `main` and `second`; `looks` counts how often the queue was asked. */
function start() {
  const now = createClock();
  const queue = createMemoryQueue({ bytesMax: 1e6, now });
  const state = { looks: 0 };
  const flush = createFlush({
    queue: {
      stats: (destination) => {
        state.looks += 1;
        return queue.stats(destination);
      },
    },
    ...{ destinations: () => ['main', 'second'], now, checkMs: CHECK_MS },
  });
  const offer = (destination = 'main', items = 1) => queue.offer(Buffer.from('x'), { destination, items });
  const take = async (destination = 'main'): Promise<Entry> => {
    const entry = await queue.take(destination);
    expect(entry).toBeDefined();
    return entry!;
  };
  /** What a call has come to: `undefined` while it waits. */
  const call = (
    abandoned: AbortSignal = new AbortController().signal,
    of: Parameters<typeof flush.settled>[1] = 'all',
  ) => {
    const called: { settled: boolean | undefined } = { settled: undefined };
    void flush.settled(abandoned, of).then((settled) => {
      called.settled = settled;
    });
    return called;
  };
  return { queue, flush, state, offer, take, call };
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

test('nothing is queued: settled', async () => {
  const { call } = start();
  const called = call();
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
  expect(jest.getTimerCount()).toBe(0);
});

test.each([
  ['in the same millisecond', 0],
  ['a second before', 1_000],
])('what was offered %s is waited for until its last item is settled', async (_, earlierMs) => {
  const { queue, offer, take, call } = start();
  await offer('main', 2);
  await pass(earlierMs);
  const called = call();
  const entry = await take();
  queue.settle(entry, [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBeUndefined();
  queue.settle(entry, [1]);
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
});

test('what was put back is waited for', async () => {
  const { queue, offer, take, call } = start();
  await offer();
  const called = call();
  queue.retryAt(await take(), Date.now() + 60_000);
  await pass(1_000);
  expect(called.settled).toBeUndefined();
});

test('what is offered afterwards is not waited for', async () => {
  const { queue, offer, take, call } = start();
  await offer();
  const called = call();
  await pass(1);
  await offer();
  queue.settle(await take(), [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
  expect(queue.stats().items).toBe(1);
});

test('every destination that is served is waited for', async () => {
  const { queue, offer, take, call } = start();
  await offer('main');
  await offer('second');
  const called = call();
  queue.settle(await take('main'), [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBeUndefined();
  queue.settle(await take('second'), [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
});

test.each([
  ['second', 'main'],
  [undefined, 'second'],
])(
  'who asks for one destination, %s (the first where none is named), does not wait for another',
  async (destination, other) => {
    const { queue, offer, take, call } = start();
    await offer(destination ?? 'main');
    await offer(other);
    const called = call(undefined, { destination });
    await pass(CHECK_MS);
    expect(called.settled).toBeUndefined();
    queue.settle(await take(destination ?? 'main'), [0]);
    await pass(CHECK_MS);
    expect(called.settled).toBe(true);
    expect(queue.stats(other).items).toBe(1);
  },
);

test('what waits for a destination that nobody serves is neither waited for nor told', async () => {
  const { flush, offer, call } = start();
  await offer('gone');
  const called = call();
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
  expect(flush.waiting()).toBe(0);
});

test('the time is over: not settled, and what waits can be told', async () => {
  const { flush, offer, call } = start();
  await offer('main', 3);
  await offer('second', 4);
  const called = call();
  await pass(TIMEOUT_MS - 1);
  expect(called.settled).toBeUndefined();
  await pass(CHECK_MS);
  expect(called.settled).toBe(false);
  expect(flush.waiting()).toBe(7);
  expect(jest.getTimerCount()).toBe(0);
});

test('a clock that is set back does not make the time longer', async () => {
  const { offer, call } = start();
  await offer();
  const called = call();
  await pass(CHECK_MS);
  jest.setSystemTime(0);
  await pass(TIMEOUT_MS);
  expect(called.settled).toBe(false);
});

test('a clock that is set back after something was accepted does not bring the answer before its delivery', async () => {
  const { queue, offer, take, call } = start();
  await offer();
  jest.setSystemTime(Date.now() - 3_600_000);
  const called = call();
  await pass(CHECK_MS);
  await offer();
  await pass(1_000);
  expect(called.settled).toBeUndefined();
  queue.settle(await take(), [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
  expect(queue.stats().items).toBe(1);
});

test('settled just when the time is over: settled', async () => {
  const { queue, offer, take, call } = start();
  await offer();
  const called = call();
  await pass(TIMEOUT_MS - 1);
  queue.settle(await take(), [0]);
  await pass(CHECK_MS);
  expect(called.settled).toBe(true);
});

test('who goes away waits no longer, before it began or afterwards', async () => {
  const { offer, call } = start();
  await offer();
  const leaving = new AbortController();
  const [left, stays, gone] = [call(leaving.signal), call(), call(AbortSignal.abort())];
  await pass(0);
  expect(gone.settled).toBe(false);
  leaving.abort();
  await pass(0);
  expect([left.settled, stays.settled]).toEqual([false, undefined]);
  expect(jest.getTimerCount()).toBe(1);
  await pass(TIMEOUT_MS);
  expect(jest.getTimerCount()).toBe(0);
});

test('nothing more will be delivered: all who wait are sent away', async () => {
  const { flush, offer, call } = start();
  await offer();
  const called = [call(), call()];
  flush.giveUp();
  await pass(0);
  expect(called).toEqual([{ settled: false }, { settled: false }]);
  expect(jest.getTimerCount()).toBe(0);
});

test('five thousand who wait share one timer and one look, and each gets its own answer', async () => {
  const { queue, state, offer, take, call } = start();
  await offer();
  const early = Array.from({ length: 2_500 }, () => call());
  await pass(1);
  await offer();
  const late = Array.from({ length: 2_500 }, () => call());
  expect([jest.getTimerCount(), state.looks]).toEqual([1, 0]);
  queue.settle(await take(), [0]);
  await pass(CHECK_MS);
  expect(state.looks).toBe(2);
  expect(new Set(early.map(({ settled }) => settled))).toEqual(new Set([true]));
  expect(new Set(late.map(({ settled }) => settled))).toEqual(new Set([undefined]));
  queue.settle(await take(), [0]);
  await pass(CHECK_MS);
  expect(new Set(late.map(({ settled }) => settled))).toEqual(new Set([true]));
  expect(jest.getTimerCount()).toBe(0);
});
