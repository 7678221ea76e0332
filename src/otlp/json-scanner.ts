import { badRequest } from '../errors';
import { DECODABLE_DEPTH_MAX } from './check';
import { JsonTokens, QUOTE } from './json-tokens';

const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The JSON grammar of numbers (RFC 8259 section 6). */
export const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const CLOSING: Record<number, number> = { [OPEN_BRACE]: CLOSE_BRACE, [OPEN_BRACKET]: CLOSE_BRACKET };

/** Open brackets beyond which a body is refused: four to each level of a kvlist, and room for what is around it. */
const OPEN_BRACKETS_MAX = 4 * DECODABLE_DEPTH_MAX + 100;
/** Members that hold a list of values: each is a level of its own, as it would be in protobuf. */
const LEVEL_KEYS = ['arrayValue', 'kvlistValue', 'array_value', 'kvlist_value'];
/** Marks, in the stack of open brackets, one that is a level. */
const IS_LEVEL = 0x100;

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/**
 * A strict JSON reader over bytes. `JSON.parse` would round 64-bit numbers, keep the last of two equal keys in silence
 * and make an object of every value; here the caller takes values as they come, and numbers as text.
 */
export class JsonScanner extends JsonTokens {
  /** The type of the next value. */
  next(): JsonType {
    const byte = this.peek();
    if (byte === QUOTE) return 'string';
    if (byte === OPEN_BRACE) return 'object';
    if (byte === OPEN_BRACKET) return 'array';
    if (byte === 0x74 || byte === 0x66) return 'boolean';
    if (byte === 0x6e) return 'null';
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return 'number';
    throw this.unexpected();
  }

  /** Calls `member` with each key; it must consume the value. */
  object(member: (key: string) => void): void {
    this.take(OPEN_BRACE);
    if (this.peek() === CLOSE_BRACE) {
      this.pos++;
      return;
    }
    for (;;) {
      if (this.peek() !== QUOTE) throw this.unexpected();
      const key = this.readKey();
      this.take(COLON);
      member(key);
      if (this.ends(CLOSE_BRACE)) return;
    }
  }

  /** The keys of an object, one at a time; whoever asks for the next one has consumed the value. */
  *members(): Generator<string, void> {
    this.take(OPEN_BRACE);
    if (this.peek() === CLOSE_BRACE) {
      this.pos++;
      return;
    }
    do {
      if (this.peek() !== QUOTE) throw this.unexpected();
      const key = this.readKey();
      this.take(COLON);
      yield key;
    } while (!this.ends(CLOSE_BRACE));
  }

  /** The indexes of an array, one at a time; whoever asks for the next one has consumed the element. */
  *elements(): Generator<number, void> {
    this.take(OPEN_BRACKET);
    if (this.peek() === CLOSE_BRACKET) {
      this.pos++;
      return;
    }
    let index = 0;
    do yield index++;
    while (!this.ends(CLOSE_BRACKET));
  }

  /** Calls `element` with each index; it must consume the value. */
  array(element: (index: number) => void): void {
    this.take(OPEN_BRACKET);
    if (this.peek() === CLOSE_BRACKET) {
      this.pos++;
      return;
    }
    for (let index = 0; ; index++) {
      element(index);
      if (this.ends(CLOSE_BRACKET)) return;
    }
  }

  /**
   * Where the last string's bytes lie when it has no escapes: then they need no decoding. `undefined` leaves the
   * scanner in front of the string, for `string()`.
   */
  plainString(): { start: number; end: number } | undefined {
    const at = this.pos;
    if (!this.stringToken()) return this.token;
    this.pos = at;
    return undefined;
  }

  /** A number as it is written. */
  number(): string {
    const start = this.pos;
    while (this.pos < this.bytes.length && isNumberByte(this.bytes[this.pos]!)) this.pos++;
    const text = this.bytes.toString('latin1', start, this.pos);
    if (!JSON_NUMBER.test(text)) throw badRequest(`JSON: not a number at byte ${start}`);
    return text;
  }

  boolean(): boolean {
    return this.literal() === 'true';
  }

  /** Consumes `null` if it is next. */
  takeNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.literal();
    return true;
  }

  /** Steps over one value of any depth, checking its syntax. Keeps its own stack: see OPEN_BRACKETS_MAX. */
  skip(): void {
    const open: number[] = [];
    let levels = 0;
    let isLevel = false;
    for (;;) {
      const type = this.next();
      if (type === 'object' || type === 'array') {
        const closing = CLOSING[this.bytes[this.pos++]!]!;
        if (isLevel) levels++;
        const depth = open.push(isLevel ? closing | IS_LEVEL : closing);
        if (depth > OPEN_BRACKETS_MAX || levels > DECODABLE_DEPTH_MAX) throw badRequest('JSON: nested too deep');
        if (this.peek() !== closing) {
          isLevel = type === 'object' && this.#skipKey();
          continue;
        }
      } else if (type === 'string') this.string();
      else if (type === 'number') this.number();
      else this.literal();
      for (;;) {
        if (open.length === 0) return;
        const closing = open[open.length - 1]! & ~IS_LEVEL;
        if (!this.ends(closing)) {
          isLevel = closing === CLOSE_BRACE && this.#skipKey();
          break;
        }
        if ((open.pop()! & IS_LEVEL) !== 0) levels--;
      }
    }
  }

  /** Anything but white space here is an error: a second document would be lost in silence. */
  end(): void {
    this.whitespace();
    if (this.pos < this.bytes.length) throw badRequest(`JSON: more than one document, at byte ${this.pos}`);
  }

  /** Steps over a key and tells whether its value is a level. */
  #skipKey(): boolean {
    if (this.peek() !== QUOTE) throw this.unexpected();
    const key = this.readKey();
    this.take(COLON);
    return LEVEL_KEYS.includes(key);
  }
}

/** Digits, sign, point and exponent. */
const isNumberByte = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45;
