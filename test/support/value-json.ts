import type { CanonicalValue } from './canonical';

/**
 * The JSON text of a value, from its canonical form: what JSON has no form for becomes a text, bytes in base64. The entries of a
 * map keep the order they came in; of equal keys the last one's value stands where the first was. Shares no code with src/otlp.
 */
export function valueJson(value: CanonicalValue | null): string {
  if (value === null || 'empty' in value || 'stringIndex' in value) return 'null';
  if ('string' in value) return JSON.stringify(value.string);
  if ('bool' in value) return String(value.bool);
  if ('double' in value) return Number.isFinite(value.double) ? JSON.stringify(value.double) : `"${value.double}"`;
  if ('int' in value) return Number.isSafeInteger(Number(value.int)) ? String(value.int) : `"${value.int}"`;
  if ('bytes' in value) return `"${Buffer.from(value.bytes, 'hex').toString('base64')}"`;
  if ('array' in value) return `[${value.array.map(valueJson).join(',')}]`;
  if ('kvlist' in value) {
    const members = new Map(value.kvlist.map(({ key, value: member }) => [key, valueJson(member)]));
    return `{${[...members].map(([key, member]) => `${JSON.stringify(key)}:${member}`).join(',')}}`;
  }
  throw new Error('a misfit is not shown: it never gets past the door');
}
