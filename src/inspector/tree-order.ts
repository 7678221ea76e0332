interface Node {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly startTime: string | null;
}

export interface Placed<T> {
  readonly node: T;
  /** 0 for a root, and for a span whose parent is not here. */
  readonly depth: number;
  readonly isOrphan: boolean;
}

/**
 * Roots first, each followed by its children; siblings by start. A parent that is not here makes a root, and so do spans that
 * are each other's parents.
 */
export function inTreeOrder<T extends Node>(nodes: Iterable<T>): Placed<T>[] {
  const byStart = [...nodes].sort((a, b) => compare(a.startTime ?? '', b.startTime ?? ''));
  const known = new Set(byStart.map(({ spanId }) => spanId));
  const isOrphan = ({ parentSpanId }: T) => parentSpanId !== null && !known.has(parentSpanId);
  const children = new Map<string | null, T[]>();
  for (const node of byStart) {
    const parent = isOrphan(node) ? null : node.parentSpanId;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [node]);
    else siblings.push(node);
  }
  const ordered: Placed<T>[] = [];
  const placed = new Set<T>();
  const place = (root: T) => {
    const waiting: Placed<T>[] = [{ node: root, depth: 0, isOrphan: isOrphan(root) }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (placed.has(next.node)) continue;
      placed.add(next.node);
      ordered.push(next);
      const depth = next.depth + 1;
      const below = children.get(next.node.spanId) ?? [];
      for (let at = below.length - 1; at >= 0; at--) waiting.push({ node: below[at]!, depth, isOrphan: false });
    }
  };
  for (const root of children.get(null) ?? []) place(root);
  for (const node of byStart) if (!placed.has(node)) place(node);
  return ordered;
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));
