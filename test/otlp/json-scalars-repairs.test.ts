import type { JsonRepair } from '../../src/otlp/json-fault';
import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { convert, requestText, SPAN_PATH, spanText } from '../support/json-conversion';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('what is not of its type is repaired, or a fault where the repair is off', () => {
  const value = (actual: CanonicalValue) => ({ attributes: [{ key: 'k', value: actual }] });
  const at = (field: string) => `${SPAN_PATH}.${field}`;
  const ID = 'is not an id: 16 hex digits, or base64 of 8 bytes';
  const trace = 'is not an id: 32 hex digits, a UUID, or base64 of 16 bytes';
  const KIND = 'is neither a number nor a name of its enumeration';

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
    ['a kind of words (G17)', '"kind":"FOO"', 'kind_unknown', { kind: 0 }, ['invalid_field', at('kind'), KIND]],
    ['a kind that is a list', '"kind":[2]', 'kind_unknown', { kind: 0 }, ['invalid_field', at('kind'), KIND]],
    [
      'a kind of more than 32 bits (H23)',
      '"kind":1099511627776',
      'kind_unknown',
      { kind: 0 },
      ['invalid_field', at('kind'), KIND],
    ],
    [
      'half a surrogate pair (G71)',
      '"name":"a\\ud800"',
      'invalid_utf8',
      { name: 'a\ufffd' },
      ['invalid_field', at('name'), 'is not valid UTF-8'],
    ],
    ...retyped([
      ['a fraction (G32)', '{"intValue":1.5}', { double: 1.5 }, 'intValue', 'an integer of int64'],
      ['words as int (G33)', '{"intValue":"3.f14"}', { string: '3.f14' }, 'intValue', 'an integer of int64'],
      ['true as int', '{"intValue":true}', { bool: true }, 'intValue', 'an integer of int64'],
      ['1e+21 (G34)', '{"intValue":1e+21}', { double: 1e21 }, 'intValue', 'an integer of int64'],
      [
        'an int beyond int64 as text',
        '{"intValue":"9223372036854775808"}',
        { string: '9223372036854775808' },
        'intValue',
        'an integer of int64',
      ],
      ['text as bool (G41)', '{"boolValue":"true"}', { string: 'true' }, 'boolValue', 'true or false'],
      ['a number as bool', '{"boolValue":1}', { int: 1n }, 'boolValue', 'true or false'],
      ['a number as text', '{"stringValue":1.0}', { int: 1n }, 'stringValue', 'a text'],
      ['a large number as text', '{"stringValue":1e300}', { double: 1e300 }, 'stringValue', 'a text'],
      ['words as double', '{"doubleValue":"fast"}', { string: 'fast' }, 'doubleValue', 'a number'],
      ['no words as double', '{"doubleValue":" "}', { string: ' ' }, 'doubleValue', 'a number'],
      ['hex as double', '{"doubleValue":"0x10"}', { string: '0x10' }, 'doubleValue', 'a number'],
      ['a number among spaces as double', '{"doubleValue":" 1 "}', { string: ' 1 ' }, 'doubleValue', 'a number'],
      ['no base64 (G44)', '{"bytesValue":"!!!"}', { string: '!!!' }, 'bytesValue', 'base64'],
      ['base64 of one letter', '{"bytesValue":"A"}', { string: 'A' }, 'bytesValue', 'base64'],
      ['base64 of five letters', '{"bytesValue":"AQIDB"}', { string: 'AQIDB' }, 'bytesValue', 'base64'],
      [
        'base64 with padding in the middle',
        '{"bytesValue":"AQ==AQ=="}',
        { string: 'AQ==AQ==' },
        'bytesValue',
        'base64',
      ],
      ['base64 with a space', '{"bytesValue":"AQ ID"}', { string: 'AQ ID' }, 'bytesValue', 'base64'],
      ['a number as bytes', '{"bytesValue":1}', { int: 1n }, 'bytesValue', 'base64'],
      [
        'words as string index',
        '{"stringValueStrindex":"x"}',
        { string: 'x' },
        'stringValueStrindex',
        'an integer of int32',
      ],
    ]),
  ])('%s', (_, members, repair, expected, fault) => {
    const text = requestText(spanText(members));
    const on = convert(text);
    expect(on.spans).toEqual([expect.objectContaining(expected)]);
    expect([on.faults, on.repairs]).toEqual([[], { 0: [repair] }]);
    const off = convert(text, [repair]);
    expect([off.faults, off.repairs]).toEqual([[[0, ...fault]], {}]);
  });

  type Retyped = [name: string, json: string, actual: CanonicalValue, member: string, missed: string];
  function retyped(rows: Retyped[]) {
    return rows.map(
      ([name, json, actual, member, missed]): [
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
        ['invalid_field', at(`attributes[0].value.${member}`), `is not ${missed}`],
      ],
    );
  }
});

describe('a fault of the span, which no repair mends', () => {
  const trace = 'is not an id: 32 hex digits, a UUID, or base64 of 16 bytes';
  const span = 'is not an id: 16 hex digits, or base64 of 8 bytes';
  const time = 'is not a whole number of nanoseconds since 1970';
  const count = 'is not an integer of uint32';

  test.each<[name: string, members: string, reason: string, field: string, description: string]>([
    ['a trace id of words (G04)', `"traceId":"${'z'.repeat(32)}"`, 'invalid_trace_id', 'traceId', trace],
    ['a trace id that is a number (G07)', '"traceId":123', 'invalid_trace_id', 'traceId', trace],
    ['a span id of 7 bytes', '"spanId":"01020304050607"', 'invalid_span_id', 'spanId', span],
    ['a span id that is a list', '"spanId":[1]', 'invalid_span_id', 'spanId', span],
    ['a negative time (G25)', '"startTimeUnixNano":-1', 'invalid_field', 'startTimeUnixNano', time],
    ['a negative time as text', '"startTimeUnixNano":"-1"', 'invalid_field', 'startTimeUnixNano', time],
    [
      'a time of more than 64 bits (G26)',
      '"startTimeUnixNano":"18446744073709551616"',
      'invalid_field',
      'startTimeUnixNano',
      time,
    ],
    ['a date (G28)', '"endTimeUnixNano":"2024-01-01T00:00:00Z"', 'invalid_field', 'endTimeUnixNano', time],
    ['half a nanosecond', '"endTimeUnixNano":0.5', 'invalid_field', 'endTimeUnixNano', time],
    ['a count below zero (G53)', '"droppedAttributesCount":-1', 'invalid_field', 'droppedAttributesCount', count],
    [
      'a count of more than 32 bits',
      '"droppedAttributesCount":4294967296',
      'invalid_field',
      'droppedAttributesCount',
      count,
    ],
    ['flags that are true', '"flags":true', 'invalid_field', 'flags', count],
    ['a name that is a number', '"name":1', 'invalid_field', 'name', 'is not a text'],
    [
      'a status that nobody knows',
      '"status":{"code":"FOO"}',
      'invalid_field',
      'status.code',
      'is neither a number nor a name of its enumeration',
    ],
  ])('%s', (_, members, reason, field, description) => {
    const { spans, faults } = convert(requestText(spanText(members)));
    expect(faults).toEqual([[0, reason, `${SPAN_PATH}.${field}`, description]]);
    expect(spans[0]).toMatchObject({ traceId: '', spanId: '', attributes: [] });
  });

  test('an empty id is absent, which admission judges', () => {
    const { spans, faults } = convert(requestText('{"traceId":"","spanId":null}'));
    expect([faults, spans[0]?.traceId, spans[0]?.spanId]).toEqual([[], '', '']);
  });
});
