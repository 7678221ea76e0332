import { badRequest } from '../errors';
import { FIXED32, FIXED64, GROUP_END, GROUP_START, LEN, VARINT } from './schema';

/** Groups are long deprecated; nobody nests them. The bound keeps a hostile body from growing the stack of open ones. */
const OPEN_GROUPS_MAX = 100;
const VARINT_BYTES_MAX = 10;
const TAG_BYTES_MAX = 5;

/**
 * Reads protobuf framing strictly: anything that a conforming parser might read in two ways is an error (400), because a
 * body that is skipped in silence is lost in silence. `protobufjs`' Reader serves where the bytes have passed here.
 */
export class WireCursor {
  pos = 0;
  /** The last varint had more than 32 bits. */
  #cut = false;

  constructor(readonly bytes: Buffer) {}

  /** A varint's low 32 bits, unsigned. Ten bytes at most, as for any 64-bit value. */
  varint(end: number): number {
    const { bytes } = this;
    const start = this.pos;
    this.#cut = false;
    // Nearly all tags and lengths are one byte.
    if (start < end && bytes[start]! < 0x80) {
      this.pos = start + 1;
      return bytes[start]!;
    }
    let value = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      const shift = (at - start) * 7;
      const bits = byte & 0x7f;
      if (shift < 28) value |= bits << shift;
      else {
        if (shift === 28) value |= bits << shift;
        if (shift > 28 ? bits !== 0 : bits > 0x0f) this.#cut = true;
      }
      if (byte < 0x80) {
        this.pos = at + 1;
        return value >>> 0;
      }
      if (at - start === VARINT_BYTES_MAX - 1)
        throw badRequest(`protobuf: varint of more than 10 bytes at byte ${start}`);
    }
    throw truncated(start);
  }

  /** A field's tag, as field number << 3 | wire type. */
  tag(end: number): number {
    const at = this.pos;
    const tag = this.varint(end);
    if (this.#cut) throw tooLarge(at);
    if (tag >>> 3 === 0) throw badRequest(`protobuf: field number 0 at byte ${at}`);
    if (this.pos - at > TAG_BYTES_MAX) throw badRequest(`protobuf: tag of more than 5 bytes at byte ${at}`);
    return tag;
  }

  /** Reads a length and returns where the field ends; `pos` is then at its first byte. */
  len(end: number): number {
    const at = this.pos;
    const fieldEnd = this.varint(end) + this.pos;
    if (this.#cut) throw tooLarge(at);
    if (fieldEnd > end) throw truncated(at);
    return fieldEnd;
  }

  /** Steps over one value. */
  skip(wireType: number, number: number, end: number): void {
    const at = this.pos;
    if (wireType === GROUP_START) this.#skipGroup(number, end);
    else if (wireType === VARINT) this.varint(end);
    else if (wireType === FIXED64) this.pos += 8;
    else if (wireType === LEN) this.pos = this.len(end);
    else if (wireType === FIXED32) this.pos += 4;
    else if (wireType === GROUP_END) throw badRequest(`protobuf: end of a group that did not begin, at byte ${at}`);
    else throw badRequest(`protobuf: unknown wire type ${wireType} at byte ${at}`);
    if (this.pos > end) throw truncated(at);
  }

  #skipGroup(number: number, end: number): void {
    const open = [number];
    while (open.length > 0) {
      const at = this.pos;
      const tag = this.tag(end);
      const wireType = tag & 7;
      if (wireType === GROUP_START) {
        if (open.push(tag >>> 3) > OPEN_GROUPS_MAX) throw badRequest(`protobuf: groups nested too deep at byte ${at}`);
      } else if (wireType === GROUP_END) {
        if (open.pop() !== tag >>> 3) throw badRequest(`protobuf: end of another group at byte ${at}`);
      } else this.skip(wireType, tag >>> 3, end);
    }
  }
}

const truncated = (at: number) => badRequest(`protobuf: truncated, the value at byte ${at} runs over its end`);

/** Other readers cut such a number down to 32 bits, and read another field or another length than a strict one. */
const tooLarge = (at: number) => badRequest(`protobuf: tag or length of more than 32 bits at byte ${at}`);
