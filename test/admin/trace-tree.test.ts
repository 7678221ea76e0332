import fc from 'fast-check';
import { createTraceStore, type TraceStore } from '../../src/admin/trace-store';
import { observationOf } from '../support/observations';

const spanIds = (store: TraceStore, traceId: string) => store.observations(traceId).map(({ spanId }) => spanId);

type Span = [spanId: string, parentSpanId: string | null, startMs: number];
type Row = [name: string, spans: Span[], expected: string];
const ROWS: Row[] = [
  [
    'children follow their parent, by their start',
    [
      ['c', 'a', 3],
      ['b', 'a', 2],
      ['d', 'b', 9],
      ['a', null, 1],
    ],
    'abdc',
  ],
  [
    'roots by their start',
    [
      ['b', null, 2],
      ['a', null, 1],
    ],
    'ab',
  ],
  [
    'a parent that is not here makes a root',
    [
      ['a', 'missing', 1],
      ['b', 'a', 0],
    ],
    'ab',
  ],
  [
    'a child that began before its parent',
    [
      ['a', null, 5],
      ['b', 'a', 1],
    ],
    'ab',
  ],
  [
    'equal starts: as they came',
    [
      ['a', null, 1],
      ['c', 'a', 2],
      ['b', 'a', 2],
      ['d', 'a', 2],
    ],
    'acbd',
  ],
  [
    'its own parent',
    [
      ['a', null, 1],
      ['b', 'b', 2],
    ],
    'ab',
  ],
  [
    'parents of each other, with a child',
    [
      ['a', 'b', 1],
      ['b', 'a', 2],
      ['c', 'b', 3],
      ['d', null, 4],
    ],
    'dabc',
  ],
];

test.each(ROWS)('%s', (_, spans, expected) => {
  const store = createTraceStore();
  for (const [spanId, parentSpanId, startMs] of spans) {
    store.add(observationOf({ traceId: 't1', spanId, parentSpanId, startMs }), 1);
  }
  expect(spanIds(store, 't1').join('')).toBe(expected);
});

test('whatever the parents: each is shown once, and behind its parent where there is no circle', () => {
  const parents = fc.array(fc.option(fc.nat({ max: 11 }), { nil: null }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(parents, (made) => {
      const store = createTraceStore();
      for (const [index, parent] of made.entries()) {
        const parentSpanId = parent === null ? null : String(parent);
        store.add(observationOf({ traceId: 't1', spanId: String(index), parentSpanId, startMs: 10 - index }), 1);
      }
      const shown = spanIds(store, 't1');
      expect(shown.toSorted()).toEqual([...made.keys()].map(String).toSorted());
      const misplaced = shown.filter((id) => !inCircle(Number(id), made) && isBeforeParent(id, made, shown));
      expect(misplaced).toEqual([]);
    }),
  );
});

type Parents = readonly (number | null)[];

/** It, or one of those above it, is its own ancestor. */
function inCircle(index: number, parents: Parents): boolean {
  let at: number | null | undefined = index;
  for (let steps = 0; steps <= parents.length; steps++) {
    if (at === null || at === undefined) return false;
    at = parents[at];
  }
  return true;
}

function isBeforeParent(id: string, parents: Parents, shown: readonly string[]): boolean {
  const parent = parents[Number(id)] ?? null;
  return parent !== null && shown.indexOf(id) < shown.indexOf(String(parent));
}
