import { JsonScanner } from '../../src/otlp/json-scanner';

/** A number as the scanner gives it: its text. */
export class NumberText {
  constructor(readonly text: string) {}
}

/** The document read value by value; objects as entries, since the scanner keeps what comes twice. */
export function readJson(text: string): unknown {
  const scanner = new JsonScanner(Buffer.from(text));
  const value = readValue(scanner);
  scanner.end();
  return value;
}

function readValue(scanner: JsonScanner): unknown {
  switch (scanner.next()) {
    case 'object': {
      const entries = new Map<string, unknown>();
      scanner.object((key) => entries.set(key, readValue(scanner)));
      return entries;
    }
    case 'array': {
      const elements: unknown[] = [];
      scanner.array((index) => {
        elements[index] = readValue(scanner);
      });
      return elements;
    }
    case 'string': {
      const plain = scanner.plainString();
      return plain === undefined ? scanner.string() : scanner.bytes.toString('utf8', plain.start, plain.end);
    }
    case 'number':
      return new NumberText(scanner.number());
    case 'boolean':
      return scanner.boolean();
    default:
      return scanner.takeNull() ? null : undefined;
  }
}

/** The same from JSON.parse; its reviver cannot tell a number's text, so numbers are compared by value. */
export function parsedJson(text: string): unknown {
  const map = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(map);
    if (typeof value !== 'object' || value === null) return value;
    return new Map(Object.entries(value).map(([key, member]) => [key, map(member)]));
  };
  return map(JSON.parse(text));
}

export function withNumbers(value: unknown): unknown {
  if (value instanceof NumberText) return Number(value.text);
  if (Array.isArray(value)) return value.map(withNumbers);
  return value instanceof Map ? new Map([...value].map(([key, member]) => [key, withNumbers(member)])) : value;
}

/** Entries in the order of their keys: JSON.parse puts keys that look like numbers first. */
export function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (!(value instanceof Map)) return value;
  return [...value].map(([key, member]) => [key, inKeyOrder(member)]).sort(([a], [b]) => (`${a}` < `${b}` ? -1 : 1));
}
