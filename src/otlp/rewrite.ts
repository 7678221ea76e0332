import { writeAsJson } from './any-value';
import { isComplexValue } from './complex-value';
import { ProtoWriter } from './proto-writer';
import { ANY_VALUE, type FieldSpec, field, KEY_VALUE, LEN, type MessageSpec, SCOPE_SPANS, SPAN } from './schema';
import { WireCursor } from './wire-cursor';

const SPANS_FIELD = field(SCOPE_SPANS, 'spans');
const VALUE_FIELD = field(KEY_VALUE, 'value');
const STRING_VALUE = field(ANY_VALUE, 'stringValue');
const BYTES_VALUE = field(ANY_VALUE, 'bytesValue');
const STRING_INDEXES: readonly FieldSpec[] = [field(ANY_VALUE, 'stringValueStrindex'), field(KEY_VALUE, 'keyStrindex')];

/** What to do to a message on the way through. Everything that none of these concerns is copied byte for byte. */
export interface Rewrites {
  /** Replace what is not UTF-8 in strings by U+FFFD. */
  utf8?: boolean;
  /** Write bytes values as base64 strings. */
  base64?: boolean;
  /** Give a KeyValue without a value the empty one. */
  emptyValue?: boolean;
  /** Leave out the string indexes of profiles. */
  noStringIndex?: boolean;
  /** Write attribute values that Langfuse does not decode as JSON texts. */
  json?: boolean;
}

/** The span's whole field, with tag and length, rewritten. The span must have passed the check and not be too deep. */
export function rewriteSpan(
  bytes: Buffer,
  span: { readonly start: number; readonly end: number },
  rewrites: Rewrites,
): Buffer {
  return spanField(span.end - span.start, (writer) =>
    copyMessage({ writer, rewrites }, SPAN, bytes.subarray(span.start, span.end)),
  );
}

/** The fields of a ResourceSpans or ScopeSpans around its spans, rewritten. */
export function rewriteHead(message: MessageSpec, head: Buffer, rewrites: Rewrites): Buffer {
  const writer = new ProtoWriter(head.length * 2);
  copyMessage({ writer, rewrites }, message, head);
  return writer.finish();
}

/** Whether `json` would change anything there. */
export function hasComplexValue(message: MessageSpec, bytes: Buffer): boolean {
  const cursor = new WireCursor(bytes);
  const end = bytes.length;
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    const known = message.byNumber[tag >>> 3];
    if (known?.message === undefined || known.wireType !== LEN) {
      cursor.skip(tag & 7, tag >>> 3, end);
      continue;
    }
    const fieldEnd = cursor.len(end);
    const isComplex =
      known === VALUE_FIELD
        ? isComplexValue(bytes, cursor.pos, fieldEnd)
        : hasComplexValue(known.message, bytes.subarray(cursor.pos, fieldEnd));
    if (isComplex) return true;
    cursor.pos = fieldEnd;
  }
  return false;
}

/** A span's field of ScopeSpans, tag and length included. */
export function spanField(sizeHintBytes: number, write: (writer: ProtoWriter) => void): Buffer {
  const writer = new ProtoWriter(sizeHintBytes + 64);
  writer.tag(SPANS_FIELD);
  const mark = writer.beginMessage();
  write(writer);
  writer.endMessage(mark);
  return writer.finish();
}

interface Copy {
  readonly writer: ProtoWriter;
  readonly rewrites: Rewrites;
}

/** Calls itself per level: values nested deeper than VALUE_DEPTH_MAX do not come here. */
function copyMessage(copy: Copy, spec: MessageSpec, bytes: Buffer): void {
  const { writer, rewrites } = copy;
  const cursor = new WireCursor(bytes);
  const end = bytes.length;
  let valueSeen = false;
  while (cursor.pos < end) {
    const at = cursor.pos;
    const tag = cursor.tag(end);
    const known = spec.byNumber[tag >>> 3];
    if (known === undefined || known.wireType !== LEN) {
      cursor.skip(tag & 7, tag >>> 3, end);
      if (!(rewrites.noStringIndex && known !== undefined && STRING_INDEXES.includes(known))) {
        writer.raw(bytes, at, cursor.pos);
      }
      continue;
    }
    const fieldEnd = cursor.len(end);
    copyField(copy, known, bytes.subarray(cursor.pos, fieldEnd));
    cursor.pos = fieldEnd;
    if (known === VALUE_FIELD) valueSeen = true;
  }
  if (spec === KEY_VALUE && !valueSeen && rewrites.emptyValue) copyField(copy, VALUE_FIELD, bytes.subarray(end));
}

function copyField(copy: Copy, known: FieldSpec, content: Buffer): void {
  const { writer, rewrites } = copy;
  if (known === BYTES_VALUE && rewrites.base64) {
    writer.tag(STRING_VALUE);
    writer.string(content.toString('base64'));
    return;
  }
  if (known === VALUE_FIELD && rewrites.json && isComplexValue(content, 0, content.length)) {
    writer.tag(VALUE_FIELD);
    writeAsJson(writer, content, 0, content.length);
    return;
  }
  writer.tag(known);
  if (known.message !== undefined) {
    const mark = writer.beginMessage();
    copyMessage(copy, known.message, content);
    writer.endMessage(mark);
  } else if (known.kind === 'string' && rewrites.utf8) writer.string(content.toString('utf8'));
  else writer.bytes(content);
}
