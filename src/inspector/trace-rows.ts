import type { TraceSummary } from './api';
import type { Row } from './row';
import { inTreeOrder, type Placed } from './tree-order';

/** The spans of a trace that are kept. */
export class TraceRows {
  readonly traceId: string;
  /** By span id: a span sent again replaces itself. */
  readonly #rows = new Map<string, Row>();
  #lastSeenMs = 0;
  #summary: Omit<TraceSummary, 'rejected'> | undefined;
  #ordered: readonly Placed<Row>[] | undefined;

  constructor(traceId: string) {
    this.traceId = traceId;
  }

  get size(): number {
    return this.#rows.size;
  }

  values(): Iterable<Row> {
    return this.#rows.values();
  }

  row(spanId: string): Row | undefined {
    return this.#rows.get(spanId);
  }

  add(row: Row): void {
    this.#rows.delete(row.spanId);
    this.#rows.set(row.spanId, row);
    this.#lastSeenMs = Math.max(this.#lastSeenMs, row.request.receivedAtMs);
    this.#changed();
  }

  /** Unless it was replaced meanwhile. */
  remove(row: Row): void {
    if (this.#rows.get(row.spanId) !== row) return;
    this.#rows.delete(row.spanId);
    this.#changed();
  }

  summary(): Omit<TraceSummary, 'rejected'> {
    this.#summary ??= this.#summarise();
    return this.#summary;
  }

  /** As a tree has them. */
  ordered(): readonly Placed<Row>[] {
    this.#ordered ??= inTreeOrder(this.#rows.values());
    return this.#ordered;
  }

  #changed(): void {
    this.#summary = undefined;
    this.#ordered = undefined;
  }

  #summarise(): Omit<TraceSummary, 'rejected'> {
    const rows = [...this.#rows.values()];
    const { startMs, endMs } = extent(rows);
    const types: Record<string, number> = {};
    for (const { type } of rows) types[type] = (types[type] ?? 0) + 1;
    return {
      traceId: this.traceId,
      name: first(rows, 'traceName') ?? this.#root(rows)?.name ?? null,
      observations: rows.length,
      startTime: new Date(startMs).toISOString(),
      durationMs: endMs - startMs,
      sessionId: first(rows, 'sessionId'),
      userId: first(rows, 'userId'),
      warnings: rows.reduce((sum, { warnings }) => sum + warnings, 0),
      repairs: rows.reduce((sum, { repairs }) => sum + repairs, 0),
      services: [...new Set(rows.flatMap(({ service }) => service ?? []))].slice(0, SERVICES_MAX),
      types,
      errors: rows.filter(({ level }) => level === 'ERROR').length,
      tokens: sum(rows, 'tokens'),
      cost: sum(rows, 'dollars'),
      lastSeenAt: new Date(this.#lastSeenMs).toISOString(),
    };
  }

  /** The one that the tree has first. */
  #root(rows: readonly Row[]): Row | undefined {
    const isTop = ({ parentSpanId }: Row) => parentSpanId === null || !this.#rows.has(parentSpanId);
    const roots = rows.filter(isTop);
    const among = roots.length > 0 ? roots : rows;
    return among.reduce<Row | undefined>(
      (earliest, row) => (earliest === undefined || startOf(row) < startOf(earliest) ? row : earliest),
      undefined,
    );
  }
}

const SERVICES_MAX = 10;

const startOf = ({ startTime }: Row) => startTime ?? '';

const first = (rows: readonly Row[], field: 'traceName' | 'sessionId' | 'userId'): string | null =>
  rows.find((row) => row[field] !== null)?.[field] ?? null;

/** Null where no span has any. */
function sum(rows: readonly Row[], field: 'tokens' | 'dollars'): number | null {
  const counted = rows.flatMap((row) => row[field] ?? []);
  return counted.length === 0 ? null : counted.reduce((total, count) => total + count, 0);
}

/** From the first start to the last end; 0 where no span has a time. */
function extent(rows: readonly Row[]): { startMs: number; endMs: number } {
  let startMs = Number.POSITIVE_INFINITY;
  let endMs = Number.NEGATIVE_INFINITY;
  for (const { startTime, endTime } of rows) {
    const times = [startTime, endTime].flatMap((time) => (time === null ? [] : [Date.parse(time)]));
    if (startTime !== null) startMs = Math.min(startMs, times[0]!);
    endMs = Math.max(endMs, ...times);
  }
  if (startMs === Number.POSITIVE_INFINITY) return { startMs: 0, endMs: 0 };
  return { startMs, endMs };
}
