import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

const Request = protobuf
  .parse(readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8'))
  .root.lookupType('otlp.ExportTraceServiceRequest');

/** A span to send; what is not said is plain and readable. Ids in hex. */
export interface SpanToSend {
  name: string;
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  attributes?: Record<string, string>;
}

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';

/** Spans `s<from>`, `s<from + 1>` and so on, each with the span id of its number. */
export function numberedSpans(count: number, { from = 1, ...rest }: Partial<SpanToSend> & { from?: number } = {}) {
  return Array.from({ length: count }, (_, index): SpanToSend => ({ name: `s${from + index}`, ...rest }));
}

/** The span id that a span gets from the number in its name. */
export const spanIdOf = (name: string) => (Number(/\d+/.exec(name)?.[0] ?? 0) + 1).toString(16).padStart(16, '0');

/** An `ExportTraceServiceRequest` in protobuf, all spans under one resource and scope. */
export function encodeSpans(
  spans: readonly SpanToSend[],
  { resource = {} }: { resource?: Record<string, string> } = {},
): Buffer {
  return encodeGroups([{ resource, spans }]);
}

/** The same with a ResourceSpans per group. */
export function encodeGroups(
  groups: readonly { resource: Record<string, string>; spans: readonly SpanToSend[] }[],
): Buffer {
  const request = {
    resourceSpans: groups.map(({ resource, spans }) => ({
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: { name: 'scope' }, spans: spans.map(message) }],
    })),
  };
  return Buffer.from(Request.encode(Request.fromObject(request)).finish());
}

/** Headers and body of a post of these spans. */
export const postOf = (spans: readonly SpanToSend[]) => ({
  headers: { 'content-type': 'application/x-protobuf' },
  body: encodeSpans(spans),
});

const START_NS = 1_767_225_600_000_000_000n;

function message({
  name,
  traceId = TRACE_ID,
  spanId = spanIdOf(name),
  parentSpanId = '',
  attributes = {},
}: SpanToSend) {
  return {
    traceId: Buffer.from(traceId, 'hex'),
    spanId: Buffer.from(spanId, 'hex'),
    parentSpanId: Buffer.from(parentSpanId, 'hex'),
    name,
    kind: 1,
    startTimeUnixNano: String(START_NS),
    endTimeUnixNano: String(START_NS + 1_000_000n),
    attributes: keyValues(attributes),
  };
}

const keyValues = (attributes: Record<string, string>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
