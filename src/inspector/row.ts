import { type ObservationSummary, summarise } from '../langfuse/observation/observation';
import { stamp } from '../langfuse/stamp';
import { ReceivedSpan } from '../otlp/received-span';
import { type ScannedSpan, type ScopeGroup, scanRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';
import { clientOf, cutText } from './client-info';
import type { KeptRequest } from './kept-request';

/** A span in the index: what lists and trees show of it, and where its bytes are. */
export interface Row
  extends Pick<
    ObservationSummary,
    | 'traceId'
    | 'spanId'
    | 'parentSpanId'
    | 'type'
    | 'name'
    | 'startTime'
    | 'endTime'
    | 'level'
    | 'model'
    | 'sessionId'
    | 'userId'
    | 'traceName'
    | 'tags'
  > {
  readonly request: KeptRequest;
  readonly scanned: ScannedSpan;
  readonly service: string | null;
  /** All tokens and all cost. */
  readonly tokens: number | null;
  readonly dollars: number | null;
  readonly repairs: number;
  readonly warnings: number;
}

/** The rows of a request, one at a step. */
export function* rowsOf(request: KeptRequest): Generator<Row, void> {
  const { bytes } = request;
  const reader = new SpanReader(bytes);
  const services = new Map<ScopeGroup, string | null>();
  for (const scanned of scanRequest(bytes, { check: false }).spans) {
    const span = stamped(new ReceivedSpan(reader, scanned), request);
    const known = services.get(scanned.scope);
    const service = known === undefined ? clientOf(scanned.scope).service : known;
    services.set(scanned.scope, service);
    yield rowOf(request, { span, scanned, service });
  }
  for (const scope of services.keys()) forgetViews(scope);
}

/** What was decoded of a scope and its resource may be many times their bytes; it is decoded again for who looks. */
export function forgetViews(scope: ScopeGroup): void {
  scope.view = undefined;
  scope.resource.view = undefined;
}

/** Of what lists and trees show, which a sender may make as long as a request. */
const CHARACTERS_MAX = 500;
const TAGS_MAX = 20;

function rowOf(
  request: KeptRequest,
  { span, scanned, service }: { span: ReceivedSpan; scanned: ScannedSpan; service: string | null },
): Row {
  const summary = summarise(span);
  const { repairs, warnings } = request.notes(scanned.ordinal);
  // Field by field: spread, it would take as long as reading the span.
  return {
    traceId: summary.traceId,
    spanId: summary.spanId,
    parentSpanId: summary.parentSpanId,
    type: summary.type,
    name: cutText(summary.name, CHARACTERS_MAX),
    startTime: summary.startTime,
    endTime: summary.endTime,
    level: summary.level,
    model: cut(summary.model),
    sessionId: cut(summary.sessionId),
    userId: cut(summary.userId),
    traceName: cut(summary.traceName),
    tags: summary.tags.slice(0, TAGS_MAX).map((tag) => cutText(tag, CHARACTERS_MAX)),
    request,
    scanned,
    service,
    tokens: total(summary.usage),
    dollars: total(summary.cost),
    repairs: repairs.length,
    warnings: warnings.length,
  };
}

const cut = (text: string | null) => (text === null ? null : cutText(text, CHARACTERS_MAX));

/** The span of a row as it leaves for its destination, read anew. */
export function spanOf({ request, scanned }: Row): ReceivedSpan {
  return stamped(new ReceivedSpan(new SpanReader(request.bytes), scanned), request);
}

function stamped(span: ReceivedSpan, { stamps }: KeptRequest): ReceivedSpan {
  stamp(span, stamps);
  return span;
}

/** Of what was counted by kind: the total that was told, or else the sum. */
function total(counts: Record<string, number> | null): number | null {
  if (counts === null) return null;
  const told = Object.hasOwn(counts, 'total') ? counts.total : undefined;
  return told ?? Object.values(counts).reduce((sum, count) => sum + count, 0);
}
