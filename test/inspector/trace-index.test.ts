import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type KeptRequest, sizeOf } from '../../src/inspector/kept-request';
import type { Row } from '../../src/inspector/row';
import { TraceIndex } from '../../src/inspector/trace-index';
import { keptRequest } from '../support/kept-requests';
import { runs } from '../support/random';
import { numberedSpans, type SpanToSend, spanIdOf } from '../support/trace-request';

/** With a clock on which reading a span takes a millisecond: a slice is ten spans. */
beforeEach(() => {
  let nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs++);
});
afterEach(() => jest.restoreAllMocks());

const T1 = '11'.repeat(16);
const T2 = '22'.repeat(16);
const T3 = '33'.repeat(16);

function start({ bytesMax = 1_000_000 } = {}) {
  const rows: Row[] = [];
  const unreadable: unknown[] = [];
  const index = new TraceIndex({
    ...{ bytesMax, onRow: (row) => rows.push(row), onUnreadable: (error) => unreadable.push(error) },
  });
  const add = (spans: readonly SpanToSend[], changes: Partial<KeptRequest> = {}): KeptRequest => {
    const request = keptRequest(spans, changes);
    index.add(request);
    return request;
  };
  return { index, rows, unreadable, add };
}

/** Trace ids, newest first, each with its spans by name. */
const shown = (index: TraceIndex) =>
  index.newestFirst().map((trace) => [trace.traceId, [...trace.values()].map(({ name }) => name)]);

const span = (traceId: string, name: string): SpanToSend => ({ traceId, name });
const sizeOfOne = sizeOf(keptRequest([span(T1, 's1')]));

describe('nothing is read until somebody asks', () => {
  test('and then once', async () => {
    const asked: number[] = [];
    const { index, rows, add } = start();
    const notes: KeptRequest['notes'] = (position) => {
      asked.push(position);
      return { repairs: [], warnings: [] };
    };
    const request = add(numberedSpans(3, { traceId: T1 }), { notes });
    expect([asked, rows.length, shown(index)]).toEqual([[], 0, []]);
    expect(index.stats()).toEqual({ traces: 0, spans: 3, bytes: sizeOf(request) });
    expect(await index.read()).toBe(true);
    expect(await index.read()).toBe(true);
    expect([asked, shown(index)]).toEqual([[0, 1, 2], [[T1, ['s1', 's2', 's3']]]]);
    expect(index.stats()).toEqual({ traces: 1, spans: 3, bytes: sizeOf(request) });
  });

  test('of what is pushed out before, nothing is ever', async () => {
    const { index, rows, add } = start({ bytesMax: sizeOfOne * 2 });
    for (const traceId of [T1, T2, T3]) add([span(traceId, 's1')]);
    expect(await index.read()).toBe(true);
    expect(rows.map(({ traceId }) => traceId)).toEqual([T2, T3]);
  });

  test('an empty index', async () => {
    const { index } = start();
    expect([await index.read(), index.stats(), shown(index)]).toEqual([true, { traces: 0, spans: 0, bytes: 0 }, []]);
    expect(index.trace(T1)).toBeUndefined();
  });
});

test('newest first: by when the last span was read', async () => {
  const { index, add } = start();
  for (const traceId of [T1, T2, T3]) add([span(traceId, 's1')]);
  await index.read();
  expect(index.newestFirst().map(({ traceId }) => traceId)).toEqual([T3, T2, T1]);
  add([span(T1, 's2'), span(T2, 's2')]);
  await index.read();
  expect(shown(index)).toEqual([
    [T2, ['s1', 's2']],
    [T1, ['s1', 's2']],
    [T3, ['s1']],
  ]);
});

describe('slices', () => {
  test('others have their turn after each', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(45));
    const reading = index.read();
    expect(await mostPerTurn(rows)).toBeLessThanOrEqual(10);
    expect([await reading, rows.length]).toEqual([true, 45]);
  });

  test('however many ask: no more is read in a turn', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(45));
    const reading = Promise.all([index.read(1), index.read(), index.read(), index.read(1)]);
    expect(await mostPerTurn(rows)).toBeLessThanOrEqual(10);
    await reading;
    expect(rows).toHaveLength(45);
  });

  /** How many rows come in one turn of the event loop, until as many have passed as it should take. */
  async function mostPerTurn(rows: readonly Row[]): Promise<number> {
    const seen: number[] = [];
    for (let turns = 0; turns < 8; turns++) {
      seen.push(rows.length);
      await turn();
    }
    expect(seen.at(-1)).toBeGreaterThan(0);
    return Math.max(...seen.slice(1).map((count, at) => count - seen[at]!));
  }

  test('with a budget it stops, and goes on where it was', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(25));
    add(numberedSpans(25, { from: 26 }));
    // The end of a request is a step, too.
    const counts: number[] = [];
    for (let read = false; !read; counts.push(rows.length)) read = await index.read(1);
    expect(counts).toEqual([10, 20, 29, 39, 49, 50]);
    expect(new Set(rows.map(({ spanId }) => spanId)).size).toBe(50);
  });

  test('a budget of nothing reads nothing', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(1));
    expect([await index.read(0), rows.length]).toEqual([false, 0]);
  });

  test('whoever asks at once is served by one reading, each span once', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(35));
    expect(await Promise.all([index.read(), index.read(1), index.read()])).toEqual([true, expect.any(Boolean), true]);
    expect(rows).toHaveLength(35);
  });

  test('who asks while somebody with a budget reads gets all that came before', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(45));
    const short = index.read(1);
    const whole = index.read();
    await short;
    expect(rows.length).toBeLessThan(45);
    expect([await whole, rows.length]).toEqual([true, 45]);
  });

  test('what comes meanwhile is for the next who asks', async () => {
    const { index, rows, add } = start();
    add(numberedSpans(35));
    const reading = index.read();
    await turn();
    add([span(T2, 'late')]);
    expect([await reading, rows.length]).toEqual([false, 35]);
    expect([await index.read(), rows.length]).toEqual([true, 36]);
  });
});

describe('what does not fit goes, the oldest request first', () => {
  test('a trace goes with its last span', async () => {
    const { index, add } = start({ bytesMax: sizeOfOne * 3 });
    add([span(T1, 's1')]);
    add([span(T1, 's2')]);
    add([span(T2, 's3')]);
    await index.read();
    add([span(T2, 's4')]);
    await index.read();
    expect(shown(index)).toEqual([
      [T2, ['s3', 's4']],
      [T1, ['s2']],
    ]);
    add([span(T2, 's5')]);
    expect(shown(index)).toEqual([[T2, ['s3', 's4']]]);
    expect(index.trace(T1)).toBeUndefined();
    expect(index.stats()).toEqual({ traces: 1, spans: 3, bytes: sizeOfOne * 3 });
  });

  test('as many as it takes', async () => {
    const large = keptRequest(numberedSpans(3, { traceId: T3 }));
    const { index, add } = start({ bytesMax: sizeOf(large) + sizeOfOne });
    for (const traceId of [T1, T2, T2]) add([span(traceId, 's1')]);
    await index.read();
    index.add(large);
    await index.read();
    expect(shown(index).map(([traceId]) => traceId)).toEqual([T3, T2]);
  });

  test('one larger than all room is kept all the same, alone, and goes with the next', async () => {
    const { index, add } = start({ bytesMax: sizeOfOne });
    add([span(T1, 's1')]);
    const large = add(numberedSpans(5, { traceId: T2 }));
    await index.read();
    expect([shown(index).length, index.stats()]).toEqual([1, { traces: 1, spans: 5, bytes: sizeOf(large) }]);
    add([span(T3, 's1')]);
    await index.read();
    expect([shown(index), index.stats().bytes]).toEqual([[[T3, ['s1']]], sizeOfOne]);
  });

  test('a span that came again stays when its first request goes', async () => {
    const { index, add } = start({ bytesMax: sizeOfOne * 2 });
    add([span(T1, 's1')]);
    add([{ ...span(T1, 's1'), name: 'x1' }]);
    await index.read();
    expect(shown(index)).toEqual([[T1, ['x1']]]);
    add([span(T2, 's1')]);
    await index.read();
    expect(shown(index)).toEqual([
      [T2, ['s1']],
      [T1, ['x1']],
    ]);
    expect(index.trace(T1)?.row(spanIdOf('s1'))?.name).toBe('x1');
  });

  test('the one that is being read, too', async () => {
    const { index, rows, add } = start({ bytesMax: sizeOf(keptRequest(numberedSpans(30))) });
    add(numberedSpans(30, { traceId: T1 }));
    const reading = index.read();
    await turn();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(30);
    add([span(T2, 's1')]);
    expect(shown(index)).toEqual([]);
    await reading;
    expect(await index.read()).toBe(true);
    expect(shown(index)).toEqual([[T2, ['s1']]]);
  });
});

test('a request that cannot be read is told of, and hides no other', async () => {
  const { index, unreadable, add } = start();
  const notes: KeptRequest['notes'] = (position) => {
    if (position === 1) throw new Error('these notes are gone');
    return { repairs: [], warnings: [] };
  };
  add(numberedSpans(3, { traceId: T1 }), { notes });
  add([span(T2, 's1')]);
  expect(await index.read()).toBe(true);
  expect(shown(index)).toEqual([
    [T2, ['s1']],
    [T1, ['s1']],
  ]);
  expect(unreadable).toEqual([new Error('these notes are gone')]);
  expect(await index.read()).toBe(true);
});

describe('whatever comes, is read and goes, in whatever order', () => {
  type Command = { add: SpanToSend[] } | { read: number } | { begin: number } | 'turn';
  const sent = fc.record({ traceId: fc.constantFrom(T1, T2, T3), name: fc.constantFrom('s1', 's2', 's3', 's4') });
  const commands: fc.Arbitrary<Command[]> = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.record({ add: fc.array(sent, { minLength: 1, maxLength: 25 }) }) },
      { weight: 2, arbitrary: fc.record({ read: fc.constantFrom(1, 15, Number.POSITIVE_INFINITY) }) },
      { weight: 1, arbitrary: fc.record({ begin: fc.constantFrom(1, Number.POSITIVE_INFINITY) }) },
      { weight: 2, arbitrary: fc.constant<Command>('turn') },
    ),
    { maxLength: 30 },
  );

  /** Requests that are kept and rows that were read of them, in plain lists. */
  class Model {
    readonly bytesMax: number;
    kept: KeptRequest[] = [];
    rows: Row[] = [];

    constructor(bytesMax: number) {
      this.bytesMax = bytesMax;
    }

    get bytes() {
      return this.kept.reduce((sum, request) => sum + sizeOf(request), 0);
    }

    add(request: KeptRequest) {
      this.kept.push(request);
      while (this.kept.length > 1 && this.bytes > this.bytesMax) this.kept.shift();
      this.rows = this.rows.filter((row) => this.kept.includes(row.request));
    }

    /** By trace, the one read last first: the last row of each span, in the order in which those were read. */
    shown() {
      const current = this.rows.filter(
        (row, at) => !this.rows.slice(at + 1).some((one) => one.traceId === row.traceId && one.spanId === row.spanId),
      );
      const traceIds = [...new Set(current.map(({ traceId }) => traceId).toReversed())];
      return traceIds.map((traceId) => [traceId, current.filter((row) => row.traceId === traceId)]);
    }
  }

  test('it shows what is kept and was read, and counts it right', async () => {
    const seen = { forgotten: 0, traces: 0 };
    await fc.assert(
      fc.asyncProperty(commands, fc.integer({ min: 1, max: 60 }), async (given, spansMax) => {
        const model = new Model(spansMax * 1_200);
        const index = new TraceIndex({ bytesMax: model.bytesMax, onRow: (row) => model.rows.push(row) });
        const pending: Promise<boolean>[] = [];
        const check = () => {
          expect(index.newestFirst().map((trace) => [trace.traceId, [...trace.values()]])).toEqual(model.shown());
          const spans = model.kept.reduce((sum, request) => sum + request.spans, 0);
          expect(index.stats()).toEqual({ traces: model.shown().length, spans, bytes: model.bytes });
        };
        for (const command of given) {
          if (command === 'turn') await turn();
          else if ('begin' in command) pending.push(index.read(command.begin));
          else if ('read' in command) await index.read(command.read);
          else {
            const request = keptRequest(command.add);
            index.add(request);
            model.add(request);
          }
          check();
        }
        await Promise.all(pending);
        expect(await index.read()).toBe(true);
        check();
        // All that is kept has been read by now.
        expect(model.rows).toHaveLength(model.kept.reduce((sum, request) => sum + request.spans, 0));
        seen.forgotten +=
          given.filter((command) => typeof command === 'object' && 'add' in command).length - model.kept.length;
        seen.traces += model.shown().length;
      }),
      runs(150),
    );
    expect(Math.min(seen.forgotten, seen.traces)).toBeGreaterThan(50);
  });
});
