import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { CanonicalSpan } from '../support/canonical';
import { T1P } from '../support/literal-cases';
import { expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import { arrivalOf, NO_RESOURCE, protobufBytes, SPAN_ID, T1, TRACE_ID, twins } from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';
import { fixed32Field, fixed64Field, group, lenField, nested, tag, varint, varintField, WIRE } from '../support/wire';

const gateway = useGateway();
const hex = (text: string) => Buffer.from(text, 'hex');

/** Where each message of the trace path stands: field numbers from the request inwards. */
const MESSAGES: Readonly<Record<string, readonly number[]>> = {
  ...{ ExportTraceServiceRequest: [], ResourceSpans: [1], Resource: [1, 1], EntityRef: [1, 1, 3] },
  ...{ ScopeSpans: [1, 2], InstrumentationScope: [1, 2, 1], Span: [1, 2, 2] },
  ...{ 'Span.Event': [1, 2, 2, 11], 'Span.Link': [1, 2, 2, 13], Status: [1, 2, 2, 15] },
  ...{ KeyValue: [1, 2, 2, 9], AnyValue: [1, 2, 2, 9, 2], ArrayValue: [1, 2, 2, 9, 2, 5] },
  KeyValueList: [1, 2, 2, 9, 2, 6],
};
const WIRE_TYPES: Readonly<Record<string, number>> = {
  ...{ bool: WIRE.varint, int32: WIRE.varint, uint32: WIRE.varint, int64: WIRE.varint },
  ...{ fixed32: WIRE.fixed32, fixed64: WIRE.fixed64, double: WIRE.fixed64 },
  ...{ SpanKind: WIRE.varint, StatusCode: WIRE.varint },
};
const proto = protobuf.loadSync(join(__dirname, '../../proto/trace.proto'));
const FIELDS = Object.entries(MESSAGES).flatMap(([message, path]) =>
  proto.lookupType(`otlp.${message}`).fieldsArray.map(({ name, id, type }) => ({
    ...{ name: `${message}.${name}`, path, id, wireType: WIRE_TYPES[type] ?? WIRE.len },
  })),
);

test('all fields of the trace path are here, and the deprecated one', () => {
  expect(FIELDS).toHaveLength(59 + 1);
});

test.each(FIELDS)('H05 $name as the end of a group', async ({ path, id }) => {
  const body = nested(path, Buffer.concat([tag(id, WIRE.groupEnd), varint(1)]));
  expectRefusal(await gateway.post(protobufBytes(body)), { status: 400, encoding: 'protobuf' });
});

test.each(FIELDS)('H06 $name without a value', async ({ path, id, wireType }) => {
  const { message } = expectRefusal(await gateway.post(protobufBytes(nested(path, tag(id, wireType)))), {
    status: 400,
    encoding: 'protobuf',
  });
  expect(message).toContain('protobuf');
});

test('H07 cut off anywhere: 400, and nothing arrives', async () => {
  const before = await gateway.gateway.metrics();
  for (let bytes = 1; bytes < T1P.length; bytes += 1) {
    const answer = await gateway.post(protobufBytes(T1P.subarray(0, bytes)));
    expect({ bytes, ...expectRefusal(answer, { status: 400, encoding: 'protobuf' }) }).toMatchObject({ bytes });
  }
  const after = await gateway.gateway.metrics();
  expect(after.gateway_receiver_accepted_spans_total).toBe(before.gateway_receiver_accepted_spans_total);
});

const IDS = Buffer.concat([lenField(1, hex(TRACE_ID)), lenField(2, hex(SPAN_ID))]);
const TIMES = Buffer.concat([fixed64Field(7, 1544712660000000001n), fixed64Field(8, 1544712661000000001n)]);
const SPAN = Buffer.concat([IDS, lenField(5, 'n'), varintField(6, 2), TIMES]);
const SERVICE = Buffer.concat([lenField(1, 'service.name'), lenField(2, lenField(1, 's'))]);
const RESOURCE = lenField(1, lenField(1, SERVICE));
const SCOPE = lenField(1, lenField(1, 'l'));
/** T1 of these parts. */
const request = (parts: { resource?: Buffer; scope?: Buffer; span?: Buffer; after?: Buffer }) => {
  const { resource = RESOURCE, scope = SCOPE, span = SPAN, after = Buffer.alloc(0) } = parts;
  return lenField(1, Buffer.concat([resource, lenField(2, Buffer.concat([scope, lenField(2, span)])), after]));
};
const UNKNOWN = Buffer.concat([
  ...[varintField(99, 1), lenField(100, 'x'), fixed32Field(101, 1), fixed64Field(102, 1n)],
  ...[group(103, varintField(1, 1)), lenField(1001, Buffer.alloc(0)), varintField(536_870_911, 2n ** 64n - 1n)],
]);
const withEntity = lenField(3, Buffer.concat([lenField(2, 'service'), lenField(3, 'service.name')]));
const ATTRIBUTE = (key: string) => lenField(1, Buffer.concat([lenField(1, key), lenField(2, lenField(1, 's'))]));

test.each<[name: string, body: Buffer, changes: Partial<CanonicalSpan>]>([
  ['the parts make T1P', request({}), {}],
  ['H01 unknown fields in the request', Buffer.concat([UNKNOWN, request({}), UNKNOWN]), {}],
  ['H01 unknown fields in the resource spans', request({ resource: Buffer.concat([UNKNOWN, RESOURCE]) }), {}],
  ['H01 unknown fields in the scope spans', request({ scope: Buffer.concat([UNKNOWN, SCOPE, UNKNOWN]) }), {}],
  ['H01 unknown fields in the span', request({ span: Buffer.concat([UNKNOWN, SPAN, UNKNOWN]) }), {}],
  ['H01 unknown fields in the scope', request({ scope: lenField(1, Buffer.concat([UNKNOWN, lenField(1, 'l')])) }), {}],
  ['H02 an unknown group with groups in it', Buffer.concat([group(99, group(99, UNKNOWN)), T1P]), {}],
  ['H13 a kind twice', request({ span: Buffer.concat([varintField(6, 5), SPAN]) }), {}],
  ['H13 ids twice', request({ span: Buffer.concat([lenField(1, ''), lenField(2, 'x'), SPAN]) }), {}],
  [
    'H14 a status in two parts',
    request({ span: Buffer.concat([SPAN, lenField(15, lenField(2, 'm')), lenField(15, varintField(3, 2))]) }),
    { status: { message: 'm', code: 2 } },
  ],
  [
    'H14 a resource in two parts',
    request({ resource: Buffer.concat([lenField(1, ATTRIBUTE('a')), lenField(1, ATTRIBUTE('b'))]) }),
    { resource: { ...NO_RESOURCE, attributes: ['a', 'b'].map((key) => ({ key, value: { string: 's' } })) } },
  ],
  [
    'H17 field 1000 for scope spans',
    lenField(1, Buffer.concat([RESOURCE, lenField(1000, Buffer.concat([SCOPE, lenField(2, SPAN)]))])),
    {},
  ],
  [
    'H20 fields in another order',
    lenField(
      1,
      Buffer.concat([
        lenField(
          2,
          Buffer.concat([lenField(2, Buffer.concat([TIMES, varintField(6, 2), lenField(5, 'n'), IDS])), SCOPE]),
        ),
        RESOURCE,
      ]),
    ),
    {},
  ],
  ['H20 varints with more bytes than needed', lenField(1, T1P.subarray(2), { tag: 3, length: 5 }), {}],
  [
    'H20 such varints in the span',
    request({
      span: Buffer.concat([IDS, lenField(5, 'n', { tag: 2, length: 4 }), tag(6, 0, 4), varint(2, 10), TIMES]),
    }),
    {},
  ],
  [
    'H23 a kind of 2^40',
    request({ span: Buffer.concat([IDS, lenField(5, 'n'), TIMES, varintField(6, 2n ** 40n)]) }),
    { kind: 0 },
  ],
  ['H23 a kind of -1', request({ span: Buffer.concat([SPAN, varintField(6, -1n)]) }), { kind: -1 }],
])('%s', async (_, body, changes) => {
  const { answer, spans } = await gateway.pass(protobufBytes(body));
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([arrivalOf(changes)]);
});

test('H17 field 1000 beside scope spans: the spans of both arrive', async () => {
  const old = lenField(1000, Buffer.concat([SCOPE, lenField(2, SPAN)]));
  const { answer, spans } = await gateway.pass(protobufBytes(request({ after: old })));
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([T1, T1]);
});

test('H18 bytes that are unknown fields only: an empty success', async () => {
  const { answer, spans } = await gateway.pass(protobufBytes(UNKNOWN));
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([]);
});

test('H18 random bytes: always a well-formed answer', async () => {
  for (let round = 0; round < 200; round += 1) {
    const body = randomBytes(1 + (round % 40));
    const { status, headers } = await gateway.post(protobufBytes(body));
    expect([200, 400]).toContain(status);
    expect(headers['content-type']).toBe('application/x-protobuf');
  }
});

test('H19 TracesData, as a file exporter writes it, has the same form', async () => {
  const { answer, spans } = await gateway.pass(protobufBytes(Buffer.concat([T1P, T1P])));
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([T1, T1]);
});

const ENTITY = { schemaUrl: 'https://schema', type: 'service', idKeys: ['service.name'], descriptionKeys: ['k'] };

test.each(
  twins({
    resourceSpans: [
      { resource: { entityRefs: [ENTITY] }, scopeSpans: [{ spans: [{ traceId: TRACE_ID, spanId: SPAN_ID }] }] },
    ],
  }),
)('H22 entity references, %s', async (encoding, sent) => {
  const { answer, spans } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(spans.map(({ resource }) => resource)).toEqual([{ ...NO_RESOURCE, entityRefs: [ENTITY] }]);
});

test('H22 an entity reference to an attribute that is not there', async () => {
  const { answer } = await gateway.pass(protobufBytes(request({ resource: lenField(1, withEntity) })));
  expectSuccess(answer, 'protobuf');
});

test.each([
  ['H03 a group that does not end', Buffer.concat([T1P, tag(99, WIRE.groupStart)])],
  ['H03 the end of another group', Buffer.concat([tag(99, WIRE.groupStart), tag(98, WIRE.groupEnd)])],
  ['H04 field number 0 inside', request({ span: Buffer.concat([SPAN, Buffer.from([0])]) })],
  ['H04 a wire type that does not exist', Buffer.from([(99 << 3) | 6, 1].map((byte) => byte & 0xff))],
  ['H08 an endless varint inside', request({ span: Buffer.concat([SPAN, tag(10, 0), Buffer.alloc(11, 0xff)]) })],
  ['H09 a length beyond the message but not the body', Buffer.concat([lenField(1, Buffer.from([0x12, 0x20])), T1P])],
  ['H09 a length of 2^32 - 1', Buffer.concat([tag(1, WIRE.len), varint(2 ** 32 - 1)])],
  ['H09 a length of 2^63', Buffer.concat([tag(1, WIRE.len), varint(2n ** 63n)])],
  ['H09 a length of 2^32, which is 0 in 32 bits', Buffer.concat([tag(1, WIRE.len), varint(2n ** 32n), T1P])],
])('%s: 400', async (_, body) => {
  expectRefusal(await gateway.post(protobufBytes(body)), { status: 400, encoding: 'protobuf' });
});

/** T1 with an attribute behind all others that tells what was sent. */
const withOriginal = (name: string, string: string) => {
  const original = { key: `langfuse.observation.metadata.otel.${name}`, value: { string } };
  return { ...T1, attributes: [...T1.attributes, original] };
};

test.each([
  ['H11 a parent of 7 bytes is dropped', '01020304050607'],
  ['H11 a parent of 16 bytes is dropped', TRACE_ID],
])('%s and kept as metadata', async (_, parent) => {
  const { answer, spans, repaired } = await gateway.pass(
    protobufBytes(request({ span: Buffer.concat([SPAN, lenField(4, hex(parent))]) })),
  );
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([withOriginal('originalParentSpanId', parent)]);
  expect(repaired).toEqual({ kind_to_metadata: 1, parent_unreadable: 1 });
});

test('H11 a link with ids of other lengths is dropped and kept as metadata', async () => {
  const link = lenField(13, Buffer.concat([lenField(1, hex('010203')), lenField(2, hex(TRACE_ID))]));
  const { answer, spans, repaired } = await gateway.pass(protobufBytes(request({ span: Buffer.concat([SPAN, link]) })));
  expectSuccess(answer, 'protobuf');
  expect(spans).toEqual([withOriginal('originalLinks', `[{"traceId":"010203","spanId":"${TRACE_ID}"}]`)]);
  expect(repaired).toEqual({ kind_to_metadata: 1, link_dropped: 1 });
});

test('H12 ids of length 0 cost the span', async () => {
  const { answer } = await gateway.pass(protobufBytes(request({ span: Buffer.concat([SPAN, lenField(2, '')]) })));
  expectRejected(answer, { encoding: 'protobuf', spans: 1 });
});
