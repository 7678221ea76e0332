import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { ReceivedSpan } from '../otlp/received-span';
import { type ScannedSpan, scanRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';

/** Of the bytes that are rendered at a time. As text they grow up to ten times. */
const PART_BYTES = 4 * 1024 * 1024;

/**
 * The spans of an OTLP protobuf request as OTLP JSON to be read by people, indented: one request, or several where it is
 * large. As OpenTelemetry's own serializer says it, so a few things that JavaScript cannot tell apart are lost, such as
 * an integer and a double of the same value; the bytes have them.
 *
 * Throws a GatewayError when it is no such request.
 */
export function* otlpJson(bytes: Buffer): Generator<string> {
  const reader = new SpanReader(bytes);
  let part: ScannedSpan[] = [];
  let partBytes = 0;
  for (const span of scanRequest(bytes, { check: true }).spans) {
    if (part.length > 0 && partBytes + span.end - span.start > PART_BYTES) {
      yield render(reader, part);
      part = [];
      partBytes = 0;
    }
    part.push(span);
    partBytes += span.end - span.start;
  }
  if (part.length > 0) yield render(reader, part);
}

function render(reader: SpanReader, part: readonly ScannedSpan[]): string {
  const spans = part.map((scanned) => new ReceivedSpan(reader, scanned));
  const request = JsonTraceSerializer.serializeRequest(spans) ?? new Uint8Array();
  const json = JSON.stringify(JSON.parse(Buffer.from(request).toString()), undefined, 2);
  return json.replace(CONTROLS, (control) => `\\u00${control.charCodeAt(0).toString(16)}`);
}

/** JSON escapes the others; to a terminal these are commands too, and anybody may have put them into a span. */
const CONTROLS = /[\x7f-\x9f]/g;
