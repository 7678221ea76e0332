import { writeKeyValue } from './any-value';
import { KEY, VALUE } from './any-value-fields';
import { ProtoWriter } from './proto-writer';
import { field, SPAN, tagOf } from './schema';
import { WireCursor } from './wire-cursor';

const ATTRIBUTES = field(SPAN, 'attributes');
const ATTRIBUTES_TAG = tagOf(ATTRIBUTES);

/** An attribute on the wire. */
export interface AttributeField {
  readonly key: string;
  /** Of its AnyValue; given twice, of the last that is not empty. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Reads the attribute whose field, tag included, lies between `start` and `end`. */
export function readAttribute(bytes: Buffer, start: number, end: number): AttributeField {
  const cursor = new WireCursor(bytes);
  cursor.pos = start;
  cursor.tag(end);
  cursor.len(end);
  let key = '';
  let valueStart = end;
  let valueEnd = end;
  while (cursor.pos < end) {
    const tag = cursor.tag(end);
    const number = tag >>> 3;
    if (number !== KEY.number && number !== VALUE.number) {
      cursor.skip(tag & 7, number, end);
      continue;
    }
    const fieldEnd = cursor.len(end);
    if (number === KEY.number) key = bytes.toString('utf8', cursor.pos, fieldEnd);
    else if (fieldEnd > cursor.pos) {
      valueStart = cursor.pos;
      valueEnd = fieldEnd;
    }
    cursor.pos = fieldEnd;
  }
  return { key, valueStart, valueEnd };
}

/** The span's attributes of these keys; of equal keys the last one. */
export function findAttributes(
  bytes: Buffer,
  span: { readonly start: number; readonly end: number },
  keys: readonly string[],
): ReadonlyMap<string, AttributeField> {
  const found = new Map<string, AttributeField>();
  const cursor = new WireCursor(bytes);
  cursor.pos = span.start;
  while (cursor.pos < span.end) {
    const at = cursor.pos;
    const tag = cursor.tag(span.end);
    cursor.skip(tag & 7, tag >>> 3, span.end);
    if (tag !== ATTRIBUTES_TAG) continue;
    const attribute = readAttribute(bytes, at, cursor.pos);
    if (keys.includes(attribute.key)) found.set(attribute.key, attribute);
  }
  return found;
}

/** An attribute as a field of its span. */
export function attributeField(key: string, value: unknown): Buffer {
  const writer = new ProtoWriter(64);
  writeAttribute(writer, key, value);
  return writer.finish();
}

/** Writes an attribute as a field of its span. */
export function writeAttribute(writer: ProtoWriter, key: string, value: unknown): void {
  writer.tag(ATTRIBUTES);
  const mark = writer.beginMessage();
  writeKeyValue(writer, key, value);
  writer.endMessage(mark);
}
