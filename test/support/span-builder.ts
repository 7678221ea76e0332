import type { HrTime, SpanStatus } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/** Keys and values of any kind our views know; as pairs where a key such as `__proto__` is wanted. */
export type AttributesGiven = Record<string, unknown> | readonly (readonly [string, unknown])[];

export interface SpanGiven {
  name?: string;
  attributes?: AttributesGiven;
  resource?: AttributesGiven;
  scope?: { name: string; version?: string; attributes?: AttributesGiven };
  events?: readonly { name: string; attributes?: AttributesGiven }[];
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  startTime?: HrTime;
  endTime?: HrTime;
  status?: SpanStatus;
}

export const TRACE_ID = '5b8efff798038103d269b633813fc60c';
export const SPAN_ID = 'eee19b7ec3c1b174';

/** 2023-11-14T22:13:20.123Z and two seconds later. */
export const START: HrTime = [1_700_000_000, 123_456_789];
export const END: HrTime = [1_700_000_002, 123_456_789];

/** A plain ReadableSpan with the conventions of our views: attributes without prototype, kvlists as such objects. */
export function buildSpan(given: SpanGiven = {}): ReadableSpan {
  const { traceId = TRACE_ID, spanId = SPAN_ID, parentSpanId } = given;
  return {
    name: given.name ?? 'a span',
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    parentSpanContext: parentSpanId === undefined ? undefined : { traceId, spanId: parentSpanId, traceFlags: 1 },
    startTime: given.startTime ?? START,
    endTime: given.endTime ?? END,
    status: given.status ?? { code: 0 },
    attributes: attributesFrom(given.attributes),
    links: [],
    events: (given.events ?? []).map(({ name, attributes }) => ({
      name,
      time: START,
      attributes: attributesFrom(attributes),
      droppedAttributesCount: 0,
    })),
    duration: [2, 0],
    ended: true,
    resource: { ...resourceFromAttributes({}), attributes: attributesFrom(given.resource) },
    instrumentationScope: scopeFrom(given.scope ?? { name: 'my.library' }),
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** An object without prototype, on which every key is an ordinary one. */
export function kvlist(entries: AttributesGiven): Record<string, unknown> {
  const pairs = (Array.isArray(entries) ? entries : Object.entries(entries)) as [string, unknown][];
  const record = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of pairs) record[key] = value;
  return record;
}

/** The SDK's type allows strings, numbers, booleans and arrays of them; OTLP and our views have more. */
const attributesFrom = (given: AttributesGiven = {}) => kvlist(given) as ReadableSpan['attributes'];

function scopeFrom({ attributes, ...scope }: NonNullable<SpanGiven['scope']>): ReadableSpan['instrumentationScope'] {
  return attributes === undefined ? scope : ({ ...scope, attributes: kvlist(attributes) } as typeof scope);
}
