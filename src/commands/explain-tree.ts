import type { ReceivedSpan } from '../otlp/received-span';
import type { ScannedSpan } from '../otlp/scan';
import type { Explained } from './explained';

/** A span in the tree of its trace. */
export interface Branch {
  readonly scanned: ScannedSpan;
  /** 0 where nothing of the request is above it. */
  readonly depth: number;
  /** Why its parent is not above it: it has none, it is not in the request, or it is among what is below the span. */
  readonly top: 'root' | 'parentAbsent' | 'parentBelow' | undefined;
}

interface Node {
  readonly scanned: ScannedSpan;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly start: ReceivedSpan['startTime'];
}

/** The traces of a request, in the order in which they begin there; a span is behind its parent, siblings by their start. */
export function* traces({ spans, read }: Pick<Explained, 'spans' | 'read'>) {
  const byTrace = new Map<string, Node[]>();
  for (const scanned of spans) {
    const span = read(scanned);
    const { traceId, spanId } = span.spanContext();
    const node = { scanned, spanId, parentSpanId: span.parentSpanContext?.spanId, start: span.startTime };
    const nodes = byTrace.get(traceId);
    if (nodes === undefined) byTrace.set(traceId, [node]);
    else nodes.push(node);
  }
  for (const [traceId, nodes] of byTrace) yield { traceId, branches: branches(nodes) };
}

/** Without recursion: anybody may send a chain of 100,000 spans, or spans that are each other's parents. */
function* branches(nodes: readonly Node[]): Generator<Branch> {
  const spanIds = new Set(nodes.map(({ spanId }) => spanId));
  const isTop = ({ parentSpanId }: Node) => parentSpanId === undefined || !spanIds.has(parentSpanId);
  const children = new Map<string, Node[]>();
  for (const node of nodes.filter((each) => !isTop(each))) {
    const siblings = children.get(node.parentSpanId!);
    if (siblings === undefined) children.set(node.parentSpanId!, [node]);
    else siblings.push(node);
  }
  const seen = new Set<Node>();
  // What no top leads to are circles, and what hangs on them.
  for (const top of [...nodes.filter(isTop).sort(byStart), ...nodes]) {
    const waiting = [{ node: top, depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { node, depth } = next;
      if (seen.has(node)) continue;
      seen.add(node);
      yield { scanned: node.scanned, depth, top: depth > 0 ? undefined : whyOnTop(node, isTop(node)) };
      // Of two spans with one id the first has the children.
      const below = children.get(node.spanId) ?? [];
      children.delete(node.spanId);
      for (const child of below.sort(byStart).reverse()) waiting.push({ node: child, depth: depth + 1 });
    }
  }
}

function whyOnTop({ parentSpanId }: Node, isTop: boolean): Branch['top'] {
  if (parentSpanId === undefined) return 'root';
  return isTop ? 'parentAbsent' : 'parentBelow';
}

const byStart = (a: Node, b: Node) => a.start[0] - b.start[0] || a.start[1] - b.start[1];
