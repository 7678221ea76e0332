import { boundedText, jsonWithin, listText } from '../../../src/langfuse/visibility/bounded-text';

const MAX = 4 * 1024 * 1024;
const NUL = '\0';

describe('JSON within a number of characters', () => {
  test.each<[unknown, string]>([
    ['ab', '"ab"'],
    ['\n', '"\\n"'],
    [[], '[]'],
    [[1, true, null], '[1,true,null]'],
    [{}, '{}'],
    [{ a: 'b', c: [{ d: Number.NaN }] }, '{"a":"b","c":[{"d":"NaN"}]}'],
    [new Uint8Array([1, 2]), '"AQI="'],
  ])('%p', (value, text) => {
    expect(jsonWithin(value, text.length)).toBe(text);
    expect(jsonWithin(value, text.length - 1)).toBeUndefined();
  });
});

describe('a text', () => {
  test('as long as may be stays', () => {
    expect(boundedText('x'.repeat(MAX)) === 'x'.repeat(MAX)).toBe(true);
  });

  test('one character more is cut', () => {
    expect(boundedText('x'.repeat(MAX + 1)).slice(MAX - 66)).toBe('xx [left out: 65 characters]');
  });

  test('is not cut within a surrogate pair', () => {
    expect(boundedText(`x${'😀'.repeat(MAX / 2)}`).slice(MAX - 67)).toBe('😀 [left out: 66 characters]');
  });

  test('is short again after that, so that cutting twice is cutting once', () => {
    const cut = boundedText('x'.repeat(2 * MAX));
    expect(boundedText(cut) === cut).toBe(true);
  });

  test('of JSON', () => {
    expect(boundedText({ a: 1 })).toBe('{"a":1}');
    const note = '{"left out":"JSON of more than 4194304 characters"}';
    expect(boundedText([NUL.repeat(MAX / 6 + 1)]) === note).toBe(true);
  });
});

describe('a list', () => {
  const listed = (items: readonly { name: string; attributes?: object }[]) => {
    const text = listText(items, (item) => item);
    expect(text.length).toBeLessThanOrEqual(MAX);
    return JSON.parse(text);
  };

  test('of 10,000 entries', () => {
    const items = Array.from({ length: 10_000 }, (_, at) => ({ name: String(at) }));
    expect(listed(items)).toEqual(items);
  });

  test('of one more', () => {
    const items = Array.from({ length: 10_001 }, (_, at) => ({ name: String(at) }));
    expect(listed(items).slice(9_999)).toEqual([{ name: '9999' }, { 'left out': 1 }]);
  });

  test('attributes that are too long are left out alone', () => {
    const long = { name: 'a', attributes: { b: NUL.repeat(1_000_000), c: 1 } };
    const short = { name: 'd', attributes: { e: 1 } };
    expect(listed([long, short])).toEqual([{ name: 'a', 'left out': 2 }, short]);
  });

  test('an entry that is too long without them ends it', () => {
    expect(listed([{ name: 'a' }, { name: NUL.repeat(1_000_000) }, { name: 'b' }])).toEqual([
      { name: 'a' },
      { 'left out': 2 },
    ]);
  });

  test('no entry is read behind the end', () => {
    let reads = 0;
    const items = Array.from({ length: 100_000 }, () => ({}));
    listText(items, () => {
      reads++;
      return {};
    });
    expect(reads).toBe(10_000);
  });
});
