/** Nobody writes values of this depth by hand, and recursion over what was parsed stays far from the stack's end. */
const JSON_LEVELS_MAX = 512;

/**
 * The JSON value of a text, or `undefined` where it is none (no JSON text means `undefined`). As in `JSON.parse`, what
 * is no string is turned into one first. A text nested beyond 512 levels counts as unreadable.
 */
export function parseJson(value: unknown): unknown {
  // Most attributes are not there, and an error costs as much as reading a span.
  if (value === undefined) return undefined;
  const text = String(value);
  if (isTooDeep(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The JSON value of a string; arrays and objects as they are; `undefined` for anything else. */
export function parsePayload(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) return value;
  return typeof value === 'string' ? parseJson(value) : undefined;
}

/** The JSON value of a string that is JSON, and any other value as it is. */
export function parseIfJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const parsed = parseJson(value);
  return parsed === undefined ? value : parsed;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property of anything: keys come from senders, so what a prototype has under them does not count. */
export function member(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

/** `String(value)` for what JSON can hold, where an object may have a `toString` of its own that is no function. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((element) => (element === null ? '' : textOf(element))).join(',');
  return typeof value === 'object' && value !== null ? '[object Object]' : String(value);
}

/** `Number(value)` for what JSON can hold. */
export const numberOf = (value: unknown) => Number(typeof value === 'object' && value !== null ? textOf(value) : value);

/** What a text column of Langfuse holds for a value: strings as they are, the rest as JSON, `null` for nothing. */
export function columnText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether a text has more brackets open at once than `parseJson` reads, should it be JSON. */
export function isTooDeep(text: string): boolean {
  if (text.length <= JSON_LEVELS_MAX) return false;
  let level = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      level += 1;
      if (level > JSON_LEVELS_MAX) return true;
    } else if (char === '}' || char === ']') level -= 1;
  }
  return false;
}
