import { createTraceStore, TRACE_STORE_LIMITS, type TraceStore } from '../../src/admin/trace-store';
import { after2026, observationOf } from '../support/observations';

const ALL = { limit: 500, before: undefined };
const ids = (store: TraceStore, page: { limit?: number; before?: string } = {}) =>
  store.list({ ...ALL, ...page }).map(({ traceId }) => traceId);
const spanIds = (store: TraceStore, traceId: string) => store.observations(traceId).map(({ spanId }) => spanId);

test('empty', () => {
  const store = createTraceStore();
  expect(store.list(ALL)).toEqual([]);
  expect(store.observations('t1')).toEqual([]);
});

test('a trace in one line', () => {
  const store = createTraceStore();
  store.add(observationOf({ traceId: 't1', spanId: 'a', name: 'root', startMs: 100, endMs: 400, userId: 'u' }), 1);
  const warnings = ['one', 'two'];
  store.add(
    observationOf({ traceId: 't1', spanId: 'b', parentSpanId: 'a', startMs: 50, endMs: 900, sessionId: 's', warnings }),
    1,
  );
  expect(store.list(ALL)).toEqual([
    {
      traceId: 't1',
      name: 'root',
      observations: 2,
      startTime: after2026(50),
      durationMs: 850,
      sessionId: 's',
      userId: 'u',
      warnings: 2,
    },
  ]);
});

test.each<[string, Parameters<typeof observationOf>[0], object]>([
  ["the trace's own name wins", { name: 'span', traceName: 'trace' }, { name: 'trace' }],
  ['an end before the start lasts nothing', { startMs: 100, endMs: 50 }, { durationMs: 0 }],
  ['no end', { startMs: 100, endTime: null }, { startTime: after2026(100), durationMs: 0 }],
])('%s', (_, observation, expected) => {
  const store = createTraceStore();
  store.add(observationOf({ traceId: 't1', ...observation }), 1);
  expect(store.list(ALL)[0]).toMatchObject(expected);
});

test('a span without any time is listed like others', () => {
  const store = createTraceStore();
  store.add(observationOf({ traceId: 't1', startTime: null, endTime: null }), 1);
  store.add(observationOf({ traceId: 't2', startMs: 100 }), 1);
  expect(store.list(ALL)).toMatchObject([{ traceId: 't2' }, { traceId: 't1', observations: 1, durationMs: 0 }]);
  // One span without a time does not hide the time of the others.
  store.add(observationOf({ traceId: 't1', spanId: 'b', startMs: 200, endMs: 300 }), 1);
  expect(store.list(ALL)[0]).toMatchObject({ traceId: 't1', startTime: after2026(200), durationMs: 100 });
});

test('newest first: by when the last span came', () => {
  const store = createTraceStore();
  for (const traceId of ['t1', 't2', 't3']) store.add(observationOf({ traceId, spanId: 'a' }), 1);
  expect(ids(store)).toEqual(['t3', 't2', 't1']);
  store.add(observationOf({ traceId: 't1', spanId: 'b' }), 1);
  expect(ids(store)).toEqual(['t1', 't3', 't2']);
});

describe('paging', () => {
  const store = createTraceStore();
  for (let number = 1; number <= 5; number++) {
    store.add(observationOf({ traceId: `t${number}`, startMs: number * 1_000 }), 1);
  }

  test.each<[string, { limit?: number; before?: string }, string[]]>([
    ['a first page', { limit: 2 }, ['t5', 't4']],
    ['the next page', { limit: 2, before: 't4' }, ['t3', 't2']],
    ['the last page', { limit: 2, before: 't2' }, ['t1']],
    ['beyond the last', { limit: 2, before: 't1' }, []],
    ['before a time', { before: after2026(3_000) }, ['t2', 't1']],
    ['before the beginning of time', { before: '1970-01-01T00:00:00Z' }, []],
    ['a trace that is forgotten: no first page again, or a reader would turn in circles', { before: 'gone' }, []],
  ])('%s', (_, page, expected) => {
    expect(ids(store, page)).toEqual(expected);
  });
});

describe('bounds', () => {
  test('of the default', () => {
    const store = createTraceStore();
    for (let span = 0; span < TRACE_STORE_LIMITS.spansMax + 10; span++) {
      store.add(observationOf({ traceId: `t${span}` }), 1);
    }
    expect(TRACE_STORE_LIMITS.spansMax).toBe(2_000);
    expect(store.list({ limit: 10_000, before: undefined })).toHaveLength(2_000);
    expect(store.observations('t9')).toEqual([]);
    expect(store.observations('t10')).toHaveLength(1);
  });

  test('spans: the oldest of the trace that was quiet longest goes first', () => {
    const store = createTraceStore({ spansMax: 3, bytesMax: 1_000 });
    const add = (traceId: string, spanId: string) => store.add(observationOf({ traceId, spanId }), 1);
    add('t1', 'a');
    add('t1', 'b');
    add('t2', 'c');
    add('t2', 'd');
    expect([spanIds(store, 't1'), spanIds(store, 't2')]).toEqual([['b'], ['c', 'd']]);
    add('t2', 'e');
    expect(ids(store)).toEqual(['t2']);
  });

  test('bytes; a single span larger than all room is kept all the same', () => {
    const store = createTraceStore({ spansMax: 100, bytesMax: 100 });
    const add = (traceId: string, bytes: number) => store.add(observationOf({ traceId }), bytes);
    add('t1', 60);
    add('t2', 40);
    expect(ids(store)).toEqual(['t2', 't1']);
    add('t3', 1);
    expect(ids(store)).toEqual(['t3', 't2']);
    add('t4', 5_000);
    expect(ids(store)).toEqual(['t4']);
    add('t5', 1);
    expect(ids(store)).toEqual(['t5']);
  });

  test('a span that is sent again replaces itself and is counted once', () => {
    const store = createTraceStore({ spansMax: 2, bytesMax: 100 });
    for (const name of ['first', 'second', 'third']) {
      store.add(observationOf({ traceId: 't1', spanId: 'a', name }), 50);
    }
    store.add(observationOf({ traceId: 't1', spanId: 'b', name: 'other', startMs: 1 }), 50);
    expect(store.observations('t1').map(({ name }) => name)).toEqual(['third', 'other']);
  });
});
