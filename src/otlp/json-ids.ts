import { type IdForm, SPAN_ID_BYTES, TRACE_ID_BYTES } from './ids';
import type { JsonRepair } from './json-fault';
import { type FieldSpec, field, LINK, SPAN } from './schema';

const TRACE_ID_FIELD = field(SPAN, 'traceId');
const SPAN_ID_FIELD = field(SPAN, 'spanId');
const PARENT_FIELD = field(SPAN, 'parentSpanId');

/** Fields of type bytes that JSON writes as hex, and how long they are (OTLP specification, JSON Protobuf Encoding). */
export const ID_BYTES = new Map<FieldSpec, number>([
  [TRACE_ID_FIELD, TRACE_ID_BYTES],
  [SPAN_ID_FIELD, SPAN_ID_BYTES],
  [PARENT_FIELD, SPAN_ID_BYTES],
  [field(LINK, 'traceId'), TRACE_ID_BYTES],
  [field(LINK, 'spanId'), SPAN_ID_BYTES],
]);

/** Where a span's id is told as it was sent. */
export const ORIGINAL_NAMES = new Map<FieldSpec, 'traceId' | 'spanId' | 'parentSpanId'>([
  [TRACE_ID_FIELD, 'traceId'],
  [SPAN_ID_FIELD, 'spanId'],
  [PARENT_FIELD, 'parentSpanId'],
]);

/** In JSON hex is how ids are written, whatever its case. */
export const FORM_REPAIRS: Readonly<Record<IdForm, JsonRepair | undefined>> = {
  hex: undefined,
  base64: 'id_base64',
  uuid: 'id_uuid',
};
