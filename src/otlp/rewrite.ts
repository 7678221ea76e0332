import { BYTES, STRING, VALUE } from './any-value-fields';
import { isComplexValue } from './complex-value';
import { ProtoWriter } from './proto-writer';
import { ANY_VALUE, type FieldSpec, field, KEY_VALUE, LEN, type MessageSpec, SCOPE_SPANS, SPAN } from './schema';
import { valueAsJson } from './value-json';
import { WireCursor } from './wire-cursor';

const SPANS_FIELD = field(SCOPE_SPANS, 'spans');
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
    new Copier(writer, bytes, rewrites).message(SPAN, span.start, span.end),
  );
}

/** The fields of a ResourceSpans or ScopeSpans around its spans, rewritten. */
export function rewriteHead(message: MessageSpec, head: Buffer, rewrites: Rewrites): Buffer {
  const writer = new ProtoWriter(head.length * 2);
  new Copier(writer, head, rewrites).message(message, 0, head.length);
  return writer.finish();
}

/** Whether `json` would change anything there. */
export function hasComplexValue(message: MessageSpec, bytes: Buffer): boolean {
  return hasComplex(new WireCursor(bytes), message, bytes.length);
}

function hasComplex(cursor: WireCursor, message: MessageSpec, end: number): boolean {
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    const known = message.byNumber[tag >>> 3];
    if (known?.message === undefined || known.wireType !== LEN) {
      cursor.skip(tag & 7, tag >>> 3, end);
      continue;
    }
    const fieldEnd = cursor.len(end);
    const isComplex =
      known === VALUE
        ? isComplexValue(cursor.bytes, cursor.pos, fieldEnd)
        : hasComplex(cursor, known.message, fieldEnd);
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

class Copier {
  readonly #writer: ProtoWriter;
  readonly #bytes: Buffer;
  readonly #cursor: WireCursor;
  readonly #rewrites: Rewrites;
  /** Nothing else is to be done to values. */
  readonly #isJsonOnly: boolean;

  constructor(writer: ProtoWriter, bytes: Buffer, rewrites: Rewrites) {
    this.#writer = writer;
    this.#bytes = bytes;
    this.#cursor = new WireCursor(bytes);
    this.#rewrites = rewrites;
    this.#isJsonOnly = Object.entries(rewrites).every(([rewrite, isWanted]) => rewrite === 'json' || !isWanted);
  }

  /** Calls itself per level: values nested deeper than VALUE_DEPTH_MAX do not come here. */
  message(spec: MessageSpec, start: number, end: number): void {
    const writer = this.#writer;
    const cursor = this.#cursor;
    const { noStringIndex, emptyValue } = this.#rewrites;
    let valueSeen = false;
    cursor.pos = start;
    while (cursor.pos < end) {
      const at = cursor.pos;
      const tag = cursor.tag(end);
      const known = spec.byNumber[tag >>> 3];
      if (known === undefined || known.wireType !== LEN) {
        cursor.skip(tag & 7, tag >>> 3, end);
        if (!(noStringIndex && known !== undefined && STRING_INDEXES.includes(known))) {
          writer.raw(this.#bytes, at, cursor.pos);
        }
        continue;
      }
      const fieldEnd = cursor.len(end);
      this.#field(known, cursor.pos, fieldEnd);
      cursor.pos = fieldEnd;
      if (known === VALUE) valueSeen = true;
    }
    if (spec === KEY_VALUE && !valueSeen && emptyValue) this.#field(VALUE, end, end);
  }

  #field(known: FieldSpec, start: number, end: number): void {
    const writer = this.#writer;
    const bytes = this.#bytes;
    const { base64, json, utf8 } = this.#rewrites;
    if (known === BYTES && base64) {
      writer.tag(STRING);
      writer.string(bytes.toString('base64', start, end));
      return;
    }
    writer.tag(known);
    if (known === VALUE && json && isComplexValue(bytes, start, end)) {
      const mark = writer.beginMessage();
      writer.tag(STRING);
      writer.bytes(valueAsJson(bytes, start, end));
      writer.endMessage(mark);
    } else if (known === VALUE && this.#isJsonOnly) writer.bytes(bytes, start, end);
    else if (known.message !== undefined) {
      const mark = writer.beginMessage();
      this.message(known.message, start, end);
      writer.endMessage(mark);
    } else if (known.kind === 'string' && utf8) writer.string(bytes.toString('utf8', start, end));
    else writer.bytes(bytes, start, end);
  }
}
