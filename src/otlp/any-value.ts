import { BufferReader, type Reader } from 'protobufjs/minimal';
import {
  ARRAY,
  ARRAY_VALUES,
  BOOL,
  BYTES,
  DOUBLE,
  INT,
  KEY,
  KVLIST,
  LIST_VALUES,
  STRING,
  VALUE,
} from './any-value-fields';
import { int64 } from './int64';
import type { ProtoWriter } from './proto-writer';
import { LEN } from './schema';
import { valueAsJson } from './value-json';
import { ValueRoom } from './value-room';

/**
 * An attribute's value as this gateway shows it: what OTel calls AttributeValue, and what OTLP has beyond it.
 * `null` is the empty AnyValue; an object (without prototype) a kvlist; an int64 that a number cannot hold a decimal string.
 */
export type Value = string | number | boolean | null | Uint8Array | Value[] | { [key: string]: Value };

/**
 * Reads the AnyValue between the reader's position and `end`; the last member of the oneof wins. What comes in parts is
 * merged, as for any protobuf message: `before` is the value of an earlier part.
 */
export function readAnyValue(reader: Reader, end: number, before: Value = null): Value {
  let value = before;
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case STRING.number:
        value = reader.string();
        break;
      case BOOL.number:
        value = reader.bool();
        break;
      case INT.number:
        value = int64(reader);
        break;
      case DOUBLE.number:
        value = reader.double();
        break;
      case ARRAY.number:
        value = readArray(reader, reader.uint32() + reader.pos, Array.isArray(value) ? value : []);
        break;
      case KVLIST.number:
        value = readList(reader, reader.uint32() + reader.pos, isList(value) ? value : emptyRecord());
        break;
      case BYTES.number:
        value = reader.bytes();
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return value;
}

/** The AnyValue between `start` and `end`; one of so many values that there is no room for them as its JSON text. */
export function readValue(bytes: Buffer, start: number, end: number): Value {
  if (!new ValueRoom().take(bytes, start, end)) return valueAsJson(bytes, start, end).toString();
  const reader = new BufferReader(bytes);
  reader.pos = start;
  return readAnyValue(reader, end);
}

/**
 * Reads one KeyValue and puts it into `into`, where a later duplicate wins. A value for which there is no `room` is read as
 * its JSON text; without `room` the whole that it belongs to has been given its room.
 */
export function readKeyValue(reader: Reader, end: number, into: Record<string, Value>, room?: ValueRoom): void {
  const bytes = reader.buf as Buffer;
  let key = '';
  let value: Value = null;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === KEY.number) key = reader.string();
    else if (tag >>> 3 === VALUE.number) {
      const valueEnd = reader.uint32() + reader.pos;
      if (!room || room.take(bytes, reader.pos, valueEnd)) value = readAnyValue(reader, valueEnd, value);
      else value = valueAsJson(bytes, reader.pos, valueEnd).toString();
      reader.pos = valueEnd;
    } else reader.skipType(tag & 7);
  }
  into[key] = value;
}

/** An object on which every key, `__proto__` too, is an ordinary one. */
export const emptyRecord = (): Record<string, Value> => Object.create(null) as Record<string, Value>;

/** Writes a whole KeyValue message, without tag and length. Numbers that are safe integers become int64, others double. */
export function writeKeyValue(writer: ProtoWriter, key: string, value: unknown): void {
  writer.tag(KEY);
  writer.string(key);
  writer.tag(VALUE);
  const mark = writer.beginMessage();
  writeAnyValue(writer, value);
  writer.endMessage(mark);
}

function writeAnyValue(writer: ProtoWriter, value: unknown): void {
  if (typeof value === 'string') {
    writer.tag(STRING);
    writer.string(value);
  } else if (typeof value === 'boolean') {
    writer.tag(BOOL);
    writer.varint(value ? 1 : 0);
  } else if (typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0))) {
    writer.tag(INT);
    writer.varint64(BigInt(value as number | bigint));
  } else if (typeof value === 'number') {
    writer.tag(DOUBLE);
    writer.double(value);
  } else if (value instanceof Uint8Array) {
    writer.tag(BYTES);
    writer.bytes(value);
  } else if (Array.isArray(value)) writeArray(writer, value);
  else if (typeof value === 'object' && value !== null) writeList(writer, Object.entries(value));
}

function writeArray(writer: ProtoWriter, values: unknown[]): void {
  writer.tag(ARRAY);
  const mark = writer.beginMessage();
  for (const value of values) {
    writer.tag(ARRAY_VALUES);
    const element = writer.beginMessage();
    writeAnyValue(writer, value);
    writer.endMessage(element);
  }
  writer.endMessage(mark);
}

function writeList(writer: ProtoWriter, entries: [string, unknown][]): void {
  writer.tag(KVLIST);
  const mark = writer.beginMessage();
  for (const [key, value] of entries) {
    writer.tag(LIST_VALUES);
    const element = writer.beginMessage();
    writeKeyValue(writer, key, value);
    writer.endMessage(element);
  }
  writer.endMessage(mark);
}

function readArray(reader: Reader, end: number, values: Value[]): Value[] {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === ARRAY_VALUES.number && (tag & 7) === LEN) {
      values.push(readAnyValue(reader, reader.uint32() + reader.pos));
    } else reader.skipType(tag & 7);
  }
  return values;
}

const isList = (value: Value): value is Record<string, Value> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

function readList(reader: Reader, end: number, list: Record<string, Value>): Record<string, Value> {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === LIST_VALUES.number) readKeyValue(reader, reader.uint32() + reader.pos, list);
    else reader.skipType(tag & 7);
  }
  return list;
}

const LIST_TYPES = ['string', 'boolean', 'number'];

/** A value that Langfuse decodes, as it is, and of any other the JSON text. */
export function plainOrJson(value: Value): Value {
  return isComplex(value) ? jsonText(value) : value;
}

/** As `isComplexValue` says it of bytes, for a value that is decoded. */
export function isComplex(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value)) return true;
  const type = typeof value[0];
  return !LIST_TYPES.includes(type) || value.some((element) => typeof element !== type);
}

/** JSON of what an attribute holds; what JSON has no form for becomes a text: bytes, NaN and the infinities. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, function (this: unknown, key: string, shown: unknown) {
    // Buffers have turned themselves into something else by now.
    const held = (this as Record<string, unknown>)[key];
    if (held instanceof Uint8Array) return Buffer.from(held).toString('base64');
    return typeof shown === 'number' && !Number.isFinite(shown) ? String(shown) : shown;
  });
}
