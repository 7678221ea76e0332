import type { MediaResults } from '../../src/delivery/media-in-span';
import { createMediaMemory } from '../../src/delivery/media-memory';

const resultsOf = (count: number): MediaResults =>
  new Map(Array.from({ length: count }, (_, at) => [`place ${at}`, { kind: 'refused', status: 400 }]));

let nowMs = 0;
const memoryOf = (resultsMax?: number) => {
  nowMs = 1_000;
  return createMediaMemory(() => nowMs, resultsMax);
};

test('what was put is taken once, by its own span', () => {
  const memory = memoryOf();
  memory.put('e1', 3, resultsOf(2));
  expect([memory.take('e1', 4).size, memory.take('e2', 3).size]).toEqual([0, 0]);
  expect(memory.take('e1', 3)).toEqual(resultsOf(2));
  expect(memory.take('e1', 3).size).toBe(0);
});

test('what is old is forgotten', () => {
  const memory = memoryOf();
  memory.put('e1', 0, resultsOf(1));
  memory.put('e1', 1, resultsOf(1));
  nowMs += 599_999;
  expect(memory.take('e1', 0).size).toBe(1);
  nowMs += 1;
  expect(memory.take('e1', 1).size).toBe(0);
});

test('beyond so many results the spans that were put first are forgotten', () => {
  const memory = memoryOf(10);
  memory.put('e1', 0, resultsOf(4));
  memory.put('e1', 1, resultsOf(4));
  // Again: counted once, and no longer the first.
  memory.put('e1', 0, resultsOf(5));
  memory.put('e1', 2, resultsOf(0));
  memory.put('e1', 3, resultsOf(3));
  expect([0, 1, 2, 3].map((position) => memory.take('e1', position).size)).toEqual([5, 0, 0, 3]);
  memory.put('e1', 4, resultsOf(10));
  expect(memory.take('e1', 4).size).toBe(10);
});
