import type { TraceSummary } from './api';
import type { Row } from './row';
import type { TraceRows } from './trace-rows';

/** All that is set has to hold for a trace; an empty one holds for all. */
export interface TraceFilter {
  /** In ids, names, model, tags, session, user or service, of either case; in `full` mode anywhere in a span as it is written. */
  readonly text?: string | undefined;
  /** Part of them is enough, of either case. */
  readonly service?: string | undefined;
  readonly session?: string | undefined;
  readonly user?: string | undefined;
  readonly type?: string | undefined;
  readonly warnings?: boolean;
  readonly rejected?: boolean;
}

export function matches(filter: TraceFilter, trace: TraceRows, rejected: number): boolean {
  const { warnings, rejected: isRejected, text } = filter;
  if (isRejected && rejected === 0) return false;
  if (warnings && trace.summary().warnings === 0) return false;
  const wanted = ROW_FILTERS.filter(({ key }) => filter[key]);
  if (!wanted.every(({ key, holds }) => some(trace, (row) => holds(row, filter[key]!)))) return false;
  if (!text) return true;
  const lower = text.toLowerCase();
  const bytes = Buffer.from(text);
  return trace.traceId.includes(lower) || some(trace, (row) => says(row, lower, bytes));
}

/** Of a trace whose spans were all rejected no more is known than its id and a name. */
export function matchesRejected(
  filter: TraceFilter,
  { traceId, name }: Pick<TraceSummary, 'traceId' | 'name'>,
): boolean {
  const { text, warnings } = filter;
  if (warnings || ROW_FILTERS.some(({ key }) => filter[key])) return false;
  const lower = text?.toLowerCase() ?? '';
  return traceId.includes(lower) || includes(name, lower);
}

const ROW_FILTERS: readonly {
  readonly key: 'service' | 'session' | 'user' | 'type';
  readonly holds: (row: Row, wanted: string) => boolean;
}[] = [
  { key: 'type', holds: ({ type }, wanted) => type === wanted.toUpperCase() },
  { key: 'service', holds: ({ service }, wanted) => includes(service, wanted.toLowerCase()) },
  { key: 'session', holds: ({ sessionId }, wanted) => includes(sessionId, wanted.toLowerCase()) },
  { key: 'user', holds: ({ userId }, wanted) => includes(userId, wanted.toLowerCase()) },
];

function some(trace: TraceRows, holds: (row: Row) => boolean): boolean {
  for (const row of trace.values()) if (holds(row)) return true;
  return false;
}

function says(row: Row, lower: string, bytes: Buffer): boolean {
  const { spanId, name, traceName, model, sessionId, userId, service, tags, request, scanned } = row;
  const texts = [spanId, name, traceName, model, sessionId, userId, service, ...tags];
  return (
    texts.some((text) => includes(text, lower)) || request.bytes.subarray(scanned.start, scanned.end).includes(bytes)
  );
}

const includes = (text: string | null, lower: string) => text?.toLowerCase().includes(lower) === true;
