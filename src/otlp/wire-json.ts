import { BufferReader } from 'protobufjs/minimal';
import { int64 } from './int64';
import { ANY_VALUE, FIXED32, FIXED64, type FieldSpec, LEN, type MessageSpec, SPAN, VARINT } from './schema';

/** Deeper values, and more of them, are not told one by one: it is for people. */
const DEPTH_MAX = 64;
const VALUES_MAX = 20_000;
const LEFT_OUT = '…';

const ID_NAMES = new Set(['traceId', 'spanId', 'parentSpanId']);

/**
 * The message between `start` and `end` as OTLP JSON to be read by people, with nothing interpreted: ids in hex of whatever
 * length they are, integers of 64 bits as texts, fields that are not known by their numbers. Its framing must have passed the
 * check; what is beyond some 20,000 values or 64 levels is left out.
 */
export function wireJson(message: MessageSpec, bytes: Buffer, start = 0, end = bytes.length): object {
  return new WireReader(bytes).message(message, start, end, 0);
}

type Json = Record<string, unknown>;

class WireReader {
  readonly #bytes: Buffer;
  readonly #reader: BufferReader;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#reader = new BufferReader(bytes);
  }

  message(message: MessageSpec, start: number, end: number, depth: number): Json {
    const json: Json = {};
    const reader = this.#reader;
    for (reader.pos = start; reader.pos < end; ) {
      const tag = reader.uint32();
      const known = message.byNumber[tag >>> 3];
      const fits = known !== undefined && known.wireType === (tag & 7);
      const name = fits ? known.name : `field ${tag >>> 3}`;
      const value = fits ? this.#known(known, depth) : this.#unknown(tag & 7);
      if (++this.#values > VALUES_MAX) return { ...json, [LEFT_OUT]: 'more values are not shown' };
      put(json, name, value, fits ? known.repeated : Object.hasOwn(json, name));
    }
    return json;
  }

  #known(known: FieldSpec, depth: number): unknown {
    const reader = this.#reader;
    switch (known.kind) {
      case 'message': {
        const end = reader.uint32() + reader.pos;
        const value =
          depth >= DEPTH_MAX ? LEFT_OUT : this.message(known.message ?? ANY_VALUE, reader.pos, end, depth + 1);
        reader.pos = end;
        return value;
      }
      case 'string':
        return this.#slice().toString('utf8');
      case 'bytes':
        return this.#slice().toString(ID_NAMES.has(known.name) ? 'hex' : 'base64');
      case 'bool':
        return reader.bool();
      case 'int64':
        return String(int64(reader));
      case 'double': {
        const value = reader.double();
        return Number.isFinite(value) ? value : String(value);
      }
      case 'fixed64':
        return this.#fixed64();
      case 'fixed32':
        return reader.fixed32();
      case 'int32':
      case 'enum':
        return reader.int32();
      case 'uint32':
        return reader.uint32();
    }
  }

  #unknown(wireType: number): unknown {
    const reader = this.#reader;
    if (wireType === VARINT) return String(int64(reader));
    if (wireType === FIXED64) return this.#fixed64();
    if (wireType === FIXED32) return reader.fixed32();
    if (wireType === LEN) return this.#slice().toString('base64');
    reader.skipType(wireType);
    return LEFT_OUT;
  }

  #fixed64(): string {
    const at = this.#reader.pos;
    this.#reader.pos = at + 8;
    return String(this.#bytes.readBigUInt64LE(at));
  }

  #slice(): Buffer {
    const reader = this.#reader;
    const end = reader.uint32() + reader.pos;
    const slice = this.#bytes.subarray(reader.pos, end);
    reader.pos = end;
    return slice;
  }
}

/** `__proto__` is a name like any other. A field that may not come twice and does is a list, too, where it is not known. */
function put(json: Json, name: string, value: unknown, isList: boolean): void {
  const before = Object.hasOwn(json, name) ? json[name] : undefined;
  if (isList && Array.isArray(before)) {
    before.push(value);
    return;
  }
  const after = isList ? (before === undefined ? [value] : [before, value]) : value;
  Object.defineProperty(json, name, { value: after, enumerable: true, configurable: true, writable: true });
}

export const spanJson = (bytes: Buffer, { start, end }: { start: number; end: number }) =>
  wireJson(SPAN, bytes, start, end);
