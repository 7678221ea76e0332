import { Watchers, type WatchersOptions } from '../../src/inspector/watchers';

type News = { traceIds: readonly string[]; isCut: boolean };

beforeEach(() => {
  jest.useFakeTimers();
  // A process that has run for a while.
  jest.advanceTimersByTime(10_000);
});
afterEach(() => jest.useRealTimers());

/** `read` brings what `arrives`, and may leave something unread. */
function start(options: Partial<WatchersOptions> = {}) {
  const budgets: number[] = [];
  const arriving: string[] = [];
  const state = { isAllRead: true };
  const watchers = new Watchers({
    onTrace: undefined,
    read: async (budgetMs) => {
      budgets.push(budgetMs);
      for (const traceId of arriving.splice(0)) watchers.changed(traceId);
      return state.isAllRead;
    },
    ...options,
  });
  const arrives = (...traceIds: string[]) => {
    arriving.push(...traceIds);
    watchers.wake();
  };
  const listen = () => {
    const heard: News[] = [];
    return { heard, stop: watchers.add((news) => heard.push(news)) };
  };
  return { watchers, budgets, state, arrives, listen };
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `t${from + at}`);

test('while nobody watches nothing is read', async () => {
  const { watchers, budgets, arrives } = start();
  arrives('t1');
  expect([jest.getTimerCount(), watchers.size]).toEqual([0, 0]);
  await pass(5_000);
  expect(budgets).toEqual([]);
});

test('who watches hears soon, and then twice a second at most', async () => {
  const { budgets, arrives, listen } = start();
  const { heard } = listen();
  await pass(49);
  expect(budgets).toEqual([]);
  await pass(1);
  expect([budgets, heard]).toEqual([[20], []]);
  arrives('t1');
  arrives('t2');
  await pass(499);
  expect(heard).toEqual([]);
  await pass(1);
  expect(heard).toEqual([{ traceIds: ['t2', 't1'], isCut: false }]);
  // After a while of silence it is soon again.
  await pass(3_000);
  arrives('t3');
  await pass(50);
  expect(heard.slice(1)).toEqual([{ traceIds: ['t3'], isCut: false }]);
  expect(budgets).toEqual([20, 20, 20]);
  expect(jest.getTimerCount()).toBe(0);
});

test('all hear the same, once, the latest trace first', async () => {
  const { arrives, listen } = start();
  const [one, other] = [listen(), listen()];
  arrives('t1', 't2', 't1', 't3');
  await pass(2_000);
  const news = [{ traceIds: ['t3', 't1', 't2'], isCut: false }];
  expect([one.heard, other.heard]).toEqual([news, news]);
});

test('who stops hears no more, and the last one to stop ends the reading', async () => {
  const { watchers, budgets, arrives, listen } = start();
  const [one, other] = [listen(), listen()];
  one.stop();
  expect(watchers.size).toBe(1);
  arrives('t1');
  await pass(500);
  expect([one.heard.length, other.heard.length]).toEqual([0, 1]);
  other.stop();
  arrives('t2');
  await pass(5_000);
  expect([other.heard.length, budgets.length]).toEqual([1, 1]);
});

test('what changed before somebody came is no news', async () => {
  const { watchers, arrives, listen } = start();
  watchers.changed('t1');
  const { heard } = listen();
  arrives('t2');
  await pass(500);
  expect(heard).toEqual([{ traceIds: ['t2'], isCut: false }]);
});

describe('a flood', () => {
  test.each([
    [100, false],
    [101, true],
    [5_000, true],
  ])('of %i traces the last hundred are told', async (count, isCut) => {
    const { arrives, listen } = start();
    const { heard } = listen();
    arrives(...ids(count));
    await pass(500);
    expect(heard).toEqual([{ traceIds: ids(Math.min(100, count), Math.max(0, count - 100)).toReversed(), isCut }]);
    // The next time it is news of its own.
    arrives('t1');
    await pass(500);
    expect(heard.at(-1)).toEqual({ traceIds: ['t1'], isCut: false });
  });

  test('the same trace over and over is one', async () => {
    const { arrives, listen } = start();
    const { heard } = listen();
    arrives(...Array.from({ length: 5_000 }, (_, at) => `t${at % 3}`));
    await pass(500);
    expect(heard).toMatchObject([{ isCut: false, traceIds: { length: 3 } }]);
  });

  test('what is left unread is read in the next ticks, with as little time each', async () => {
    const { budgets, state, listen } = start();
    listen();
    state.isAllRead = false;
    await pass(2_050);
    expect(budgets).toEqual([20, 20, 20, 20, 20]);
    state.isAllRead = true;
    await pass(5_000);
    expect([budgets.length, jest.getTimerCount()]).toEqual([6, 0]);
  });
});

describe('while it reads', () => {
  /** The reading takes until it is told to end. */
  function startSlowly(options: Partial<WatchersOptions> = {}) {
    const budgets: number[] = [];
    const waiting: ((isAllRead: boolean) => void)[] = [];
    const read = (budgetMs: number) => {
      budgets.push(budgetMs);
      return new Promise<boolean>((resolve) => waiting.push(resolve));
    };
    const finish = (isAllRead: boolean) => waiting.shift()!(isAllRead);
    return { ...start({ ...options, read }), budgets, finish };
  }

  test('what comes is not forgotten', async () => {
    const { watchers, listen, budgets, finish } = startSlowly();
    listen();
    await pass(50);
    expect(budgets).toHaveLength(1);
    // In the same turn in which the reading has seen that nothing is left.
    finish(true);
    watchers.wake();
    await pass(500);
    expect(budgets).toHaveLength(2);
  });

  test('there is no second reading', async () => {
    const { watchers, listen, budgets, finish } = startSlowly();
    listen();
    await pass(50);
    watchers.wake();
    await pass(5_000);
    expect(budgets).toHaveLength(1);
    finish(false);
    await pass(500);
    expect(budgets).toHaveLength(2);
  });

  test('closed it ends with it', async () => {
    const { watchers, listen, budgets, finish } = startSlowly({ onTrace: () => {} });
    listen();
    await pass(50);
    watchers.close();
    finish(false);
    await pass(5_000);
    expect([budgets.length, jest.getTimerCount()]).toEqual([1, 0]);
  });
});

test('with somebody who is always told, what comes is read though nobody watches, and told of each span', async () => {
  const seen: string[] = [];
  const { budgets, arrives } = start({ onTrace: (traceId) => seen.push(traceId) });
  arrives('t1', 't2', 't1');
  await pass(500);
  expect([seen, budgets]).toEqual([['t1', 't2', 't1'], [20]]);
});

test('closed nobody hears anything, and no timer is left', async () => {
  const { watchers, budgets, arrives, listen } = start({ onTrace: () => {} });
  const { heard } = listen();
  arrives('t1');
  watchers.close();
  expect([jest.getTimerCount(), watchers.size]).toEqual([0, 0]);
  arrives('t2');
  await pass(5_000);
  expect([heard, budgets]).toEqual([[], []]);
});
