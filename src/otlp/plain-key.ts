import { field, KEY_VALUE, tagOf } from './schema';

const KEY_TAG = tagOf(field(KEY_VALUE, 'key'));
const VALUE_TAG = tagOf(field(KEY_VALUE, 'value'));

/** Where the key of a plain attribute begins in its KeyValue: behind a tag and a length of one byte each. */
export const PLAIN_KEY_AT = 2;

/**
 * How many bytes the key has in a KeyValue, between `start` and `end`, that is written the way everybody writes them: a key
 * of less than 128 bytes, then a value, and nothing else. 0 for any other, which has to be read field by field, as one with an
 * empty key. The KeyValue must have passed the check.
 */
export function plainKeyBytes(bytes: Buffer, start: number, end: number): number {
  if (end - start < PLAIN_KEY_AT || bytes[start] !== KEY_TAG) return 0;
  const length = bytes[start + 1]!;
  const valueAt = start + PLAIN_KEY_AT + length;
  if (length >= 0x80 || valueAt + 1 >= end || bytes[valueAt] !== VALUE_TAG) return 0;
  let at = valueAt + 1;
  let valueBytes = 0;
  for (let factor = 1; at < end; factor *= 0x80) {
    const byte = bytes[at++]!;
    valueBytes += (byte & 0x7f) * factor;
    if (byte < 0x80) return at + valueBytes === end ? length : 0;
  }
  return 0;
}
