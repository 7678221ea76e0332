import fc from 'fast-check';
import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { attributeText, convert, requestText, spanText } from '../support/json-conversion';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { runs } from '../support/random';

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
