import { isUtf8 } from 'node:buffer';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const FIRST_PRINTABLE = 0x20;

/** Characters that JSON has a short escape for, and the letter of it. */
const SHORT_ESCAPES = new Map(
  [...'\b\f\n\r\t'].map((character, at) => [character.charCodeAt(0), 'bfnrt'.charCodeAt(at)] as const),
);
/** A byte of a control character becomes six at most: `\u0001`. */
const ESCAPED_BYTES_MAX = 6;
const HEX = Buffer.from('0123456789abcdef');

/** A multiple of three, so that only the last piece ends in padding. */
const BASE64_PIECE_BYTES = 3 * 16_384;
/** Up to here a loop is faster than a call into native code. */
const SHORT_BYTES = 32;
const NATURAL_DIGITS_MAX = 10;

/** JSON text that is written as UTF-8 into one growing buffer, in the form that `JSON.stringify` has. */
export class JsonText {
  #bytes: Buffer;
  #size = 0;

  constructor(sizeHintBytes: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(sizeHintBytes, 64));
  }

  /** What was written. It shares memory with the writer, which must not be used afterwards. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  /** One character of ASCII. */
  put(character: number): void {
    this.#reserve(1);
    this.#bytes[this.#size++] = character;
  }

  /** As it is. */
  ascii(text: string): void {
    const { length } = text;
    this.#reserve(length);
    for (let at = 0; at < length; at++) this.#bytes[this.#size++] = text.charCodeAt(at);
  }

  /** An integer from 0 up to 2^31 - 1. */
  natural(value: number): void {
    this.#reserve(NATURAL_DIGITS_MAX);
    let rest = value;
    let end = this.#size + 1;
    for (let power = 10; power <= rest; power *= 10) end++;
    for (let at = end - 1; at >= this.#size; at--) {
      this.#bytes[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#size = end;
  }

  /** A string of that UTF-8, in quotes; what is none becomes U+FFFD, as in any decoded text. */
  string(source: Buffer, start: number, end: number): void {
    let seen = 0;
    for (let at = start; at < end; at++) seen |= source[at]!;
    if (seen < 0x80 || isUtf8(source.subarray(start, end))) this.#quoted(source, start, end);
    else {
      const mended = Buffer.from(source.toString('utf8', start, end));
      this.#quoted(mended, 0, mended.length);
    }
  }

  base64(source: Buffer, start: number, end: number): void {
    this.put(QUOTE);
    for (let at = start; at < end; at += BASE64_PIECE_BYTES) {
      const piece = source.toString('base64', at, Math.min(at + BASE64_PIECE_BYTES, end));
      this.#reserve(piece.length);
      this.#size += this.#bytes.write(piece, this.#size, 'latin1');
    }
    this.put(QUOTE);
  }

  #quoted(source: Buffer, start: number, end: number): void {
    this.put(QUOTE);
    let from = start;
    for (let at = start; at < end; at++) {
      const byte = source[at]!;
      if (byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH) continue;
      this.#raw(source, from, at);
      this.#escaped(byte);
      from = at + 1;
    }
    this.#raw(source, from, end);
    this.put(QUOTE);
  }

  #escaped(byte: number): void {
    this.#reserve(ESCAPED_BYTES_MAX);
    const short = byte < FIRST_PRINTABLE ? SHORT_ESCAPES.get(byte) : byte;
    if (short === undefined) {
      this.ascii('\\u00');
      this.put(HEX[byte >>> 4]!);
      this.put(HEX[byte & 0xf]!);
    } else {
      this.put(BACKSLASH);
      this.put(short);
    }
  }

  #raw(source: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    if (end - start > SHORT_BYTES) this.#size += source.copy(this.#bytes, this.#size, start, end);
    else for (let at = start; at < end; at++) this.#bytes[this.#size++] = source[at]!;
  }

  #reserve(count: number): void {
    if (this.#size + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#size + count));
    this.#bytes.copy(grown, 0, 0, this.#size);
    this.#bytes = grown;
  }
}
