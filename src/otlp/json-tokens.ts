import { badRequest, type GatewayError } from '../errors';
import { fieldNames } from './schema';

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

const LITERALS = ['true', 'false', 'null'] as const;

/** The names that are fields of ours, by a hash of their bytes. Others are decoded: they come from whoever sends. */
const knownKeys = new Map(fieldNames().map((text) => [hashOf(Buffer.from(text)), { bytes: Buffer.from(text), text }]));
const KEY_BYTES_MAX = 32;

/** The tokens of JSON, below the level of values: see JsonScanner. */
export class JsonTokens {
  pos = 0;

  /** The bytes of the string last read, between its quotes. */
  readonly token = { start: 0, end: 0 };

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

  /** Consumes a string and returns whether it has escapes. */
  protected stringToken(): boolean {
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
