import type { JsonRepair } from '../../src/otlp/json-fault';
import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { convert, requestText, SPAN_PATH, spanText } from '../support/json-conversion';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('what is not of its type is repaired, or a fault where the repair is off', () => {
  const value = (actual: CanonicalValue) => ({ attributes: [{ key: 'k', value: actual }] });
  const at = (field: string) => `${SPAN_PATH}.${field}`;
  const ID = 'is not an id of 16 hex digits';
  const trace = 'is not an id of 32 hex digits';

  test.each<[string, string, JsonRepair, Partial<CanonicalSpan>, [reason: string, path: string, description: string]]>([
    [
      'a trace id in base64 (G03)',
      `"traceId":"${base64(TRACE_ID)}"`,
      'id_base64',
      { traceId: TRACE_ID },
      ['invalid_trace_id', at('traceId'), trace],
    ],
    [
      'a span id in base64url',
      `"spanId":"${url(SPAN_ID)}"`,
      'id_base64',
      { spanId: SPAN_ID },
      ['invalid_span_id', at('spanId'), ID],
    ],
    [
      'a parent in base64',
      `"parentSpanId":"${base64(SPAN_ID)}"`,
      'id_base64',
      { parentSpanId: SPAN_ID },
      ['invalid_span_id', at('parentSpanId'), ID],
    ],
    [
      'a parent of words',
      '"parentSpanId":"root"',
      'parent_unreadable',
      { parentSpanId: '' },
      ['invalid_span_id', at('parentSpanId'), ID],
    ],
    [
      'a parent that is a number',
      '"parentSpanId":7',
      'parent_unreadable',
      { parentSpanId: '' },
      ['invalid_span_id', at('parentSpanId'), ID],
    ],
    [
      'a parent that is an object',
      '"parentSpanId":{"a":[1]}',
      'parent_unreadable',
      { parentSpanId: '' },
      ['invalid_span_id', at('parentSpanId'), ID],
    ],
    [
      'a kind of words (G17)',
      '"kind":"FOO"',
      'kind_unknown',
      { kind: 0 },
      ['invalid_field', at('kind'), 'is not a enum'],
    ],
    [
      'a kind that is a list',
      '"kind":[2]',
      'kind_unknown',
      { kind: 0 },
      ['invalid_field', at('kind'), 'is not a enum'],
    ],
    [
      'a kind of more than 32 bits (H23)',
      '"kind":1099511627776',
      'kind_unknown',
      { kind: 0 },
      ['invalid_field', at('kind'), 'is not a enum'],
    ],
    [
      'half a surrogate pair (G71)',
      '"name":"a\\ud800"',
      'invalid_utf8',
      { name: 'a\ufffd' },
      ['invalid_field', at('name'), 'is not valid UTF-8'],
    ],
    ...retyped([
      ['a fraction (G32)', '{"intValue":1.5}', { double: 1.5 }, 'intValue', 'int64'],
      ['words as int (G33)', '{"intValue":"3.f14"}', { string: '3.f14' }, 'intValue', 'int64'],
      ['true as int', '{"intValue":true}', { bool: true }, 'intValue', 'int64'],
      ['1e+21 (G34)', '{"intValue":1e+21}', { double: 1e21 }, 'intValue', 'int64'],
      [
        'an int beyond int64 as text',
        '{"intValue":"9223372036854775808"}',
        { string: '9223372036854775808' },
        'intValue',
        'int64',
      ],
      ['text as bool (G41)', '{"boolValue":"true"}', { string: 'true' }, 'boolValue', 'bool'],
      ['a number as bool', '{"boolValue":1}', { int: 1n }, 'boolValue', 'bool'],
      ['a number as text', '{"stringValue":1.0}', { int: 1n }, 'stringValue', 'string'],
      ['a large number as text', '{"stringValue":1e300}', { double: 1e300 }, 'stringValue', 'string'],
      ['words as double', '{"doubleValue":"fast"}', { string: 'fast' }, 'doubleValue', 'double'],
      ['no words as double', '{"doubleValue":" "}', { string: ' ' }, 'doubleValue', 'double'],
      ['hex as double', '{"doubleValue":"0x10"}', { string: '0x10' }, 'doubleValue', 'double'],
      ['a number among spaces as double', '{"doubleValue":" 1 "}', { string: ' 1 ' }, 'doubleValue', 'double'],
      ['no base64 (G44)', '{"bytesValue":"!!!"}', { string: '!!!' }, 'bytesValue', 'bytes'],
      ['base64 of one letter', '{"bytesValue":"A"}', { string: 'A' }, 'bytesValue', 'bytes'],
      ['base64 of five letters', '{"bytesValue":"AQIDB"}', { string: 'AQIDB' }, 'bytesValue', 'bytes'],
      ['base64 with padding in the middle', '{"bytesValue":"AQ==AQ=="}', { string: 'AQ==AQ==' }, 'bytesValue', 'bytes'],
      ['base64 with a space', '{"bytesValue":"AQ ID"}', { string: 'AQ ID' }, 'bytesValue', 'bytes'],
      ['a number as bytes', '{"bytesValue":1}', { int: 1n }, 'bytesValue', 'bytes'],
      ['words as string index', '{"stringValueStrindex":"x"}', { string: 'x' }, 'stringValueStrindex', 'int32'],
    ]),
  ])('%s', (_, members, repair, expected, fault) => {
    const text = requestText(spanText(members));
    const on = convert(text);
    expect(on.spans).toEqual([expect.objectContaining(expected)]);
    expect([on.faults, on.repairs]).toEqual([[], { 0: [repair] }]);
    const off = convert(text, [repair]);
    expect([off.faults, off.repairs]).toEqual([[[0, ...fault]], {}]);
  });

  type Retyped = [name: string, json: string, actual: CanonicalValue, member: string, kind: string];
  function retyped(rows: Retyped[]) {
    return rows.map(
      ([name, json, actual, member, kind]): [
        string,
        string,
        JsonRepair,
        Partial<CanonicalSpan>,
        [string, string, string],
      ] => [
        name,
        `"attributes":[{"key":"k","value":${json}}]`,
        'attribute_retyped',
        value(actual),
        ['invalid_field', at(`attributes[0].value.${member}`), `is not a ${kind}`],
      ],
    );
  }
});

describe('a fault of the span, which no repair mends', () => {
  test.each<[string, string, string, string]>([
    ['a trace id of words (G04)', `"traceId":"${'z'.repeat(32)}"`, 'invalid_trace_id', 'traceId'],
    ['a trace id that is a number (G07)', '"traceId":123', 'invalid_trace_id', 'traceId'],
    ['a span id of 7 bytes', '"spanId":"01020304050607"', 'invalid_span_id', 'spanId'],
    ['a span id that is a list', '"spanId":[1]', 'invalid_span_id', 'spanId'],
    ['a negative time (G25)', '"startTimeUnixNano":-1', 'invalid_field', 'startTimeUnixNano'],
    ['a negative time as text', '"startTimeUnixNano":"-1"', 'invalid_field', 'startTimeUnixNano'],
    [
      'a time of more than 64 bits (G26)',
      '"startTimeUnixNano":"18446744073709551616"',
      'invalid_field',
      'startTimeUnixNano',
    ],
    ['a date (G28)', '"endTimeUnixNano":"2024-01-01T00:00:00Z"', 'invalid_field', 'endTimeUnixNano'],
    ['half a nanosecond', '"endTimeUnixNano":0.5', 'invalid_field', 'endTimeUnixNano'],
    ['a count below zero (G53)', '"droppedAttributesCount":-1', 'invalid_field', 'droppedAttributesCount'],
    ['a count of more than 32 bits', '"droppedAttributesCount":4294967296', 'invalid_field', 'droppedAttributesCount'],
    ['flags that are true', '"flags":true', 'invalid_field', 'flags'],
    ['a name that is a number', '"name":1', 'invalid_field', 'name'],
    ['a status that nobody knows', '"status":{"code":"FOO"}', 'invalid_field', 'status.code'],
  ])('%s', (_, members, reason, field) => {
    const { spans, faults } = convert(requestText(spanText(members)));
    expect(faults).toEqual([[0, reason, `${SPAN_PATH}.${field}`, expect.stringMatching(/^is not an? [a-z0-9 ]+$/)]]);
    expect(spans[0]).toMatchObject({ traceId: '', spanId: '', attributes: [] });
  });

  test('an empty id is absent, which admission judges', () => {
    const { spans, faults } = convert(requestText('{"traceId":"","spanId":null}'));
    expect([faults, spans[0]?.traceId, spans[0]?.spanId]).toEqual([[], '', '']);
  });
});
