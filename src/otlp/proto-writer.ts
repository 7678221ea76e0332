import { type FieldSpec, tagOf } from './schema';

/** Bytes reserved for the length of a message that is still being written; `endMessage` closes the gap. */
const LENGTH_RESERVED_BYTES = 1;
/** Up to here a loop is faster than a call into native code. */
const SHORT_BYTES = 32;
/** Below this share of the buffer the result is copied into one of its size. */
const USED_SHARE_MIN = 0.75;

/**
 * Writes protobuf into one growing buffer. It differs from `protobufjs`' Writer in what the JSON reader needs: a position
 * can be remembered and returned to, so that a span found bad half-way leaves nothing behind, and no object is made per value.
 */
export class ProtoWriter {
  #bytes: Buffer;
  pos = 0;

  constructor(sizeHintBytes: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(sizeHintBytes, 64));
  }

  /** What was written. It may share memory with the writer, which must not be used afterwards. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.pos);
    // Whoever keeps it should not keep much more memory than it has bytes.
    return this.pos < this.#bytes.length * USED_SHARE_MIN ? Buffer.from(written) : written;
  }

  /** What was written so far, in the writer's own memory: good until something else is written. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.pos);
  }

  varint(value: number): void {
    this.#reserve(5);
    this.#putVarint(value >>> 0);
  }

  /** A 64-bit varint; negative values as two's complement. */
  varint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.#bytes[this.pos++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.pos++] = Number(rest);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.pos = this.#bytes.writeUInt32LE(value >>> 0, this.pos);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.pos = this.#bytes.writeBigUInt64LE(value, this.pos);
  }

  double(value: number): void {
    this.#reserve(8);
    this.pos = this.#bytes.writeDoubleLE(value, this.pos);
  }

  tag(field: FieldSpec): void {
    this.varint(tagOf(field));
  }

  /** The bytes as they are, without tag or length. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    this.#reserve(end - start);
    if (end - start > SHORT_BYTES) {
      this.#bytes.set(source.subarray(start, end), this.pos);
      this.pos += end - start;
    } else for (let at = start; at < end; at++) this.#bytes[this.pos++] = source[at]!;
  }

  /** Length and bytes. */
  bytes(source: Uint8Array, start = 0, end = source.length): void {
    this.varint(end - start);
    this.raw(source, start, end);
  }

  /** Length and UTF-8 of a string; a lone surrogate becomes U+FFFD, as protobuf has no other way to say it. */
  string(value: string): void {
    this.bytes(Buffer.from(value, 'utf8'));
  }

  /** Begins a message of unknown length and returns the mark that `endMessage` wants. */
  beginMessage(): number {
    this.#reserve(LENGTH_RESERVED_BYTES);
    this.pos += LENGTH_RESERVED_BYTES;
    return this.pos;
  }

  endMessage(mark: number): void {
    const length = this.pos - mark;
    const lengthBytes = varintBytes(length);
    const shift = lengthBytes - LENGTH_RESERVED_BYTES;
    if (shift > 0) {
      this.#reserve(shift);
      this.#bytes.copyWithin(mark + shift, mark, this.pos);
    }
    this.pos = mark - LENGTH_RESERVED_BYTES;
    this.#putVarint(length);
    this.pos += length;
  }

  #putVarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.pos++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.pos++] = rest;
  }

  #reserve(count: number): void {
    if (this.pos + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.pos + count));
    this.#bytes.copy(grown, 0, 0, this.pos);
    this.#bytes = grown;
  }
}

/** How many bytes an unsigned 32-bit number takes as a varint. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}
