import { createBackPressure } from '../../src/delivery/back-pressure';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** Pressure over a backlog that the test sets; `passed` counts the senders that were let in. */
function start() {
  const state = { backlogBytes: 0, moving: true, passed: 0, offered: [] as (() => void)[] };
  const pressure = createBackPressure({
    backlogBytes: () => state.backlogBytes,
    bytesMax: 100,
    isMoving: () => state.moving,
    waitMsMax: 1_000,
  });
  const arrive = async () => {
    void pressure.room().then((offered) => {
      state.passed++;
      state.offered.push(offered);
    });
    await jest.advanceTimersByTimeAsync(0);
  };
  return { state, pressure, arrive };
}

test.each([
  ['room', { backlogBytes: 99 }, 1],
  ['no room', { backlogBytes: 100 }, 0],
  ['no room, and nothing moves', { backlogBytes: 100, moving: false }, 1],
])('%s', async (_, given, passed) => {
  const { state, arrive } = start();
  Object.assign(state, given);
  await arrive();
  expect(state.passed).toBe(passed);
  await jest.advanceTimersByTimeAsync(1_000);
});

test('nobody waits longer than the longest time', async () => {
  const { state, arrive } = start();
  state.backlogBytes = 100;
  await arrive();
  await jest.advanceTimersByTimeAsync(999);
  expect(state.passed).toBe(0);
  await jest.advanceTimersByTimeAsync(1);
  expect(state.passed).toBe(1);
});

test('those who wait go on when there is room again, and leave no timer', async () => {
  const { state, pressure, arrive } = start();
  state.backlogBytes = 100;
  await arrive();
  await arrive();
  pressure.release();
  await jest.advanceTimersByTimeAsync(0);
  expect(state.passed).toBe(0);
  state.backlogBytes = 50;
  pressure.release();
  await jest.advanceTimersByTimeAsync(0);
  expect(state.passed).toBe(1);
  state.offered[0]?.();
  await jest.advanceTimersByTimeAsync(0);
  expect(state.passed).toBe(2);
  expect(jest.getTimerCount()).toBe(0);
});

test('room for one body is given to one sender: the next sees what that body took', async () => {
  const { state, pressure, arrive } = start();
  state.backlogBytes = 100;
  for (let sender = 0; sender < 3; sender++) await arrive();
  state.backlogBytes = 50;
  pressure.release();
  await jest.advanceTimersByTimeAsync(0);
  state.backlogBytes = 100;
  state.offered[0]?.();
  await jest.advanceTimersByTimeAsync(0);
  expect(state.passed).toBe(1);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(state.passed).toBe(3);
});

test('releasing when nobody waits does nothing', () => {
  expect(() => start().pressure.release()).not.toThrow();
});
