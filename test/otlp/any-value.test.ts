import fc from 'fast-check';
import { BufferReader } from 'protobufjs/minimal';
import { readAnyValue, readKeyValue, writeKeyValue } from '../../src/otlp/any-value';
import { ProtoWriter } from '../../src/otlp/proto-writer';
import { type CanonicalValue, canonicalFromProtobuf } from '../support/canonical';
import { runs } from '../support/random';
import { anyValues } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { shownValue } from '../support/views';
import { doubleField, group, lenField, nested, varintField } from '../support/wire';

const read = (bytes: Buffer) => readAnyValue(new BufferReader(bytes), bytes.length);

/** The bytes of one AnyValue, and what the independent reader makes of them. */
function rendered(
  value: Parameters<typeof renderProtobuf>[0],
  seed?: number,
): { bytes: Buffer; canonical: CanonicalValue } {
  const attributes = [{ key: 'k', value }];
  const request = renderProtobuf({ resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }] }, seed);
  const only = canonicalFromProtobuf(request)[0]?.attributes[0]?.value as CanonicalValue;
  return { bytes: renderedValue(request), canonical: only };
}

/** What stands in the last field of the innermost message, five levels down: a request around one value. */
function renderedValue(request: Buffer): Buffer {
  const reader = new BufferReader(request);
  for (const path of [1, 2, 2, 9, 2]) {
    for (let tag = reader.uint32(); tag >>> 3 !== path; tag = reader.uint32()) reader.skipType(tag & 7);
    reader.len = reader.uint32() + reader.pos;
  }
  return request.subarray(reader.pos, reader.len);
}

describe('readAnyValue', () => {
  test('shows every value, however it is written', () => {
    fc.assert(
      fc.property(anyValues({ repairable: true }), fc.integer({ min: 1 }), (value, seed) => {
        const { bytes, canonical } = rendered(value, seed);
        expect(read(bytes)).toEqual(shownValue(canonical));
      }),
      runs(500),
    );
  });

  test.each<[string, Buffer, unknown]>([
    ['nothing', Buffer.alloc(0), null],
    ['an int that a number holds', varintField(3, 2n ** 53n - 1n), Number.MAX_SAFE_INTEGER],
    ['the smallest one', varintField(3, -(2n ** 53n) + 1n), Number.MIN_SAFE_INTEGER],
    ['an int that it does not', varintField(3, 2n ** 53n), '9007199254740992'],
    ['the largest int', varintField(3, 2n ** 63n - 1n), '9223372036854775807'],
    ['the smallest int', varintField(3, -(2n ** 63n)), '-9223372036854775808'],
    ['-1', varintField(3, -1), -1],
    ['minus zero', doubleField(4, -0), -0],
    ['true in two bytes', Buffer.from('108001', 'hex'), true],
    ['no bytes', lenField(7, ''), Buffer.alloc(0)],
    ['an array of nothing', lenField(5, ''), []],
    ['a list of nothing', lenField(6, ''), {}],
    ['a list entry of nothing', nested([6, 1], Buffer.alloc(0)), { '': null }],
    ['of two members the last', Buffer.concat([lenField(1, 'a'), varintField(3, 7)]), 7],
    [
      'a member and then an unknown one',
      Buffer.concat([lenField(1, 'a'), varintField(99, 7), group(98, varintField(1, 1))]),
      'a',
    ],
    ['a string index', varintField(8, 7), null],
  ])('%s', (_, bytes, expected) => {
    expect(read(bytes)).toEqual(expected);
  });

  test('a list has no prototype, and every key is an ordinary one', () => {
    const entry = (key: string) => lenField(1, Buffer.concat([lenField(1, key), lenField(2, varintField(3, 1))]));
    const list = read(lenField(6, Buffer.concat(['__proto__', 'constructor', 'toString'].map(entry)))) as object;
    expect(Object.getPrototypeOf(list)).toBeNull();
    expect(Object.entries(list)).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
      ['toString', 1],
    ]);
  });

  // Proto3 merges a message that is not repeated and comes twice; protobufjs, on the other side, does.
  test.each([
    [
      'two arrays',
      Buffer.concat([lenField(5, lenField(1, varintField(3, 1))), lenField(5, lenField(1, varintField(3, 2)))]),
    ],
    ['two lists', Buffer.concat([nested([6, 1], lenField(1, 'a')), nested([6, 1], lenField(1, 'b'))])],
  ])('%s are one', (_, value) => {
    const request = nested([1, 2, 2, 9, 2], value);
    expect(read(value)).toEqual(shownValue(canonicalFromProtobuf(request)[0]?.attributes[0]?.value as CanonicalValue));
  });
});

describe('readKeyValue', () => {
  test('puts the value under the key, where a later one wins', () => {
    const into: Record<string, never> = Object.create(null);
    const key = lenField(1, '__proto__');
    for (const bytes of [Buffer.concat([lenField(2, varintField(3, 1)), key]), key, Buffer.alloc(0)]) {
      readKeyValue(new BufferReader(bytes), bytes.length, into);
    }
    expect(Object.entries(into)).toEqual([
      ['__proto__', null],
      ['', null],
    ]);
  });

  test('a value that comes twice is merged', () => {
    const into: Record<string, never> = Object.create(null);
    const bytes = Buffer.concat([lenField(1, 'k'), lenField(2, lenField(1, 'a')), lenField(2, '')]);
    readKeyValue(new BufferReader(bytes), bytes.length, into);
    const shown = canonicalFromProtobuf(nested([1, 2, 2, 9], bytes))[0]?.attributes[0]?.value as CanonicalValue;
    expect(into).toEqual({ k: shownValue(shown) });
  });
});

describe('writeKeyValue', () => {
  const written = (value: unknown) => {
    const writer = new ProtoWriter(0);
    writeKeyValue(writer, 'k', value);
    const request = nested([1, 2, 2, 9], Buffer.from(writer.finish()));
    return canonicalFromProtobuf(request)[0]?.attributes;
  };

  test.each<[string, unknown, CanonicalValue]>([
    ['text', 'grün', { string: 'grün' }],
    ['no text', '', { string: '' }],
    ['half a surrogate pair', '\ud800', { string: '\ufffd' }],
    ['true', true, { bool: true }],
    ['false', false, { bool: false }],
    ['zero', 0, { int: 0n }],
    ['minus zero', -0, { double: -0 }],
    ['a negative number', -7, { int: -7n }],
    ['the largest safe number', Number.MAX_SAFE_INTEGER, { int: 2n ** 53n - 1n }],
    ['a number beyond it', 2 ** 53, { double: 2 ** 53 }],
    ['a fraction', 0.5, { double: 0.5 }],
    ['NaN', Number.NaN, { double: Number.NaN }],
    ['Infinity', Infinity, { double: Infinity }],
    ['a bigint', 2n ** 63n - 1n, { int: 2n ** 63n - 1n }],
    ['null', null, { empty: true }],
    ['bytes', new Uint8Array([0, 255]), { bytes: '00ff' }],
    [
      'an array',
      ['a', 1, null, [true]],
      { array: [{ string: 'a' }, { int: 1n }, { empty: true }, { array: [{ bool: true }] }] },
    ],
    ['an empty array', [], { array: [] }],
    [
      'an object',
      { a: 1, b: { c: 'd' } },
      {
        kvlist: [
          { key: 'a', value: { int: 1n } },
          { key: 'b', value: { kvlist: [{ key: 'c', value: { string: 'd' } }] } },
        ],
      },
    ],
    ['an empty object', {}, { kvlist: [] }],
    ['undefined in an array, as JSON has it', [undefined], { array: [{ empty: true }] }],
  ])('%s', (_, value, expected) => {
    expect(written(value)).toEqual([{ key: 'k', value: expected }]);
  });

  test('writes what readAnyValue has read', () => {
    fc.assert(
      fc.property(anyValues({ repairable: true }), (value) => {
        const shown = read(rendered(value).bytes);
        expect(shownValue(written(shown)?.[0]?.value ?? null)).toEqual(shown);
      }),
      runs(300),
    );
  });
});
