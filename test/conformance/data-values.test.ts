import { receivedSpans } from '../support/admission';
import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { expectSuccess } from '../support/otlp-answer';
import {
  arrivalOf,
  asProtobuf,
  type Fields,
  inBothEncodings,
  jsonText,
  repairsOf,
  requestOf,
  SPAN_ID,
  spanOf,
} from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();

const withValue = (value: Fields) => requestOf(spanOf({ attributes: [{ key: 'k', value }] }));
const attribute = (value: CanonicalValue): Partial<CanonicalSpan> => ({ attributes: [{ key: 'k', value }] });
const arrival = (value: CanonicalValue) => [arrivalOf(attribute(value))];

test.each(
  inBothEncodings<[CanonicalValue]>([
    ['I22 NaN', withValue({ doubleValue: Number.NaN }), { double: Number.NaN }],
    ['I22 Infinity', withValue({ doubleValue: Number.POSITIVE_INFINITY }), { double: Number.POSITIVE_INFINITY }],
    ['I22 -Infinity', withValue({ doubleValue: Number.NEGATIVE_INFINITY }), { double: Number.NEGATIVE_INFINITY }],
    ['I22 a whole number that is a double', withValue({ doubleValue: 1 }), { double: 1 }],
    ['I23 the largest int', withValue({ intValue: '9223372036854775807' }), { int: 2n ** 63n - 1n }],
    ['I23 the smallest int', withValue({ intValue: '-9223372036854775808' }), { int: -(2n ** 63n) }],
    ['I23 one more than a double can count', withValue({ intValue: '9007199254740993' }), { int: 9007199254740993n }],
  ]),
)('%s', async (_, encoding, sent, arrives) => {
  const { answer, spans, repaired } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(spans).toEqual(arrival(arrives));
  expect(repaired).toEqual({ kind_to_metadata: 1 });
  // In JSON a number that is none would be null on the last stretch.
  expect(gateway.fake.requests.at(-1)?.encoding).toBe('protobuf');
});

const BEGINNING = '1544712660123456789';

test.each(
  inBothEncodings<[Partial<CanonicalSpan>]>([
    ...[0, 1, 0x101, 0x201, 0x301].map((flags): [string, Fields, Partial<CanonicalSpan>] => [
      `I07 flags ${flags}`,
      requestOf(spanOf({ flags, parentSpanId: SPAN_ID })),
      { flags, parentSpanId: SPAN_ID },
    ]),
    ['I08 flags with all upper bits', requestOf(spanOf({ flags: 0xfffffc01 })), { flags: 0xfffffc01 }],
    [
      'I24 nanoseconds',
      requestOf(spanOf({ startTimeUnixNano: BEGINNING, endTimeUnixNano: '18446744073709551615' })),
      { startTimeUnixNano: BigInt(BEGINNING), endTimeUnixNano: 2n ** 64n - 1n },
    ],
  ]),
)('%s', async (_, encoding, sent, changes) => {
  const { answer, spans, repaired } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(spans).toEqual([arrivalOf(changes)]);
  expect(repaired).toEqual(repairsOf(changes));
});

test('I22 minus zero, json', async () => {
  const text = JSON.stringify(withValue({ doubleValue: 0 })).replace('"doubleValue":0', '"doubleValue":-0.0');
  expect((await gateway.pass(jsonText(text))).spans).toEqual(arrival({ double: -0 }));
});

test('I22 minus zero, protobuf', async () => {
  const sent = asProtobuf(withValue({ doubleValue: -0 }));
  expect((await gateway.pass(sent)).spans).toEqual(arrival({ double: -0 }));
});

const BYTES = Buffer.from([0, 1, 0xfe, 0xff]);
const IN_A_LIST = { arrayValue: { values: [{ bytesValue: BYTES }] } };

test.each(
  inBothEncodings<[CanonicalValue]>([
    ['I21 bytes', withValue({ bytesValue: BYTES }), { string: 'AAH+/w==' }],
    ['I21 no bytes', withValue({ bytesValue: Buffer.alloc(0) }), { string: '' }],
    [
      'I21 bytes in a list in a map',
      withValue({ kvlistValue: { values: [{ key: 'b', value: IN_A_LIST }] } }),
      { kvlist: [{ key: 'b', value: { array: [{ string: 'AAH+/w==' }] } }] },
    ],
  ]),
)('%s become base64', async (_, encoding, sent, arrives) => {
  const { answer, spans, repaired } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(spans).toEqual(arrival(arrives));
  expect(repaired).toEqual({ ...repairsOf(attribute(arrives)), bytes_to_base64: 1 });
});

/** What arrives cannot show how a span is read on the way. */
describe('as Langfuse’s processor sees it', () => {
  test.each([
    [0, false],
    [1, false],
    [0x101, false],
    [0x201, false],
    [0x301, true],
    [0xffffffff, true],
  ])('I07 flags %i: is the parent remote? %s', (flags, isRemote) => {
    const [view] = receivedSpans(asProtobuf(requestOf(spanOf({ flags, parentSpanId: SPAN_ID }))).body);
    expect(view?.parentSpanContext).toMatchObject({ spanId: SPAN_ID, isRemote });
  });

  test.each([0xfffffc01, 0, 0x100])('I08 flags %i count as sampled, and nothing above the mask shows', (flags) => {
    const [view] = receivedSpans(asProtobuf(requestOf(spanOf({ flags }))).body);
    expect(view?.spanContext().traceFlags).toBe(1);
  });

  test('I24 times are exact', () => {
    const [view] = receivedSpans(asProtobuf(requestOf(spanOf({ startTimeUnixNano: BEGINNING }))).body);
    expect(view?.startTime).toEqual([1544712660, 123456789]);
    expect(view?.duration).toEqual([0, 876543212]);
  });
});
