import { PLAIN_KEY_AT, plainKeyBytes } from '../../src/otlp/plain-key';
import { group, lenField, varintField } from '../support/wire';

const key = (text: string, padding?: { tag: number; length: number }) => lenField(1, text, padding);
const value = (length = 3) => lenField(2, lenField(1, 'x'.repeat(length)));

test.each<[string, Buffer[], number]>([
  ['a key and a value', [key('key'), value()], 3],
  ['the longest key', [key('k'.repeat(127)), value()], 127],
  ['a key of letters that take more bytes', [key('ü'), value()], 2],
  ['a long value', [key('key'), value(20_000)], 3],
  ['an empty value', [key('key'), lenField(2, '')], 3],
  ['a value of an overlong length', [key('key'), lenField(2, '', { tag: 1, length: 10 })], 3],
  ['nothing', [], 0],
  ['a key alone', [key('key')], 0],
  ['an empty key alone', [key('')], 0],
  ['an empty key', [key(''), value()], 0],
  ['a longer key', [key('k'.repeat(128)), value()], 0],
  ['the value first', [value(), key('key')], 0],
  ['two keys', [key('key'), value(), key('other')], 0],
  ['two keys, then a value', [key('key'), key('other'), value()], 0],
  ['two values', [key('key'), value(), value()], 0],
  ['an overlong tag', [key('key', { tag: 2, length: 1 }), value()], 0],
  ['an overlong length', [key('key', { tag: 1, length: 2 }), value()], 0],
  ['a value of an overlong tag', [key('key'), lenField(2, 'x', { tag: 2, length: 1 })], 0],
  ['a field that nobody knows', [key('key'), value(), varintField(9, 1)], 0],
  ['one before them', [group(9, value()), key('key'), value()], 0],
])('%s', (_, fields, expected) => {
  const keyValue = Buffer.concat(fields);
  // What stands around it is no part of it.
  const bytes = Buffer.concat([key('before'), keyValue, value(), key('behind')]);
  const start = key('before').length;
  expect(plainKeyBytes(bytes, start, start + keyValue.length)).toBe(expected);
  expect(plainKeyBytes(keyValue, 0, keyValue.length)).toBe(expected);
});

test('the key is where it is said to be', () => {
  const keyValue = Buffer.concat([key('key'), value()]);
  const end = PLAIN_KEY_AT + plainKeyBytes(keyValue, 0, keyValue.length);
  expect(keyValue.toString('utf8', PLAIN_KEY_AT, end)).toBe('key');
});
