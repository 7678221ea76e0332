import fc from 'fast-check';
import type { JsonRepair } from '../../src/otlp/json-fault';
import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { attributeText, convert, requestText, SPAN_PATH, spanText } from '../support/json-conversion';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { runs } from '../support/random';

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('a field of a span is read', () => {
  test.each<[string, string, Partial<CanonicalSpan>]>([
    ['a trace id in upper case (G01)', `"traceId":"${TRACE_ID.toUpperCase()}"`, { traceId: TRACE_ID }],
    ['an id in mixed case (G02)', '"spanId":"EEe19B7ec3C1b174"', { spanId: SPAN_ID }],
    ['an empty parent (G08)', '"parentSpanId":""', { parentSpanId: '' }],
    ['a null parent (G09)', '"parentSpanId":null', { parentSpanId: '' }],
    [
      'a parent of zeros, which admission judges',
      '"parentSpanId":"0000000000000000"',
      { parentSpanId: '0'.repeat(16) },
    ],
    ['a kind (G15)', '"kind":2', { kind: 2 }],
    ['a kind by name (G16)', '"kind":"SPAN_KIND_CONSUMER"', { kind: 5 }],
    ['a kind as text (G18)', '"kind":"2"', { kind: 2 }],
    ['a kind that is not known yet (G19)', '"kind":99', { kind: 99 }],
    ['a kind of 2.0', '"kind":2.0', { kind: 2 }],
    ['a kind below zero', '"kind":-1', { kind: -1 }],
    ['a null kind (G20)', '"kind":null', { kind: 0 }],
    ['a status by name (G21)', '"status":{"code":"STATUS_CODE_ERROR"}', { status: { message: '', code: 2 } }],
    ['a status by number', '"status":{"code":1,"message":"m"}', { status: { message: 'm', code: 1 } }],
    ['a time as text (G22)', '"startTimeUnixNano":"1544712660123456789"', { startTimeUnixNano: 1544712660123456789n }],
    [
      'a time as a number (G23)',
      '"startTimeUnixNano":1544712660123456789',
      { startTimeUnixNano: 1544712660123456789n },
    ],
    [
      'a time with an exponent (G24)',
      '"endTimeUnixNano":1.544712660123456789e18',
      { endTimeUnixNano: 1544712660123456789n },
    ],
    ['the last time there is', '"endTimeUnixNano":"18446744073709551615"', { endTimeUnixNano: 2n ** 64n - 1n }],
    ['a null time (G27)', '"startTimeUnixNano":null', { startTimeUnixNano: 0n }],
    ['the largest count (G53)', '"droppedAttributesCount":4294967295', { droppedAttributesCount: 4294967295 }],
    ['a count as text', '"droppedEventsCount":"3"', { droppedEventsCount: 3 }],
    ['a null count', '"droppedLinksCount":null', { droppedLinksCount: 0 }],
    ['flags (G54)', '"flags":769', { flags: 769 }],
    ['flags as text', '"flags":"4294967295"', { flags: 4294967295 }],
    ['a name with escapes', '"name":"a\\"\\u00e4\\n\\ud83c\\udf33"', { name: 'a"ä\n🌳' }],
    ['a name without', '"name":"grün 🌳\u2028"', { name: 'grün 🌳\u2028' }],
    ['a name of a replacement character', '"name":"\ufffd"', { name: '\ufffd' }],
    ['a null name', '"name":null', { name: '' }],
    ['a name twice, the last one counting', '"name":"a","name":"b"', { name: 'b' }],
  ])('%s', (_, members, expected) => {
    const { spans, faults, repairs } = convert(requestText(spanText(members)));
    expect(spans).toEqual([expect.objectContaining(expected)]);
    expect([faults, repairs]).toEqual([[], {}]);
  });
});

describe('a value is read', () => {
  test.each<[string, string, CanonicalValue]>([
    ['the largest int64 (G29)', '{"intValue":"9223372036854775807"}', { int: 2n ** 63n - 1n }],
    ['the smallest int64', '{"intValue":"-9223372036854775808"}', { int: -(2n ** 63n) }],
    ['a number no double holds (G30)', '{"intValue":9007199254740993}', { int: 9007199254740993n }],
    ['5.0 (G31)', '{"intValue":5.0}', { int: 5n }],
    ['-0', '{"intValue":-0}', { int: 0n }],
    ['a double (G35)', '{"doubleValue":3.14}', { double: 3.14 }],
    ['a double as text', '{"doubleValue":"3.14"}', { double: 3.14 }],
    ['a double that is whole', '{"doubleValue":3}', { double: 3 }],
    ['minus zero', '{"doubleValue":-0}', { double: -0 }],
    ['the largest double', '{"doubleValue":1.7976931348623157e+308}', { double: Number.MAX_VALUE }],
    ['the smallest double', '{"doubleValue":5e-324}', { double: Number.MIN_VALUE }],
    ['NaN (G36)', '{"doubleValue":"NaN"}', { double: Number.NaN }],
    ['Infinity', '{"doubleValue":"Infinity"}', { double: Infinity }],
    ['-Infinity', '{"doubleValue":"-Infinity"}', { double: -Infinity }],
    ['null for NaN (G38)', '{"doubleValue":null}', { empty: true }],
    ['false', '{"boolValue":false}', { bool: false }],
    ['base64 (G42)', '{"bytesValue":"+/8B"}', { bytes: 'fbff01' }],
    ['base64url without padding (G43)', '{"bytesValue":"-_8"}', { bytes: 'fbff' }],
    ['base64url with padding', '{"bytesValue":"-_8="}', { bytes: 'fbff' }],
    ['base64 without padding', '{"bytesValue":"+w"}', { bytes: 'fb' }],
    ['no bytes', '{"bytesValue":""}', { bytes: '' }],
    ['a string index', '{"stringValueStrindex":3}', { stringIndex: 3 }],
    ['an empty text', '{"stringValue":""}', { string: '' }],
  ])('%s', (_, value, expected) => {
    const { spans, faults, repairs } = convert(requestText(attributeText(value)));
    expect(spans[0]?.attributes).toEqual([{ key: 'k', value: expected }]);
    expect([faults, repairs]).toEqual([[], {}]);
  });

  test('of any bytes, whatever alphabet and padding', () => {
    const forms = fc.constantFrom<(bytes: Buffer) => string>(
      (bytes) => bytes.toString('base64'),
      (bytes) => bytes.toString('base64').replace(/=+$/, ''),
      (bytes) => bytes.toString('base64url'),
      (bytes) => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), forms, (array, form) => {
        const bytes = Buffer.from(array);
        const { spans } = convert(requestText(attributeText(`{"bytesValue":"${form(bytes)}"}`)));
        expect(spans[0]?.attributes[0]?.value).toEqual({ bytes: bytes.toString('hex') });
      }),
      runs(200),
    );
  });
});

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
