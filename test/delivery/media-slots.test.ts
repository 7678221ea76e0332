import { createSlots, type Slot } from '../../src/delivery/media-slots';

const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const LIMITS = { max: 2, slowMax: 3, slowAfterMs: 1_000 };

/** Who was given a slot, in order. */
let given: string[];
let slots: Map<string, Slot>;
let enter: (name: string) => void;
beforeEach(() => {
  jest.useFakeTimers();
  [given, slots] = [[], new Map()];
});
afterEach(() => {
  for (const slot of slots.values()) slot.leave();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

/** Of `a1` the group is `a`. */
function start(limits = LIMITS) {
  const { enter: take } = createSlots(limits);
  enter = (name) => {
    void take(name.slice(0, 1)).then((slot) => {
      given.push(name);
      slots.set(name, slot);
    });
  };
}

async function leave(name: string): Promise<void> {
  slots.get(name)!.leave();
  slots.delete(name);
  await advance(0);
}

test('so many at once, each group in turn, and those of a group in their order', async () => {
  start();
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) enter(name);
  await advance(0);
  expect(given).toEqual(['a1', 'a2']);
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2']) await leave(name);
  expect(given).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2']);
});

test('between two steps other groups have their turn, and then what has begun before what has not', async () => {
  start({ ...LIMITS, max: 1 });
  for (const name of ['a1', 'a2', 'b1', 'c1']) enter(name);
  await advance(0);
  const next = slots.get('a1')!.turn();
  void next.then(() => given.push('a1 again'));
  await advance(0);
  // The turn of its group came: it was its own.
  expect(given).toEqual(['a1', 'a1 again']);
  void slots
    .get('a1')!
    .turn()
    .then(() => given.push('a1 at last'));
  await advance(0);
  for (const name of ['b1', 'c1', 'a1', 'a2']) await leave(name);
  expect(given).toEqual(['a1', 'a1 again', 'b1', 'c1', 'a1 at last', 'a2']);
});

test('who holds a slot for long gives it away, but so many at most', async () => {
  start();
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7']) enter(name);
  await advance(999);
  expect(given).toEqual(['a1', 'a2']);
  await advance(1);
  expect(given).toEqual(['a1', 'a2', 'a3', 'a4']);
  await advance(1_000);
  expect(given).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  await advance(60_000);
  expect(given).toHaveLength(5);
  // A slow one ends: the next one takes its place, and gives its own away.
  await leave('a1');
  expect(given.slice(5)).toEqual(['a6']);
  await leave('a6');
  expect(given.slice(6)).toEqual(['a7']);
});

test('a slow one that goes on waits for its turn among the others', async () => {
  start({ ...LIMITS, max: 1 });
  enter('a1');
  await advance(1_000);
  enter('b1');
  enter('c1');
  await advance(0);
  void slots
    .get('a1')!
    .turn()
    .then(() => given.push('a1 again'));
  await advance(0);
  expect(given).toEqual(['a1', 'b1']);
  await leave('b1');
  await leave('c1');
  expect(given).toEqual(['a1', 'b1', 'c1', 'a1 again']);
});

test('who only waits for another is outside meanwhile', async () => {
  start({ ...LIMITS, max: 1, slowMax: 0 });
  enter('a1');
  enter('b1');
  await advance(0);
  let end = () => {};
  const waitedFor = new Promise<string>((resolve) => {
    end = () => resolve('done');
  });
  void slots
    .get('a1')!
    .outside(waitedFor)
    .then((result) => given.push(`a1 ${result}`));
  await advance(0);
  expect(given).toEqual(['a1', 'b1']);
  end();
  await advance(0);
  expect(given).toEqual(['a1', 'b1']);
  await leave('b1');
  expect(given).toEqual(['a1', 'b1', 'a1 done']);
});
