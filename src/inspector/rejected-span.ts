import type { Judgement } from '../judgement';
import { readId, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';
import { spanJson } from '../otlp/wire-json';
import { cutText } from './client-info';

/** What can be read of a span that was rejected. */
export interface RejectedSpan {
  readonly name: string | null;
  /** In hex. */
  readonly traceId: string | null;
  readonly spanId: string | null;
}

/** What is larger is not looked into: it is for people, and many may be rejected at once. */
const BYTES_MAX = 64 * 1024;
const NAME_CHARACTERS_MAX = 200;
const UNREADABLE: RejectedSpan = { name: null, traceId: null, spanId: null };

/** Of the span at that position of what was received. */
export function rejectedSpan({ received, read }: Pick<Judgement, 'received' | 'read'>, position: number): RejectedSpan {
  const { texts } = received;
  if (texts === undefined) {
    const scanned = read.spans[position];
    if (scanned === undefined || scanned.end - scanned.start > BYTES_MAX) return UNREADABLE;
    return fieldsOf(spanJson(read.bytes, scanned));
  }
  const [start = 0, end = 0] = texts.ranges.slice(position * 2, position * 2 + 2);
  if (end - start > BYTES_MAX) return UNREADABLE;
  try {
    return fieldsOf(JSON.parse(texts.bytes.toString('utf8', start, end)));
  } catch {
    // What the reader takes and JSON.parse does not is nesting without end.
    return UNREADABLE;
  }
}

function fieldsOf(span: unknown): RejectedSpan {
  if (typeof span !== 'object' || span === null) return UNREADABLE;
  const fields = span as Record<string, unknown>;
  const { name, spanContext } = fields;
  const context = (typeof spanContext === 'object' && spanContext !== null ? spanContext : {}) as typeof fields;
  return {
    name: typeof name === 'string' && name !== '' ? cutText(name, NAME_CHARACTERS_MAX) : null,
    traceId: hexId(context.traceId ?? fields.traceId ?? fields.trace_id, TRACE_ID_BYTES),
    spanId: hexId(context.spanId ?? fields.spanId ?? fields.span_id, SPAN_ID_BYTES),
  };
}

function hexId(value: unknown, bytes: number): string | null {
  const id = typeof value === 'string' ? readId(value, bytes)?.bytes : undefined;
  return id?.some((byte) => byte !== 0) ? id.toString('hex') : null;
}
