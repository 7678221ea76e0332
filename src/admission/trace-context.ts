import { isZero } from '../otlp/bytes';
import { deriveId, readId, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';
import type { RepairName } from './repairs';

/** What a request says about the trace its spans belong to: ids as they were sent. Empty texts say nothing. */
export interface RequestedContext {
  readonly traceId?: string | undefined;
  readonly parentSpanId?: string | undefined;
}

export interface TraceContext {
  readonly traceId: Buffer;
  /** Absent: the spans join the trace beside its root. */
  readonly parentSpanId: Buffer | undefined;
}

/** The label in `gateway_trace_contexts_total{outcome}`; `adopted`: at least one span follows it. */
export const CONTEXT_OUTCOMES = ['adopted', 'ignored', 'unreadable'] as const;
export type ContextOutcome = (typeof CONTEXT_OUTCOMES)[number];

export interface ContextOptions {
  /** Whether a trace id without a parent counts. Proxies put unrelated ones on requests. */
  readonly traceIdAlone: 'accept' | 'reject';
  readonly enabled: (repair: RepairName) => boolean;
}

/** The context, or why there is none. */
export function readTraceContext(
  { traceId, parentSpanId }: RequestedContext,
  { traceIdAlone, enabled }: ContextOptions,
): TraceContext | Exclude<ContextOutcome, 'adopted'> {
  // As proxies send them, in forms of their own.
  if (!parentSpanId?.trim() && traceIdAlone === 'reject') return 'ignored';
  const trace = idOf(traceId, TRACE_ID_BYTES, enabled);
  const parent = idOf(parentSpanId, SPAN_ID_BYTES, enabled);
  if (trace === 'unreadable' || parent === 'unreadable' || trace === undefined) return 'unreadable';
  if (parent === undefined && traceIdAlone === 'reject') return 'ignored';
  return { traceId: trace, parentSpanId: parent };
}

/**
 * The member `traceContext` of a JSON body, `{traceId, parentSpanId}` or in snake_case. Absent or null, it is `undefined`;
 * what is no such object says something that cannot be read.
 */
export function contextInBody(value: unknown): RequestedContext | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return UNREADABLE;
  const members = typeof value === 'object' ? (value as Record<string, unknown>) : {};
  const traceId = members.traceId ?? members.trace_id;
  const parentSpanId = members.parentSpanId ?? members.parent_span_id;
  const texts = [traceId, parentSpanId].map((id) => (id === undefined || id === null ? '' : id));
  const [trace, parent] = texts;
  if (typeof trace !== 'string' || typeof parent !== 'string' || typeof value !== 'object') return UNREADABLE;
  return { traceId: trace, parentSpanId: parent };
}

/** A parent without a trace is never a context, not even where ids are derived of any text. */
const UNREADABLE: RequestedContext = { parentSpanId: '?' };

/** Whether a place says anything at all. */
export const saysSomething = ({ traceId, parentSpanId }: RequestedContext) => Boolean(traceId || parentSpanId);

/** `undefined` where there is none: nothing, or zero. */
function idOf(
  text: string | undefined,
  length: number,
  enabled: ContextOptions['enabled'],
): Buffer | 'unreadable' | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return undefined;
  const bytes = readId(trimmed, length)?.bytes ?? (enabled('id_derived') ? deriveId(trimmed, length) : undefined);
  if (bytes === undefined) return 'unreadable';
  return isZero(bytes) ? undefined : bytes;
}
