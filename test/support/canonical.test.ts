import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { type CanonicalValue, canonicalFromJson, canonicalFromProtobuf } from './canonical';

const root = protobuf.parse(readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8')).root;
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

const SPAN = { traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'n' };
const requestText = (span: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`;
const spanText = (members: string) => requestText(`{${JSON.stringify(SPAN).slice(1, -1)},${members}}`);
const valueText = (value: string) => spanText(`"attributes":[{"key":"k","value":${value}}]`);

describe('values of JSON', () => {
  test.each<[string, string, CanonicalValue | null]>([
    ['an int as a number', '{"intValue":5}', { int: 5n }],
    ['an int as text', '{"intValue":"9223372036854775807"}', { int: 9223372036854775807n }],
    ['an int number that a double cannot hold', '{"intValue":9007199254740993}', { int: 9007199254740993n }],
    ['an int written as 5.0', '{"intValue":5.0}', { int: 5n }],
    ['an int written as 1.5e3', '{"intValue":1.5e3}', { int: 1500n }],
    ['an int of zero', '{"intValue":0}', { int: 0n }],
    ['a fraction in an int', '{"intValue":1.5}', { misfit: 'intValue', json: { number: '1.5' } }],
    ['an int beyond int64', '{"intValue":1e+21}', { misfit: 'intValue', json: { number: '1e+21' } }],
    ['words in an int', '{"intValue":"3.f14"}', { misfit: 'intValue', json: '3.f14' }],
    ['a double that is integral', '{"doubleValue":3}', { double: 3 }],
    ['minus zero', '{"doubleValue":-0}', { double: -0 }],
    ['a double as text', '{"doubleValue":"3.14"}', { double: 3.14 }],
    ['NaN', '{"doubleValue":"NaN"}', { double: Number.NaN }],
    ['minus infinity', '{"doubleValue":"-Infinity"}', { double: -Infinity }],
    ['a null double', '{"doubleValue":null}', { empty: true }],
    ['a bool as text', '{"boolValue":"true"}', { misfit: 'boolValue', json: 'true' }],
    ['base64', '{"bytesValue":"+/8="}', { bytes: 'fbff' }],
    ['base64url without padding', '{"bytesValue":"-_8"}', { bytes: 'fbff' }],
    ['no base64', '{"bytesValue":"!!!"}', { misfit: 'bytesValue', json: '!!!' }],
    ['an array in a string', '{"stringValue":["a"]}', { misfit: 'stringValue', json: { other: 'array' } }],
    ['two members, the last one counting', '{"stringValue":"a","intValue":"1"}', { int: 1n }],
    ['a null member after one that is set', '{"stringValue":"a","intValue":null}', { string: 'a' }],
    ['an array without values', '{"arrayValue":{}}', { array: [] }],
    ['snake case', '{"array_value":{"values":[{"int_value":1},{}]}}', { array: [{ int: 1n }, { empty: true }] }],
    [
      'a list of entries with one key twice',
      '{"kvlistValue":{"values":[{"key":"__proto__","value":{"boolValue":false}},{"key":"__proto__"}]}}',
      {
        kvlist: [
          { key: '__proto__', value: { bool: false } },
          { key: '__proto__', value: null },
        ],
      },
    ],
    ['nothing set', '{}', { empty: true }],
    ['null', 'null', null],
  ])('%s', (_, json, expected) => {
    expect(canonicalFromJson(valueText(json))[0]?.attributes).toEqual([{ key: 'k', value: expected }]);
  });

  test('minus zero, zero and the int zero are three values', () => {
    const values = ['{"doubleValue":-0}', '{"doubleValue":0}', '{"intValue":0}'].map(
      (json) => canonicalFromJson(valueText(json))[0]?.attributes[0]?.value,
    );
    expect(values[0]).not.toEqual(values[1]);
    expect(values[1]).not.toEqual(values[2]);
  });
});

describe('fields of a JSON span', () => {
  test.each<[string, string, string, unknown]>([
    ['a time number beyond 2^53', '"startTimeUnixNano":1544712660123456789', 'startTimeUnixNano', 1544712660123456789n],
    ['a time with an exponent', '"endTimeUnixNano":1.5e18', 'endTimeUnixNano', 1500000000000000000n],
    ['a kind by name', '"kind":"SPAN_KIND_SERVER"', 'kind', 2],
    ['a kind by number as text', '"kind":"2"', 'kind', 2],
    ['a kind that nobody knows', '"kind":"FOO"', 'kind', 'FOO'],
    ['an upper case parent', '"parentSpanId":"EEE19B7EC3C1B174"', 'parentSpanId', 'eee19b7ec3c1b174'],
    ['a zero parent', '"parentSpanId":"0000000000000000"', 'parentSpanId', '0000000000000000'],
    ['a base64 parent', '"parentSpanId":"7uGbfsPBsXQ="', 'parentSpanId', '7uGbfsPBsXQ='],
    ['a null parent', '"parentSpanId":null', 'parentSpanId', ''],
    ['a status by name', '"status":{"code":"STATUS_CODE_ERROR"}', 'status', { message: '', code: 2 }],
    ['flags as text', '"flags":"769"', 'flags', 769],
    ['trace state in snake case', '"trace_state":"a=b"', 'traceState', 'a=b'],
  ])('%s', (_, members, name, expected) => {
    expect(canonicalFromJson(spanText(members))[0]).toHaveProperty(name, expected);
  });

  test.each([
    ['a negative time', '"startTimeUnixNano":-1'],
    ['a time of more than 64 bits', '"startTimeUnixNano":"18446744073709551616"'],
    ['a date', '"startTimeUnixNano":"2024-01-01T00:00:00Z"'],
    ['a count of more than 32 bits', '"droppedAttributesCount":4294967296'],
    ['attributes as an object', '"attributes":{"k":"v"}'],
    ['a name that is a number', '"links":[{"traceState":1}]'],
  ])('%s is an error', (_, members) => {
    expect(() => canonicalFromJson(spanText(members))).toThrow();
  });

  test('deprecated library spans count as scope spans', () => {
    const text = requestText(JSON.stringify(SPAN)).replace('scopeSpans', 'instrumentationLibrarySpans');
    expect(canonicalFromJson(text)).toEqual(canonicalFromJson(requestText(JSON.stringify(SPAN))));
  });
});

describe('protobuf', () => {
  /** A span whose name is one byte that no UTF-8 text has. */
  const invalid = Buffer.from('0a0712051203 2a01ff'.replaceAll(' ', ''), 'hex');

  test('refuses a string that is no UTF-8, or replaces it', () => {
    expect(() => canonicalFromProtobuf(invalid)).toThrow();
    expect(canonicalFromProtobuf(invalid, { invalidUtf8: 'replace' })[0]?.name).toBe('\uFFFD');
  });

  test('refuses broken framing', () => {
    expect(() => canonicalFromProtobuf(invalid.subarray(0, -1))).toThrow();
  });

  test('keeps a byte order mark, defaults that are set, and an absent value', () => {
    const bytes = encode([
      { key: '\uFEFFbom', value: { stringValue: '' } },
      { key: 'zero', value: { intValue: 0 } },
      { key: 'empty', value: {} },
      { key: 'absent' },
    ]);
    expect(canonicalFromProtobuf(bytes)[0]?.attributes).toEqual([
      { key: '\uFEFFbom', value: { string: '' } },
      { key: 'zero', value: { int: 0n } },
      { key: 'empty', value: { empty: true } },
      { key: 'absent', value: null },
    ]);
  });

  test('reads values that are nested deeper than protobufjs allows', () => {
    let bytes = Buffer.from([0x18, 7]);
    for (let level = 0; level < 200; level += 1) bytes = lengthDelimited(0x2a, lengthDelimited(0x0a, bytes));
    const keyValue = Buffer.concat([lengthDelimited(0x0a, Buffer.from('k')), lengthDelimited(0x12, bytes)]);
    const request = [0x4a, 0x12, 0x12, 0x0a].reduce((inner, tag) => lengthDelimited(tag, inner), keyValue);

    let value = canonicalFromProtobuf(request)[0]?.attributes[0]?.value as CanonicalValue;
    for (let level = 0; level < 200; level += 1)
      value = (value as { array: CanonicalValue[] }).array[0] as CanonicalValue;
    expect(value).toEqual({ int: 7n });
  });

  function encode(attributes: object[]): Uint8Array {
    const message = Request.fromObject({ resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }] });
    return Request.encode(message).finish();
  }

  function lengthDelimited(tag: number, content: Uint8Array): Buffer<ArrayBuffer> {
    return Buffer.concat([protobuf.Writer.create().uint32(tag).bytes(content).finish()]);
  }
});
