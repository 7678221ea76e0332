import fc from 'fast-check';
import type { TreeRow } from '../../src/inspector/api';
import { parentIndex, spanOfTime, treeItems, visibleItems } from '../../ui/src/trace/tree-rows';
import { runs } from '../support/random';

const rowOf = (spanId: string, depth: number, rest: Partial<TreeRow> = {}): TreeRow => ({
  ...{ spanId, depth, parentSpanId: null, isOrphan: false, name: spanId, type: 'SPAN', startMs: 0, durationMs: 0 },
  ...{ level: 'DEFAULT', model: null, tokens: null, cost: null, service: null, repairs: 0, warnings: 0 },
  ...rest,
});

/** A row with those below it, as the page's own list does not have them. */
interface Branch {
  readonly children: readonly Branch[];
  readonly isCollapsed: boolean;
}

const forests = (): fc.Arbitrary<readonly Branch[]> =>
  fc.letrec<{ forest: readonly Branch[]; branch: Branch }>((tie) => ({
    forest: fc.array(tie('branch'), { maxLength: 5, depthIdentifier: 'tree' }),
    branch: fc.record({
      isCollapsed: fc.boolean(),
      children: fc.oneof(
        { depthIdentifier: 'tree', depthSize: 'medium', maxDepth: 7 },
        fc.constant([] as readonly Branch[]),
        tie('forest'),
      ),
    }),
  })).forest;

interface Known {
  readonly spanId: string;
  readonly depth: number;
  readonly parent: string | null;
  readonly position: number;
  readonly siblings: number;
  readonly hasChildren: boolean;
  readonly isCollapsed: boolean;
  readonly isVisible: boolean;
}

/** All rows of a forest in their order, with what is known of each from the forest itself. */
function known(forest: readonly Branch[], above?: Known): Known[] {
  return forest.flatMap(({ children, isCollapsed }, index) => {
    const own: Known = {
      ...{ spanId: `${above?.spanId ?? 's'}.${index}`, parent: above?.spanId ?? null, depth: (above?.depth ?? -1) + 1 },
      ...{ position: index + 1, siblings: forest.length, hasChildren: children.length > 0, isCollapsed },
      isVisible: above === undefined || (above.isVisible && !above.isCollapsed),
    };
    return [own, ...known(children, own)];
  });
}

const itemsOf = (rows: readonly Known[]) => treeItems(rows.map(({ spanId, depth }) => rowOf(spanId, depth)));

describe('any tree', () => {
  test('every row knows its place', () => {
    fc.assert(
      fc.property(
        forests().map((forest) => known(forest)),
        (rows) => {
          expect(itemsOf(rows).map(({ row, ...place }) => ({ spanId: row.spanId, ...place }))).toEqual(
            rows.map(({ spanId, hasChildren, position, siblings }) => ({ spanId, hasChildren, position, siblings })),
          );
        },
      ),
      runs(500),
    );
  });

  test('below a collapsed row nothing is seen, and all else is', () => {
    fc.assert(
      fc.property(
        forests().map((forest) => known(forest)),
        (rows) => {
          const collapsed = new Set(rows.filter(({ isCollapsed }) => isCollapsed).map(({ spanId }) => spanId));
          expect(visibleItems(itemsOf(rows), collapsed).map(({ row }) => row.spanId)).toEqual(
            rows.filter(({ isVisible }) => isVisible).map(({ spanId }) => spanId),
          );
        },
      ),
      runs(500),
    );
  });

  test('a row leads to its parent, whatever is collapsed', () => {
    fc.assert(
      fc.property(
        forests().map((forest) => known(forest)),
        (rows) => {
          const collapsed = new Set(rows.filter(({ isCollapsed }) => isCollapsed).map(({ spanId }) => spanId));
          const visible = visibleItems(itemsOf(rows), collapsed);
          expect(visible.map((_, index) => visible[parentIndex(visible, index)]?.row.spanId ?? null)).toEqual(
            rows.filter(({ isVisible }) => isVisible).map(({ parent }) => parent),
          );
        },
      ),
      runs(500),
    );
  });
});

describe('collapsing', () => {
  const items = treeItems([rowOf('a', 0), rowOf('b', 1), rowOf('c', 2), rowOf('d', 1), rowOf('e', 0)]);
  const seen = (...collapsed: string[]) =>
    visibleItems(items, new Set(collapsed))
      .map(({ row }) => row.spanId)
      .join('');

  test.each([
    [[], 'abcde'],
    [['a'], 'ae'],
    [['b'], 'abde'],
    [['a', 'b'], 'ae'],
    [['c'], 'abcde'],
    [['c', 'd', 'e', 'not here'], 'abcde'],
  ])('%j: %s is seen', (collapsed, expected) => {
    expect(seen(...collapsed)).toBe(expected);
  });

  test('a row keeps the place among its siblings that it has with all open', () => {
    expect(visibleItems(items, new Set(['a'])).at(-1)).toEqual({
      ...{ row: rowOf('e', 0), hasChildren: false, position: 2, siblings: 2 },
    });
  });

  test('no row leads nowhere', () => {
    expect([parentIndex(items, 5), parentIndex(items, -1), parentIndex([], 0)]).toEqual([-1, -1, -1]);
  });
});

test('a depth without rows is passed over', () => {
  const items = treeItems([rowOf('a', 0), rowOf('b', 2), rowOf('c', 1)]);
  expect(items.map(({ hasChildren, position, siblings }) => [hasChildren, position, siblings])).toEqual([
    ...[
      [true, 1, 1],
      [false, 1, 1],
      [false, 1, 1],
    ],
  ]);
  expect(items.map((_, index) => parentIndex(items, index))).toEqual([-1, 0, 0]);
});

test('a chain of many rows', () => {
  const items = treeItems(Array.from({ length: 20_000 }, (_, depth) => rowOf(String(depth), depth)));
  expect(items.filter(({ hasChildren, siblings }) => hasChildren && siblings === 1)).toHaveLength(19_999);
  expect(visibleItems(items, new Set(['10'])).at(-1)?.row.spanId).toBe('10');
});

describe('the width of the waterfall', () => {
  test.each<[name: string, rows: Partial<TreeRow>[], durationMs: number, expected: number]>([
    ['the duration of the trace', [{ startMs: 0, durationMs: 5 }], 10, 10],
    ['the end of the last row, where that is later', [{ startMs: 8, durationMs: 5 }, { durationMs: 1 }], 10, 13],
    ['the start of a row without a duration', [{ startMs: 12, durationMs: null }], 10, 12],
    ['a row without a start', [{ startMs: null, durationMs: 20 }], 10, 20],
    ['a row that ends before its start', [{ startMs: 4, durationMs: -3 }], 1, 4],
    ['no time at all', [{ startMs: 0, durationMs: 0 }], 0, 1],
    ['no rows', [], 0, 1],
  ])('%s', (_, rows, durationMs, expected) => {
    expect(
      spanOfTime(
        rows.map((row, index) => rowOf(String(index), 0, row)),
        durationMs,
      ),
    ).toBe(expected);
  });
});
