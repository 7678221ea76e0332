import { isUtf8 } from 'node:buffer';
import { badRequest, type GatewayError } from '../errors';
import { isZero } from './bytes';
import { RequestLimits } from './request-limits';
import { ANY_VALUE, EVENT, field, KEY_VALUE, LEN, LINK, type MessageSpec, SPAN, tagOf } from './schema';
import { WireCursor } from './wire-cursor';

/** What the check saw in a span, or in its resource or scope, that somebody has to judge. A bit each. */
export const TRAITS = {
  traceIdInvalid: 1 << 0,
  spanIdInvalid: 1 << 1,
  /** Eight zero bytes instead of nothing. */
  parentZero: 1 << 2,
  /** Neither 0 nor 8 bytes. */
  parentUnreadable: 1 << 3,
  /** A value nested deeper than VALUE_DEPTH_MAX. */
  tooDeep: 1 << 4,
  invalidUtf8: 1 << 5,
  /** A KeyValue without its value field, which Langfuse's worker throws on (langfuse-server: convertValueToPlainJavascript). */
  valueAbsent: 1 << 6,
  bytesValue: 1 << 7,
  /** A string index, which means something in profiles only. */
  stringIndex: 1 << 8,
  /** An id of a link is neither empty nor of its length. */
  linkIdUnreadable: 1 << 9,
} as const;

/**
 * Lists in lists beyond which a span is refused: JavaScript and Langfuse's database recurse over them. An attribute's own
 * value is no level yet.
 */
export const VALUE_DEPTH_MAX = 64;
/** Levels beyond which the whole body is refused, as hostile. */
export const DECODABLE_DEPTH_MAX = 5000;

/** Strings up to here are looked through in place; a call into native code costs more than that. */
const SHORT_STRING_BYTES = 48;

const TRACE_ID = field(SPAN, 'traceId').number;
const SPAN_ID = field(SPAN, 'spanId').number;
const PARENT_ID = field(SPAN, 'parentSpanId').number;
const LINK_TRACE_ID = field(LINK, 'traceId').number;
const LINK_SPAN_ID = field(LINK, 'spanId').number;
const VALUE = field(KEY_VALUE, 'value').number;
const KEY_STRINDEX = field(KEY_VALUE, 'keyStrindex').number;
const VALUE_STRINDEX = field(ANY_VALUE, 'stringValueStrindex').number;
const BYTES_VALUE = field(ANY_VALUE, 'bytesValue').number;

/** The messages that are open around the one being walked: where each ends, and whether its value was seen. */
const outerSpecs: MessageSpec[] = [];
const outerEnds: number[] = [];
const outerSeen: boolean[] = [];

/**
 * Walks the message from `cursor.pos` to `end`, to its last leaf, and returns the traits found. For a Span they
 * include those of its ids. Broken framing, at any depth, is a GatewayError (400).
 *
 * It keeps its own stack instead of calling itself: a body may nest 5,000 levels deep, which is more than Node's.
 */
export function checkMessage(
  message: MessageSpec,
  cursor: WireCursor,
  end: number,
  limits = new RequestLimits(),
): number {
  const { bytes } = cursor;
  let traits = message === SPAN ? TRAITS.traceIdInvalid | TRAITS.spanIdInvalid : 0;
  let spec = message;
  let open = 0;
  let depth = 0;
  let valueSeen = false;
  for (;;) {
    while (cursor.pos === end) {
      if (spec === KEY_VALUE && !valueSeen) traits |= TRAITS.valueAbsent;
      else if (spec === ANY_VALUE) depth--;
      if (open === 0) return traits;
      spec = outerSpecs[--open]!;
      end = outerEnds[open]!;
      valueSeen = outerSeen[open]!;
    }
    const tag = cursor.tag(end);
    const number = tag >>> 3;
    const known = spec.byNumber[number];
    if (known === undefined || known.wireType !== LEN) {
      skipField(cursor, spec, tag, end);
      if (number === VALUE_STRINDEX && spec === ANY_VALUE) traits |= TRAITS.stringIndex;
      if (number === KEY_STRINDEX && spec === KEY_VALUE) traits |= TRAITS.stringIndex;
      continue;
    }
    if ((tag & 7) !== LEN) throw wrongWireType(cursor, spec, tag);
    const fieldEnd = cursor.len(end);
    const start = cursor.pos;
    if (known.message !== undefined) limits.message();
    if (known.message === EVENT || known.message === LINK) limits.detail();
    if (known.message === KEY_VALUE && isPlainKeyValue(bytes, start, fieldEnd)) {
      cursor.pos = fieldEnd;
      continue;
    }
    if (known.message !== undefined) {
      if (number === VALUE && spec === KEY_VALUE) valueSeen = true;
      outerSpecs[open] = spec;
      outerEnds[open] = end;
      outerSeen[open++] = valueSeen;
      spec = known.message;
      end = fieldEnd;
      valueSeen = false;
      if (spec === ANY_VALUE && ++depth > VALUE_DEPTH_MAX + 1) {
        traits |= TRAITS.tooDeep;
        if (depth > DECODABLE_DEPTH_MAX + 1)
          throw badRequest(`protobuf: values nested deeper than ${DECODABLE_DEPTH_MAX} levels`);
      }
      continue;
    }
    cursor.pos = fieldEnd;
    if (known.kind === 'string') {
      if (!isValidUtf8(bytes, start, fieldEnd)) traits |= TRAITS.invalidUtf8;
    } else if (spec === SPAN) traits = idTraits(traits, number, bytes, start, fieldEnd);
    else if (spec === ANY_VALUE && number === BYTES_VALUE) traits |= TRAITS.bytesValue;
    else if (spec === LINK && isMisfit(number, fieldEnd - start)) traits |= TRAITS.linkIdUnreadable;
  }
}

const isMisfit = (number: number, length: number) =>
  length > 0 && ((number === LINK_TRACE_ID && length !== 16) || (number === LINK_SPAN_ID && length !== 8));

const KEY_TAG = tagOf(field(KEY_VALUE, 'key'));
const VALUE_TAG = tagOf(field(KEY_VALUE, 'value'));
const STRING_VALUE_TAG = tagOf(field(ANY_VALUE, 'stringValue'));

/**
 * A key of ASCII and a string value, written the way everybody writes them: nothing to find fault with. Most attributes
 * are like that, and seeing it costs half of walking them; whatever is not quite so is left to the walk.
 */
function isPlainKeyValue(bytes: Buffer, start: number, end: number): boolean {
  const keyEnd = start + 2 + bytes[start + 1]!;
  if (bytes[start] !== KEY_TAG || bytes[start + 1]! >= 0x80 || keyEnd + 4 > end || bytes[keyEnd] !== VALUE_TAG)
    return false;
  if (!isAscii(bytes, start + 2, keyEnd)) return false;
  // A value of less than 128 bytes: its length and that of its string take one byte each.
  const valueStart = keyEnd + 2;
  if (end - valueStart >= 0x80 || valueStart + bytes[keyEnd + 1]! !== end) return false;
  if (bytes[valueStart] !== STRING_VALUE_TAG) return false;
  return valueStart + 2 + bytes[valueStart + 1]! === end && isAscii(bytes, valueStart + 2, end);
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  let seen = 0;
  for (let at = start; at < end; at++) seen |= bytes[at]!;
  return seen < 0x80;
}

/** Checks a message that fills `bytes`. */
export const checkBytes = (message: MessageSpec, bytes: Buffer, limits = new RequestLimits()) =>
  checkMessage(message, new WireCursor(bytes), bytes.length, limits);

/** Steps over a field whose content does not matter; a known field must still have its wire type. */
export function skipField(cursor: WireCursor, spec: MessageSpec, tag: number, end: number): void {
  const known = spec.byNumber[tag >>> 3];
  if (known !== undefined && known.wireType !== (tag & 7)) throw wrongWireType(cursor, spec, tag);
  cursor.skip(tag & 7, tag >>> 3, end);
}

/** The last occurrence of a field wins, so each one judges anew. */
function idTraits(traits: number, number: number, bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (number === TRACE_ID) {
    return length === 16 && !isZero(bytes, start, end)
      ? traits & ~TRAITS.traceIdInvalid
      : traits | TRAITS.traceIdInvalid;
  }
  if (number === SPAN_ID) {
    return length === 8 && !isZero(bytes, start, end) ? traits & ~TRAITS.spanIdInvalid : traits | TRAITS.spanIdInvalid;
  }
  if (number !== PARENT_ID) return traits;
  const others = traits & ~(TRAITS.parentZero | TRAITS.parentUnreadable);
  if (length === 0) return others;
  if (length !== 8) return others | TRAITS.parentUnreadable;
  return isZero(bytes, start, end) ? others | TRAITS.parentZero : others;
}

function isValidUtf8(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > SHORT_STRING_BYTES) return isUtf8(bytes.subarray(start, end));
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return isUtf8(bytes.subarray(at, end));
  return true;
}

function wrongWireType(cursor: WireCursor, spec: MessageSpec, tag: number): GatewayError {
  const name = `${spec.name}.${spec.byNumber[tag >>> 3]?.name}`;
  const description = `has wire type ${tag & 7}`;
  return badRequest(`protobuf: ${name} ${description}, before byte ${cursor.pos}`, {
    fieldViolations: [{ field: name, description }],
  });
}
