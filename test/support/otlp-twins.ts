import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { CanonicalSpan } from './canonical';
import { CONTENT_TYPE, type Encoding } from './otlp-answer';
import { visible, visibleRepairs } from './visible-span';

export interface Sent {
  headers: Record<string, string>;
  body: Buffer;
}

/** Fields of an OTLP message under their JSON names; 64-bit integers as strings, ids in hex, bytes as Buffer. */
export type Fields = Record<string, unknown>;

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';
export const SPAN_ID = 'eee19b7ec3c1b174';

/** The span of the table's fixtures T1J and T1P. */
const T1_SPAN: Fields = {
  ...{ traceId: TRACE_ID, spanId: SPAN_ID, name: 'n', kind: 2 },
  ...{ startTimeUnixNano: '1544712660000000001', endTimeUnixNano: '1544712661000000001' },
};
const T1_RESOURCE: Fields = { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] };
const T1_SCOPE: Fields = { name: 'l' };

/** T1 as it is sent. */
const SENT_T1: CanonicalSpan = {
  resource: {
    attributes: [{ key: 'service.name', value: { string: 's' } }],
    ...{ droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
  },
  scope: { name: 'l', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
  ...{ traceId: TRACE_ID, spanId: SPAN_ID, parentSpanId: '', traceState: '', name: 'n', kind: 2 },
  ...{ startTimeUnixNano: 1544712660000000001n, endTimeUnixNano: 1544712661000000001n },
  ...{ attributes: [], droppedAttributesCount: 0, events: [], droppedEventsCount: 0, links: [], droppedLinksCount: 0 },
  ...{ status: { message: '', code: 0 }, flags: 0 },
};

/** T1 as it must arrive. */
export const T1 = visible(SENT_T1);

/** T1 with these changes as it must arrive. */
export const arrivalOf = (changes: Partial<CanonicalSpan>): CanonicalSpan => visible({ ...SENT_T1, ...changes });

/** How many spans each repair must touch where T1 is sent with these changes, once for each. */
export const repairsOf = (...spans: Partial<CanonicalSpan>[]): Record<string, number> =>
  visibleRepairs(spans.map((changes) => ({ ...SENT_T1, ...changes })));

/** No resource and no scope, as they must arrive. */
export const NO_RESOURCE: CanonicalSpan['resource'] = {
  ...{ attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' },
};
export const NO_SCOPE: CanonicalSpan['scope'] = {
  ...{ name: '', version: '', attributes: [], droppedAttributesCount: 0, schemaUrl: '' },
};

/** T1 with these fields of its span changed. */
export const spanOf = (changes: Fields = {}): Fields => ({ ...T1_SPAN, ...changes });

/** A request with T1's resource and scope around these spans. */
export const requestOf = (...spans: Fields[]): Fields => ({
  resourceSpans: [{ resource: T1_RESOURCE, scopeSpans: [{ scope: T1_SCOPE, spans }] }],
});

/** The encodings with one request in each. */
export const twins = (request: Fields): [Encoding, Sent][] => [
  ['json', asJson(request)],
  ['protobuf', asProtobuf(request)],
];

/** Every row once per encoding: `[name in JSON, …]`, `[name in protobuf, …]`. */
export function inBothEncodings<Rest extends unknown[]>(
  rows: readonly (readonly [name: string, request: Fields, ...rest: Rest])[],
): [name: string, encoding: Encoding, sent: Sent, ...rest: Rest][] {
  return rows.flatMap(([name, request, ...rest]) =>
    twins(request).map(([encoding, sent]): [string, Encoding, Sent, ...Rest] => [
      `${name}, ${encoding}`,
      encoding,
      sent,
      ...rest,
    ]),
  );
}

export const asJson = (request: Fields): Sent => jsonText(JSON.stringify(jsonForm(request)));
export const jsonText = (text: string | Buffer): Sent => sent('json', Buffer.from(text as string));
export const protobufBytes = (body: Uint8Array): Sent => sent('protobuf', Buffer.from(body));

const Request = protobuf
  .loadSync(join(__dirname, '../../proto/trace.proto'))
  .lookupType('otlp.ExportTraceServiceRequest');

export function asProtobuf(request: Fields): Sent {
  return protobufBytes(Request.encode(Request.fromObject(protobufForm(request) as Fields)).finish());
}

const sent = (encoding: Encoding, body: Buffer): Sent => ({
  headers: { 'content-type': CONTENT_TYPE[encoding] },
  body,
});

function jsonForm(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return mapMembers(value, (member) => jsonForm(member));
}

/** protobufjs takes the JSON names, but its text for bytes is base64, also for ids. */
function protobufForm(value: unknown): unknown {
  return mapMembers(value, (member, key) =>
    IDS.has(key) && typeof member === 'string' ? Buffer.from(member, 'hex') : protobufForm(member),
  );
}

const IDS = new Set(['traceId', 'spanId', 'parentSpanId']);

function mapMembers(value: unknown, change: (member: unknown, key: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => change(element, ''));
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, change(member, key)]));
}
