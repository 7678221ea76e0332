import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import { receivedSpans } from '../support/admission';
import {
  type CanonicalAttribute,
  type CanonicalSpan,
  type CanonicalValue,
  canonicalFromJson,
  canonicalFromProtobuf,
} from '../support/canonical';
import { runs } from '../support/random';
import { oneSpanRequests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';

/**
 * OpenTelemetry's own serializers, given our view of a span, must write what the span was: they know nothing of our schema
 * and prove that our spans are ReadableSpans. What they lose of every span is made equal first.
 */
type Encoding = 'json' | 'protobuf';

const SERIALIZED: Record<Encoding, (spans: ReturnType<typeof receivedSpans>) => CanonicalSpan[]> = {
  json: (spans) => canonicalFromJson(Buffer.from(JsonTraceSerializer.serializeRequest(spans) ?? []).toString()),
  protobuf: (spans) => canonicalFromProtobuf(ProtobufTraceSerializer.serializeRequest(spans) ?? Buffer.alloc(0)),
};

describe.each<Encoding>(['json', 'protobuf'])('as %s', (encoding) => {
  test("OpenTelemetry's serializer writes what was sent", () => {
    fc.assert(
      fc.property(oneSpanRequests({ repairable: true }), fc.integer({ min: 1 }), (request, seed) => {
        const body = renderProtobuf(request, seed);
        const sent = canonicalFromProtobuf(body).map((span) => afterLosses(span, encoding));
        fc.pre(!sent.some(holdsHugeDouble) && sent.every(hasParentOrNone));
        expect(SERIALIZED[encoding](receivedSpans(body))).toEqual(sent);
      }),
      runs(300),
    );
  });
});

/** The span as the serializers can still tell it (docs of the losses: each line one of them). */
function afterLosses(span: CanonicalSpan, encoding: Encoding): CanonicalSpan {
  const attributes = (all: CanonicalAttribute[]) => lossyAttributes(all, encoding);
  const { resource, scope } = span;
  const scopeAttributes = attributes(scope.attributes);
  return {
    ...span,
    attributes: attributes(span.attributes),
    // A view has no kind "unspecified", and a span that was exported was sampled.
    kind: span.kind === 0 ? 1 : span.kind,
    flags: flagsOf(span.flags | 1, span.parentSpanId === '' ? 0 : span.flags),
    events: span.events.map((event) => ({ ...event, attributes: attributes(event.attributes) })),
    links: span.links.map((link) => ({
      ...link,
      attributes: attributes(link.attributes),
      flags: flagsOf(link.flags, link.flags),
    })),
    // Counts and entities of resource and scope are not in the SDK's model.
    resource: { ...resource, attributes: attributes(resource.attributes), droppedAttributesCount: 0, entityRefs: [] },
    scope: { ...scope, attributes: scopeAttributes, droppedAttributesCount: 0 },
  };
}

const flagsOf = (w3c: number, remote: number) => (w3c & 0xff) | 0x100 | ((remote & 0x300) === 0x300 ? 0x200 : 0);

function lossyAttributes(all: readonly CanonicalAttribute[], encoding: Encoding): CanonicalAttribute[] {
  // Of equal keys the last value counts, at the place of the first; keys that look like numbers come before others.
  const byKey = Object.create(null) as Record<string, CanonicalValue>;
  for (const { key, value } of all) byKey[key] = lossyValue(value ?? { empty: true }, encoding);
  return Object.entries(byKey).map(([key, value]) => ({ key, value }));
}

function lossyValue(value: CanonicalValue, encoding: Encoding): CanonicalValue {
  if ('stringIndex' in value) return { empty: true };
  if ('array' in value) return { array: value.array.map((element) => lossyValue(element, encoding)) };
  if ('kvlist' in value) return { kvlist: lossyAttributes(value.kvlist, encoding) };
  // An int that no number holds is shown as text.
  if ('int' in value) return Number.isSafeInteger(Number(value.int)) ? value : { string: String(value.int) };
  if (!('double' in value)) return value;
  if (Number.isInteger(value.double)) return { int: BigInt(value.double) };
  return encoding === 'json' && !Number.isFinite(value.double) ? { empty: true } : value;
}

/** Whole doubles beyond what a number holds exactly become ints that are rounded or out of range. */
const holdsHugeDouble = (span: CanonicalSpan): boolean =>
  JSON.stringify(span, (_, value) => (typeof value === 'bigint' ? `${value.toString()}n` : value)).match(
    /"int":"-?\d{16,}n"/,
  ) !== null;

/** A parent of another length than an id has no place in a span context. */
const hasParentOrNone = ({ parentSpanId }: CanonicalSpan) => parentSpanId.length === 16 || parentSpanId === '';
