import { throttled } from '../../ui/src/net/throttle';

beforeEach(() => {
  jest.useFakeTimers();
  // The page's name for what is global.
  Object.assign(globalThis, { window: globalThis });
});

afterEach(() => {
  jest.useRealTimers();
  Reflect.deleteProperty(globalThis, 'window');
});

/** When the call came through, to ten milliseconds, for calls at these times: a timer of none still takes its turn. */
function passedAt(everyMs: number, callsAt: readonly number[], stopAt?: number): number[] {
  const start = performance.now();
  const passed: number[] = [];
  const { call, stop } = throttled(() => passed.push(Math.floor((performance.now() - start) / 10) * 10), everyMs);
  for (const at of callsAt) setTimeout(call, at);
  if (stopAt !== undefined) setTimeout(stop, stopAt);
  jest.advanceTimersByTime(100_000);
  return passed;
}

test.each<[name: string, callsAt: number[], passed: number[]]>([
  ['no call', [], []],
  ['one, at once', [10], [10]],
  ['a second one, which waits', [10, 20], [10, 1_010]],
  ['many, of which the last is not lost', [10, 20, 30, 500, 1_000], [10, 1_010]],
  ['as soon as the time is over', [10, 1_010], [10, 1_010]],
  ['later, at once again', [10, 5_000], [10, 5_000]],
  ['all the time', Array.from({ length: 30 }, (_, index) => 10 + index * 100), [10, 1_010, 2_010, 3_010]],
])('%s', (_, callsAt, passed) => {
  expect(passedAt(1_000, callsAt)).toEqual(passed);
});

test('who has stopped is not called', () => {
  expect(passedAt(1_000, [10, 20], 500)).toEqual([10]);
});

test('after a stop it can be called again, no sooner than ever', () => {
  expect(passedAt(1_000, [10, 20, 600], 500)).toEqual([10, 1_010]);
});
