import { badRequest, type GatewayError } from '../errors';
import { fieldNames } from './schema';

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

const LITERALS = ['true', 'false', 'null'] as const;

/** The names that are fields of ours, by a hash of their bytes. Others are decoded: they come from whoever sends. */
const knownKeys = new Map(fieldNames().map((text) => [hashOf(Buffer.from(text)), { bytes: Buffer.from(text), text }]));
const KEY_BYTES_MAX = 32;

/** Up to here a loop over bytes is faster than to prepare anything. */
const SHORT_BYTES = 32;

/** 1 for what ends the plain part of a string. */
const SPECIAL = new Uint8Array(256).fill(1, 0, 0x20);
SPECIAL[QUOTE] = 1;
SPECIAL[BACKSLASH] = 1;

/** The bytes as words of four, from the first one that lies where a word can. */
interface Words {
  readonly words: Int32Array;
  readonly offset: number;
}

function wordsOf({ buffer, byteOffset, length }: Buffer): Words {
  const offset = -byteOffset & 3;
  return { offset, words: new Int32Array(buffer, byteOffset + offset, Math.max(0, length - offset) >> 2) };
}

/** Whether any of four bytes is special: the highest bit of a byte tells whether a subtraction has borrowed from it. */
function isSpecialWord(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const borrowed =
    ((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
  return (borrowed & 0x80808080) !== 0;
}

/** The tokens of JSON, below the level of values: see JsonScanner. */
export class JsonTokens {
  pos = 0;

  /** The bytes of the string last read, between its quotes. */
  readonly token = { start: 0, end: 0 };

  #isEscaped = false;
  #words: Words | undefined;

  /** `bytes` must be valid UTF-8. */
  constructor(readonly bytes: Buffer) {}

  string(): string {
    const escaped = this.stringToken();
    const { start, end } = this.token;
    if (!escaped) return this.bytes.toString('utf8', start, end);
    try {
      return JSON.parse(this.bytes.toString('utf8', start - 1, end + 1)) as string;
    } catch (cause) {
      throw badRequest(`JSON: bad escape in the string at byte ${start - 1}`, { cause });
    }
  }

  /** A member's name. The same few come again and again, so they are recognised by their bytes and not decoded anew. */
  protected readKey(): string {
    const at = this.pos;
    if (this.stringToken()) {
      this.pos = at;
      return this.string();
    }
    const { start, end } = this.token;
    if (end - start > KEY_BYTES_MAX) return this.bytes.toString('utf8', start, end);
    const known = knownKeys.get(hashOf(this.bytes, start, end));
    if (known !== undefined && this.bytes.compare(known.bytes, 0, known.bytes.length, start, end) === 0)
      return known.text;
    return this.bytes.toString('utf8', start, end);
  }

  /** Consumes a string and returns whether it has escapes. The one that was read last is not gone through again. */
  protected stringToken(): boolean {
    const { bytes, token } = this;
    const start = this.pos + 1;
    if (start !== token.start) {
      let at = start;
      let escaped = false;
      for (at = this.#special(at); bytes[at] !== QUOTE; at = this.#special(at)) {
        if (at >= bytes.length) throw badRequest(`JSON: the string at byte ${start - 1} does not end`);
        if (bytes[at] !== BACKSLASH) throw badRequest(`JSON: control character in a string at byte ${at}`);
        escaped = true;
        at += 2;
      }
      token.start = start;
      token.end = at;
      this.#isEscaped = escaped;
    }
    this.pos = token.end + 1;
    return this.#isEscaped;
  }

  /** Where the next byte is that is no plain part of a string: a quote, a backslash or a control character. */
  #special(from: number): number {
    const { bytes } = this;
    const shortEnd = Math.min(from + SHORT_BYTES, bytes.length);
    let at = from;
    while (at < shortEnd && SPECIAL[bytes[at]!] === 0) at++;
    if (at < shortEnd || at >= bytes.length) return at;
    // Images are one string of megabytes: four bytes at a time, which are looked at one by one where any is special.
    this.#words ??= wordsOf(bytes);
    const { words, offset } = this.#words;
    while (((at - offset) & 3) !== 0 && SPECIAL[bytes[at]!] === 0) at++;
    if (((at - offset) & 3) !== 0) return at;
    let index = (at - offset) >> 2;
    while (index < words.length && !isSpecialWord(words[index]!)) index++;
    at = index * 4 + offset;
    while (at < bytes.length && SPECIAL[bytes[at]!] === 0) at++;
    return at;
  }

  protected literal(): string {
    for (const literal of LITERALS) {
      if (this.bytes.toString('latin1', this.pos, this.pos + literal.length) === literal) {
        this.pos += literal.length;
        return literal;
      }
    }
    throw this.unexpected();
  }

  /** After an element: consumes a comma (false) or the closing bracket (true). */
  protected ends(closing: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== closing) throw this.unexpected();
    this.pos++;
    return byte === closing;
  }

  protected take(byte: number): void {
    if (this.peek() !== byte) throw this.unexpected();
    this.pos++;
  }

  /** The next byte that is not white space, or -1 at the end. */
  protected peek(): number {
    this.whitespace();
    return this.bytes[this.pos] ?? -1;
  }

  protected whitespace(): void {
    const { bytes } = this;
    for (;;) {
      const byte = bytes[this.pos];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.pos++;
    }
  }

  /** Never names the byte it met: it may be part of a value. */
  protected unexpected(at = this.pos): GatewayError {
    return badRequest(at >= this.bytes.length ? 'JSON: ends too early' : `JSON: unexpected character at byte ${at}`);
  }
}

function hashOf(bytes: Buffer, start = 0, end = bytes.length): number {
  let hash = end - start;
  for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + bytes[index]!) | 0;
  return hash;
}
