import { DECODABLE_DEPTH_MAX, VALUE_DEPTH_MAX } from '../../src/otlp/check';
import { attributeText, convert, requestText, spanText } from '../support/json-conversion';

describe('depth', () => {
  const arrays = (levels: number) =>
    `${'{"arrayValue":{"values":['.repeat(levels)}{"intValue":1}${']}}'.repeat(levels)}`;
  const lists = (levels: number) =>
    `${'{"kvlistValue":{"values":[{"key":"k","value":'.repeat(levels)}{}${'}]}}'.repeat(levels)}`;

  test.each([
    ['arrays', arrays],
    ['lists', lists],
  ])('%s as deep as allowed are read', (_, nest) => {
    expect(convert(requestText(attributeText(nest(VALUE_DEPTH_MAX)))).faults).toEqual([]);
  });

  test.each([
    ['arrays, one deeper', arrays(VALUE_DEPTH_MAX + 1)],
    ['lists, one deeper', lists(VALUE_DEPTH_MAX + 1)],
    ['arrays, as deep as can be decoded', arrays(DECODABLE_DEPTH_MAX)],
    ['lists, as deep as can be decoded', lists(DECODABLE_DEPTH_MAX)],
  ])('%s cost the span', (_, value) => {
    const [fault, ...others] = convert(requestText(attributeText(value), spanText())).faults;
    expect(fault?.slice(0, 2)).toEqual([0, 'too_deep']);
    expect(fault?.[2]).toMatch(/^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.attributes\[0\]\.value\./);
    expect(others).toEqual([]);
  });

  test('a link with a value too deep costs the span as well: its size is an attack', () => {
    const text = requestText(spanText(`"links":[{"attributes":[{"key":"k","value":${arrays(70)}}]}]`));
    expect(convert(text).faults[0]?.slice(0, 2)).toEqual([0, 'too_deep']);
  });

  test.each([
    ['arrays', arrays(DECODABLE_DEPTH_MAX + 1)],
    ['lists', lists(DECODABLE_DEPTH_MAX + 1)],
    ['arrays by far', arrays(100_000)],
  ])('%s deeper than that are refused', (_, value) => {
    expect(() => convert(requestText(attributeText(value)))).toThrow('JSON: nested too deep');
  });

  test('the depth of one span does not count for the next', () => {
    const spans = Array.from({ length: 3 }, () => attributeText(arrays(VALUE_DEPTH_MAX + 1)));
    const { faults } = convert(requestText(...spans, attributeText(arrays(VALUE_DEPTH_MAX))));
    expect(faults.map(([ordinal, reason]) => [ordinal, reason])).toEqual([
      [0, 'too_deep'],
      [1, 'too_deep'],
      [2, 'too_deep'],
    ]);
  });
});
