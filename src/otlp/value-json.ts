import { BufferReader } from 'protobufjs/minimal';
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
import { JsonText } from './json-text';
import { KvlistEntries } from './kvlist-entries';
import { LEN, tagOf } from './schema';

const ARRAY_VALUES_TAG = tagOf(ARRAY_VALUES);

const COMMA = 0x2c;
const COLON = 0x3a;
/** Varints of so many bytes at most hold less than 31 bits. */
const SHORT_VARINT_BYTES = 4;
/** The value end of an entry whose value came in parts; its value start is then a position among `#parts`. */
const IN_PARTS = -1;

/**
 * JSON, as UTF-8, of the AnyValue between `start` and `end`, which must have passed the check and not be too deep: what
 * `jsonText` makes of the value that `readValue` reads there, but that the entries of a map keep their sender's order. No
 * value is decoded on the way: three million empty ones come in a few kilobytes, and as objects they would fill the heap.
 */
export function valueAsJson(bytes: Buffer, start: number, end: number): Buffer {
  const transcoder = new Transcoder(bytes, (end - start) * 2);
  transcoder.value(start, end);
  return transcoder.out.finish();
}

/** Calls itself per level: values nested deeper than VALUE_DEPTH_MAX do not come here. */
class Transcoder {
  readonly out: JsonText;
  readonly #bytes: Buffer;
  readonly #reader: BufferReader;
  readonly #entries: KvlistEntries;
  /** Pairs of start and end each. */
  readonly #parts: number[][] = [];

  constructor(bytes: Buffer, sizeHintBytes: number) {
    this.out = new JsonText(sizeHintBytes);
    this.#bytes = bytes;
    this.#reader = new BufferReader(bytes);
    this.#entries = new KvlistEntries(bytes);
  }

  value(start: number, end: number): void {
    if (start === end) this.out.ascii('null');
    else if (!this.#isOnlyMember(start, end)) this.#merged([start, end]);
  }

  /** Writes a value that is one member with a length and nothing else, as nearly all are; false for any other. */
  #isOnlyMember(start: number, end: number): boolean {
    const tag = this.#bytes[start]!;
    if (tag >= 0x80 || (tag & 7) !== LEN) return false;
    this.#reader.pos = start + 1;
    const length = this.#reader.uint32();
    if (this.#reader.pos + length !== end || !isKnown(tag >>> 3)) return false;
    this.#member(tag >>> 3, [this.#reader.pos, end]);
    return true;
  }

  /** The last member of the oneof wins, but lists and maps that follow one another are one. `parts`: those of the message. */
  #merged(parts: readonly number[]): void {
    const reader = this.#reader;
    let member = 0;
    let found: number[] = [];
    for (let part = 0; part < parts.length; part += 2) {
      reader.pos = parts[part]!;
      while (reader.pos < parts[part + 1]!) {
        const tag = reader.uint32();
        const number = tag >>> 3;
        const isMember = isKnown(number);
        const length = isMember && (tag & 7) === LEN ? reader.uint32() : -1;
        const start = reader.pos;
        if (length === -1) reader.skipType(tag & 7);
        else reader.pos += length;
        if (!isMember) continue;
        if (number !== member || (number !== ARRAY.number && number !== KVLIST.number)) found = [];
        member = number;
        found.push(start, reader.pos);
      }
    }
    this.#member(member, found);
  }

  #member(number: number, found: readonly number[]): void {
    // One that has no member has no place either, and asks for none.
    const start = found[0]!;
    const end = found[1]!;
    switch (number) {
      case STRING.number:
        this.out.string(this.#bytes, start, end);
        break;
      case BOOL.number:
        this.#reader.pos = start;
        this.out.ascii(this.#reader.bool() ? 'true' : 'false');
        break;
      case INT.number:
        this.#int(start, end);
        break;
      case DOUBLE.number:
        this.#double(this.#bytes.readDoubleLE(start));
        break;
      case ARRAY.number:
        this.#array(found);
        break;
      case KVLIST.number:
        this.#map(found);
        break;
      case BYTES.number:
        this.out.base64(this.#bytes, start, end);
        break;
      default:
        this.out.ascii('null');
    }
  }

  #int(start: number, end: number): void {
    this.#reader.pos = start;
    if (end - start <= SHORT_VARINT_BYTES) {
      this.out.natural(this.#reader.uint32());
      return;
    }
    const value = int64(this.#reader);
    this.out.ascii(typeof value === 'number' ? String(value) : `"${value}"`);
  }

  /** JSON has no minus zero, and no NaN and infinities, which become texts. */
  #double(value: number): void {
    this.out.ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
  }

  #array(found: readonly number[]): void {
    const { out } = this;
    const bytes = this.#bytes;
    const reader = this.#reader;
    let isFirst = true;
    out.put(0x5b);
    for (let part = 0; part < found.length; part += 2) {
      const end = found[part + 1]!;
      for (let at = found[part]!; at < end; ) {
        reader.pos = at;
        const tag = reader.uint32();
        if (tag !== ARRAY_VALUES_TAG) {
          reader.skipType(tag & 7);
          at = reader.pos;
          continue;
        }
        const length = bytes[reader.pos]! < 0x80 ? bytes[reader.pos++]! : reader.uint32();
        const start = reader.pos;
        at = start + length;
        if (isFirst) isFirst = false;
        else out.put(COMMA);
        this.value(start, at);
      }
    }
    out.put(0x5d);
  }

  #map(found: readonly number[]): void {
    const { out } = this;
    const entries = this.#entries;
    const from = entries.size;
    for (let part = 0; part < found.length; part += 2) this.#readEntries(found[part]!, found[part + 1]!);
    entries.mergeEqualKeys(from);
    const to = entries.size;
    out.put(0x7b);
    for (let row = from; row < to; row++) {
      if (entries.isGone(row)) continue;
      // The first one is never gone.
      if (row > from) out.put(COMMA);
      out.string(this.#bytes, entries.keyStart(row), entries.keyEnd(row));
      out.put(COLON);
      const start = entries.valueStart(row);
      const end = entries.valueEnd(row);
      if (end === IN_PARTS) this.#merged(this.#parts[start]!);
      else this.value(start, end);
    }
    out.put(0x7d);
    entries.size = from;
  }

  #readEntries(start: number, end: number): void {
    const reader = this.#reader;
    reader.pos = start;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag >>> 3 === LIST_VALUES.number) this.#readEntry(reader.uint32() + reader.pos);
      else reader.skipType(tag & 7);
    }
  }

  /** The KeyValue from the reader's position. A value that comes twice is merged, as any message is. */
  #readEntry(end: number): void {
    const reader = this.#reader;
    let keyStart = reader.pos;
    let keyEnd = keyStart;
    let valueStart = keyStart;
    let valueEnd = keyStart;
    let parts: number[] | undefined;
    let values = 0;
    while (reader.pos < end) {
      const tag = reader.uint32();
      const number = tag >>> 3;
      if (number !== KEY.number && number !== VALUE.number) {
        reader.skipType(tag & 7);
        continue;
      }
      const length = reader.uint32();
      if (number === KEY.number) {
        keyStart = reader.pos;
        keyEnd = keyStart + length;
      } else {
        if (++values === 2) parts = [valueStart, valueEnd];
        valueStart = reader.pos;
        valueEnd = valueStart + length;
        parts?.push(valueStart, valueEnd);
      }
      reader.pos += length;
    }
    if (parts === undefined) this.#entries.add(keyStart, keyEnd, valueStart, valueEnd);
    else this.#entries.add(keyStart, keyEnd, this.#parts.push(parts) - 1, IN_PARTS);
  }
}

const MEMBERS: readonly number[] = [STRING, BOOL, INT, DOUBLE, ARRAY, KVLIST, BYTES].map(({ number }) => number);
/** AnyValue's members have numbers below 32: a bit each. */
const MEMBER_BITS = MEMBERS.reduce((bits, number) => bits | (1 << number), 0);

const isKnown = (number: number) => number < 32 && (MEMBER_BITS & (1 << number)) !== 0;
