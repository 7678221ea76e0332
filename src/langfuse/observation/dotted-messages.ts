import type { PlainValue } from './plain-value';
import type { Attributes } from './span-reading';

/** Langfuse's limit for the slots of all arrays that the numbers in attribute keys ask for. */
export const ARRAY_SLOTS_MAX = 10_001;

/** Far more than any convention has; keeps what is built from being nested deeper than JSON.stringify can go. */
export const PATH_CHARACTERS_MAX = 2_048;

/** Langfuse drops paths with such a part, lest they reach a prototype. */
export const DROPPED_PARTS = new Set(['__proto__', 'constructor', 'prototype']);

type Container = Record<string, unknown>;

/**
 * Messages whose structure is in the attribute keys: `gen_ai.prompt.0.content` is the content of the first of a list.
 * All attributes whose key starts with the prefix take part. A value under the prefix itself is taken alone, unless it
 * is empty; without a number in front of any path the result is an object (Langfuse: `convertKeyPathToNestedObject`).
 */
export function dottedMessages(attributes: Attributes, prefix: string): unknown {
  const whole = attributes.get(prefix);
  if (whole) return whole;
  const values = valuesByPath(attributes, prefix);
  if (![...values.keys()].some((path) => /^\d+\./.test(path))) {
    const messages = emptyContainer();
    for (const [path, value] of values) placeInMessage(messages, path.split('.'), value);
    return messages;
  }
  const messages: unknown[] = [];
  for (const [path, value] of values) {
    const [first = '', ...parts] = path.split('.');
    const index = Number(first);
    // Langfuse puts what is no index on the array as a property, which no JSON shows, and takes `1e9` for an index.
    if (!Number.isInteger(index) || index < 0 || index >= ARRAY_SLOTS_MAX) continue;
    messages[index] ??= emptyContainer();
    placeInMessage(messages[index] as Container, parts, value);
  }
  return messages;
}

const emptyContainer = () => Object.create(null) as Container;

/** Directly in a message every key is an ordinary one; deeper down Langfuse is on its guard. */
function placeInMessage(message: Container, parts: readonly string[], value: PlainValue | undefined): void {
  const [first, ...deeper] = parts;
  // A number without anything behind it is a message of its own, stored under this name.
  if (first === undefined) message.undefined = value;
  else if (deeper.length === 0) message[first] = value;
  else place(message, parts, value);
}

/** Values by what is behind the prefix, without those that would make the arrays too long. */
function valuesByPath(attributes: Attributes, prefix: string): Map<string, PlainValue | undefined> {
  const reserve = slotBudget();
  const values = new Map<string, PlainValue | undefined>();
  for (const key of attributes.keys()) {
    if (!key.startsWith(prefix)) continue;
    const path = key.replace(`${prefix}.`, '');
    if (path.length > PATH_CHARACTERS_MAX || !reserve(path.split('.'))) continue;
    // A key such as `gen_ai.prompt_id` keeps its whole name, and has no value under it.
    const value = attributes.get(`${prefix}.${path}`);
    // A list may get parts of other keys put in, so it is a copy.
    values.set(path, Array.isArray(value) ? structuredClone(value) : value);
  }
  return values;
}

/** Counts how many slots the arrays along the paths need together; a path that would exceed the limit reserves none. */
export function slotBudget(): (parts: readonly string[]) => boolean {
  const lengths = new Map<string, number>();
  let used = 0;
  return (parts) => {
    const grown = new Map<string, number>();
    let added = 0;
    parts.forEach((part, at) => {
      if (!/^\d+$/.test(part)) return;
      const array = parts.slice(0, at).join('.');
      const length = lengths.get(array) ?? 0;
      const needed = Number(part) + 1;
      if (needed <= length) return;
      added += needed - length;
      grown.set(array, needed);
    });
    if (used + added > ARRAY_SLOTS_MAX) return false;
    used += added;
    for (const [array, length] of grown) lengths.set(array, length);
    return true;
  };
}

/** Makes the containers along the path, an array where the next part is a number. */
function place(root: Container, parts: readonly string[], value: PlainValue | undefined): void {
  let current = root;
  for (const [at, part] of parts.slice(0, -1).entries()) {
    if (!isPlaceable(current, part)) return;
    if (!Object.hasOwn(current, part)) current[part] = isIndex(parts[at + 1]) ? [] : emptyContainer();
    const next = current[part];
    // A value lies where the path needs a container; Langfuse stumbles here and loses the batch.
    if (typeof next !== 'object' || next === null) return;
    current = next as Container;
  }
  const last = parts[parts.length - 1]!;
  if (isPlaceable(current, last)) current[last] = value;
}

/** On an array only indices show in JSON, and `length` would be a trap. */
const isPlaceable = (container: Container, part: string) =>
  !DROPPED_PARTS.has(part) && (isIndex(part) || !Array.isArray(container));

const isIndex = (part: string | undefined) => part !== undefined && /^\d+$/.test(part);
