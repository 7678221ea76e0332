import { ADMIT, admittedSpans, NO_REPAIRS } from '../support/admission';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeMessage, IDS } from '../support/otlp-messages';
import { lenField, nested, varintField } from '../support/wire';

/** What stands in a resource or scope is a matter of all spans below it: it is judged and mended once, and counted for each. */
const BYTES = [{ key: 'k', value: { bytesValue: Buffer.from([0xfb, 0xff]) } }];
const BASE64 = [{ key: 'k', value: { string: '+/8=' } }];
const body = (...resourceSpans: object[]) => encodeMessage('ExportTraceServiceRequest', { resourceSpans });
const spans = (...names: string[]) => names.map((name) => ({ ...IDS, name }));

describe('a repair of a resource', () => {
  const request = body(
    {
      resource: { attributes: BYTES },
      scopeSpans: [{ spans: spans('a', 'b') }, { spans: spans('c') }],
      schemaUrl: 'u',
    },
    { resource: {}, scopeSpans: [{ spans: spans('d') }] },
  );

  test('is one of all its spans, and of no others', () => {
    const admission = ADMIT.protobuf(request);
    expect(admission.repairs).toEqual(new Map([['bytes_to_base64', 3]]));
    expect(admittedSpans(admission).map(({ name, resource }) => [name, resource.attributes])).toEqual([
      ['a', BASE64],
      ['b', BASE64],
      ['c', BASE64],
      ['d', []],
    ]);
  });

  test('changes nothing else', () => {
    const mended = (resource: object) => ({ ...resource, attributes: BASE64 });
    const [a, b, c, d] = canonicalFromProtobuf(request);
    const expected = [a, b, c].map((span) => ({ ...span, resource: mended(span?.resource ?? {}) }));
    expect(admittedSpans(ADMIT.protobuf(request))).toEqual([...expected, d]);
  });

  test('leaves the request as it came when it is off', () => {
    const off = ADMIT.protobuf(request, NO_REPAIRS);
    expect(off.repairs).toEqual(new Map());
    expect(off.bytes).toBe(request);
  });

  test('leaves resources and scopes of other repairs alone', () => {
    const mixed = body(
      { resource: { attributes: [{ key: 'absent' }] }, scopeSpans: [{ spans: spans('a') }] },
      { scopeSpans: [{ scope: { attributes: BYTES }, spans: spans('b') }] },
    );
    const one = ADMIT.protobuf(mixed, (name) => name === 'bytes_to_base64');
    expect(one.repairs).toEqual(new Map([['bytes_to_base64', 1]]));
    expect(admittedSpans(one).map(({ resource, scope }) => [resource.attributes, scope.attributes])).toEqual([
      [[{ key: 'absent', value: null }], []],
      [[], BASE64],
    ]);
  });
});

test('a repair of a scope is one of its spans only', () => {
  const request = body({
    resource: { attributes: [{ key: 'absent' }] },
    scopeSpans: [
      { scope: { name: 'one', attributes: BYTES }, spans: spans('a', 'b') },
      { scope: { name: 'two' }, spans: [{ ...IDS, name: 'c', attributes: BYTES }] },
    ],
  });
  const admission = ADMIT.protobuf(request);
  expect(admission.repairs).toEqual(
    new Map([
      ['attribute_value_absent', 3],
      ['bytes_to_base64', 3],
    ]),
  );
  expect(admittedSpans(admission).map(({ name, scope, attributes }) => [name, scope.attributes, attributes])).toEqual([
    ['a', BASE64, []],
    ['b', BASE64, []],
    ['c', [], BASE64],
  ]);
});

test('the spans below a mended resource stay as they are, byte for byte', () => {
  const ids = Buffer.concat([lenField(1, IDS.traceId, { tag: 2, length: 3 }), lenField(2, IDS.spanId)]);
  const span = lenField(2, Buffer.concat([ids, lenField(5, 'n', { tag: 5, length: 5 })]), { tag: 3, length: 2 });
  const resource = nested([1, 1], lenField(1, 'absent'));
  const { bytes, repairs } = ADMIT.protobuf(lenField(1, Buffer.concat([resource, lenField(2, span)])));
  expect(repairs).toEqual(new Map([['attribute_value_absent', 1]]));
  const mended = nested([1, 1], Buffer.concat([lenField(1, 'absent'), lenField(2, '')]));
  expect(bytes.equals(lenField(1, Buffer.concat([mended, lenField(2, span)])))).toBe(true);
});

test('a resource whose first span is rejected is mended all the same', () => {
  const request = body({ resource: { attributes: BYTES }, scopeSpans: [{ spans: [{}, ...spans('b')] }] });
  const admission = ADMIT.protobuf(request);
  expect(admission.repairs).toEqual(new Map([['bytes_to_base64', 1]]));
  expect(admittedSpans(admission)[0]?.resource.attributes).toEqual(BASE64);
});

describe.each([
  ['resource', (broken: Buffer, span: Buffer) => lenField(1, Buffer.concat([lenField(1, broken), nested([2], span)]))],
  ['scope', (broken: Buffer, span: Buffer) => nested([1, 2], Buffer.concat([lenField(1, broken), span]))],
] as const)('of a %s', (level, around) => {
  /** Attributes are field 1 of a resource and field 3 of a scope. */
  const number = level === 'resource' ? 1 : 3;
  const span = lenField(2, Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]));
  const twoSpans = Buffer.concat([span, span]);
  const good = nested([1, 2], span);
  const attribute = (...fields: Buffer[]) => lenField(number, Buffer.concat([lenField(1, 'k'), ...fields]));

  test('a value too deep costs its spans, and no others', () => {
    const deep = attribute(nested([2, ...Array(65).fill([5, 1]).flat()], varintField(3, 1)));
    const { accepted, rejections } = ADMIT.protobuf(Buffer.concat([around(deep, twoSpans), good]));
    expect([accepted, rejections.map(({ reason, field }) => [reason, field])]).toEqual([
      1,
      [0, 1].map((at) => ['too_deep', `resourceSpans[0].scopeSpans[0].spans[${at}]`]),
    ]);
  });

  test.each([
    [
      'text that is no UTF-8',
      'invalid_utf8',
      attribute(lenField(2, lenField(1, Buffer.from([0xff])))),
      { string: '\ufffd' },
    ],
    ['a key alone', 'attribute_value_absent', attribute(), { empty: true }],
    ['an index', 'string_index_removed', attribute(lenField(2, varintField(8, 1))), { empty: true }],
    ['bytes', 'bytes_to_base64', attribute(nested([2, 7], Buffer.from([0]))), { string: 'AA==' }],
  ])('%s is mended, or left when %s is off', (_, repair, broken, value) => {
    const request = Buffer.concat([around(broken, twoSpans), good]);
    const on = ADMIT.protobuf(request);
    expect(on.repairs).toEqual(new Map([[repair, 2]]));
    expect(admittedSpans(on).map((one) => one[level].attributes)).toEqual([
      [{ key: 'k', value }],
      [{ key: 'k', value }],
      [],
    ]);
    expect(ADMIT.protobuf(request, (name) => name !== repair).bytes).toBe(request);
  });
});
