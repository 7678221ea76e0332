const IMAGE_HEAD = /^data:image\/(png|jpe?g|gif|webp|avif|svg\+xml);base64,(?=.)/s;
const NOT_BASE64 = /[^A-Za-z0-9+/=_\s-]/g;

/**
 * Only an image that is here in whole is shown as one: the page asks no other place for anything. It may have megabytes: an
 * expression that matches all of it would remember each character.
 */
export function isImageUri(text: string): boolean {
  const head = IMAGE_HEAD.exec(text.slice(0, 100))?.[0];
  if (head === undefined) return false;
  NOT_BASE64.lastIndex = head.length;
  return !NOT_BASE64.test(text);
}

export interface Piece {
  readonly text: string;
  /** A reference to a file that Langfuse has. */
  readonly media: { readonly type: string; readonly id: string } | null;
}

const MEDIA_TAG = /@@@langfuseMedia:type=([^|@]{1,100})\|id=([^|@]{1,100})\|source=[^|@]{1,100}@@@/g;

export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(MEDIA_TAG)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), media: null });
    pieces.push({ text: match[0], media: { type: match[1] ?? '', id: match[2] ?? '' } });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), media: null });
  return pieces;
}

/** A cut must not halve a character of two code units. */
export function cutAt(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/**
 * JSON with line breaks and indents, every value as it stands: reading and writing it would round 64-bit integers and make 3 of
 * 3.0. Stops when so many characters are written.
 */
export function indentJson(json: string, charactersMax: number): { readonly text: string; readonly isCut: boolean } {
  const line = (depth: number) => `\n${'  '.repeat(Math.max(0, Math.min(depth, INDENTS_MAX)))}`;
  let text = '';
  let depth = 0;
  let before = '';
  for (const token of tokensOf(json)) {
    const isClosing = token === '}' || token === ']';
    if (isClosing) depth -= 1;
    const isEmpty = isClosing && (before === '{' || before === '[');
    if (before !== '' && !isEmpty && (isClosing || BREAKS_BEHIND.has(before))) text += line(depth);
    text += token === ':' ? ': ' : token;
    if (token === '{' || token === '[') depth += 1;
    before = token;
    if (text.length > charactersMax) return { text: cutAt(text, charactersMax), isCut: true };
  }
  return { text, isCut: false };
}

const INDENTS_MAX = 60;
const BREAKS_BEHIND: ReadonlySet<string> = new Set(['{', '[', ',']);
const MARKS_AND_BLANKS = '[]{},: \t\r\n"';

function* tokensOf(json: string): Generator<string> {
  let at = 0;
  while (at < json.length) {
    const start = at;
    const first = json.charAt(at);
    at += 1;
    if (first === '"') at = endOfString(json, at);
    else if (!MARKS_AND_BLANKS.includes(first)) {
      while (at < json.length && !MARKS_AND_BLANKS.includes(json.charAt(at))) at += 1;
    }
    if (first.trim() !== '') yield json.slice(start, at);
  }
}

/** Behind the closing quote, for a string of any length; a regular expression would need a stack for it. */
function endOfString(json: string, from: number): number {
  for (let quote = json.indexOf('"', from); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json.charAt(quote - 1 - backslashes) === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}
