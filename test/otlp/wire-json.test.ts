import fc from 'fast-check';
import { scanRequest } from '../../src/otlp/scan';
import { REQUEST, RESOURCE_SPANS, SCOPE_SPANS, SPAN } from '../../src/otlp/schema';
import { spanJson, wireJson } from '../../src/otlp/wire-json';
import { canonicalFromJson, canonicalFromProtobuf } from '../support/canonical';
import { corpusCases, plainBody } from '../support/corpus';
import { encodeMessage, IDS, SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { asJson, asProtobuf, type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { fixed32Field, fixed64Field, group, lenField, nested, tag, varint, varintField } from '../support/wire';

const attribute = (value: Fields, key = 'k') => ({ key, value });
const withValue = (value: Fields) => spanOf({ attributes: [attribute(value)] });

/** The twin's JSON is written by hand, field by field; what came as protobuf is told in the same words. */
test.each<[name: string, span: Fields]>([
  ['plain fields', spanOf()],
  ['all of them', spanOf({ parentSpanId: SPAN_ID, traceState: 'a=b', flags: 0x301, droppedAttributesCount: 1 })],
  ['counts', spanOf({ droppedEventsCount: 4_294_967_295, droppedLinksCount: 2 })],
  ['a time beyond what a double holds', spanOf({ startTimeUnixNano: '18446744073709551615' })],
  ['a kind that nobody knows', spanOf({ kind: 99 })],
  ['a kind below zero', spanOf({ kind: -1 })],
  ['a status', spanOf({ status: { code: 2, message: 'größe 😀' } })],
  ['an event', spanOf({ events: [{ name: 'e', timeUnixNano: '1', attributes: [attribute({ boolValue: false })] }] })],
  ['a link', spanOf({ links: [{ traceId: TRACE_ID, spanId: SPAN_ID, flags: 1, droppedAttributesCount: 3 }] })],
  ['text', withValue({ stringValue: 'a "quoted"\n\u0000 text' })],
  ['an empty text', withValue({ stringValue: '' })],
  ['no value', withValue({})],
  ['true', withValue({ boolValue: true })],
  ['an integer', withValue({ intValue: '7' })],
  ['an integer beyond 2^53', withValue({ intValue: '9007199254740993' })],
  ['the largest', withValue({ intValue: '9223372036854775807' })],
  ['the smallest', withValue({ intValue: '-9223372036854775808' })],
  ['a double', withValue({ doubleValue: 1.5e300 })],
  ['a double that is whole', withValue({ doubleValue: 3 })],
  ['NaN', withValue({ doubleValue: Number.NaN })],
  ['infinity', withValue({ doubleValue: Number.POSITIVE_INFINITY })],
  ['minus infinity', withValue({ doubleValue: Number.NEGATIVE_INFINITY })],
  ['bytes', withValue({ bytesValue: Buffer.from([0, 255, 7]) })],
  ['a list', withValue({ arrayValue: { values: [{ intValue: '1' }, {}, { arrayValue: {} }] } })],
  ['a map', withValue({ kvlistValue: { values: [attribute({ stringValue: 'v' }), attribute({}, '__proto__')] } })],
  [
    'names that mean something to JavaScript',
    spanOf({ attributes: ['__proto__', 'constructor', 'field 5'].map((key) => attribute({ boolValue: true }, key)) }),
  ],
])('%s', (_, span) => {
  const request = requestOf(span);
  expect(wireJson(REQUEST, asProtobuf(request).body)).toEqual(JSON.parse(asJson(request).body.toString()));
});

/** JSON has no minus zero. */
function withoutMinusZero<T>(value: T): T {
  if (Object.is(value, -0)) return 0 as T;
  if (Array.isArray(value)) return value.map(withoutMinusZero) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutMinusZero(member)])) as T;
}

/** Two readers that know nothing of it agree on what it says. */
function expectSame(bytes: Buffer): void {
  const text = JSON.stringify(wireJson(REQUEST, bytes));
  const meant = canonicalFromProtobuf(bytes, { invalidUtf8: 'replace' });
  expect(canonicalFromJson(text)).toEqual(withoutMinusZero(meant));
}

test('any request, however it is written', () => {
  const shape = { repairable: true, rejectable: true, invalidUtf8: true, legacy: true };
  fc.assert(
    fc.property(requests(shape), fc.integer({ min: 1 }), (request, seed) => expectSame(renderProtobuf(request, seed))),
    runs(300),
  );
});

describe('the corpus', () => {
  const cases = corpusCases.filter(({ encoding }) => encoding === 'protobuf');
  test.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => expectSame(plainBody(one)));
});

const idsAnd = (...fields: Buffer[]) => Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId), ...fields]);
const PLAIN = { traceId: TRACE_ID, spanId: SPAN_ID };

test.each<[name: string, bytes: Buffer, expected: object]>([
  ['nothing', Buffer.alloc(0), {}],
  [
    'ids of another length',
    Buffer.concat([lenField(1, 'ab'), lenField(2, Buffer.alloc(20, 7)), lenField(4, '')]),
    { traceId: '6162', spanId: '07'.repeat(20), parentSpanId: '' },
  ],
  [
    'an id in capitals of hex, as text',
    lenField(1, TRACE_ID.toUpperCase()),
    { traceId: Buffer.from(TRACE_ID.toUpperCase()).toString('hex') },
  ],
  ['a text that is no UTF-8', idsAnd(lenField(5, Buffer.from([0x61, 0xff]))), { ...PLAIN, name: 'a\ufffd' }],
  ['an unknown number', idsAnd(varintField(999, 7)), { ...PLAIN, 'field 999': '7' }],
  ['an unknown number of 64 bits', idsAnd(varintField(999, -1)), { ...PLAIN, 'field 999': '-1' }],
  [
    'an unknown one of 32 fixed bits',
    idsAnd(fixed32Field(100, 4_000_000_000)),
    { ...PLAIN, 'field 100': 4_000_000_000 },
  ],
  [
    'an unknown one of 64 fixed bits',
    idsAnd(fixed64Field(100, 2n ** 64n - 1n)),
    { ...PLAIN, 'field 100': '18446744073709551615' },
  ],
  ['unknown bytes', idsAnd(lenField(100, Buffer.from([0xff, 0]))), { ...PLAIN, 'field 100': '/wA=' }],
  [
    'an unknown group',
    idsAnd(group(100, lenField(1, 'x')), lenField(5, 'n')),
    { ...PLAIN, 'field 100': '…', name: 'n' },
  ],
  ['an unknown field twice', idsAnd(varintField(100, 1), varintField(100, 2)), { ...PLAIN, 'field 100': ['1', '2'] }],
  [
    'three times',
    idsAnd(varintField(100, 1), varintField(100, 2), varintField(100, 3)),
    { ...PLAIN, 'field 100': ['1', '2', '3'] },
  ],
  ['a name that is a number', idsAnd(varintField(5, 7)), { ...PLAIN, 'field 5': '7' }],
  ['a name twice: the last one counts', idsAnd(lenField(5, 'a'), lenField(5, 'b')), { ...PLAIN, name: 'b' }],
  [
    'a message that comes twice',
    idsAnd(lenField(15, varintField(3, 1)), lenField(15, varintField(3, 2))),
    { ...PLAIN, status: { code: 2 } },
  ],
  [
    'a tag and a length with padding',
    idsAnd(Buffer.concat([tag(5, 2, 4), varint(1, 5), Buffer.from('n')])),
    { ...PLAIN, name: 'n' },
  ],
])('%s', (_, bytes, expected) => {
  expect(wireJson(SPAN, bytes)).toEqual(expected);
  expect(
    spanJson(Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]), { start: 6, end: 6 + bytes.length }),
  ).toEqual(expected);
});

test('heads: a resource and a scope without what is below them', () => {
  const { body } = asProtobuf(requestOf(spanOf(), spanOf()));
  const [{ scope }] = scanRequest(body, { check: true }).spans as [ReturnType<typeof scanRequest>['spans'][number]];
  expect(wireJson(RESOURCE_SPANS, scope.resource.head)).toEqual({
    resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] },
  });
  expect(wireJson(SCOPE_SPANS, scope.head)).toEqual({ scope: { name: 'l' } });
});

describe('bounds', () => {
  const json = (value: object) => JSON.stringify(value);

  test.each([
    [29, false],
    [40, true],
    [5_000, true],
  ])('%i lists in each other', (depth, isCut) => {
    // An AnyValue and an ArrayValue each.
    const value = nested(Array.from({ length: depth }, () => [5, 1]).flat(), Buffer.alloc(0));
    const bytes = idsAnd(lenField(9, Buffer.concat([lenField(1, 'k'), lenField(2, value)])), lenField(5, 'behind'));
    const found = wireJson(SPAN, bytes);
    expect(found).toMatchObject({ ...PLAIN, name: 'behind' });
    expect(json(found).split('"…"')).toHaveLength(isCut ? 2 : 1);
    // Nothing of what is left out is taken for something else.
    expect(json(found)).not.toMatch(/field |stringValue/);
  });

  test.each([
    ['values', { arrayValue: { values: Array.from({ length: 30_000 }, () => ({ intValue: 7 })) } }],
    ['lists', { arrayValue: { values: Array.from({ length: 30_000 }, () => ({ arrayValue: {} })) } }],
    [
      'entries',
      { kvlistValue: { values: Array.from({ length: 30_000 }, () => ({ key: 'k', value: { boolValue: true } })) } },
    ],
  ])('more %s than people read', (_, value) => {
    const found = json(wireJson(SPAN, encodeMessage('Span', { ...IDS, name: 'n', attributes: [{ key: 'k', value }] })));
    expect(found).toContain('"…":"more values are not shown"');
    expect(found.length).toBeLessThan(600_000);
    expect(JSON.parse(found)).toMatchObject({ ...PLAIN, name: 'n' });
  });

  test('up to the bound nothing is left out', () => {
    const values = Array.from({ length: 9_000 }, (_, at) => ({ intValue: at }));
    const span = encodeMessage('Span', { ...IDS, attributes: [{ key: 'k', value: { arrayValue: { values } } }] });
    const expected = { arrayValue: { values: values.map(({ intValue }) => ({ intValue: String(intValue) })) } };
    expect(wireJson(SPAN, span)).toEqual({ ...PLAIN, attributes: [{ key: 'k', value: expected }] });
  });
});
