import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';

/** The text of the project's schema, for tests that read it in their own way. */
export const TRACE_PROTO = readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8');

const root = protobuf.parse(TRACE_PROTO).root.resolveAll();

/** The 14 messages of a trace request, by their names in the schema. */
export const MESSAGE_NAMES = [
  ...['ExportTraceServiceRequest', 'ResourceSpans', 'Resource', 'EntityRef', 'ScopeSpans', 'InstrumentationScope'],
  ...['Span', 'Span.Event', 'Span.Link', 'Status', 'KeyValue', 'AnyValue', 'ArrayValue', 'KeyValueList'],
] as const;

export type MessageName = (typeof MESSAGE_NAMES)[number];

/** protobufjs' reflection of one message: it reads and writes without any code of ours. */
export function messageType(name: MessageName): protobuf.Type {
  return root.lookupType(`otlp.${name}`);
}

/** A message written by protobufjs. 64-bit numbers may be decimal strings, bytes are Buffers. */
export function encodeMessage(name: MessageName, message: object): Buffer {
  const type = messageType(name);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** A request of one resource and one scope, written by protobufjs. */
export const encodeSpans = (...spans: object[]): Buffer =>
  encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ scopeSpans: [{ spans }] }] });

/** The ids of the conformance table's span. */
export const TRACE_ID = '5b8efff798038103d269b633813fc60c';
export const SPAN_ID = 'eee19b7ec3c1b174';
export const IDS = { traceId: Buffer.from(TRACE_ID, 'hex'), spanId: Buffer.from(SPAN_ID, 'hex') };

/** The conformance table's fixture T1P: one resource, one scope, one span, 85 bytes. */
export const T1P = Buffer.from(
  '0a530a150a130a0c736572766963652e6e616d6512030a0173123a0a030a016c12330a105b8efff798038103d269b633813fc60c' +
    '1208eee19b7ec3c1b1742a016e300239014859e3faeb6f15410112f41efbeb6f15',
  'hex',
);

/** The same request in JSON. */
export const T1J = JSON.stringify({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 's' } }] },
      scopeSpans: [
        {
          scope: { name: 'l' },
          spans: [
            {
              ...{ traceId: TRACE_ID, spanId: SPAN_ID, name: 'n', kind: 2 },
              ...{ startTimeUnixNano: '1544712660000000001', endTimeUnixNano: '1544712661000000001' },
            },
          ],
        },
      ],
    },
  ],
});
