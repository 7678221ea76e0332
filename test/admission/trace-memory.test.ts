import fc from 'fast-check';
import {
  REMEMBERED_VALUE_MAX,
  type RememberedTrace,
  TEXT_OVERHEAD_BYTES,
  TRACE_OVERHEAD_BYTES,
  TraceMemory,
  type TraceMemoryLimits,
} from '../../src/admission/trace-memory';
import { runs } from '../support/random';

const WIDE: TraceMemoryLimits = { maxTraces: 1000, windowMs: 100, bytesMax: 1e9 };
const ID = 'sixteen bytes id';
const POSITIONS = [0, 1, 2, 3];

/** What is remembered is the record itself: what it holds at this moment. */
const contentOf = (trace: RememberedTrace | undefined) =>
  trace && {
    values: POSITIONS.map((position) => trace.values[position]),
    fromRoot: trace.fromRoot,
    adoptedInto: trace.adoptedInto,
  };

interface Known {
  values: (string | undefined)[];
  fromRoot: number;
  adoptedInto: string | undefined;
  usedAtMs: number;
}

/** The same by looking at all of them each time: a Map in the order of use. */
class Naive {
  readonly #traces = new Map<string, Known>();
  #nowMs = 0;

  constructor(readonly limits: TraceMemoryLimits) {}

  recall(destination: string, traceId: string, nowMs: number): Known | undefined {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    for (const [key, { usedAtMs }] of this.#traces) {
      if (this.#nowMs - usedAtMs > this.limits.windowMs) this.#traces.delete(key);
    }
    const key = JSON.stringify([destination, traceId]);
    const known = this.#traces.get(key);
    if (known === undefined) return undefined;
    known.usedAtMs = this.#nowMs;
    this.#traces.delete(key);
    this.#traces.set(key, known);
    return known;
  }

  remember(destination: string, traceId: string, nowMs: number, change: (known: Known) => void): void {
    const known = this.recall(destination, traceId, nowMs) ?? {
      values: POSITIONS.map(() => undefined),
      fromRoot: 0,
      adoptedInto: undefined,
      usedAtMs: this.#nowMs,
    };
    change(known);
    this.#traces.set(JSON.stringify([destination, traceId]), known);
    for (const key of this.#traces.keys()) {
      if (this.size > this.limits.maxTraces || this.bytes > this.limits.bytesMax) this.#traces.delete(key);
    }
  }

  hasAdoptions(destination: string): boolean {
    return [...this.#traces].some(
      ([key, { adoptedInto }]) => JSON.parse(key)[0] === destination && adoptedInto !== undefined,
    );
  }

  get size(): number {
    return this.#traces.size;
  }

  get bytes(): number {
    const records = [...this.#traces].map(([key, { values, adoptedInto }]) => {
      const texts = [JSON.parse(key)[1] as string, adoptedInto, ...values].filter((text) => text !== undefined);
      return texts.reduce((sum, text) => sum + text.length + TEXT_OVERHEAD_BYTES, TRACE_OVERHEAD_BYTES);
    });
    return records.reduce((sum, bytes) => sum + bytes, 0);
  }
}

type Step = { destination: string; traceId: string; laterMs: number } & (
  | { kind: 'recall' }
  | { kind: 'value'; position: number; value: string; isRoot: boolean }
  | { kind: 'adoption'; into: string }
);

const DESTINATIONS = ['main', 'other'];
const where = {
  destination: fc.constantFrom(...DESTINATIONS),
  traceId: fc.constantFrom(...['a', 'b', 'c', 'd'].map((letter) => letter.repeat(16))),
  /** The clock is set back now and then. */
  laterMs: fc.oneof({ weight: 4, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.integer({ min: -30, max: 30 }) }),
};
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('', 'x', 'y', 'z'.repeat(100)) },
  { weight: 1, arbitrary: fc.constantFrom('v'.repeat(REMEMBERED_VALUE_MAX), 'w'.repeat(REMEMBERED_VALUE_MAX + 1)) },
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('recall' as const), ...where }),
    fc.record({
      kind: fc.constant('value' as const),
      ...where,
      position: fc.constantFrom(...POSITIONS),
      value,
      isRoot: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('adoption' as const), ...where, into: fc.constantFrom(ID, 'another trace id') }),
  ),
  { maxLength: 80 },
);
const bounds = {
  maxTraces: fc.constantFrom(1, 2, 3, 8),
  bytesMax: fc.constantFrom(0, TRACE_OVERHEAD_BYTES + 100, 1500, 5000, 1e9),
};

class Play {
  readonly memory: TraceMemory;
  readonly naive: Naive;
  #nowMs = 1_000;

  constructor(limits: TraceMemoryLimits) {
    this.memory = new TraceMemory(limits);
    this.naive = new Naive(limits);
  }

  run(step: Step): void {
    const { destination, traceId } = step;
    this.#nowMs += step.laterMs;
    if (step.kind === 'recall') this.#recall(step);
    else if (step.kind === 'value') this.#value(step);
    else {
      this.memory.rememberAdoption(destination, traceId, step.into, this.#nowMs);
      this.naive.remember(destination, traceId, this.#nowMs, (known) => {
        known.adoptedInto = step.into;
      });
    }
    expect(this.memory.size).toBeLessThanOrEqual(this.naive.limits.maxTraces);
    expect(this.memory.bytes).toBeLessThanOrEqual(this.naive.limits.bytesMax);
  }

  #recall({ destination, traceId }: Step): void {
    const found = this.memory.recall(destination, traceId, this.#nowMs);
    expect(contentOf(found)).toEqual(contentOf(this.naive.recall(destination, traceId, this.#nowMs)));
  }

  #value({ destination, traceId, position, value, isRoot }: Step & { kind: 'value' }): void {
    this.memory.rememberValue(destination, traceId, position, value, isRoot, this.#nowMs);
    if (value.length > REMEMBERED_VALUE_MAX) return;
    this.naive.remember(destination, traceId, this.#nowMs, (known) => {
      const isNews = known.values[position] === undefined || (isRoot && (known.fromRoot & (1 << position)) === 0);
      if (isNews) known.values[position] = value;
      if (isRoot) known.fromRoot |= 1 << position;
    });
  }
}

test('finds what a plain Map finds, whatever the bounds, while traces expire and the clock is set back', () => {
  fc.assert(
    fc.property(fc.record({ ...bounds, windowMs: fc.constantFrom(0, 5, 20) }), steps, (limits, list) => {
      const play = new Play(limits);
      for (const step of list) {
        play.run(step);
        // One that is over may still be among them, until its turn to be removed comes.
        expect(play.memory.size).toBeGreaterThanOrEqual(play.naive.size);
        const missed = DESTINATIONS.filter((one) => play.naive.hasAdoptions(one) && !play.memory.hasAdoptions(one));
        expect(missed).toEqual([]);
      }
      for (let time = 0; time < 10; time++) play.memory.recall('main', ID, 1e9);
      const { size, bytes } = play.memory;
      expect([size, bytes, ...DESTINATIONS.map((one) => play.memory.hasAdoptions(one))]).toEqual([0, 0, false, false]);
    }),
    runs(500),
  );
});

test('counts what a plain Map holds, to the byte, while nothing expires', () => {
  fc.assert(
    fc.property(fc.record({ ...bounds, windowMs: fc.constant(Number.POSITIVE_INFINITY) }), steps, (limits, list) => {
      const play = new Play(limits);
      for (const step of list) {
        play.run(step);
        const countsOf = (one: TraceMemory | Naive) => [
          one.size,
          one.bytes,
          ...DESTINATIONS.map((destination) => one.hasAdoptions(destination)),
        ];
        expect(countsOf(play.memory)).toEqual(countsOf(play.naive));
      }
    }),
    runs(500),
  );
});

describe('a value', () => {
  const told = (...values: [value: string, isRoot: boolean][]) => {
    const memory = new TraceMemory(WIDE);
    for (const [value, isRoot] of values) memory.rememberValue('main', ID, 2, value, isRoot, 0);
    const { values: all, fromRoot } = memory.recall('main', ID, 0) as RememberedTrace;
    return [all[2], fromRoot];
  };

  test.each<[string, [string, boolean][], [string, number]]>([
    [
      'the first one stays',
      [
        ['a', false],
        ['b', false],
      ],
      ['a', 0],
    ],
    [
      'a root tells another one',
      [
        ['a', false],
        ['b', true],
      ],
      ['b', 4],
    ],
    [
      'a root tells the same one',
      [
        ['a', false],
        ['a', true],
      ],
      ['a', 4],
    ],
    [
      'that of a root stays',
      [
        ['a', true],
        ['b', false],
      ],
      ['a', 4],
    ],
    [
      'one root tells another one than the other',
      [
        ['a', true],
        ['b', true],
      ],
      ['a', 4],
    ],
    [
      'the empty one is one',
      [
        ['', false],
        ['b', false],
      ],
      ['', 0],
    ],
  ])('%s', (_, values, expected) => {
    expect(told(...values)).toEqual(expected);
  });

  test('beside others stands at its own position', () => {
    const memory = new TraceMemory(WIDE);
    memory.rememberValue('main', ID, 30, 'last', true, 0);
    memory.rememberValue('main', ID, 0, 'first', false, 0);
    const { values, fromRoot } = memory.recall('main', ID, 0) as RememberedTrace;
    expect([values.length, values[0], values[1], values[30], fromRoot]).toEqual([
      31,
      'first',
      undefined,
      'last',
      2 ** 30,
    ]);
  });

  test.each([-1, 31])('has no position %d', (position) => {
    const memory = new TraceMemory(WIDE);
    expect(() => memory.rememberValue('main', ID, position, 'x', false, 0)).toThrow(RangeError);
    expect(memory.size).toBe(0);
  });

  test('that is too long changes nothing, not even when the trace was used', () => {
    const memory = new TraceMemory(WIDE);
    memory.rememberValue('main', ID, 0, 'x', false, 0);
    const { bytes } = memory;
    for (const id of [ID, 'another trace id']) {
      memory.rememberValue('main', id, 0, 'v'.repeat(REMEMBERED_VALUE_MAX + 1), true, 60);
    }
    expect([memory.size, memory.bytes, memory.recall('main', ID, 101)]).toEqual([1, bytes, undefined]);
  });
});

test('one trace id in two destinations is two traces', () => {
  const memory = new TraceMemory(WIDE);
  memory.rememberValue('main', ID, 0, 'of main', true, 0);
  memory.rememberAdoption('main', ID, 'x'.repeat(16), 0);
  expect(memory.recall('other', ID, 0)).toBeUndefined();
  memory.rememberValue('other', ID, 0, 'of other', false, 0);
  expect(contentOf(memory.recall('other', ID, 0))).toEqual({
    values: ['of other', undefined, undefined, undefined],
    fromRoot: 0,
    adoptedInto: undefined,
  });
  expect(['main', 'other', 'constructor', ''].map((one) => memory.hasAdoptions(one))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(memory.recall('main', ID, 0)?.values[0]).toBe('of main');
});

test('destination and trace id do not run into each other', () => {
  const memory = new TraceMemory(WIDE);
  memory.rememberValue('a', 'b\0c', 0, 'x', false, 0);
  expect([memory.recall('a\0b', 'c', 0), memory.recall('ab', '\0c', 0), memory.recall('', 'ab\0c', 0)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

describe('a trace is forgotten', () => {
  const remembering = () => {
    const memory = new TraceMemory(WIDE);
    memory.rememberValue('main', ID, 0, 'x', false, 1_000);
    return memory;
  };

  test('when the window is over, not before', () => {
    expect(remembering().recall('main', ID, 1_100)?.values[0]).toBe('x');
    expect(remembering().recall('main', ID, 1_101)).toBeUndefined();
  });

  test('later, when it was used', () => {
    const recalled = remembering();
    recalled.recall('main', ID, 1_080);
    expect(recalled.recall('main', ID, 1_180)?.values[0]).toBe('x');
    const told = remembering();
    told.rememberValue('main', ID, 0, 'known already', false, 1_080);
    expect(told.recall('main', ID, 1_180)?.values[0]).toBe('x');
    const moved = remembering();
    moved.rememberAdoption('main', ID, 'another trace id', 1_080);
    expect(moved.recall('main', ID, 1_180)?.values[0]).toBe('x');
  });

  test('no sooner and no later because the clock was set back', () => {
    const memory = remembering();
    expect(memory.recall('main', ID, -5_000)?.values[0]).toBe('x');
    memory.rememberValue('main', 'another trace id', 0, 'y', false, 10);
    expect(memory.recall('main', ID, 1_100)?.values[0]).toBe('x');
    expect(memory.recall('main', 'another trace id', 1_101)).toBeUndefined();
  });

  test('a few at a time', () => {
    const memory = new TraceMemory({ ...WIDE, maxTraces: 1_000 });
    for (let at = 0; at < 1_000; at++) memory.rememberAdoption('main', `old ${at}`, ID, 0);
    const sizes = [memory.size];
    for (let at = 0; at < 1_000; at++) {
      memory.rememberValue('main', `new ${at}`, 0, 'x', false, 500);
      sizes.push(memory.size);
    }
    const removed = sizes.slice(1).map((size, at) => (sizes[at] as number) + 1 - size);
    expect(new Set(removed)).toEqual(new Set([2, 0]));
    expect([memory.size, memory.hasAdoptions('main')]).toEqual([1_000, false]);
  });
});

test('a million traces of many destinations leave no more than the bounds', () => {
  const limits = { maxTraces: 10_000, windowMs: 1_000, bytesMax: 4_000_000 };
  const memory = new TraceMemory(limits);
  const highest = { size: 0, bytes: 0 };
  for (let at = 0; at < 1_000_000; at++) {
    const traceId = at.toString(16).padStart(16, '0');
    memory.rememberValue(`${at % 7}`, traceId, at % 8, 'v'.repeat(at % 97), at % 2 === 0, at / 100);
    if (at % 5 === 0) memory.rememberAdoption(`${at % 7}`, traceId, ID, at / 100);
    highest.size = Math.max(highest.size, memory.size);
    highest.bytes = Math.max(highest.bytes, memory.bytes);
  }
  expect(highest.size).toBe(limits.maxTraces);
  expect(highest.bytes).toBeLessThanOrEqual(limits.bytesMax);
  expect(highest.bytes).toBeGreaterThan(limits.bytesMax / 2);
});

test('a value of the greatest length takes the place of others, and of itself where there is room for nothing', () => {
  const memory = new TraceMemory({ ...WIDE, bytesMax: 10_000 });
  for (let at = 0; at < 30; at++) memory.rememberValue('main', `trace ${at}`, 0, 'x', false, 0);
  memory.rememberValue('main', ID, 0, 'v'.repeat(REMEMBERED_VALUE_MAX), false, 0);
  expect(memory.recall('main', 'trace 29', 0)?.values[0]).toBe('x');
  expect(memory.recall('main', 'trace 0', 0)).toBeUndefined();
  expect(memory.bytes).toBeLessThanOrEqual(10_000);
  const none = new TraceMemory({ ...WIDE, bytesMax: 1_000 });
  none.rememberValue('main', ID, 0, 'v'.repeat(REMEMBERED_VALUE_MAX), false, 0);
  expect([none.size, none.bytes, none.recall('main', ID, 0)]).toEqual([0, 0, undefined]);
});
