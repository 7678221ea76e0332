import { columnText } from './json';

/**
 * A long path over many values would be repeated for each of them. This many characters are spent on it per span;
 * beyond them an object is stored as its JSON, which Langfuse does not do.
 */
const PATH_CHARACTERS_MAX = 4_000_000;

/**
 * Paths and texts, as Langfuse stores metadata. Where two values have one path, the first one is read back
 * (Langfuse: event-query-builder.ts, `mapFromArrays` over reversed arrays).
 */
export function flattenMetadata(metadata: Record<string, unknown>): Record<string, string> {
  const flat = new Map<string, string>();
  let charactersLeft = PATH_CHARACTERS_MAX;
  const visit = (container: object, prefix: string) => {
    const entries = Object.entries(container);
    charactersLeft -= prefix.length * entries.length;
    for (const [key, value] of entries) {
      const path = prefix === '' ? key : `${prefix}.${key}`;
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      if (isObject && path.length * Object.keys(value).length <= charactersLeft) visit(value, path);
      else if (!flat.has(path)) flat.set(path, columnText(value) ?? '');
    }
  };
  visit(metadata, '');
  return Object.fromEntries(flat);
}
