import type { TreeRow } from '../../../src/inspector/api';

/** A row as it stands among the others. */
export interface TreeItem {
  readonly row: TreeRow;
  readonly hasChildren: boolean;
  /** Of the item itself and its siblings, for who cannot see them. */
  readonly position: number;
  readonly siblings: number;
}

/** Rows come in tree order, so that depth alone tells who is below whom. */
export function treeItems(rows: readonly TreeRow[]): readonly TreeItem[] {
  const groups: number[][] = [];
  const positions = new Int32Array(rows.length);
  const sizes = new Int32Array(rows.length);
  const close = (depth: number) => {
    while (groups.length > depth) {
      const members = groups.pop() ?? [];
      for (const member of members) sizes[member] = members.length;
    }
  };
  for (const [index, { depth }] of rows.entries()) {
    close(depth + 1);
    while (groups.length <= depth) groups.push([]);
    const members = groups[depth] as number[];
    members.push(index);
    positions[index] = members.length;
  }
  close(0);
  return rows.map((row, index) => ({
    row,
    hasChildren: (rows[index + 1]?.depth ?? 0) > row.depth,
    position: positions[index] as number,
    siblings: sizes[index] as number,
  }));
}

/** Without those below a collapsed row. */
export function visibleItems(items: readonly TreeItem[], collapsed: ReadonlySet<string>): readonly TreeItem[] {
  if (collapsed.size === 0) return items;
  let hiddenBelow = Number.POSITIVE_INFINITY;
  return items.filter(({ row }) => {
    if (row.depth > hiddenBelow) return false;
    hiddenBelow = collapsed.has(row.spanId) ? row.depth : Number.POSITIVE_INFINITY;
    return true;
  });
}

/** Where the arrow to the left leads from a row that is closed or has nothing below it; -1 from a root. */
export function parentIndex(items: readonly TreeItem[], index: number): number {
  const depth = items[index]?.row.depth ?? 0;
  for (let above = index - 1; above >= 0; above -= 1) {
    if ((items[above]?.row.depth ?? 0) < depth) return above;
  }
  return -1;
}

/** What the whole width of the waterfall stands for. */
export function spanOfTime(rows: readonly TreeRow[], durationMs: number): number {
  let end = durationMs;
  for (const { startMs, durationMs: own } of rows) end = Math.max(end, (startMs ?? 0) + Math.max(0, own ?? 0));
  return end > 0 ? end : 1;
}
