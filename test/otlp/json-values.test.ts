import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import {
  attributeText,
  convert,
  convertJsonRequest,
  requestText,
  SPAN_PATH,
  spanText,
} from '../support/json-conversion';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';

const readValue = (value: string) => {
  const { spans, faults, repairs } = convert(requestText(attributeText(value)));
  return { value: spans[0]?.attributes[0]?.value, faults, repairs };
};

describe('values', () => {
  test.each<[string, string, CanonicalValue]>([
    ['the empty one (G45)', '{}', { empty: true }],
    ['only unknown members', '{"x":1,"y":{"stringValue":"a"}}', { empty: true }],
    ['of two members the last (G46)', '{"stringValue":"a","intValue":"1"}', { int: 1n }],
    ['a scalar after a list', '{"arrayValue":{"values":[{"intValue":1}]},"boolValue":true}', { bool: true }],
    ['a list after a scalar', '{"boolValue":true,"kvlistValue":{"values":[]}}', { kvlist: [] }],
    ['a null member after one that is set', '{"stringValue":"a","intValue":null}', { string: 'a' }],
    [
      'a mixed array (G47)',
      '{"arrayValue":{"values":[{"intValue":1},{"stringValue":"a"},{},{"doubleValue":1}]}}',
      {
        array: [{ int: 1n }, { string: 'a' }, { empty: true }, { double: 1 }],
      },
    ],
    ['an array of nothing (G48)', '{"arrayValue":{}}', { array: [] }],
    ['an array of null', '{"arrayValue":{"values":null}}', { array: [] }],
    ['a null among an array (G51)', '{"arrayValue":{"values":[null,{"intValue":1},null]}}', { array: [{ int: 1n }] }],
    [
      'a list with keys that come twice',
      '{"kvlistValue":{"values":[{"key":"a","value":{"intValue":1}},{"key":"a","value":{}}]}}',
      {
        kvlist: [
          { key: 'a', value: { int: 1n } },
          { key: 'a', value: { empty: true } },
        ],
      },
    ],
    [
      'snake case',
      '{"kvlist_value":{"values":[{"key":"a","value":{"array_value":{"values":[{"int_value":"1"}]}}}]}}',
      {
        kvlist: [{ key: 'a', value: { array: [{ int: 1n }] } }],
      },
    ],
    ['escaped names (G66)', '{"\\u0069ntValue":7}', { int: 7n }],
  ])('%s', (_, json, expected) => {
    expect(readValue(json)).toEqual({ value: expected, faults: [], repairs: {} });
  });

  test.each([
    ['absent (G45)', '{"key":"k"}'],
    ['null', '{"key":"k","value":null}'],
    ['absent beside unknown members', '{"key":"k","val":{"stringValue":"a"}}'],
  ])('a value that is %s is the empty one, or a fault where that repair is off', (_, attribute) => {
    const text = requestText(spanText(`"attributes":[${attribute}]`));
    const on = convert(text);
    expect([on.spans[0]?.attributes, on.repairs]).toEqual([
      [{ key: 'k', value: { empty: true } }],
      { 0: ['attribute_value_absent'] },
    ]);
    expect(convert(text, ['attribute_value_absent']).faults).toEqual([
      [0, 'invalid_field', `${SPAN_PATH}.attributes[0]`, 'has no value'],
    ]);
  });

  test('of two members only the last is written, so that nobody judges the other', () => {
    const bytesOf = (value: string) =>
      convertJsonRequest(Buffer.from(requestText(attributeText(value))), () => true).bytes.toString('hex');
    const last = '"arrayValue":{"values":[{"intValue":1}]}';
    expect(bytesOf(`{"bytesValue":"AA==",${last}}`)).toBe(bytesOf(`{${last}}`));
    expect(bytesOf(`{"arrayValue":{"values":[{"boolValue":true}]},${last}}`)).toBe(bytesOf(`{${last}}`));
  });
});

describe('messages of a span', () => {
  const attributes = [{ key: 'a', value: { int: 1n } }];
  const attributesText = '"attributes":[{"key":"a","value":{"intValue":1}}],"droppedAttributesCount":2';

  test.each<[string, string, Partial<CanonicalSpan>]>([
    [
      'null everywhere (G49)',
      '"attributes":null,"events":null,"links":null,"status":null',
      { attributes: [], events: [], links: [] },
    ],
    [
      'nulls in lists (G51)',
      '"attributes":[null],"events":[null],"links":[null]',
      { attributes: [], events: [], links: [] },
    ],
    [
      'an event',
      `"events":[{"timeUnixNano":"7","name":"e",${attributesText}},{}]`,
      {
        events: [
          { timeUnixNano: 7n, name: 'e', attributes, droppedAttributesCount: 2 },
          { timeUnixNano: 0n, name: '', attributes: [], droppedAttributesCount: 0 },
        ],
      },
    ],
    [
      'a link',
      `"links":[{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}","traceState":"a=b","flags":768,${attributesText}}]`,
      {
        links: [
          { traceId: TRACE_ID, spanId: SPAN_ID, traceState: 'a=b', flags: 768, attributes, droppedAttributesCount: 2 },
        ],
      },
    ],
    [
      'a link without ids',
      '"links":[{}]',
      {
        links: [{ traceId: '', spanId: '', traceState: '', flags: 0, attributes: [], droppedAttributesCount: 0 }],
      },
    ],
    [
      'two lists under two spellings (G13)',
      '"droppedEventsCount":1,"dropped_events_count":2',
      { droppedEventsCount: 2 },
    ],
    ['attributes twice (G65)', `${attributesText},${attributesText}`, { attributes: [...attributes, ...attributes] }],
    [
      'keys that are names of objects (G75)',
      '"attributes":[{"key":"__proto__","value":{}}],"__proto__":{"name":"x"},"constructor":1',
      {
        name: '',
        attributes: [{ key: '__proto__', value: { empty: true } }],
      },
    ],
  ])('%s', (_, members, expected) => {
    const { spans, faults, repairs } = convert(requestText(spanText(members)));
    expect(spans[0]).toMatchObject(expected);
    expect([faults, repairs]).toEqual([[], {}]);
  });

  test.each([
    ['attributes as a map (G52)', '"attributes":{"k":"v"}', 'attributes', 'is not an array'],
    ['an attribute of text', '"attributes":["k"]', 'attributes[0]', 'is not an object'],
    ['the second attribute', '"attributes":[{"key":"a","value":{}},7]', 'attributes[1]', 'is not an object'],
    ['a key that is a number', '"attributes":[{"key":1,"value":{}}]', 'attributes[0].key', 'is not a text'],
    ['a value of text', '"attributes":[{"key":"a","value":"v"}]', 'attributes[0].value', 'is not an object'],
    [
      'an array that is a list',
      '"attributes":[{"key":"a","value":{"arrayValue":[]}}]',
      'attributes[0].value.arrayValue',
      'is not an object',
    ],
    [
      'an element of a list',
      '"attributes":[{"key":"a","value":{"kvlistValue":{"values":[{"key":"b","value":{}},{"key":"c","value":{"arrayValue":{"values":[{},3]}}}]}}}]',
      'attributes[0].value.kvlistValue.values[1].value.arrayValue.values[1]',
      'is not an object',
    ],
    ['a status of text', '"status":"OK"', 'status', 'is not an object'],
    ['an event of text', '"events":["e"]', 'events[0]', 'is not an object'],
    [
      'the time of an event',
      '"events":[{},{"timeUnixNano":"now"}]',
      'events[1].timeUnixNano',
      'is not a whole number of nanoseconds since 1970',
    ],
    [
      'in snake case, as it was written',
      '"dropped_links_count":"many"',
      'dropped_links_count',
      'is not an integer of uint32',
    ],
  ])('%s: the fault names its place', (_, members, path, description) => {
    expect(convert(requestText(spanText(members))).faults).toEqual([
      [0, 'invalid_field', `${SPAN_PATH}.${path}`, description],
    ]);
  });
});

describe('links', () => {
  const good = `{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"}`;
  const linksText = (...links: string[]) => requestText(spanText(`"links":[${links.join(',')}]`));

  test.each([
    ['a trace id of words', `{"traceId":"x","spanId":"${SPAN_ID}"}`, 'links[1].traceId'],
    ['a span id of 7 bytes', '{"spanId":"01020304050607"}', 'links[1].spanId'],
    ['text instead of a link', '"nowhere"', 'links[1]'],
  ])('%s costs the link, or the span where that repair is off', (_, link, path) => {
    const text = linksText(good, link, good);
    const on = convert(text);
    expect(on.spans[0]?.links.map(({ traceId }) => traceId)).toEqual([TRACE_ID, TRACE_ID]);
    expect([on.faults, on.repairs]).toEqual([[], { 0: ['link_dropped'] }]);
    expect(convert(text, ['link_dropped']).faults).toEqual([
      [0, expect.any(String), `${SPAN_PATH}.${path}`, expect.any(String)],
    ]);
  });

  test('many dropped links do not make the values after them too deep', () => {
    const deepAndBroken = `{"attributes":[{"key":"k","value":{"arrayValue":{"values":[{"arrayValue":7}]}}}]}`;
    const links = Array(40).fill(deepAndBroken);
    const text = requestText(
      spanText(`"links":[${links.join(',')}],"attributes":[{"key":"k","value":{"intValue":1}}]`),
    );
    const { spans, faults, repairs } = convert(text);
    expect([faults, repairs]).toEqual([[], { 0: ['link_dropped'] }]);
    expect(spans[0]).toMatchObject({ links: [], attributes: [{ key: 'k', value: { int: 1n } }] });
  });
});
