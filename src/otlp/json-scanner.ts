import { badRequest, type GatewayError } from '../errors';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The JSON grammar of numbers (RFC 8259 section 6). */
export const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const LITERALS = ['true', 'false', 'null'] as const;
const CLOSING: Record<number, number> = { [OPEN_BRACE]: CLOSE_BRACE, [OPEN_BRACKET]: CLOSE_BRACKET };

/** Open brackets beyond which a body is refused: four to each level of a kvlist, 5,000 levels (DECODABLE_DEPTH_MAX). */
const OPEN_BRACKETS_MAX = 20_000;

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/**
 * A strict JSON reader over bytes. `JSON.parse` would round 64-bit numbers, keep the last of two equal keys in silence
 * and make an object of every value; here the caller takes values as they come, and numbers as text.
 */
export class JsonScanner {
  pos = 0;

  /** `bytes` must be valid UTF-8. */
  constructor(readonly bytes: Buffer) {}

  /** The type of the next value. */
  next(): JsonType {
    const byte = this.#peek();
    if (byte === QUOTE) return 'string';
    if (byte === OPEN_BRACE) return 'object';
    if (byte === OPEN_BRACKET) return 'array';
    if (byte === 0x74 || byte === 0x66) return 'boolean';
    if (byte === 0x6e) return 'null';
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return 'number';
    throw this.#unexpected();
  }

  /** Calls `member` with each key; it must consume the value. */
  object(member: (key: string) => void): void {
    this.#take(OPEN_BRACE);
    if (this.#peek() === CLOSE_BRACE) {
      this.pos++;
      return;
    }
    for (;;) {
      if (this.#peek() !== QUOTE) throw this.#unexpected();
      const key = this.string();
      this.#take(COLON);
      member(key);
      if (this.#ends(CLOSE_BRACE)) return;
    }
  }

  /** Calls `element` with each index; it must consume the value. */
  array(element: (index: number) => void): void {
    this.#take(OPEN_BRACKET);
    if (this.#peek() === CLOSE_BRACKET) {
      this.pos++;
      return;
    }
    for (let index = 0; ; index++) {
      element(index);
      if (this.#ends(CLOSE_BRACKET)) return;
    }
  }

  string(): string {
    const escaped = this.#stringToken();
    const { start, end } = this.token;
    if (!escaped) return this.bytes.toString('utf8', start, end);
    try {
      return JSON.parse(this.bytes.toString('utf8', start - 1, end + 1)) as string;
    } catch (cause) {
      throw badRequest(`JSON: bad escape in the string at byte ${start - 1}`, { cause });
    }
  }

  /**
   * Where the last string's bytes lie when it has no escapes: then they need no decoding. `undefined` leaves the
   * scanner in front of the string, for `string()`.
   */
  plainString(): { start: number; end: number } | undefined {
    const at = this.pos;
    if (!this.#stringToken()) return this.token;
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
    return this.#literal() === 'true';
  }

  /** Consumes `null` if it is next. */
  takeNull(): boolean {
    if (this.#peek() !== 0x6e) return false;
    this.#literal();
    return true;
  }

  /** Steps over one value of any depth, checking its syntax. Keeps its own stack: see OPEN_BRACKETS_MAX. */
  skip(): void {
    const open: number[] = [];
    for (;;) {
      const type = this.next();
      if (type === 'object' || type === 'array') {
        const opening = this.bytes[this.pos++]!;
        if (open.push(CLOSING[opening]!) > OPEN_BRACKETS_MAX) throw badRequest('JSON: nested too deep');
        if (this.#peek() !== CLOSING[opening]) {
          if (type === 'object') this.#skipKey();
          continue;
        }
      } else if (type === 'string') this.string();
      else if (type === 'number') this.number();
      else this.#literal();
      if (!this.#skipToNext(open)) return;
    }
  }

  /** Anything but white space here is an error: a second document would be lost in silence. */
  end(): void {
    this.#whitespace();
    if (this.pos < this.bytes.length) throw badRequest(`JSON: more than one document, at byte ${this.pos}`);
  }

  /** The bytes of the string last read, between its quotes. */
  readonly token = { start: 0, end: 0 };

  /** After a value inside `open`: closes what ends here; false when nothing is left open. */
  #skipToNext(open: number[]): boolean {
    while (open.length > 0) {
      const closing = open[open.length - 1]!;
      const byte = this.#peek();
      this.pos++;
      if (byte === COMMA) {
        if (closing === CLOSE_BRACE) this.#skipKey();
        return true;
      }
      if (byte !== closing) throw this.#unexpected(this.pos - 1);
      open.pop();
    }
    return false;
  }

  #skipKey(): void {
    if (this.#peek() !== QUOTE) throw this.#unexpected();
    this.string();
    this.#take(COLON);
  }

  /** Consumes a string and returns whether it has escapes. */
  #stringToken(): boolean {
    const { bytes } = this;
    const start = ++this.pos;
    let escaped = false;
    for (let at = start; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.token.start = start;
        this.token.end = at;
        this.pos = at + 1;
        return escaped;
      }
      if (byte === BACKSLASH) {
        escaped = true;
        at++;
      } else if (byte < 0x20) throw badRequest(`JSON: control character in a string at byte ${at}`);
    }
    throw badRequest(`JSON: the string at byte ${start - 1} does not end`);
  }

  #literal(): string {
    for (const literal of LITERALS) {
      if (this.bytes.toString('latin1', this.pos, this.pos + literal.length) === literal) {
        this.pos += literal.length;
        return literal;
      }
    }
    throw this.#unexpected();
  }

  /** After an element: consumes a comma (false) or the closing bracket (true). */
  #ends(closing: number): boolean {
    const byte = this.#peek();
    if (byte !== COMMA && byte !== closing) throw this.#unexpected();
    this.pos++;
    return byte === closing;
  }

  #take(byte: number): void {
    if (this.#peek() !== byte) throw this.#unexpected();
    this.pos++;
  }

  /** The next byte that is not white space, or -1 at the end. */
  #peek(): number {
    this.#whitespace();
    return this.bytes[this.pos] ?? -1;
  }

  #whitespace(): void {
    const { bytes } = this;
    for (;;) {
      const byte = bytes[this.pos];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.pos++;
    }
  }

  /** Never names the byte it met: it may be part of a value. */
  #unexpected(at = this.pos): GatewayError {
    return badRequest(at >= this.bytes.length ? 'JSON: ends too early' : `JSON: unexpected character at byte ${at}`);
  }
}

/** Digits, sign, point and exponent. */
const isNumberByte = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45;
