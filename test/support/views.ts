import type { CanonicalAttribute, CanonicalEvent, CanonicalLink, CanonicalSpan, CanonicalValue } from './canonical';

/** What a view shows of a value: see `Value` in src/otlp/any-value.ts. Written here once more, from the canonical form. */
export function shownValue(value: CanonicalValue | null): unknown {
  if (value === null || 'empty' in value || 'stringIndex' in value) return null;
  if ('string' in value) return value.string;
  if ('bool' in value) return value.bool;
  if ('double' in value) return value.double;
  if ('int' in value) return isSafe(value.int) ? Number(value.int) : String(value.int);
  if ('bytes' in value) return Buffer.from(value.bytes, 'hex');
  if ('array' in value) return value.array.map(shownValue);
  if ('kvlist' in value) return shownAttributes(value.kvlist);
  throw new Error('a misfit is not shown: it never gets past the door');
}

/** An object without prototype; of equal keys the last one counts. */
export function shownAttributes(attributes: readonly CanonicalAttribute[]): Record<string, unknown> {
  const record = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of attributes) record[key] = shownValue(value);
  return record;
}

/** Everything a ReadableSpan says about a span. */
export function shownSpan(span: CanonicalSpan): Record<string, unknown> {
  const { resource, scope } = span;
  const traceFlags = (span.flags & 0xff) | 1;
  const { kind, status } = span as { kind: number; status: { code: number; message: string } };
  const parent = { traceId: span.traceId, spanId: span.parentSpanId, traceFlags, isRemote: isRemote(span.flags) };
  return {
    context: { traceId: span.traceId, spanId: span.spanId, traceFlags, ...traceState(span) },
    parentSpanContext: span.parentSpanId === '' ? undefined : parent,
    name: span.name,
    kind: kind === 0 ? 0 : kind - 1,
    startTime: hrTime(span.startTimeUnixNano),
    endTime: hrTime(span.endTimeUnixNano),
    duration: hrTime(span.endTimeUnixNano - span.startTimeUnixNano),
    status: status.message === '' ? { code: status.code } : status,
    attributes: shownAttributes(span.attributes),
    events: span.events.map(shownEvent),
    links: span.links.map(shownLink),
    ended: true,
    resource: { attributes: shownAttributes(resource.attributes), schemaUrl: resource.schemaUrl },
    instrumentationScope: {
      ...{ name: scope.name, version: scope.version, schemaUrl: scope.schemaUrl },
      attributes: shownAttributes(scope.attributes),
    },
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

const shownEvent = ({ name, timeUnixNano, attributes, droppedAttributesCount }: CanonicalEvent) => ({
  ...{ name, time: hrTime(timeUnixNano), attributes: shownAttributes(attributes), droppedAttributesCount },
});

const shownLink = (link: CanonicalLink) => ({
  context: {
    ...{ traceId: link.traceId, spanId: link.spanId, traceFlags: link.flags & 0xff },
    ...(isRemote(link.flags) ? { isRemote: true } : {}),
    ...traceState(link),
  },
  attributes: shownAttributes(link.attributes),
  droppedAttributesCount: link.droppedAttributesCount,
});

const traceState = ({ traceState: text }: { traceState: string }) => (text === '' ? {} : { traceState: text });
const isRemote = (flags: number) => (flags & 0x300) === 0x300;
const isSafe = (int: bigint) => int === BigInt.asIntN(54, int) && int !== -(2n ** 53n);

function hrTime(nanos: bigint): [number, number] {
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)];
}
