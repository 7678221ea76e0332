import { columnText } from './json';
import type { PlainValue } from './plain-value';
import type { Attributes } from './span-reading';

/** Langfuse asks for attributes in three ways, and which one it is decides what an empty string or a 0 does. */

/** The first value that is true in JavaScript's sense: an empty string, 0 and false do not count as set. */
export function firstFilled(attributes: Attributes, keys: readonly string[]): PlainValue | undefined {
  for (const key of keys) {
    const value = attributes.get(key);
    if (value) return value;
  }
  return undefined;
}

/** The first value that is there and not null: an empty string counts as set. */
export function firstPresent(attributes: Attributes, keys: readonly string[]): PlainValue | undefined {
  for (const key of keys) {
    const value = attributes.get(key) ?? undefined;
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The value of the first key there is, even if it is null. */
export function firstKept(attributes: Attributes, keys: readonly string[]): PlainValue | undefined {
  const key = keys.find((each) => attributes.has(each));
  return key === undefined ? undefined : attributes.get(key);
}

/** `firstFilled` as a text column holds it. */
export function firstFilledText(attributes: Attributes, keys: readonly string[]): string | null {
  return columnText(firstFilled(attributes, keys));
}

/** Neither absent, null, an empty string nor an empty array; 0 and false mean something. */
export function isMeaningful(value: PlainValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  return !Array.isArray(value) || value.length > 0;
}
