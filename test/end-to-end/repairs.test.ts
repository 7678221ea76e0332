import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { CanonicalSpan } from '../support/canonical';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { increases } from '../support/samples';

const root = protobuf.parse(readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8')).root;
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

const TRACE_ID = '5b8efff798038103d269b633813fc60c';
const SPAN_ID = 'eee19b7ec3c1b174';
const hex = (text: string) => Buffer.from(text, 'hex');
const TIMES = { startTimeUnixNano: '1', endTimeUnixNano: '2' };
const base64 = (text: string) => hex(text).toString('base64');
const request = (span: object) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });

const json = (span: object) => ({
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(request({ traceId: TRACE_ID, spanId: SPAN_ID, name: 'n', ...TIMES, ...span }))),
});
const proto = (span: object) => ({
  headers: { 'content-type': 'application/x-protobuf' },
  body: Request.encode(
    Request.fromObject(request({ traceId: hex(TRACE_ID), spanId: hex(SPAN_ID), name: 'n', ...TIMES, ...span })),
  ).finish(),
});
const jsonValue = (value: object) => json({ attributes: [{ key: 'k', value }] });
const attribute = (value: CanonicalSpan['attributes'][number]['value']) => ({ attributes: [{ key: 'k', value }] });

/** What was sent, kept as metadata. */
const original = (name: string, string: string) => ({
  attributes: [{ key: `langfuse.observation.metadata.otel.${name}`, value: { string } }],
});

/** `\u0007` is one byte in UTF-8, so replacing it by 0xff keeps every length. */
const withBadByte = ({ headers, body }: Sent) => ({
  headers,
  body: body.map((byte) => (byte === 7 ? 0xff : byte)),
});

interface Sent {
  headers: Record<string, string>;
  body: Uint8Array;
}
type Row = [name: string, repair: string, sent: Sent, arrives: Partial<CanonicalSpan>];
const ROWS: Row[] = [
  ['ids in base64', 'id_base64', json({ traceId: base64(TRACE_ID), spanId: base64(SPAN_ID) }), {}],
  ['a parent in base64', 'id_base64', json({ parentSpanId: base64('aa'.repeat(8)) }), { parentSpanId: 'aa'.repeat(8) }],
  ['a parent of zeros in JSON', 'parent_zero', json({ parentSpanId: '0'.repeat(16) }), { parentSpanId: '' }],
  ['a parent of zeros in protobuf', 'parent_zero', proto({ parentSpanId: Buffer.alloc(8) }), { parentSpanId: '' }],
  ['a parent of words', 'parent_unreadable', json({ parentSpanId: 'root' }), original('originalParentSpanId', 'root')],
  [
    'a parent of 7 bytes',
    'parent_unreadable',
    proto({ parentSpanId: hex('01020304050607') }),
    original('originalParentSpanId', '01020304050607'),
  ],
  [
    'a link to nowhere',
    'link_dropped',
    json({ links: [{ traceId: 'x', spanId: SPAN_ID }] }),
    original('originalLinks', `[{"traceId":"x","spanId":"${SPAN_ID}"}]`),
  ],
  ['a kind that nobody knows', 'kind_unknown', json({ kind: 'FOO' }), { kind: 0 }],
  ['a name that is no UTF-8', 'invalid_utf8', withBadByte(proto({ name: 'a\u0007b' })), { name: 'a\uFFFDb' }],
  ['a fraction as int', 'attribute_retyped', jsonValue({ intValue: 1.5 }), attribute({ double: 1.5 })],
  ['words as int', 'attribute_retyped', jsonValue({ intValue: '3.f14' }), attribute({ string: '3.f14' })],
  ['text as bool', 'attribute_retyped', jsonValue({ boolValue: 'true' }), attribute({ string: 'true' })],
  ['a key alone in JSON', 'attribute_value_absent', json({ attributes: [{ key: 'k' }] }), attribute({ empty: true })],
  [
    'a key alone in protobuf',
    'attribute_value_absent',
    proto({ attributes: [{ key: 'k' }] }),
    attribute({ empty: true }),
  ],
  ['bytes in JSON', 'bytes_to_base64', jsonValue({ bytesValue: '-_8' }), attribute({ string: '+/8=' })],
  [
    'bytes in protobuf',
    'bytes_to_base64',
    proto({ attributes: [{ key: 'k', value: { bytesValue: hex('fbff') } }] }),
    attribute({ string: '+/8=' }),
  ],
  [
    'an index into a dictionary',
    'string_index_removed',
    proto({ attributes: [{ key: 'k', value: { stringValueStrindex: 3 } }] }),
    attribute({ empty: true }),
  ],
];

let fake: FakeLangfuse;
let gateway: RunningGateway;
beforeAll(async () => {
  fake = await startFakeLangfuse();
  gateway = await startGateway({ fake });
});
afterAll(async () => {
  await gateway.stop();
  await fake.close();
});

test.each(ROWS)('%s: %s', async (_, repair, sent, arrives) => {
  const before = await gateway.metrics();
  fake.spans.length = 0;

  expect(await post(`${gateway.url}/v1/traces`, sent)).toMatchObject({ status: 200 });

  expect(await fake.waitForSpans(1)).toEqual([{ ...PLAIN, ...arrives }]);
  expect(fake.violations).toEqual([]);
  const after = await gateway.metrics();
  expect(increases('gateway_spans_repaired_total', { before, after })).toEqual({ [repair]: 1 });
});

/** The span of every row where it says nothing else. */
const PLAIN: CanonicalSpan = {
  resource: { attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
  scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  ...{ traceId: TRACE_ID, spanId: SPAN_ID, parentSpanId: '', traceState: '', name: 'n', kind: 0 },
  ...{ startTimeUnixNano: 1n, endTimeUnixNano: 2n, attributes: [], droppedAttributesCount: 0 },
  ...{ events: [], droppedEventsCount: 0, links: [], droppedLinksCount: 0 },
  ...{ status: { message: '', code: 0 }, flags: 0 },
};
