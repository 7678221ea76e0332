import { flattenMetadata } from '../../../src/langfuse/observation/flatten-metadata';

describe('flattenMetadata', () => {
  test.each([
    ['the first of two equal paths', JSON.parse('{"a.b":1,"a":{"b":2}}'), { 'a.b': '1' }],
    ['empty objects vanish', { a: {}, b: { c: {} } }, {}],
    ['empty names', { '': { '': 1 } }, { '': '1' }],
  ])('%s', (_name, value, expected) => {
    expect(flattenMetadata(value)).toEqual(expected);
  });

  test('a long path over many values is not repeated without end', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index]));
    const flat = flattenMetadata({ ['p'.repeat(100_000)]: many, short: many });
    expect(Object.keys(flat)).toHaveLength(1_001);
    expect(flat['p'.repeat(100_000)]).toBe(JSON.stringify(many));
  });
});
