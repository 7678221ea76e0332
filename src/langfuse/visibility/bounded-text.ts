import { jsonText } from '../../otlp/any-value';

/** How long a text may become that a rule writes. JSON makes six characters of one, so a short request could ask for much. */
export const CHARACTERS_MAX = 4 * 1024 * 1024;

/** How many links or events are listed. */
export const ENTRIES_MAX = 10_000;

/** Room for what is said about the rest. */
const NOTE_CHARACTERS = 64;

const LEFT_OUT = 'left out';

/** A text as it is, anything else as JSON; `undefined` where that is too long. */
export const wholeText = (value: unknown): string | undefined =>
  typeof value !== 'string' ? jsonWithin(value) : value.length <= CHARACTERS_MAX ? value : undefined;

/** The same, but cut where it is too long, with a note of how much is missing. */
export function boundedText(value: unknown): string {
  const whole = wholeText(value);
  if (whole !== undefined) return whole;
  if (typeof value !== 'string') return `{"${LEFT_OUT}":"JSON of more than ${CHARACTERS_MAX} characters"}`;
  const start = wholeCharacters(value, CHARACTERS_MAX - NOTE_CHARACTERS);
  return `${start} [${LEFT_OUT}: ${value.length - start.length} characters]`;
}

/**
 * JSON of a list. An entry that is too long is listed without its attributes, with their number under `left out`; when
 * there is no room for another one, the number of those that follow is the last element: `{"left out":3}`.
 */
export function listText<Item>(
  items: readonly Item[],
  entryOf: (item: Item) => { readonly attributes?: object },
): string {
  const texts: string[] = [];
  let left = CHARACTERS_MAX - NOTE_CHARACTERS;
  for (let at = 0; at < items.length && at < ENTRIES_MAX; at++) {
    const entry = entryOf(items[at]!);
    const text = jsonWithin(entry, left) ?? jsonWithin(withoutAttributes(entry), left);
    if (text === undefined) break;
    texts.push(text);
    left -= text.length + 1;
  }
  if (texts.length < items.length) texts.push(`{"${LEFT_OUT}":${items.length - texts.length}}`);
  return `[${texts.join(',')}]`;
}

const withoutAttributes = ({ attributes = {}, ...rest }: { readonly attributes?: object }) => ({
  ...rest,
  [LEFT_OUT]: Object.keys(attributes).length,
});

/** JSON of so many characters at most, else `undefined`; what is certain to be longer is not written at all. */
export function jsonWithin(value: unknown, characters = CHARACTERS_MAX): string | undefined {
  if (roomBehind(value, characters) < 0) return undefined;
  const text = jsonText(value);
  return text.length <= characters ? text : undefined;
}

/** How much of the room is left at most when the value has been written; less than none ends the count. */
function roomBehind(value: unknown, room: number): number {
  if (typeof value === 'string') return room - value.length - 2;
  if (typeof value !== 'object' || value === null) return room - 1;
  if (value instanceof Uint8Array) return room - value.length;
  let left = room - 1;
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length && left >= 0; at++) left = roomBehind(value[at], left) - 1;
    return left;
  }
  for (const [key, member] of Object.entries(value)) {
    if (left < 0) return left;
    left = roomBehind(member, left - key.length - 3) - 1;
  }
  return left;
}

/** Half of a surrogate pair would be another character on the wire. */
function wholeCharacters(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}
