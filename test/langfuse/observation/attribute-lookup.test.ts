import {
  firstFilled,
  firstFilledText,
  firstKept,
  firstPresent,
  isMeaningful,
} from '../../../src/langfuse/observation/attribute-lookup';

const attributes = new Map<string, string | number | boolean | null>([
  ['null', null],
  ['empty', ''],
  ['zero', 0],
  ['false', false],
  ['text', 'x'],
]);

test.each([
  ['null, then empty', ['null', 'empty', 'text'], 'x', '', null],
  ['zero', ['zero', 'text'], 'x', 0, 0],
  ['false', ['absent', 'false', 'text'], 'x', false, false],
  ['nothing but null', ['absent', 'null'], undefined, undefined, null],
  ['nothing', ['absent'], undefined, undefined, undefined],
])('%s: first filled, present and kept', (_name, keys, filled, present, kept) => {
  expect(firstFilled(attributes, keys)).toBe(filled);
  expect(firstPresent(attributes, keys)).toBe(present);
  expect(firstKept(attributes, keys)).toBe(kept);
});

test('as text', () => {
  expect(firstFilledText(new Map([['a', 5]]), ['a'])).toBe('5');
  expect(firstFilledText(new Map(), ['a'])).toBeNull();
});

test.each([
  ['absent', undefined, false],
  ['null', null, false],
  ['an empty string', '', false],
  ['an empty list', [], false],
  ['zero', 0, true],
  ['false', false, true],
  ['a list', [''], true],
])('%s means something: %s', (_name, value, expected) => {
  expect(isMeaningful(value)).toBe(expected);
});
