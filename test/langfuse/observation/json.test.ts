import {
  columnText,
  member,
  numberOf,
  parseIfJson,
  parseJson,
  parsePayload,
  textOf,
} from '../../../src/langfuse/observation/json';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('parseJson', () => {
  test.each([
    ['an object', '{"a":1}', { a: 1 }],
    ['null', 'null', null],
    ['a number that is no string yet', 5, 5],
    ['no JSON', '{a}', undefined],
    ['nothing', undefined, undefined],
    ['brackets inside of strings', `["${'['.repeat(600)}\\""]`, [`${'['.repeat(600)}"`]],
    ['brackets behind a quote inside of a string', `["\\"${'['.repeat(600)}"]`, [`"${'['.repeat(600)}`]],
    ['many containers side by side', `[${'[],'.repeat(600)}1]`, [...Array.from({ length: 600 }, () => []), 1]],
  ])('%s', (_name, text, expected) => {
    expect(parseJson(text)).toEqual(expected);
  });

  test('what is nested beyond 512 levels counts as unreadable', () => {
    expect(parseJson(nested(512))).toBeDefined();
    expect(parseJson(nested(513))).toBeUndefined();
    expect(parseJson(nested(100_000))).toBeUndefined();
    expect(parseJson(`["a","ab",${nested(600)}]`)).toBeUndefined();
  });
});

describe('parsePayload and parseIfJson', () => {
  test.each([
    ['the JSON of a string', '[1]', [1], [1]],
    ['a list', [1], [1], [1]],
    ['a number', 5, undefined, 5],
    ['a string that is no JSON', 'x', undefined, 'x'],
    ['the JSON null', 'null', null, null],
  ])('%s', (_name, value, payload, ifJson) => {
    expect(parsePayload(value)).toEqual(payload);
    expect(parseIfJson(value)).toEqual(ifJson);
  });
});

describe('member', () => {
  test.each([
    ['an own property', { a: 1 }, 'a', 1],
    ['one of the prototype', { a: 1 }, 'constructor', undefined],
    ['an own property with a name of the prototype', JSON.parse('{"__proto__":2}'), '__proto__', 2],
    ['of null', null, 'a', undefined],
    ['of a string', 'abc', 'length', undefined],
  ])('%s', (_name, value, key, expected) => {
    expect(member(value, key)).toBe(expected);
  });
});

describe('texts and numbers of JSON values', () => {
  test.each([
    ['a string', 'x', 'x', Number.NaN],
    ['a number', 5, '5', 5],
    ['a list', [1, null, ['a', true]], '1,,a,true', Number.NaN],
    ['a list of one number', [7], '7', 7],
    ['an object', { a: 1 }, '[object Object]', Number.NaN],
    ['an object that would break String()', { toString: 1, valueOf: 1 }, '[object Object]', Number.NaN],
  ])('%s', (_name, value, text, number) => {
    expect(textOf(value)).toBe(text);
    expect(numberOf(value)).toBe(number);
  });
});

describe('columnText', () => {
  test.each([
    ['a string', 'x', 'x'],
    ['an empty string', '', ''],
    ['a number', 3, '3'],
    ['a boolean', false, 'false'],
    ['a list', ['a'], '["a"]'],
    ['null', null, null],
    ['nothing', undefined, null],
  ])('%s', (_name, value, expected) => {
    expect(columnText(value)).toBe(expected);
  });
});
