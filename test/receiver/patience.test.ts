import { createPatience } from '../../src/receiver/patience';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a refusal is told later, and no more than so many wait for it', () => {
  const slowly = createPatience({ random: () => 0.5, waitingMax: 2 });
  const told: number[] = [];
  for (const number of [1, 2, 3]) slowly(() => told.push(number));
  expect(told).toEqual([3]);
  jest.advanceTimersByTime(249);
  expect(told).toEqual([3]);
  jest.advanceTimersByTime(1);
  expect(told).toEqual([3, 1, 2]);
  slowly(() => told.push(4));
  expect(told).toEqual([3, 1, 2]);
  jest.runAllTimers();
  expect(told).toEqual([3, 1, 2, 4]);
});
