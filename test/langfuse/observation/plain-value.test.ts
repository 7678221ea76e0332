import { plainValue } from '../../../src/langfuse/observation/plain-value';
import { kvlist } from '../../support/span-builder';

test.each([
  ['a string', 'x', 'x'],
  ['a boolean', false, false],
  ['a number', 0.5, 0.5],
  ['an int64 beyond the safe numbers, which a view shows as a string', '9223372036854775807', '9223372036854775807'],
  ['NaN', Number.NaN, null],
  ['an infinity', Number.NEGATIVE_INFINITY, null],
  ['a list', ['a', 1, true], ['a', 1, true]],
  ['a list in a list', [['a'], []], [['a'], '{"arrayValue":{}}']],
  ['an empty AnyValue', null, '{}'],
  ['an empty AnyValue in a list', [null, 'a'], ['{}', 'a']],
  ['an empty list', [], '{"arrayValue":{}}'],
  ['bytes', Uint8Array.of(1, 255), '{"bytesValue":{"type":"Buffer","data":[1,255]}}'],
  ['an empty kvlist', kvlist({}), '{"kvlistValue":{}}'],
  [
    'a kvlist with every kind of value',
    kvlist([
      ['s', 'x'],
      ['b', true],
      ['i', 7],
      ['d', 0.5],
      ['nan', Number.NaN],
      ['l', ['a', 1]],
      ['e', []],
      ['n', null],
      ['y', Uint8Array.of()],
      ['__proto__', kvlist({ constructor: 'c' })],
    ]),
    '{"kvlistValue":{"values":[{"key":"s","value":{"stringValue":"x"}},{"key":"b","value":{"boolValue":true}},' +
      '{"key":"i","value":{"intValue":"7"}},{"key":"d","value":{"doubleValue":0.5}},' +
      '{"key":"nan","value":{"doubleValue":null}},' +
      '{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"a"},{"intValue":"1"}]}}},' +
      '{"key":"e","value":{"arrayValue":{}}},{"key":"n","value":{}},' +
      '{"key":"y","value":{"bytesValue":{"type":"Buffer","data":[]}}},' +
      '{"key":"__proto__","value":{"kvlistValue":{"values":[{"key":"constructor","value":{"stringValue":"c"}}]}}}]}}',
  ],
  [
    'a kvlist in a list',
    [kvlist({ a: 1e300 })],
    ['{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":1e+300}}]}}'],
  ],
])('%s', (_name, value, expected) => {
  expect(plainValue(value)).toEqual(expected);
});
