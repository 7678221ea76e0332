import fc from 'fast-check';
import { Delayed, type Waiting } from '../../src/queue/delayed';
import { runs } from '../support/random';

const entry = (rank: number, dueAtMs: number): Waiting => ({ id: `${rank}`, rank, dueAtMs });

type Step =
  | { kind: 'add'; dueAtMs: number }
  | { kind: 'again'; index: number; dueAtMs: number }
  | { kind: 'take'; passOver: readonly number[] }
  | { kind: 'wait'; ms: number };

const times = fc.integer({ min: 0, max: 30 });
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), dueAtMs: times }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const), index: fc.nat(20), dueAtMs: times }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('take' as const), passOver: fc.array(fc.nat(30), { maxLength: 20 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(5) }) },
  ),
  { maxLength: 80 },
);

/** The same by looking at all of them each time. What was seen to be due stays so until it is taken. */
class Naive {
  readonly waiting: { entry: Waiting; isDue: boolean }[] = [];

  takeDue(nowMs: number, passOver: ReadonlySet<string>): Waiting | undefined {
    for (const one of this.waiting) one.isDue ||= one.entry.dueAtMs <= nowMs;
    const due = this.waiting.filter((one) => one.isDue && !passOver.has(one.entry.id));
    const [oldest] = due.sort((one, other) => one.entry.rank - other.entry.rank);
    if (oldest !== undefined) this.waiting.splice(this.waiting.indexOf(oldest), 1);
    return oldest?.entry;
  }

  /** Of one that may be taken already any time that is past will do. */
  nextDueAtMs(): number | undefined {
    const [first] = this.waiting.map((one) => one.entry.dueAtMs).sort((one, other) => one - other);
    return first;
  }
}

class Play {
  readonly #delayed = new Delayed<Waiting>();
  readonly #naive = new Naive();
  readonly #taken: Waiting[] = [];
  #nowMs = 0;
  #ranks = 0;

  run(step: Step): void {
    if (step.kind === 'wait') this.#nowMs += step.ms;
    else if (step.kind === 'add') this.#add(entry(this.#ranks++, this.#nowMs + step.dueAtMs));
    else if (step.kind === 'again') this.#putBack(step);
    else this.#take(new Set(step.passOver.map(String)));
    expect(this.#delayed.size).toBe(this.#naive.waiting.length);
    const next = this.#naive.nextDueAtMs();
    const own = this.#delayed.nextDueAtMs();
    const inTheFuture = (at: number | undefined) => (at === undefined || at > this.#nowMs ? at : 'now');
    expect(inTheFuture(own)).toBe(inTheFuture(next));
  }

  finish(): void {
    this.#nowMs = 1e9;
    while (this.#naive.waiting.length > 0) this.#take(new Set());
    this.#take(new Set());
  }

  #add(one: Waiting): void {
    this.#delayed.add(one);
    this.#naive.waiting.push({ entry: one, isDue: false });
  }

  #putBack({ index, dueAtMs }: { index: number; dueAtMs: number }): void {
    const [one] = this.#taken.splice(index % Math.max(1, this.#taken.length), 1);
    if (one === undefined) return;
    one.dueAtMs = this.#nowMs + dueAtMs;
    this.#add(one);
  }

  #take(passOver: ReadonlySet<string>): void {
    const taken = this.#delayed.takeDue(this.#nowMs, (id) => passOver.has(id));
    expect(taken?.id).toBe(this.#naive.takeDue(this.#nowMs, passOver)?.id);
    if (taken !== undefined) this.#taken.push(taken);
  }
}

test('gives what looking at all of them gives, whatever is passed over', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const play = new Play();
      for (const step of list) play.run(step);
      play.finish();
    }),
    runs(500),
  );
});

test('is empty at first, and when all was taken', () => {
  const delayed = new Delayed();
  expect([delayed.size, delayed.takeDue(1e9), delayed.nextDueAtMs()]).toEqual([0, undefined, undefined]);
  delayed.add(entry(1, 5));
  expect([delayed.takeDue(4), delayed.nextDueAtMs(), delayed.takeDue(5)?.id]).toEqual([undefined, 5, '1']);
  expect([delayed.size, delayed.takeDue(1e9), delayed.nextDueAtMs()]).toEqual([0, undefined, undefined]);
});

test('of those that are due the oldest comes first, not the one that was due first', () => {
  const delayed = new Delayed();
  for (const [rank, dueAtMs] of [3, 1, 2, 9].entries()) delayed.add(entry(rank, dueAtMs));
  expect([1, 2, 3, 4].map(() => delayed.takeDue(3)?.rank)).toEqual([0, 1, 2, undefined]);
  expect(delayed.nextDueAtMs()).toBe(9);
});

test('those that are passed over are asked for once in each call, and stay', () => {
  const delayed = new Delayed();
  for (let rank = 0; rank < 5; rank++) delayed.add(entry(rank, 0));
  const asked: string[] = [];
  const taken = delayed.takeDue(0, (id) => {
    asked.push(id);
    return id !== '3';
  });
  expect([taken?.id, asked, delayed.size]).toEqual(['3', ['0', '1', '2', '3'], 4]);
  expect(delayed.takeDue(0, () => true)).toBeUndefined();
  expect([0, 1, 2, 3].map(() => delayed.takeDue(0)?.id)).toEqual(['0', '1', '2', '4']);
});
