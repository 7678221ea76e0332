import { SPAN_ID_BYTES } from '../otlp/ids';
import { NO_PARENT } from '../otlp/outline';
import type { SpanRow } from './span-rows';
import type { TraceContext } from './trace-context';
import type { TraceGroups } from './trace-groups';
import type { TraceMemory } from './trace-memory';

export interface AdoptionOptions {
  readonly bytes: Buffer;
  /** Of the request; absent where only what earlier requests said counts. */
  readonly context: TraceContext | undefined;
  /** Where moves of traces are remembered and looked for: what is learned goes into the first. */
  readonly lanes: readonly string[];
  readonly memory: TraceMemory;
  readonly groups: TraceGroups;
  readonly nowMs: number;
}

/**
 * Moves spans into the trace that their request names: those without a parent become children of the span it names, and
 * what hangs under them in the request follows. A span whose parent is outside of the request stays as it is, unless an
 * earlier request of its trace was moved: then it follows, too. Returns how many follow the request's context.
 */
export function adopt(rows: readonly SpanRow[], options: AdoptionOptions): number {
  const { lanes, memory, groups, nowMs } = options;
  const [lane = ''] = lanes;
  const context = options.context === undefined ? undefined : whereItIsNow(options.context, options);
  const tops = topmost(rows, options.bytes);
  // A tree that holds the span which the request names as the parent of all cannot hang under it, too.
  const isParent = (row: SpanRow) => hasSpanId(row, context?.parentSpanId, options.bytes);
  const topsOfParents = new Set(tops.filter((_, index) => isParent(rows[index]!)));
  const earlier = new Map<string, TraceContext | undefined>();
  const remembered = (traceId: string) => {
    if (!earlier.has(traceId)) {
      const into = movedInto(traceId, options);
      earlier.set(traceId, into === undefined ? undefined : joining(into));
    }
    return earlier.get(traceId);
  };
  // What stayed under a parent of its own when its trace was moved stays there, and what comes under that parent later.
  const branchOf = (top: SpanRow) =>
    top.trace.traceId + options.bytes.toString('latin1', top.parentIdAt, top.parentIdAt + SPAN_ID_BYTES);
  const hasStayed = (top: SpanRow) => top.parentIdAt >= 0 && movedInto(branchOf(top), options) !== undefined;
  const adoptedTraces = new Set<string>();
  const moves = rows.map((row, index) => {
    const top = tops[index];
    if (top === undefined) return undefined;
    if (top.parentIdAt !== NO_PARENT) {
      const move = remembered(top.trace.traceId);
      return move === undefined || hasStayed(top) ? undefined : move;
    }
    if (context === undefined || topsOfParents.has(top)) return undefined;
    if (row === top) return context;
    return { traceId: context.traceId, parentSpanId: undefined };
  });
  let followers = 0;
  rows.forEach((row, index) => {
    const move = moves[index];
    if (move === undefined) return;
    const traceId = move.traceId.toString('latin1');
    if (context !== undefined && traceId === context.traceId.toString('latin1')) followers++;
    const isByContext = tops[index]!.parentIdAt === NO_PARENT;
    if (isByContext && traceId !== row.trace.traceId) adoptedTraces.add(row.trace.traceId);
    if (traceId === row.trace.traceId && move.parentSpanId === undefined) return;
    row.movedTo = move;
    row.trace = groups.of(traceId);
  });
  rows.forEach((row, index) => {
    const isBranch = tops[index] === row && row.parentIdAt >= 0 && row.movedTo === undefined;
    if (!isBranch || !adoptedTraces.has(row.trace.traceId)) return;
    memory.rememberAdoption(lane, branchOf(row), row.trace.traceId, nowMs);
  });
  for (const traceId of adoptedTraces) {
    memory.rememberAdoption(lane, traceId, context!.traceId.toString('latin1'), nowMs);
  }
  return followers;
}

function movedInto(id: string, { lanes, memory, nowMs }: AdoptionOptions): string | undefined {
  for (const lane of lanes) {
    const into = memory.hasAdoptions(lane) ? memory.recall(lane, id, nowMs)?.adoptedInto : undefined;
    if (into !== undefined) return into;
  }
  return undefined;
}

/** In the trace, at no place of its own. */
const joining = (traceId: string): TraceContext => ({
  traceId: Buffer.from(traceId, 'latin1'),
  parentSpanId: undefined,
});

/** The trace that a request names may itself have been moved into another. */
function whereItIsNow(context: TraceContext, options: AdoptionOptions): TraceContext {
  const into = movedInto(context.traceId.toString('latin1'), options);
  return into === undefined ? context : { ...context, traceId: Buffer.from(into, 'latin1') };
}

function hasSpanId({ spanIdAt }: SpanRow, spanId: Buffer | undefined, bytes: Buffer): boolean {
  return spanId !== undefined && spanId.compare(bytes, spanIdAt, spanIdAt + SPAN_ID_BYTES) === 0;
}

/**
 * The ancestor of each span in the request that has none itself: without a parent, or with one that is not here.
 * `undefined` for spans that are their own ancestors.
 */
function topmost(rows: readonly SpanRow[], bytes: Buffer): (SpanRow | undefined)[] {
  const idAt = (row: SpanRow, at: number) => row.trace.traceId + bytes.toString('latin1', at, at + SPAN_ID_BYTES);
  const byId = new Map(rows.map((row) => [idAt(row, row.spanIdAt), row]));
  const tops = new Map<SpanRow, SpanRow | undefined>();
  return rows.map((row) => {
    const path = new Set<SpanRow>();
    let at: SpanRow = row;
    let top: SpanRow | undefined;
    for (;;) {
      if (tops.has(at)) {
        top = tops.get(at);
        break;
      }
      // Round in a circle.
      if (path.has(at)) break;
      path.add(at);
      const parent = at.parentIdAt < 0 ? undefined : byId.get(idAt(at, at.parentIdAt));
      if (parent === undefined) {
        top = at;
        break;
      }
      at = parent;
    }
    for (const each of path) tops.set(each, top);
    return top;
  });
}
