import { writeKeyValue } from './any-value';
import { ProtoWriter } from './proto-writer';
import type { ScannedSpan } from './scan';
import { ANY_VALUE, type FieldSpec, field, KEY_VALUE, LEN, type MessageSpec, SCOPE_SPANS, SPAN } from './schema';
import { WireCursor } from './wire-cursor';

const SPANS_FIELD = field(SCOPE_SPANS, 'spans');
const PARENT_FIELD = field(SPAN, 'parentSpanId');
const ATTRIBUTES_FIELD = field(SPAN, 'attributes');
const KEY_FIELD = field(KEY_VALUE, 'key');
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
  /** Leave out the parent's id. */
  noParent?: boolean;
}

/** The span's whole field, with tag and length, rewritten. The span must have passed the check and not be too deep. */
export function rewriteSpan(bytes: Buffer, span: ScannedSpan, rewrites: Rewrites): Buffer {
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

/**
 * The span's whole field with some attributes replaced: those of a changed key are left out and, unless the new value is
 * `undefined`, written anew at the end. Everything else is copied byte for byte.
 */
export function replaceAttributes(bytes: Buffer, span: ScannedSpan, changes: ReadonlyMap<string, unknown>): Buffer {
  return spanField(span.end - span.start, (writer) => {
    const cursor = new WireCursor(bytes);
    cursor.pos = span.start;
    while (cursor.pos < span.end) {
      const at = cursor.pos;
      const tag = cursor.tag(span.end);
      const number = tag >>> 3;
      cursor.skip(tag & 7, number, span.end);
      if (number !== ATTRIBUTES_FIELD.number || !changes.has(keyOf(bytes, at, cursor.pos)))
        writer.raw(bytes, at, cursor.pos);
    }
    for (const [key, value] of changes) {
      if (value === undefined) continue;
      writer.tag(ATTRIBUTES_FIELD);
      const mark = writer.beginMessage();
      writeKeyValue(writer, key, value);
      writer.endMessage(mark);
    }
  });
}

function spanField(sizeHintBytes: number, write: (writer: ProtoWriter) => void): Buffer {
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
  if (known === PARENT_FIELD && rewrites.noParent) return;
  if (known === BYTES_VALUE && rewrites.base64) {
    writer.tag(STRING_VALUE);
    writer.string(content.toString('base64'));
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

/** The key of the attribute whose field, tag included, lies between `start` and `end`. */
function keyOf(bytes: Buffer, start: number, end: number): string {
  const cursor = new WireCursor(bytes);
  cursor.pos = start;
  cursor.tag(end);
  cursor.len(end);
  let key = '';
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    if (tag >>> 3 !== KEY_FIELD.number) cursor.skip(tag & 7, tag >>> 3, end);
    else {
      const keyEnd = cursor.len(end);
      key = bytes.toString('utf8', cursor.pos, keyEnd);
      cursor.pos = keyEnd;
    }
  }
  return key;
}
