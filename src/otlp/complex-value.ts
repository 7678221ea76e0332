import { BufferReader } from 'protobufjs/minimal';
import { ARRAY, ARRAY_VALUES, BOOL, BYTES, DOUBLE, INT, KVLIST, STRING } from './any-value-fields';
import { tagOf } from './schema';

/** The JSON kinds that a list may hold alone, by the tag of the AnyValue's member. */
const STRING_TAG = tagOf(STRING);
const BOOL_TAG = tagOf(BOOL);
const INT_TAG = tagOf(INT);
const DOUBLE_TAG = tagOf(DOUBLE);
const LIST_KINDS = new Map([
  [STRING_TAG, 'text'],
  [BOOL_TAG, 'boolean'],
  [INT_TAG, 'number'],
  [DOUBLE_TAG, 'number'],
]);
const ARRAY_TAG = tagOf(ARRAY);
const ARRAY_VALUES_TAG = tagOf(ARRAY_VALUES);

/**
 * Whether the AnyValue between `start` and `end` is one that Langfuse stores as the text of its OTLP JSON, or that SDKs
 * cannot hold in an attribute: a map, bytes, an empty list, or a list of anything but texts, booleans or numbers alone.
 * Looks at as few bytes as it can.
 */
export function isComplexValue(bytes: Buffer, start: number, end: number): boolean {
  // By their numbers: looking into the map would cost as much as the rest.
  const tag = bytes[start]!;
  if (start === end || tag === STRING_TAG || tag === BOOL_TAG || tag === INT_TAG || tag === DOUBLE_TAG) return false;
  return !(tag === ARRAY_TAG && isPlainList(bytes, start, end)) && shapeOf(bytes, start, end) === 'complex';
}

/** As everybody writes it; false decides nothing. */
function isPlainList(bytes: Buffer, start: number, end: number): boolean {
  const reader = new BufferReader(bytes);
  reader.pos = start + 1;
  if (reader.uint32() + reader.pos !== end || reader.pos === end) return false;
  let kind: string | undefined;
  while (reader.pos < end) {
    if (bytes[reader.pos++] !== ARRAY_VALUES_TAG) return false;
    const length = reader.uint32();
    const found = length === 0 ? undefined : LIST_KINDS.get(bytes[reader.pos]!);
    if (found === undefined || (kind ?? found) !== found) return false;
    kind = found;
    reader.pos += length;
  }
  return true;
}

const SCALARS = new Map([
  [STRING.number, 'text'],
  [BOOL.number, 'boolean'],
  [INT.number, 'number'],
  [DOUBLE.number, 'number'],
]);

/** What the AnyValue holds, in whatever way it is written: a kind of scalar, a `list` of one kind, nothing, or `complex`. */
function shapeOf(bytes: Buffer, start: number, end: number, isElement = false): string | undefined {
  const reader = new BufferReader(bytes);
  reader.pos = start;
  let shape: string | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    if (number === ARRAY.number) {
      const listEnd = reader.uint32() + reader.pos;
      // A list in a list is complex whatever is in it, and may be nested deep; one in parts is written by nobody.
      const isPlain = !isElement && shape === undefined && isListOfOneKind(bytes, reader.pos, listEnd);
      shape = isPlain ? 'list' : 'complex';
      reader.pos = listEnd;
      continue;
    }
    reader.skipType(tag & 7);
    const isMap = number === KVLIST.number || number === BYTES.number;
    shape = isMap ? 'complex' : (SCALARS.get(number) ?? shape);
  }
  return shape;
}

function isListOfOneKind(bytes: Buffer, start: number, end: number): boolean {
  const reader = new BufferReader(bytes);
  reader.pos = start;
  let kind: string | undefined;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 !== ARRAY_VALUES.number) {
      reader.skipType(tag & 7);
      continue;
    }
    const elementEnd = reader.uint32() + reader.pos;
    const found = shapeOf(bytes, reader.pos, elementEnd, true);
    if (found === undefined || found === 'complex' || (kind ?? found) !== found) return false;
    kind = found;
    reader.pos = elementEnd;
  }
  return kind !== undefined;
}
