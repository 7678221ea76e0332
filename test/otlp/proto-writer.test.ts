import fc from 'fast-check';
import protobuf from 'protobufjs';
import { ProtoWriter, varintBytes } from '../../src/otlp/proto-writer';
import { field, SPAN } from '../../src/otlp/schema';
import { runs } from '../support/random';
import { lenField, varint } from '../support/wire';

const written = (write: (writer: ProtoWriter) => void, sizeHintBytes = 0): Buffer => {
  const writer = new ProtoWriter(sizeHintBytes);
  write(writer);
  return Buffer.from(writer.finish());
};

describe('scalars are written as protobufjs writes them', () => {
  test.each<
    [
      string,
      fc.Arbitrary<never>,
      (writer: ProtoWriter, value: never) => void,
      (writer: protobuf.Writer, value: never) => void,
    ]
  >([
    row(
      'varint',
      fc.integer({ min: 0, max: 0xffffffff }),
      (ours, value) => ours.varint(value),
      (theirs, value) => theirs.uint32(value),
    ),
    row(
      'fixed32',
      fc.integer({ min: 0, max: 0xffffffff }),
      (ours, value) => ours.fixed32(value),
      (theirs, value) => theirs.fixed32(value),
    ),
    row(
      'double',
      fc.double(),
      (ours, value) => ours.double(value),
      (theirs, value) => theirs.double(value),
    ),
    row(
      'string',
      fc.string({ unit: 'binary', maxLength: 300 }),
      (ours, value) => ours.string(value),
      (theirs, value) => theirs.bytes(Buffer.from(value)),
    ),
    row(
      'bytes',
      fc.uint8Array({ maxLength: 300 }),
      (ours, value) => ours.bytes(value),
      (theirs, value) => theirs.bytes(value),
    ),
    row(
      'varint64',
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      (ours, value) => ours.varint64(value),
      (theirs, value) => theirs.uint64(long(value)),
    ),
    row(
      'fixed64',
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (ours, value) => ours.fixed64(value),
      (theirs, value) => theirs.fixed64(long(value)),
    ),
  ])('%s', (_, values, ours, theirs) => {
    fc.assert(
      fc.property(values, (value) => {
        const reference = protobuf.Writer.create();
        theirs(reference, value);
        expect(written((writer) => ours(writer, value)).toString('hex')).toBe(
          Buffer.from(reference.finish()).toString('hex'),
        );
      }),
      runs(200),
    );
  });

  /** Each row's value type is its own; the table's is none. */
  function row<T>(
    name: string,
    values: fc.Arbitrary<T>,
    ours: (writer: ProtoWriter, value: T) => void,
    theirs: (writer: protobuf.Writer, value: T) => void,
  ) {
    return [name, values, ours, theirs] as unknown as [string, fc.Arbitrary<never>, () => void, () => void];
  }

  const long = (value: bigint) =>
    ({
      low: Number(BigInt.asIntN(32, value)),
      high: Number(BigInt.asIntN(32, value >> 32n)),
      unsigned: true,
    }) as unknown as number;
});

test('raw and bytes take a part of what they are given', () => {
  const source = Buffer.from('abcdef');
  expect(written((writer) => writer.raw(source, 2, 4)).toString()).toBe('cd');
  expect(written((writer) => writer.bytes(source, 2, 4)).toString()).toBe('\u0002cd');
  expect(written((writer) => writer.raw(source)).toString()).toBe('abcdef');
});

test('a lone surrogate becomes U+FFFD', () => {
  expect(written((writer) => writer.string('a\ud800b')).toString()).toBe('\u0005a\ufffdb');
});

test('a tag of one byte and one of two', () => {
  expect(written((writer) => writer.tag(field(SPAN, 'name'))).toString('hex')).toBe('2a');
  expect(written((writer) => writer.tag(field(SPAN, 'flags'))).toString('hex')).toBe('8501');
});

describe('messages', () => {
  type Tree = Uint8Array | Tree[];
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium' },
      fc.uint8Array({ maxLength: 150 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ) as fc.Arbitrary<Tree>,
  }));
  const traceState = field(SPAN, 'traceState');

  test('of any size in each other have the shortest lengths', () => {
    const write = (writer: ProtoWriter, node: Tree): void => {
      if (!Array.isArray(node)) {
        writer.raw(node);
        return;
      }
      for (const child of node) {
        writer.tag(traceState);
        const mark = writer.beginMessage();
        write(writer, child);
        writer.endMessage(mark);
      }
    };
    const expected = (node: Tree): Buffer =>
      Array.isArray(node)
        ? Buffer.concat(node.map((child) => lenField(traceState.number, expected(child))))
        : Buffer.from(node);
    fc.assert(
      fc.property(tree, (node) => {
        expect(written((writer) => write(writer, node)).equals(expected(node))).toBe(true);
      }),
      runs(300),
    );
  });

  test.each([0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])('of %i bytes', (size) => {
    const bytes = written((writer) => {
      const mark = writer.beginMessage();
      writer.raw(Buffer.alloc(size, 7));
      writer.endMessage(mark);
    });
    expect(bytes.equals(Buffer.concat([varint(size), Buffer.alloc(size, 7)]))).toBe(true);
  });

  test('a position can be returned to, also after the buffer has grown', () => {
    const bytes = written((writer) => {
      writer.string('kept');
      const mark = writer.pos;
      writer.raw(Buffer.alloc(10_000, 1));
      writer.pos = mark;
      writer.string('too');
    });
    expect(bytes.toString()).toBe('\u0004kept\u0003too');
  });
});

test.each([
  [0, 1],
  [127, 1],
  [128, 2],
  [2 ** 14, 3],
  [2 ** 21, 4],
  [2 ** 28, 5],
  [2 ** 32 - 1, 5],
])('%i takes %i bytes as a varint', (value, size) => {
  expect(varintBytes(value)).toBe(size);
  expect(varint(value)).toHaveLength(size);
});
