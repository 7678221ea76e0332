import fc from 'fast-check';
import { GatewayError } from '../../src/errors';
import { WireCursor } from '../../src/otlp/wire-cursor';
import { runs } from '../support/random';
import { fixed32Field, fixed64Field, group, lenField, tag, varint, varintField, WIRE } from '../support/wire';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const cursorOn = (bytes: Buffer) => new WireCursor(bytes);

function refusal(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return error;
  }
}

describe('varint', () => {
  test('gives the low 32 bits of any 64-bit value, however padded', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 1, max: 10 }), (value, bytesMin) => {
        const bytes = varint(value, bytesMin);
        const cursor = cursorOn(bytes);
        expect(cursor.varint(bytes.length)).toBe(Number(value & 0xffffffffn));
        expect(cursor.pos).toBe(bytes.length);
      }),
      runs(300),
    );
  });

  test.each([
    ['11 bytes (H08)', 'ff ff ff ff ff ff ff ff ff ff 01', 'protobuf: varint of more than 10 bytes at byte 0'],
    ['cut off', 'ff ff', 'protobuf: truncated, the value at byte 0 runs over its end'],
    ['nothing', '', 'protobuf: truncated, the value at byte 0 runs over its end'],
  ])('of %s is refused', (_, bytes, message) => {
    const cursor = cursorOn(hex(bytes));
    expect(refusal(() => cursor.varint(cursor.bytes.length))).toEqual(new GatewayError('bad_request', message));
  });

  test('does not read over the end it is given', () => {
    expect(() => cursorOn(hex('80 01')).varint(1)).toThrow('truncated');
  });
});

describe('tag', () => {
  test('reads number and wire type, padded up to five bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 29 - 1 }),
        fc.integer({ min: 0, max: 7 }),
        fc.integer({ min: 1, max: 5 }),
        (number, wireType, bytesMin) => {
          const bytes = tag(number, wireType, bytesMin);
          const read = cursorOn(bytes).tag(bytes.length);
          expect([read >>> 3, read & 7]).toEqual([number, wireType]);
        },
      ),
      runs(300),
    );
  });

  test.each([
    ['field number 0 (H04)', '02', 'protobuf: field number 0 at byte 0'],
    ['padded field number 0', '82 80 00', 'protobuf: field number 0 at byte 0'],
    ['six bytes', '8a 80 80 80 80 00', 'protobuf: tag of more than 5 bytes at byte 0'],
  ])('of %s is refused', (_, bytes, message) => {
    const cursor = cursorOn(hex(bytes));
    expect(refusal(() => cursor.tag(cursor.bytes.length))).toEqual(new GatewayError('bad_request', message));
  });

  test('of more than 32 bits is refused: other readers do not cut it to a known field', () => {
    expect(() => cursorOn(hex('8a 80 80 80 10')).tag(5)).toThrow(GatewayError);
  });
});

describe('len', () => {
  test('returns where the field ends and stands at its first byte', () => {
    const cursor = cursorOn(hex('83 80 00 61 62 63 64'));
    expect(cursor.len(7)).toBe(6);
    expect(cursor.pos).toBe(3);
  });

  test('refuses a field that is longer than what holds it (H09)', () => {
    expect(refusal(() => cursorOn(hex('03 61 62 63')).len(3))).toEqual(
      new GatewayError('bad_request', 'protobuf: truncated, the value at byte 0 runs over its end'),
    );
  });

  test.each([
    ['2 ** 31', 2n ** 31n],
    ['2 ** 32 - 1', 2n ** 32n - 1n],
    ['2 ** 32 + 1, which is 1 in 32 bits', 2n ** 32n + 1n],
    ['2 ** 63 + 1', 2n ** 63n + 1n],
    ['-1', -1n],
  ])('refuses a length of %s', (_, length) => {
    const bytes = Buffer.concat([varint(length), Buffer.from('abc')]);
    expect(() => cursorOn(bytes).len(bytes.length)).toThrow(GatewayError);
  });
});

describe('skip', () => {
  const inner = Buffer.concat([varintField(1, 5), lenField(2, 'x'), fixed32Field(3, 1), fixed64Field(4, 1n)]);

  test.each([
    ['a varint of ten bytes', Buffer.concat([tag(9, WIRE.varint), varint(-1)])],
    ['fixed 64 bits', fixed64Field(9, 2n ** 64n - 1n)],
    ['fixed 32 bits', fixed32Field(9, 0xffffffff)],
    ['a length-delimited field', lenField(9, Buffer.alloc(300, 0xff))],
    ['an empty one', lenField(9, '')],
    ['a group with one varint (H02)', group(99, varintField(1, 1))],
    ['a group with every type in it', group(9, inner)],
    ['groups in groups', group(9, Buffer.concat([group(10, inner), group(9, group(9, inner))]))],
    ['an empty group', group(9, Buffer.alloc(0))],
  ])('steps over %s', (_, field) => {
    const bytes = Buffer.concat([field, Buffer.from([0xff])]);
    const cursor = cursorOn(bytes);
    const read = cursor.tag(bytes.length);
    cursor.skip(read & 7, read >>> 3, bytes.length);
    expect(cursor.pos).toBe(field.length);
  });

  test.each([
    ['7 bytes of 64 bits', fixed64Field(9, 1n).subarray(0, -1)],
    ['3 bytes of 32 bits', fixed32Field(9, 1).subarray(0, -1)],
    ['a length that is too large', lenField(9, 'abc').subarray(0, -1)],
    ['a varint without its last byte', Buffer.concat([tag(9, WIRE.varint), hex('ff')])],
    ['no value at all', tag(9, WIRE.varint)],
    ['an unterminated group (H03)', group(99, varintField(1, 1)).subarray(0, -2)],
    ['a group that ends as another', Buffer.concat([tag(9, WIRE.groupStart), tag(10, WIRE.groupEnd)])],
    ['a stray end of a group', tag(9, WIRE.groupEnd)],
    ['wire type 6', tag(9, 6)],
    ['wire type 7', tag(9, 7)],
    ['field number 0 in a group', group(9, hex('00 01'))],
    ['wire type 7 in a group', group(9, tag(1, 7))],
  ])('refuses %s', (_, bytes) => {
    const cursor = cursorOn(bytes);
    const read = cursor.tag(bytes.length);
    expect(() => cursor.skip(read & 7, read >>> 3, bytes.length)).toThrow(GatewayError);
  });

  test('refuses groups nested deeper than anybody nests them, without growing the stack', () => {
    const bytes = Buffer.alloc(1_000_000, tag(1, WIRE.groupStart));
    const cursor = cursorOn(bytes);
    cursor.tag(bytes.length);
    expect(() => cursor.skip(WIRE.groupStart, 1, bytes.length)).toThrow('groups nested too deep');
  });
});

test('every refusal is a bad request', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.integer({ min: 0, max: 7 }), (array, wireType) => {
      const bytes = Buffer.from(array);
      const cursor = cursorOn(bytes);
      const outcome = refusal(() => cursor.skip(wireType, 1, bytes.length));
      expect(outcome === undefined || (outcome instanceof GatewayError && outcome.code === 'bad_request')).toBe(true);
      expect(outcome !== undefined || cursor.pos <= bytes.length).toBe(true);
    }),
    runs(500),
  );
});
