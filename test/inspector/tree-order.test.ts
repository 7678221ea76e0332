import fc from 'fast-check';
import { inTreeOrder } from '../../src/inspector/tree-order';
import { runs } from '../support/random';

type Node = { spanId: string; parentSpanId: string | null; startTime: string | null };
type Span = [spanId: string, parentSpanId: string | null, start: number | null];

/** Of one digit, so that texts sort as numbers. */
const nodes = (spans: readonly Span[]) =>
  spans.map(([spanId, parentSpanId, start]): Node => ({ spanId, parentSpanId, startTime: start?.toString() ?? null }));

/** Ids in their order, each with its depth; `?` marks those whose parent is not here. */
const drawn = (spans: readonly Span[]) =>
  inTreeOrder(nodes(spans))
    .map(({ node, depth, isOrphan }) => `${node.spanId}${depth}${isOrphan ? '?' : ''}`)
    .join(' ');

const ROWS: [name: string, spans: Span[], expected: string][] = [
  ['nothing', [], ''],
  [
    'children follow their parent, by their start',
    [
      ['c', 'a', 3],
      ['b', 'a', 2],
      ['d', 'b', 9],
      ['a', null, 1],
    ],
    'a0 b1 d2 c1',
  ],
  [
    'roots by their start',
    [
      ['b', null, 2],
      ['a', null, 1],
    ],
    'a0 b0',
  ],
  [
    'a parent that is not here makes a root',
    [
      ['a', 'missing', 1],
      ['b', 'a', 0],
    ],
    'a0? b1',
  ],
  [
    'such a root stands among the others by its start',
    [
      ['c', null, 3],
      ['b', 'missing', 2],
      ['a', null, 1],
    ],
    'a0 b0? c0',
  ],
  [
    'a child that began before its parent',
    [
      ['a', null, 5],
      ['b', 'a', 1],
    ],
    'a0 b1',
  ],
  [
    'equal starts: as they came',
    [
      ['a', null, 1],
      ['c', 'a', 2],
      ['b', 'a', 2],
      ['d', 'a', 2],
    ],
    'a0 c1 b1 d1',
  ],
  [
    'without a start: first',
    [
      ['a', null, 1],
      ['b', 'a', 2],
      ['c', 'a', null],
    ],
    'a0 c1 b1',
  ],
  [
    'its own parent',
    [
      ['a', null, 1],
      ['b', 'b', 2],
    ],
    'a0 b0',
  ],
  [
    'parents of each other, with a child',
    [
      ['a', 'b', 1],
      ['b', 'a', 2],
      ['c', 'b', 3],
      ['d', null, 4],
    ],
    'd0 a0 b1 c2',
  ],
];

test.each(ROWS)('%s', (_, spans, expected) => expect(drawn(spans)).toBe(expected));

test('a chain as deep as a request may be does not end the stack', () => {
  const chain = Array.from({ length: 100_000 }, (_, at): Span => [`${at}`, at === 0 ? null : `${at - 1}`, 1]);
  const placed = inTreeOrder(nodes(chain.toReversed()));
  expect([placed.length, placed.at(-1)?.depth, placed.at(-1)?.node.spanId]).toEqual([100_000, 99_999, '99999']);
});

test('whatever the parents: each is there once, below its parent where there is no circle', () => {
  const parents = fc.array(fc.option(fc.nat({ max: 11 }), { nil: null }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(parents, (made) => {
      const spans = made.map((parent, at): Span => [`${at}`, parent?.toString() ?? null, 9 - at]);
      const placed = inTreeOrder(nodes(spans));
      expect(placed.map(({ node }) => node.spanId).toSorted()).toEqual([...made.keys()].map(String).toSorted());
      const depths = new Map(placed.map(({ node, depth }) => [node.spanId, depth]));
      const wrong = placed.filter(({ node, depth, isOrphan }, at) => {
        if (isOrphan !== (node.parentSpanId !== null && !depths.has(node.parentSpanId))) return true;
        if (node.parentSpanId === null || isOrphan) return depth !== 0;
        if (inCircle(Number(node.spanId), made)) return false;
        const above = placed.slice(0, at).findLast((before) => before.depth === depth - 1);
        return above?.node.spanId !== node.parentSpanId;
      });
      expect(wrong).toEqual([]);
    }),
    runs(300),
  );
});

/** It, or one of those above it, is its own ancestor. */
function inCircle(index: number, parents: readonly (number | null)[]): boolean {
  let at: number | null | undefined = index;
  for (let steps = 0; steps <= parents.length; steps++) {
    if (at === null || at === undefined) return false;
    at = parents[at];
  }
  return true;
}
