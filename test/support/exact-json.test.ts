import { parseExactJson } from './exact-json';

describe('exact JSON', () => {
  test.each(['{"a":}', '[1,]', '01', '"\u0001"', 'NaN', '{"a":1}{"b":2}', ''])('refuses %j', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  });

  test('keeps quotes, backslashes, number texts and the order of keys', () => {
    const text = '{"end":"\\\\","b":"\\\\\\"1","2":[-0, 1.50,1E+3,true,null],"\\u0061":"x"}';
    expect(parseExactJson(text)).toEqual(
      new Map<string, unknown>([
        ['end', '\\'],
        ['b', '\\"1'],
        ['2', [{ number: '-0' }, { number: '1.50' }, { number: '1E+3' }, true, null]],
        ['a', 'x'],
      ]),
    );
  });
});
