import fc from 'fast-check';
import { type Admission, admit, type Converted } from '../../src/admission/admit';
import { ID_REPAIRS, type RepairName, WIRE_REPAIRS } from '../../src/admission/repairs';
import { scanRequest } from '../../src/otlp/scan';
import { ADMIT, ALL_REPAIRS, admittedSpans, inAnyOrder, NO_REPAIRS } from '../support/admission';
import { type CanonicalSpan, canonicalFromProtobuf } from '../support/canonical';
import { expectedAdmission, NODE_REPAIR_NAMES } from '../support/expected-admission';
import { attributeText, requestText, spanText } from '../support/json-conversion';
import { encodeMessage, encodeSpans, IDS, messageType, T1P } from '../support/otlp-messages';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { admitTransparent } from '../support/transparent-twins';
import { lenField, nested, varintField } from '../support/wire';

/** Of accepted spans. */
const NOTHING_DONE = { repairs: new Map(), repaired: new Map(), originalIds: new Map() };
const allBut = (repair: RepairName) => (name: RepairName) => name !== repair && ALL_REPAIRS(name);
const hex = (text: string) => Buffer.from(text, 'hex');
const withAttribute = (value?: object) => ({ ...IDS, attributes: [{ key: 'k', ...(value && { value }) }] });
const attribute = (value: CanonicalSpan['attributes'][number]['value']) => ({ attributes: [{ key: 'k', value }] });
/** `\u0007` is one byte in UTF-8, so replacing it by 0xff keeps every length. */
const broken = (body: Buffer) => Buffer.from(body.map((byte) => (byte === 7 ? 0xff : byte)));

describe('a rejection tells where its span stood', () => {
  const places = ({ rejections }: Pick<Admission, 'rejections'>) =>
    rejections.map(({ ordinal, position, field }) => [ordinal, position, field]);
  const spans = 'resourceSpans[0].scopeSpans[0].spans';

  test('in protobuf, as read and as sent', () => {
    const admission = ADMIT.protobuf(encodeSpans(IDS, { name: 'bad' }, IDS, { ...IDS, spanId: hex('') }));
    expect(places(admission)).toEqual([
      [1, 1, `${spans}[1].traceId`],
      [3, 3, `${spans}[3].spanId`],
    ]);
  });

  test('in JSON, where nulls do not count', () => {
    const admission = ADMIT.json(Buffer.from(requestText('null', spanText(), 'null', '{}', '7')));
    expect(places(admission)).toEqual([
      [1, 1, `${spans}[3].traceId`],
      [2, 2, `${spans}[4]`],
    ]);
  });

  test('among transparent spans, which are put together by their resource', () => {
    const [good, other] = [spanText(), spanText('"resource":{"attributes":{"k":"v"}}')];
    const admission = admitTransparent(Buffer.from(`[${[good, other, '7', '{}'].join(',')}]`));
    expect(places(admission)).toEqual([
      [2, 1, 'spans[2]'],
      [3, 2, expect.stringMatching(/^spans\[3\]/)],
    ]);
  });
});

test('a request that needs nothing is kept as the buffer it is', () => {
  expect(ADMIT.protobuf(T1P)).toEqual({ bytes: T1P, accepted: 1, rejections: [], ...NOTHING_DONE });
  expect(ADMIT.protobuf(T1P).bytes).toBe(T1P);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['no spans', encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ resource: {}, scopeSpans: [{}] }] })],
])('%s is no span', (_, body) => {
  expect(ADMIT.protobuf(body)).toMatchObject({ accepted: 0, rejections: [], repairs: new Map() });
});

describe('each repair', () => {
  const rows: [RepairName, string, Buffer, Partial<CanonicalSpan>][] = [
    ['parent_zero', 'zeros as parent', encodeSpans({ ...IDS, parentSpanId: Buffer.alloc(8) }), { parentSpanId: '' }],
    [
      'parent_unreadable',
      'a parent of 7 bytes',
      encodeSpans({ ...IDS, parentSpanId: hex('01020304050607') }),
      { parentSpanId: '' },
    ],
    [
      'parent_unreadable',
      'a parent of 16 bytes',
      encodeSpans({ ...IDS, parentSpanId: IDS.traceId }),
      { parentSpanId: '' },
    ],
    [
      'link_dropped',
      'a link to words',
      encodeSpans({ ...IDS, links: [{ traceId: Buffer.from('words') }, IDS] }),
      { links: [expect.objectContaining({ traceId: IDS.traceId.toString('hex') })] },
    ],
    ['invalid_utf8', 'a name', broken(encodeSpans({ ...IDS, name: 'a\u0007b' })), { name: 'a\ufffdb' }],
    [
      'invalid_utf8',
      'a text',
      broken(encodeSpans(withAttribute({ stringValue: '\u0007' }))),
      attribute({ string: '\ufffd' }),
    ],
    ['attribute_value_absent', 'a key alone', encodeSpans(withAttribute()), attribute({ empty: true })],
    [
      'bytes_to_base64',
      'bytes',
      encodeSpans(withAttribute({ bytesValue: hex('fbff') })),
      attribute({ string: '+/8=' }),
    ],
    [
      'string_index_removed',
      'an index',
      encodeSpans(withAttribute({ stringValueStrindex: 3 })),
      attribute({ empty: true }),
    ],
    [
      'string_index_removed',
      'an index of a key',
      encodeSpans({ ...IDS, attributes: [{ key: 'k', keyStrindex: 1, value: {} }] }),
      attribute({ empty: true }),
    ],
  ];

  test.each(rows)('%s of %s, when it is on', (repair, _, body, expected) => {
    const only = ADMIT.protobuf(body, (name) => name === repair);
    expect(admittedSpans(only)).toEqual([expect.objectContaining(expected)]);
    expect([only.accepted, only.rejections, only.repairs]).toEqual([1, [], new Map([[repair, 1]])]);
    expect(ADMIT.protobuf(body)).toEqual(only);
  });

  test.each(rows)('%s of %s, when it is off: the span leaves as it came', (repair, _, body) => {
    const off = ADMIT.protobuf(body, allBut(repair));
    expect(off.bytes).toBe(body);
    expect([off.accepted, off.rejections, off.repairs]).toEqual([1, [], new Map()]);
  });

  test('is counted once a span, however often it was needed', () => {
    const attributes = [{ key: 'a' }, { key: 'b' }, { key: 'c', value: { bytesValue: hex('00') } }];
    const body = encodeSpans({ ...IDS, attributes, events: [{ attributes }] }, IDS, { ...IDS, attributes });
    expect(ADMIT.protobuf(body).repairs).toEqual(
      new Map([
        ['attribute_value_absent', 2],
        ['bytes_to_base64', 2],
      ]),
    );
  });

  test('is not counted for a span that is rejected', () => {
    expect(ADMIT.protobuf(encodeSpans({ attributes: [{ key: 'a' }] })).repairs).toEqual(new Map());
  });

  test('has a name that somebody can switch', () => {
    const json = requestText(
      spanText('"kind":"FOO","links":[7],"parentSpanId":"x"'),
      `{"traceId":"${IDS.traceId.toString('base64')}"}`,
      '{"traceId":"5b8efff7-9803-8103-d269-b633813fc60c"}',
      attributeText('{"intValue":"x"}'),
    );
    const fromProtobuf = rows.map(([repair]) => repair);
    const asked = new Set<string>([...fromProtobuf, 'id_text']);
    ADMIT.json(Buffer.from(json), (name) => asked.add(name) && ALL_REPAIRS(name));
    expect([...asked].sort()).toEqual([...ID_REPAIRS, ...WIRE_REPAIRS].sort());
  });
});

describe('a span is rejected', () => {
  const TRACE = { reason: 'invalid_trace_id', description: 'is missing, all zero, or not of 16 bytes' };
  const SPAN = { reason: 'invalid_span_id', description: 'is missing, all zero, or not of 8 bytes' };
  const DEEP = { reason: 'too_deep', description: 'holds a value nested deeper than 64 levels' };
  const at = (index: number) => `resourceSpans[0].scopeSpans[0].spans[${index}]`;
  const deep = nested([9, 2, ...Array(65).fill([5, 1]).flat()], varintField(3, 1));
  const deepSpan = (...fields: Buffer[]) => nested([1, 2, 2], Buffer.concat([...fields, deep]));
  const ids = [lenField(1, IDS.traceId), lenField(2, IDS.spanId)];

  test.each<[string, Buffer, object]>([
    ['without a trace id', encodeSpans({ spanId: IDS.spanId }), { ...TRACE, field: `${at(0)}.traceId` }],
    [
      'with a trace id of zeros',
      encodeSpans({ ...IDS, traceId: Buffer.alloc(16) }),
      { ...TRACE, field: `${at(0)}.traceId` },
    ],
    [
      'with a trace id of 15 bytes',
      encodeSpans({ ...IDS, traceId: Buffer.alloc(15, 1) }),
      { ...TRACE, field: `${at(0)}.traceId` },
    ],
    ['without a span id', encodeSpans({ traceId: IDS.traceId }), { ...SPAN, field: `${at(0)}.spanId` }],
    [
      'with a span id of zeros',
      encodeSpans({ ...IDS, spanId: Buffer.alloc(8) }),
      { ...SPAN, field: `${at(0)}.spanId` },
    ],
    ['for the first of two reasons', encodeSpans({}), { ...TRACE, field: `${at(0)}.traceId` }],
    ['with a value too deep', deepSpan(...ids), { ...DEEP, field: at(0) }],
    ['with bad ids and a value too deep', deepSpan(), { ...TRACE, field: `${at(0)}.traceId` }],
  ])('%s', (_, body, rejection) => {
    expect(ADMIT.protobuf(body)).toEqual({
      bytes: Buffer.alloc(0),
      accepted: 0,
      rejections: [{ ordinal: 0, position: 0, ...rejection }],
      ...NOTHING_DONE,
    });
    expect(ADMIT.protobuf(body, NO_REPAIRS).rejections).toEqual([{ ordinal: 0, position: 0, ...rejection }]);
  });

  test('and costs no other', () => {
    const body = encodeSpans({ ...IDS, name: 'a' }, {}, { ...IDS, name: 'c' }, { ...IDS, spanId: Buffer.alloc(7) });
    const admission = ADMIT.protobuf(body);
    expect(admittedSpans(admission).map(({ name }) => name)).toEqual(['a', 'c']);
    expect(admission.rejections.map(({ ordinal, field }) => [ordinal, field])).toEqual([
      [1, `${at(1)}.traceId`],
      [3, `${at(3)}.spanId`],
    ]);
  });

  test('and named by its place among resources and scopes', () => {
    const good = { spans: [IDS, IDS] };
    const resourceSpans = [{ scopeSpans: [good] }, { scopeSpans: [good, { spans: [IDS, {}] }] }];
    const [rejection] = ADMIT.protobuf(encodeMessage('ExportTraceServiceRequest', { resourceSpans })).rejections;
    expect(rejection?.field).toBe('resourceSpans[1].scopeSpans[1].spans[1].traceId');
  });
});

describe('a span that is larger in one place than its key allows', () => {
  const MAX = 50;
  const value = (length: number) => ({ stringValue: 'x'.repeat(length) });
  const large = [
    { key: 'k', value: value(5) },
    { key: 'k', value: value(MAX) },
  ];
  const link = { traceId: IDS.traceId, spanId: IDS.spanId };
  const admitted = (bytes: Buffer, converted?: Converted) =>
    admit(scanRequest(bytes, { check: true }), ALL_REPAIRS, converted, MAX);
  const good = { ...IDS, name: 'x'.repeat(1000), attributes: [{ key: 'k', value: value(MAX - 7) }] };
  const REJECTION = {
    reason: 'attribute_too_large',
    description: 'is larger than 50 bytes, which is what its key allows (maxAttributeBytes)',
  };

  test.each<[string, object, string]>([
    ['an attribute', { attributes: large }, '.attributes[1]'],
    ['an event', { events: [{}, {}, { name: 'x'.repeat(MAX) }] }, '.events[2]'],
    ['a link', { links: [{ ...link, attributes: large }] }, '.links[0]'],
  ])('%s', (_, members, field) => {
    const { rejections, accepted } = admitted(encodeSpans(good, { ...IDS, ...members }, good));
    expect(rejections).toEqual([
      { ...REJECTION, ordinal: 1, position: 1, field: `resourceSpans[0].scopeSpans[0].spans[1]${field}` },
    ]);
    expect(accepted).toBe(2);
  });

  test('at the limit it is accepted, as the buffer it is', () => {
    const body = encodeSpans(good);
    expect(messageType('KeyValue').encode(good.attributes[0]!).finish()).toHaveLength(MAX);
    expect(admitted(body).bytes).toBe(body);
  });

  const groups = encodeMessage('ExportTraceServiceRequest', {
    resourceSpans: [
      { scopeSpans: [{ spans: [IDS] }, { scope: { attributes: large }, spans: [IDS, { attributes: large }] }] },
      { resource: { attributes: large }, scopeSpans: [{ spans: [IDS] }, { spans: [IDS] }] },
    ],
  });

  test('its scope or resource', () => {
    const { rejections, accepted } = admitted(groups);
    expect(rejections.map(({ ordinal, reason, field }) => [ordinal, reason, field])).toEqual([
      [1, 'attribute_too_large', 'resourceSpans[0].scopeSpans[1].scope.attributes[1]'],
      // What is worse comes first.
      [2, 'invalid_trace_id', 'resourceSpans[0].scopeSpans[1].spans[1].traceId'],
      [3, 'attribute_too_large', 'resourceSpans[1].resource.attributes[1]'],
      [4, 'attribute_too_large', 'resourceSpans[1].resource.attributes[1]'],
    ]);
    expect(accepted).toBe(1);
  });

  test('it is named as its sender has sent it, in the order of sending', () => {
    const converted = { faults: new Map(), repairs: new Map(), originalIds: new Map() };
    const paths = new Map([
      [0, 'spans[7]'],
      [1, 'resourceSpans[3].scopeSpans[4].spans[5]'],
      [4, 'spans[1]'],
    ]);
    const { rejections } = admitted(groups, { ...converted, paths, sentAt: [7, 6, 5, 4, 1] });
    expect(rejections.map(({ ordinal, field }) => [ordinal, field])).toEqual([
      [1, 'spans[1].resource.attributes[1]'],
      [4, 'resourceSpans[1].resource.attributes[1]'],
      [5, 'resourceSpans[0].scopeSpans[1].spans[1].traceId'],
      [6, 'resourceSpans[3].scopeSpans[4].scope.attributes[1]'],
    ]);
  });

  test('what is said of it holds neither key nor value', () => {
    const secret = [{ key: 'hidden-key', value: { stringValue: 'hidden-value'.repeat(9) } }];
    const { rejections } = admitted(encodeSpans({ ...IDS, attributes: secret }));
    expect(rejections).toHaveLength(1);
    expect(JSON.stringify(rejections)).not.toContain('hidden');
  });
});

test('spans under the old name leave under the new one: Langfuse knows no other', () => {
  const scopeSpans = nested([2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]));
  const { bytes, accepted } = ADMIT.protobuf(
    lenField(1, Buffer.concat([lenField(1000, scopeSpans), lenField(3, 'u')])),
  );
  expect(accepted).toBe(1);
  expect(bytes.equals(lenField(1, Buffer.concat([lenField(3, 'u'), lenField(2, scopeSpans)])))).toBe(true);
});

test('every request, with any repairs on and off, is judged as the rules say', () => {
  const shape = { repairable: true, rejectable: true, legacy: true } as const;
  const subsets = fc.subarray(NODE_REPAIR_NAMES);
  fc.assert(
    fc.property(requests(shape), fc.integer({ min: 1 }), subsets, (request, seed, on) => {
      const body = renderProtobuf(request, seed);
      const sent = canonicalFromProtobuf(body);
      fc.pre(!hasZeroKeyIndex(request));
      const admission = ADMIT.protobuf(body, (name) => on.includes(name));
      const expected = expectedAdmission(sent, on);
      expect(inAnyOrder(admittedSpans(admission))).toEqual(inAnyOrder(expected.spans));
      expect(Object.fromEntries(admission.repairs)).toEqual(expected.repairs);
      expect([admission.rejections.length, admission.accepted]).toEqual([expected.rejected, expected.spans.length]);
    }),
    runs(400),
  );

  /** Of no use to the independent reader, which cannot tell it from an absent one. */
  function hasZeroKeyIndex(value: unknown): boolean {
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false;
    return Object.entries(value).some(
      ([name, member]) => (name === 'keyStrindex' && member === 0) || hasZeroKeyIndex(member),
    );
  }
});
