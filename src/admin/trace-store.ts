import type { Observation } from '../langfuse/observation/observation';

/** The last spans, kept in memory for looking at. */
export interface TraceStore {
  /** `size` as `observationSize` tells it, for the bound on memory. */
  add(observation: Observation, size: number): void;
  /** Newest first. `before` is the trace id after which the page begins, or a time: traces that started earlier. */
  list(page: { limit: number; before: string | undefined }): TraceSummary[];
  /** The observations of a trace, each behind its parent; empty when it is not known (any more). */
  observations(traceId: string): Observation[];
}

export interface TraceSummary {
  readonly traceId: string;
  readonly name: string | null;
  readonly observations: number;
  readonly startTime: string;
  readonly durationMs: number;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly warnings: number;
}

export interface TraceStoreLimits {
  readonly spansMax: number;
  readonly bytesMax: number;
}

export const TRACE_STORE_LIMITS: TraceStoreLimits = { spansMax: 2_000, bytesMax: 64 * 1024 * 1024 };

export function createTraceStore(limits: TraceStoreLimits = TRACE_STORE_LIMITS): TraceStore {
  return new MemoryTraceStore(limits);
}

interface Kept {
  readonly observation: Observation;
  readonly bytes: number;
}

class MemoryTraceStore implements TraceStore {
  readonly #limits: TraceStoreLimits;
  /** By trace id, the trace that got a span last being last; within, by span id: a span sent again replaces itself. */
  readonly #traces = new Map<string, Map<string, Kept>>();
  #spans = 0;
  #bytes = 0;

  constructor(limits: TraceStoreLimits) {
    this.#limits = limits;
  }

  add(observation: Observation, bytes: number): void {
    const { traceId, spanId } = observation;
    const trace = this.#traces.get(traceId) ?? new Map<string, Kept>();
    this.#traces.delete(traceId);
    this.#traces.set(traceId, trace);
    this.#forget(trace, spanId);
    trace.set(spanId, { observation, bytes });
    this.#spans++;
    this.#bytes += bytes;
    while (this.#spans > this.#limits.spansMax || (this.#bytes > this.#limits.bytesMax && this.#spans > 1)) {
      this.#forgetOldest();
    }
  }

  list({ limit, before }: { limit: number; before: string | undefined }): TraceSummary[] {
    const newestFirst = [...this.#traces.keys()].reverse();
    const cursor = before === undefined ? -1 : newestFirst.indexOf(before);
    const rest = newestFirst.slice(cursor + 1).map((traceId) => summary(traceId, this.observations(traceId)));
    if (before === undefined || cursor !== -1) return rest.slice(0, limit);
    // Neither a trace that is known nor a time: the page after a trace that was forgotten is empty.
    const beforeMs = Date.parse(before);
    return rest.filter(({ startTime }) => Date.parse(startTime) < beforeMs).slice(0, limit);
  }

  observations(traceId: string): Observation[] {
    const kept = [...(this.#traces.get(traceId)?.values() ?? [])];
    return inTreeOrder(kept.map(({ observation }) => observation));
  }

  #forgetOldest(): void {
    const [oldest] = this.#traces;
    if (oldest === undefined) return;
    const [traceId, trace] = oldest;
    const [spanId] = trace.keys();
    if (spanId !== undefined) this.#forget(trace, spanId);
    if (trace.size === 0) this.#traces.delete(traceId);
  }

  #forget(trace: Map<string, Kept>, spanId: string): void {
    const known = trace.get(spanId);
    if (known === undefined) return;
    trace.delete(spanId);
    this.#spans--;
    this.#bytes -= known.bytes;
  }
}

function summary(traceId: string, observations: Observation[]): TraceSummary {
  const starts = observations.flatMap(({ startTime }) => (startTime === null ? [] : [Date.parse(startTime)]));
  const ends = observations.flatMap(({ endTime }) => (endTime === null ? [] : [Date.parse(endTime)]));
  const start = starts.length === 0 ? 0 : starts.reduce((first, at) => Math.min(first, at));
  const end = [...starts, ...ends].reduce((last, at) => Math.max(last, at), start);
  const named = observations.find(({ traceName }) => traceName !== null)?.traceName;
  return {
    traceId,
    name: named ?? observations[0]?.name ?? null,
    observations: observations.length,
    startTime: new Date(start).toISOString(),
    durationMs: end - start,
    sessionId: observations.find(({ sessionId }) => sessionId !== null)?.sessionId ?? null,
    userId: observations.find(({ userId }) => userId !== null)?.userId ?? null,
    warnings: observations.reduce((sum, { warnings }) => sum + warnings.length, 0),
  };
}

/** Roots first, each followed by its children; siblings by start. A parent that is not here makes a root. */
function inTreeOrder(observations: Observation[]): Observation[] {
  const byStart = [...observations].sort((a, b) => ((a.startTime ?? '') < (b.startTime ?? '') ? -1 : 1));
  const known = new Set(observations.map(({ spanId }) => spanId));
  const children = new Map<string | null, Observation[]>();
  for (const observation of byStart) {
    const { parentSpanId } = observation;
    const parent = parentSpanId !== null && known.has(parentSpanId) ? parentSpanId : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [observation]);
    else siblings.push(observation);
  }
  const ordered: Observation[] = [];
  const waiting = [...(children.get(null) ?? [])].reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    ordered.push(next);
    waiting.push(...[...(children.get(next.spanId) ?? [])].reverse());
  }
  // Spans that are each other's parents hang under no root; they are shown all the same.
  const placed = new Set(ordered);
  return [...ordered, ...byStart.filter((observation) => !placed.has(observation))];
}

/** What people wrote, which is nearly all of it, in characters; and a share for the rest. */
export function observationSize({ input, output, metadata }: Observation): number {
  let size = 1_000 + (input?.length ?? 0) + (output?.length ?? 0);
  for (const key in metadata) size += key.length + metadata[key]!.length;
  return size;
}
