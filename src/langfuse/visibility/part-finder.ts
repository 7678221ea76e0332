import { contentTypeOf } from '../media';
import { isBareBase64 } from './bare-base64';

/**
 * Parts of messages that hold a file: those of the AI SDK and of MCP, OTel's GenAI blobs, Anthropic's sources in base64
 * and LangChain's media.
 */
const TYPES = new Set(['file', 'image', 'audio', 'video', 'media', 'base64', 'blob', 'file-data', 'image-data']);
type Role = 'type' | 'mediaType' | 'data' | 'image' | 'content' | 'inline';
const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['type', 'type'],
  ...['mediaType', 'mimeType', 'media_type', 'mime_type'].map((key) => [key, 'mediaType'] as const),
  ...(['data', 'image', 'content'] as const).map((key) => [key, key] as const),
  // Gemini's, which have no type.
  ...['inlineData', 'inline_data'].map((key) => [key, 'inline'] as const),
]);
const ROLE_CHARACTERS_MIN = 4;
const ROLE_CHARACTERS_MAX = 11;

/** As Langfuse classifies media. A file of type `text/…` may be the text itself, which looks like base64 when it is a word. */
const MEDIA_TYPE = /^(?!text\/)[a-z]+\/[\w.+-]+$/;
const MEDIA_TYPE_CHARACTERS_MAX = 200;
/** As deep as other JSON is read here; Langfuse shows nothing that lies deeper. */
const LEVELS_MAX = 512;
/** A string that ends within so many characters is gone through one by one: that is faster than a search. */
const NEAR_CHARACTERS = 32;
/** Gone through one by one in one text, in some 25 ms; nothing that lies behind is looked for. */
const CHARACTERS_MAX = 4_000_000;
/** Of one text; nobody looks at so many. What is a data URI already counts, too, or a second pass would change others. */
const MEDIA_MAX = 100;
const LITERAL = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
const LITERAL_CHARACTERS_MAX = 1000;

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];

/** A base64 text without a `data:` prefix. */
export interface BareData {
  readonly at: number;
  /** As it is written, possibly with an escaped slash. */
  readonly mediaType: string;
}

type Content = readonly [start: number, end: number] | undefined;

/** What is seen of an object so far. Of two members of one key the last one counts. */
interface Part {
  readonly isInline: boolean;
  type: string | undefined;
  mediaType: string | undefined;
  data: Content;
  image: Content;
  content: Content;
}

const emptyPart = (isInline: boolean): Part => {
  return { isInline, type: undefined, mediaType: undefined, data: undefined, image: undefined, content: undefined };
};

/** An object of which nothing of interest was seen; most stay so. */
const PLAIN = Symbol('plain');
const LIST = Symbol('list');

/**
 * Goes through a JSON text once, with a stack of its own. It is strict about brackets, commas and literals, and takes
 * strings as they are: what else could be wrong in them does not change where they end.
 */
export class PartFinder {
  readonly #text: string;
  #at = 0;
  readonly #open: (Part | typeof PLAIN | typeof LIST)[] = [];
  /** Of the value that comes. */
  #role: Role | undefined;
  readonly #found: BareData[] = [];
  #media = 0;
  /** Characters that were searched, which costs next to nothing. */
  #searched = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** None where the text is no JSON as far as it is looked at. */
  find(): BareData[] {
    do {
      const isGood = this.#value();
      if (this.#media === MEDIA_MAX || this.#at - this.#searched > CHARACTERS_MAX) return this.#found;
      if (!isGood) return [];
    } while (this.#open.length > 0);
    return this.#next() === -1 ? this.#found : [];
  }

  /** Takes a value, or the beginning of one, and all that ends behind it. */
  #value(): boolean {
    const code = this.#next();
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (this.#open.length === LEVELS_MAX) return false;
      this.#at++;
      const isObject = code === OPEN_BRACE;
      const object = this.#role === 'inline' ? emptyPart(true) : PLAIN;
      this.#open.push(isObject ? object : LIST);
      this.#role = undefined;
      if (this.#next() === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#ends();
      return !isObject || this.#key();
    }
    return (code === QUOTE ? this.#string() : this.#literal()) && this.#ends();
  }

  /** After a value: a comma and the next key, or the end of what it is in, any number of times. */
  #ends(): boolean {
    this.#role = undefined;
    while (this.#open.length > 0) {
      const code = this.#next();
      const top = this.#open[this.#open.length - 1]!;
      this.#at++;
      if (code === COMMA) return top === LIST || this.#key();
      if (code !== (top === LIST ? CLOSE_BRACKET : CLOSE_BRACE)) return false;
      this.#open.pop();
      if (typeof top === 'object') this.#judge(top);
    }
    return true;
  }

  #key(): boolean {
    if (this.#next() !== QUOTE) return false;
    const start = this.#at + 1;
    const end = this.#stringEnd(start);
    if (end === -1) return false;
    const length = end - start;
    this.#role =
      length < ROLE_CHARACTERS_MIN || length > ROLE_CHARACTERS_MAX
        ? undefined
        : ROLES.get(this.#text.slice(start, end));
    if (this.#role !== undefined) this.#note(this.#role, undefined);
    this.#at = end + 1;
    if (this.#next() !== COLON) return false;
    this.#at++;
    return true;
  }

  #string(): boolean {
    const start = this.#at + 1;
    const end = this.#stringEnd(start);
    if (end === -1) return false;
    if (this.#role !== undefined) this.#note(this.#role, [start, end]);
    this.#at = end + 1;
    return true;
  }

  /** A member of the object on top; `undefined` for a value that is no string, or not yet known. */
  #note(role: Role, content: Content): void {
    if (role === 'inline') return;
    const last = this.#open.length - 1;
    const top = this.#open[last]!;
    if (typeof top === 'symbol' && content === undefined) return;
    const part = typeof top === 'symbol' ? emptyPart(false) : top;
    this.#open[last] = part;
    if (role === 'type' || role === 'mediaType') {
      const isShort = content !== undefined && content[1] - content[0] <= MEDIA_TYPE_CHARACTERS_MAX;
      part[role] = isShort ? this.#text.slice(...content) : undefined;
    } else part[role] = content;
  }

  #judge({ isInline, type = '', mediaType = '', ...contents }: Part): void {
    if (!(isInline || TYPES.has(type)) || !MEDIA_TYPE.test(contentTypeOf(mediaType))) return;
    for (const content of type === 'blob' ? [contents.content] : [contents.data, contents.image]) {
      if (content === undefined || this.#media === MEDIA_MAX) continue;
      const isBare = isBareBase64(this.#text, ...content);
      if (isBare) this.#found.push({ at: content[0], mediaType });
      if (isBare || this.#text.startsWith('data:', content[0])) this.#media++;
    }
  }

  /** The next character that is no white space; -1 at the end, and where there is none for too long. */
  #next(): number {
    const end = Math.min(this.#text.length, this.#at + CHARACTERS_MAX);
    for (; this.#at < end; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return code;
    }
    return -1;
  }

  /** Where the string ends whose content begins at `start`; -1 where it does not. */
  #stringEnd(start: number): number {
    const text = this.#text;
    for (let at = start; at < text.length; ) {
      for (const near = at + NEAR_CHARACTERS; at < near; at++) {
        const code = text.charCodeAt(at);
        if (code === QUOTE) return at;
        if (code === BACKSLASH) at++;
      }
      const quote = text.indexOf('"', at);
      if (quote === -1) return -1;
      let slashes = quote;
      while (slashes > at && text.charCodeAt(slashes - 1) === BACKSLASH) slashes--;
      this.#searched += slashes - at;
      if ((quote - slashes) % 2 === 0) return quote;
      at = quote + 1;
      if (at - this.#searched > CHARACTERS_MAX) {
        this.#at = at;
        return -1;
      }
    }
    return -1;
  }

  #literal(): boolean {
    const start = this.#at;
    const end = start + LITERAL_CHARACTERS_MAX;
    while (this.#at <= end && isLiteralCode(this.#text.charCodeAt(this.#at))) this.#at++;
    return this.#at <= end && LITERAL.test(this.#text.slice(start, this.#at));
  }
}

/** What a number, `true`, `false` and `null` are made of, and much else. */
const isLiteralCode = (code: number) =>
  (code >= 0x30 && code <= 0x39) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x2b ||
  code === 0x2d ||
  code === 0x2e ||
  code === 0x45;
