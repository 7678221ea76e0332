import { readValue } from './any-value';
import { isBefore, isZero } from './bytes';
import { isComplexValue } from './complex-value';
import { SPAN_ID_BYTES } from './ids';
import type { KeyWatch, WatchedKey } from './key-watch';
import { NO_PARENT, OUTLINE, type Outline, UNREADABLE_PARENT } from './outline';
import { ANY_VALUE, FIXED32, FIXED64, field, GROUP_START, KEY_VALUE, LEN, SPAN, tagOf } from './schema';
import { WireCursor } from './wire-cursor';

const TRACE_ID_TAG = tagOf(field(SPAN, 'traceId'));
const SPAN_ID_TAG = tagOf(field(SPAN, 'spanId'));
const PARENT_TAG = tagOf(field(SPAN, 'parentSpanId'));
const TRACE_STATE_TAG = tagOf(field(SPAN, 'traceState'));
const KIND_TAG = tagOf(field(SPAN, 'kind'));
const START_TAG = tagOf(field(SPAN, 'startTimeUnixNano'));
const END_TAG = tagOf(field(SPAN, 'endTimeUnixNano'));
const ATTRIBUTES_TAG = tagOf(field(SPAN, 'attributes'));
const EVENTS_TAG = tagOf(field(SPAN, 'events'));
const LINKS_TAG = tagOf(field(SPAN, 'links'));
const DROPPED_TAGS = new Set(
  ['droppedAttributesCount', 'droppedEventsCount', 'droppedLinksCount'].map((name) => tagOf(field(SPAN, name))),
);
const KEY_TAG = tagOf(field(KEY_VALUE, 'key'));
const VALUE_TAG = tagOf(field(KEY_VALUE, 'value'));
const STRING_TAG = tagOf(field(ANY_VALUE, 'stringValue'));

const INTERNAL = 1;

const emptyOutline = (): Outline => {
  return { traceIdAt: -1, spanIdAt: -1, parentIdAt: -1, kind: 0, features: 0, keys: 0, emptyKeys: 0 };
};

/** Reads the outlines of a request's spans. */
export class SpanOutliner {
  readonly #bytes: Buffer;
  readonly #watch: KeyWatch;
  /** Where it reads, of which span. */
  #pos = 0;
  #outline: Outline = emptyOutline();
  /** The attribute it looks at. */
  #keyStart = 0;
  #keyEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  readonly #found = (wants: readonly WatchedKey[]) => this.#note(wants);

  /** Spans that are read must have passed the check. */
  constructor(bytes: Buffer, watch: KeyWatch) {
    this.#bytes = bytes;
    this.#watch = watch;
  }

  /** Of the span between `start` and `end`. Walks its fields only, and of its attributes the keys. */
  read(start: number, end: number): Outline {
    const bytes = this.#bytes;
    const outline = emptyOutline();
    this.#outline = outline;
    let startAt = -1;
    let endAt = -1;
    this.#pos = start;
    while (this.#pos < end) {
      const tag = this.#varint();
      if (tag === ATTRIBUTES_TAG) {
        const fieldEnd = this.#varint() + this.#pos;
        this.#attribute(fieldEnd);
        this.#pos = fieldEnd;
      } else if ((tag & 7) === LEN) {
        const length = this.#varint();
        this.#lengthDelimited(outline, tag, length);
        this.#pos += length;
      } else if (tag === START_TAG || tag === END_TAG) {
        if (tag === START_TAG) startAt = this.#pos;
        else endAt = this.#pos;
        this.#pos += 8;
      } else this.#scalar(outline, tag);
    }
    if (startAt === -1 || isZero(bytes, startAt, startAt + 8)) outline.features |= OUTLINE.startAbsent;
    else if (endAt !== -1 && isBefore(bytes, endAt, startAt) && !isZero(bytes, endAt, endAt + 8)) {
      outline.features |= OUTLINE.endBeforeStart;
    }
    return outline;
  }

  #lengthDelimited(outline: Outline, tag: number, length: number): void {
    const at = this.#pos;
    if (tag === TRACE_ID_TAG) outline.traceIdAt = at;
    else if (tag === SPAN_ID_TAG) outline.spanIdAt = at;
    else if (tag === PARENT_TAG) outline.parentIdAt = parentAt(at, length);
    else if (tag === EVENTS_TAG) outline.features |= OUTLINE.events;
    else if (tag === LINKS_TAG) outline.features |= OUTLINE.links;
    else if (tag === TRACE_STATE_TAG) {
      outline.features = length > 0 ? outline.features | OUTLINE.traceState : outline.features & ~OUTLINE.traceState;
    }
  }

  #scalar(outline: Outline, tag: number): void {
    const wireType = tag & 7;
    if (wireType === FIXED64) this.#pos += 8;
    else if (wireType === FIXED32) this.#pos += 4;
    else if (wireType === GROUP_START) this.#skipGroup(tag);
    else {
      const value = this.#varint();
      if (tag === KIND_TAG) {
        outline.kind = value | 0;
        outline.features = value > INTERNAL ? outline.features | OUTLINE.kind : outline.features & ~OUTLINE.kind;
      } else if (value > 0 && DROPPED_TAGS.has(tag)) outline.features |= OUTLINE.droppedCounts;
    }
  }

  /** Long deprecated, and of no meaning in OTLP. */
  #skipGroup(tag: number): void {
    const cursor = new WireCursor(this.#bytes);
    cursor.pos = this.#pos;
    cursor.skip(GROUP_START, tag >>> 3, this.#bytes.length);
    this.#pos = cursor.pos;
  }

  /** An attribute up to `end`. */
  #attribute(end: number): void {
    const bytes = this.#bytes;
    const start = this.#pos;
    const keyLength = bytes[start + 1]!;
    const keyEnd = start + 2 + keyLength;
    // A short key and then a value, the way everybody writes them.
    if (bytes[start] === KEY_TAG && keyLength < 0x80 && keyEnd + 1 < end && bytes[keyEnd] === VALUE_TAG) {
      this.#pos = keyEnd + 1;
      const length = this.#varint();
      if (this.#pos + length === end) {
        this.#look(start + 2, keyLength, this.#pos, end);
        return;
      }
    }
    this.#pos = start;
    this.#unusualAttribute(end);
  }

  #unusualAttribute(end: number): void {
    const cursor = new WireCursor(this.#bytes);
    cursor.pos = this.#pos;
    let keyStart = end;
    let keyEnd = end;
    let valueStart = end;
    let valueEnd = end;
    while (cursor.pos < end) {
      const tag = cursor.tag(end);
      if (tag !== KEY_TAG && tag !== VALUE_TAG) {
        cursor.skip(tag & 7, tag >>> 3, end);
        continue;
      }
      const fieldEnd = cursor.len(end);
      if (tag === KEY_TAG) {
        keyStart = cursor.pos;
        keyEnd = fieldEnd;
      } else if (fieldEnd > cursor.pos) {
        valueStart = cursor.pos;
        valueEnd = fieldEnd;
      }
      cursor.pos = fieldEnd;
    }
    this.#look(keyStart, keyEnd - keyStart, valueStart, valueEnd);
  }

  #look(keyStart: number, keyLength: number, valueStart: number, valueEnd: number): void {
    const bytes = this.#bytes;
    if (isComplexValue(bytes, valueStart, valueEnd)) this.#outline.features |= OUTLINE.complexValue;
    if (keyLength === 0) return;
    this.#keyStart = keyStart;
    this.#keyEnd = keyStart + keyLength;
    this.#valueStart = valueStart;
    this.#valueEnd = valueEnd;
    this.#watch.look(bytes, keyStart, keyLength, this.#found);
  }

  #note(wants: readonly WatchedKey[]): void {
    const outline = this.#outline;
    const bytes = this.#bytes;
    const end = this.#valueEnd;
    const content = textStart(bytes, this.#valueStart, end);
    for (const { bit, only, onlyKeys, onlyBytes } of wants) {
      if (onlyBytes !== undefined && !onlyBytes(bytes, content === -1 ? this.#valueStart : content, end)) continue;
      if (onlyKeys !== undefined && !onlyKeys(bytes.toString('utf8', this.#keyStart, this.#keyEnd))) continue;
      if (only !== undefined) {
        if (only(content === -1 ? undefined : bytes.toString('utf8', content, end))) outline.keys |= bit;
      } else if (content === -1 ? isEmptyValue(bytes, this.#valueStart, end) : content === end)
        outline.emptyKeys |= bit;
      else outline.keys |= bit;
    }
  }

  /** Of what passed the check: at most ten bytes. Bits beyond the 32nd are of no interest here. */
  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#pos++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[this.#pos++]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }
}

/** An empty text, however it is written. An empty AnyValue counts as one, for Langfuse shows neither. */
function isEmptyValue(bytes: Buffer, start: number, end: number): boolean {
  if (contentStart(bytes, start, end) !== -1) return false;
  const value = readValue(bytes, start, end);
  return value === null || value === '';
}

function parentAt(at: number, length: number): number {
  if (length === 0) return NO_PARENT;
  return length === SPAN_ID_BYTES ? at : UNREADABLE_PARENT;
}

/** Where a text begins as everybody writes it; -1 for anything else. */
const textStart = (bytes: Buffer, start: number, end: number) =>
  bytes[start] === STRING_TAG ? contentStart(bytes, start, end) : -1;

/** Where the content of an AnyValue begins whose only member has a length; -1 for any other: of several members the last one counts. */
function contentStart(bytes: Buffer, start: number, end: number): number {
  if (start === end || (bytes[start]! & 7) !== LEN) return -1;
  let at = start;
  let length = 0;
  do length += (bytes[++at]! & 0x7f) * 2 ** (7 * (at - start - 1));
  while (bytes[at]! >= 0x80);
  return at + 1 + length === end ? at + 1 : -1;
}
