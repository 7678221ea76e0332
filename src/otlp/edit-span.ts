import { readAttribute, writeAttribute } from './attribute-fields';
import { type ProtoWriter, varintBytes } from './proto-writer';
import { spanField } from './rewrite';
import { field, SCOPE_SPANS, SPAN, tagOf } from './schema';
import { WireCursor } from './wire-cursor';

const SPANS_TAG = tagOf(field(SCOPE_SPANS, 'spans'));
const TRACE_ID = field(SPAN, 'traceId');
const SPAN_ID = field(SPAN, 'spanId');
const PARENT_ID = field(SPAN, 'parentSpanId');
const START = field(SPAN, 'startTimeUnixNano');
const END = field(SPAN, 'endTimeUnixNano');
const ATTRIBUTES = field(SPAN, 'attributes');
const LINKS = field(SPAN, 'links');

/** What becomes of a span; what is not named stays as it is, byte for byte. */
export interface SpanEdit {
  traceId?: Buffer | undefined;
  spanId?: Buffer | undefined;
  /** `null`: none. */
  parentSpanId?: Buffer | null | undefined;
  /** Nanoseconds since 1970. */
  startTime?: bigint | undefined;
  endTime?: bigint | undefined;
  /** New values by key; `undefined` leaves the attribute out. */
  attributes?: ReadonlyMap<string, unknown> | undefined;
  /** Called with each link's message; returns it as it shall be, or `undefined` to leave it out. */
  link?: (message: Buffer) => Buffer | undefined;
  /** Fields of the span, encoded, to be put behind all others. */
  appendix?: Buffer | undefined;
}

/** Where a span's message lies. */
export interface SpanRange {
  readonly start: number;
  readonly end: number;
}

/** The span's whole field of ScopeSpans, tag and length included, edited. The span must have passed the check. */
export function editSpan(bytes: Buffer, { start, end }: SpanRange, edit: SpanEdit): Buffer {
  const replaced = new Set(
    [
      edit.traceId === undefined ? undefined : TRACE_ID,
      edit.spanId === undefined ? undefined : SPAN_ID,
      edit.parentSpanId === undefined ? undefined : PARENT_ID,
      edit.startTime === undefined ? undefined : START,
      edit.endTime === undefined ? undefined : END,
    ].map((known) => known?.number),
  );
  return spanField(end - start + (edit.appendix?.length ?? 0), (writer) => {
    const cursor = new WireCursor(bytes);
    cursor.pos = start;
    while (cursor.pos < end) {
      const at = cursor.pos;
      const tag = cursor.tag(end);
      const number = tag >>> 3;
      const contentAt = cursor.pos;
      cursor.skip(tag & 7, number, end);
      if (replaced.has(number)) continue;
      if (number === ATTRIBUTES.number && edit.attributes?.has(readAttribute(bytes, at, cursor.pos).key)) continue;
      if (number === LINKS.number && edit.link !== undefined) {
        cursor.pos = contentAt;
        const linkEnd = cursor.len(end);
        copyLink(writer, edit.link(bytes.subarray(cursor.pos, linkEnd)));
        cursor.pos = linkEnd;
      } else writer.raw(bytes, at, cursor.pos);
    }
    append(writer, edit);
  });
}

/** A span's field with fields put behind its own. It is for spans by the thousand: one copy, and nothing is looked at. */
export function appendToSpan(bytes: Buffer, { start, end }: SpanRange, fields: readonly Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, end - start);
  const prefix = varintBytes(length) + 1;
  const span = Buffer.allocUnsafe(prefix + length);
  span[0] = SPANS_TAG;
  let rest = length;
  for (let at = 1; at < prefix; at++) {
    span[at] = (rest & 0x7f) | (at + 1 < prefix ? 0x80 : 0);
    rest >>>= 7;
  }
  let at = prefix + bytes.copy(span, prefix, start, end);
  for (const field of fields) at += field.copy(span, at);
  return span;
}

/** Where the message lies in a span's field of ScopeSpans. */
export function messageIn(spanField: Buffer): SpanRange {
  const cursor = new WireCursor(spanField);
  cursor.tag(spanField.length);
  const end = cursor.len(spanField.length);
  return { start: cursor.pos, end };
}

function append(writer: ProtoWriter, edit: SpanEdit): void {
  for (const [known, id] of [
    [TRACE_ID, edit.traceId],
    [SPAN_ID, edit.spanId],
    [PARENT_ID, edit.parentSpanId],
  ] as const) {
    if (id === undefined || id === null) continue;
    writer.tag(known);
    writer.bytes(id);
  }
  for (const [known, time] of [
    [START, edit.startTime],
    [END, edit.endTime],
  ] as const) {
    if (time === undefined) continue;
    writer.tag(known);
    writer.fixed64(time);
  }
  for (const [key, value] of edit.attributes ?? []) if (value !== undefined) writeAttribute(writer, key, value);
  if (edit.appendix !== undefined) writer.raw(edit.appendix);
}

function copyLink(writer: ProtoWriter, message: Buffer | undefined): void {
  if (message === undefined) return;
  writer.tag(LINKS);
  writer.bytes(message);
}
