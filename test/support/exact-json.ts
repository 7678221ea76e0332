/** JSON whose numbers are kept as they are written: 1544712660123456789 is not rounded, and 1.0 is not 1. */
export type ExactJson = null | boolean | string | { number: string } | ExactJson[] | Map<string, ExactJson>;

/**
 * Objects become maps (so `__proto__` is a key like any other); of two members with one name the last one counts.
 *
 * @throws SyntaxError when the text is not JSON.
 */
export function parseExactJson(text: string): ExactJson {
  // The first parse is what refuses bad text: marking numbers as strings could turn some of it into good text.
  JSON.parse(text);
  return unmark(JSON.parse(mark(text)));
}

/** Puts a letter at the start of every string and turns every number into a string with another letter. */
function mark(text: string): string {
  const parts: string[] = [];
  let done = 0;
  for (let at = 0; at < text.length; ) {
    const char = text[at] as string;
    if (char === '"') {
      parts.push(text.slice(done, at), '"s');
      done = at + 1;
      at = endOfString(text, at + 1) + 1;
    } else if (char === '-' || (char >= '0' && char <= '9')) {
      NUMBER.lastIndex = at;
      const number = (NUMBER.exec(text) as RegExpExecArray)[0];
      parts.push(text.slice(done, at), '"n', number, '"');
      at += number.length;
      done = at;
    } else {
      at += 1;
    }
  }
  parts.push(text.slice(done));
  return parts.join('');
}

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** The index of the quote that ends the string whose content starts at `from`. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function unmark(marked: unknown): ExactJson {
  if (typeof marked === 'string') return marked[0] === 's' ? marked.slice(1) : { number: marked.slice(1) };
  if (Array.isArray(marked)) return marked.map(unmark);
  if (typeof marked === 'object' && marked !== null) {
    return new Map(Object.entries(marked).map(([key, value]) => [key.slice(1), unmark(value)]));
  }
  return marked as null | boolean;
}
