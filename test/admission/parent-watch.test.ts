import fc from 'fast-check';
import { ParentWatch, type ParentWatchLimits } from '../../src/admission/parent-watch';
import { CHAIN_MAX, placesFor, SpanHash } from '../../src/admission/span-hash';
import type { Orphan } from '../../src/admission/waiting-parents';
import { runs } from '../support/random';

const WIDE: ParentWatchLimits = { windowMs: 100, seenMax: 1 << 12, waitingMax: 1_000 };
const TRACE = '0102030405060708090a0b0c0d0e0fff';
/** Ids of spans, by number. */
const id = (number: number) => number.toString(16).padStart(16, '0');
const END = 1e9;

interface Came {
  readonly destination?: number;
  readonly traceId?: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

/** Ids lie anywhere in a request, in any order. */
function see(
  watch: ParentWatch,
  { destination = 0, traceId = TRACE, spanId, parentSpanId }: Came,
  nowMs: number,
): void {
  const bytes = Buffer.from(`ff${parentSpanId ?? ''}ee${spanId}dd${traceId}`, 'hex');
  const spanIdAt = parentSpanId === undefined ? 2 : 10;
  watch.saw(destination, bytes, spanIdAt + 9, spanIdAt, parentSpanId === undefined ? -1 : 1, nowMs);
}

/** The same by remembering every span and looking at all that wait. */
class Naive {
  readonly #seen: { key: string; atMs: number }[] = [];
  #waiting: { key: string; sinceMs: number; orphan: Orphan }[] = [];
  #nowMs = 0;

  constructor(readonly limits: ParentWatchLimits) {}

  saw({ destination = 0, traceId = TRACE, spanId, parentSpanId }: Came, nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const keyOf = (one: string) => JSON.stringify([destination, traceId, one]);
    this.#waiting = this.#waiting.filter((one) => one.key !== keyOf(spanId) || this.#isOver(one.sinceMs));
    this.#seen.push({ key: keyOf(spanId), atMs: this.#nowMs });
    if (parentSpanId === undefined) return;
    const key = keyOf(parentSpanId);
    if (this.#seen.slice(-this.limits.seenMax).some((one) => one.key === key && !this.#isOver(one.atMs))) return;
    const known = this.#waiting.find((one) => one.key === key && !this.#isOver(one.sinceMs));
    if (known !== undefined) known.orphan = { ...known.orphan, spans: known.orphan.spans + 1 };
    else if (this.#waiting.length < this.limits.waitingMax) {
      this.#waiting.push({ key, sinceMs: this.#nowMs, orphan: { traceId, spanId, parentSpanId, spans: 1 } });
    }
  }

  orphans(nowMs: number): Orphan[] {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const over = this.#waiting.filter(({ sinceMs }) => this.#isOver(sinceMs));
    this.#waiting = this.#waiting.filter((one) => !over.includes(one));
    return over.map(({ orphan }) => orphan);
  }

  #isOver(sinceMs: number): boolean {
    return this.#nowMs - sinceMs > this.limits.windowMs;
  }
}

const spanIds = fc.constantFrom(...[1, 2, 3, 4, 5].map(id), '0100000000000000', 'ffffffffffffffff');
const steps = fc.array(
  fc.record({
    laterMs: fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.integer({ min: -20, max: 20 }) }),
    came: fc.option(
      fc.record({
        destination: fc.constantFrom(0, 1),
        traceId: fc.constantFrom(TRACE, 'f'.repeat(32)),
        spanId: spanIds,
        parentSpanId: fc.option(spanIds, { nil: undefined, freq: 4 }),
      }),
      { nil: undefined, freq: 5 },
    ),
  }),
  { maxLength: 120 },
);
const limits = fc.record({
  windowMs: fc.constantFrom(0, 3, 10, 40),
  seenMax: fc.constantFrom(1, 2, 4, 16, 1024),
  waitingMax: fc.constantFrom(0, 1, 3, 100),
});

test('tells what remembering everything tells, in the same order', () => {
  fc.assert(
    fc.property(limits, steps, (bounds, list) => {
      const [watch, naive] = [new ParentWatch(bounds), new Naive(bounds)];
      let nowMs = 1_000;
      for (const { laterMs, came } of list) {
        nowMs += laterMs;
        if (came === undefined) expect(watch.orphans(nowMs)).toEqual(naive.orphans(nowMs));
        else {
          see(watch, came, nowMs);
          naive.saw(came, nowMs);
        }
      }
      expect(watch.orphans(END)).toEqual(naive.orphans(END));
      expect(watch.orphans(END * 2)).toEqual([]);
    }),
    runs(1_000),
  );
});

describe('a parent', () => {
  const CHILD = { spanId: id(1), parentSpanId: id(2) };
  const PARENT = { spanId: id(2) };
  const ORPHAN = { traceId: TRACE, spanId: id(1), parentSpanId: id(2), spans: 1 };

  /** What is told when all is over. */
  const told = (came: [Came, nowMs: number][]) => {
    const watch = new ParentWatch(WIDE);
    for (const [one, nowMs] of came) see(watch, one, nowMs);
    return watch.orphans(END);
  };

  test.each<[string, [Came, number][], Orphan[]]>([
    [
      'comes before its child',
      [
        [PARENT, 0],
        [CHILD, 100],
      ],
      [],
    ],
    [
      'comes too long before its child',
      [
        [PARENT, 0],
        [CHILD, 101],
      ],
      [ORPHAN],
    ],
    [
      'comes after its child',
      [
        [CHILD, 0],
        [PARENT, 100],
      ],
      [],
    ],
    [
      'comes too long after its child',
      [
        [CHILD, 0],
        [PARENT, 101],
      ],
      [ORPHAN],
    ],
    ['never comes', [[CHILD, 0]], [ORPHAN]],
    [
      'is missed by two children',
      [
        [CHILD, 0],
        [{ ...CHILD, spanId: id(3) }, 5],
      ],
      [{ ...ORPHAN, spans: 2 }],
    ],
    [
      'comes in another trace',
      [
        [CHILD, 0],
        [{ ...PARENT, traceId: 'f'.repeat(32) }, 1],
      ],
      [ORPHAN],
    ],
    [
      'comes for another destination',
      [
        [CHILD, 0],
        [{ ...PARENT, destination: 1 }, 1],
      ],
      [ORPHAN],
    ],
    ['is its own child', [[{ spanId: id(2), parentSpanId: id(2) }, 0]], []],
    [
      'came a second time, and in time',
      [
        [PARENT, 0],
        [PARENT, 90],
        [CHILD, 150],
      ],
      [],
    ],
    [
      'was away while the clock was set back',
      [
        [PARENT, 500],
        [CHILD, 1],
        [PARENT, 0],
        [CHILD, 600],
      ],
      [],
    ],
  ])('that %s', (_, came, expected) => {
    expect(told(came)).toEqual(expected);
  });

  test('is told when the window is over, and once', () => {
    const watch = new ParentWatch(WIDE);
    see(watch, CHILD, 1_000);
    expect([1_100, 1_101, 1_102, 50].map((nowMs) => watch.orphans(nowMs).length)).toEqual([0, 1, 0, 0]);
    see(watch, CHILD, 1_103);
    expect(watch.orphans(2_000)).toEqual([ORPHAN]);
  });

  test('whose ids are all equal is one for each destination', () => {
    const watch = new ParentWatch(WIDE);
    for (let destination = 0; destination < 100; destination++) see(watch, { ...CHILD, destination }, 0);
    see(watch, { ...PARENT, destination: 7 }, 0);
    expect(watch.orphans(END)).toEqual(Array.from({ length: 99 }, () => ORPHAN));
  });
});

test('the room for what was seen is rounded up: as many spans are remembered, the child included', () => {
  const missing = [7, 8].map((others) => {
    const watch = new ParentWatch({ ...WIDE, seenMax: 5 });
    see(watch, { spanId: id(1) }, 0);
    for (let at = 1; at < others; at++) see(watch, { spanId: id(100 + at) }, 0);
    see(watch, { spanId: id(2), parentSpanId: id(1) }, 0);
    return watch.orphans(END).length;
  });
  expect(missing).toEqual([0, 1]);
});

test('of a million missing parents as many are told as may wait, and those that are over make room', () => {
  const watch = new ParentWatch({ windowMs: 100, seenMax: 1 << 10, waitingMax: 5_000 });
  const told: number[] = [];
  const bytes = Buffer.alloc(32);
  for (let at = 1; at <= 1_000_000; at++) {
    bytes.writeUInt32BE(at, 20);
    bytes.writeUInt32LE(at, 24);
    watch.saw(0, bytes, 0, 16, 24, at < 500_000 ? 0 : 200);
    if (at === 500_000) told.push(watch.orphans(200).length);
  }
  expect([...told, watch.orphans(END).length]).toEqual([5_000, 5_000]);
});

describe('ids that were made to have one place', () => {
  const SIZE = 128;

  /** Ids of spans of one trace that are looked for in the place where the first is. */
  function* neighbours(size: number): Generator<string> {
    const hash = new SpanHash();
    const placeOf = (spanId: string) => {
      hash.ofTrace(0, Buffer.from(TRACE, 'hex'), 0);
      hash.ofSpan(Buffer.from(spanId, 'hex'), 0);
      return hash.place & (placesFor(size) - 1);
    };
    for (let at = 0; at < 100_000; at++) if (placeOf(id(at)) === placeOf(id(0))) yield id(at);
  }

  const take = (count: number) => [...neighbours(SIZE)].slice(0, count);

  test('are followed so far, and no farther', () => {
    const parents = take(100);
    const watch = new ParentWatch({ ...WIDE, seenMax: SIZE, waitingMax: 1_000 });
    for (const spanId of parents) see(watch, { spanId }, 0);
    for (const parentSpanId of parents) see(watch, { spanId: id(1), parentSpanId }, 0);
    const missing = watch.orphans(END).map(({ parentSpanId }) => parentSpanId);
    expect(missing).toEqual(parents.slice(0, 100 - CHAIN_MAX));
  });

  test('may wait so many, and others beside them', () => {
    const watch = new ParentWatch({ ...WIDE, waitingMax: SIZE });
    for (const parentSpanId of take(100)) see(watch, { spanId: 'f'.repeat(16), parentSpanId }, 0);
    see(watch, { traceId: 'f'.repeat(32), spanId: id(1), parentSpanId: id(2) }, 0);
    const told = watch.orphans(END);
    expect(told.map(({ parentSpanId }) => parentSpanId)).toEqual([...take(CHAIN_MAX), id(2)]);
  });

  test('one of them sent over and over hides no other', () => {
    const [often, parent] = take(2) as [string, string];
    const watch = new ParentWatch({ ...WIDE, seenMax: SIZE });
    see(watch, { spanId: parent }, 0);
    for (let time = 0; time < 100; time++) see(watch, { spanId: often }, 0);
    see(watch, { spanId: id(1), parentSpanId: parent }, 0);
    expect(watch.orphans(END)).toEqual([]);
  });

  test('leave the chain in any order', () => {
    const parents = take(CHAIN_MAX);
    fc.assert(
      fc.property(fc.shuffledSubarray(parents), (coming) => {
        const watch = new ParentWatch({ ...WIDE, seenMax: SIZE, waitingMax: SIZE });
        for (const parentSpanId of parents) see(watch, { spanId: 'f'.repeat(16), parentSpanId }, 0);
        for (const spanId of coming) see(watch, { spanId }, 0);
        const left = watch.orphans(END).map(({ parentSpanId }) => parentSpanId);
        expect(left).toEqual(parents.filter((one) => !coming.includes(one)));
      }),
      runs(100),
    );
  });
});

describe('the hash', () => {
  const hashed = (destination: number, ids: Buffer) => {
    const hash = new SpanHash();
    hash.ofTrace(destination, ids, 0);
    hash.ofSpan(ids, 16);
    return { place: hash.place, print: hash.print };
  };

  /** 4096 ids that differ in twelve bits only, at every byte of both ids. */
  test.each(Array.from({ length: 23 }, (_, at) => at))('spreads ids that differ from byte %d on', (at) => {
    const all = Array.from({ length: 4096 }, (_, count) => {
      const ids = Buffer.alloc(24);
      ids.writeUInt16BE(count, at);
      return hashed(0, ids);
    });
    const places = new Map<number, number>();
    for (const { place } of all) places.set(place & 4095, (places.get(place & 4095) ?? 0) + 1);
    expect(Math.max(...places.values())).toBeLessThanOrEqual(12);
    expect(new Set(all.map(({ print }) => print)).size).toBe(4096);
  });

  test('spreads destinations', () => {
    const all = Array.from({ length: 4096 }, (_, destination) => hashed(destination, Buffer.alloc(24)));
    expect(new Set(all.map(({ print }) => print)).size).toBe(4096);
    expect(new Set(all.map(({ place }) => place & 4095)).size).toBeGreaterThan(2_000);
  });
});
