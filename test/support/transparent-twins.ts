import { admit } from '../../src/admission/admit';
import type { RepairName } from '../../src/admission/repairs';
import type { JsonRepair } from '../../src/otlp/json-fault';
import type { ConvertedRequest } from '../../src/otlp/json-request';
import { scanRequest } from '../../src/otlp/scan';
import { transparentRequestSteps } from '../../src/otlp/transparent-spans';
import { type Admitted, ALL_REPAIRS } from './admission';
import { canonicalFromProtobuf } from './canonical';
import type { Conversion } from './json-conversion';
import { type Fields, jsonText, type Sent } from './otlp-twins';

/** Where a span's ids, flags and trace state stand: in its contexts, or flat beside them. */
export type ContextForm = 'nested' | 'flat';

/** An OTLP request, with ids as text, as transparent spans: what OpenTelemetry JS would hold of it. */
export function asTransparent(request: Fields, form: ContextForm = 'nested'): Sent {
  const spans = list(request.resourceSpans).flatMap(({ resource, schemaUrl, scopeSpans }) =>
    list(scopeSpans).flatMap(({ scope, schemaUrl: scopeUrl, spans: inScope }) =>
      list(inScope).map((span) => ({
        ...spanOf(span, form),
        ...(resource === undefined ? {} : { resource: { ...attributed(resource as Fields), schemaUrl } }),
        ...(scope === undefined
          ? {}
          : { instrumentationScope: { ...attributed(scope as Fields), schemaUrl: scopeUrl } }),
      })),
    ),
  );
  return jsonText(JSON.stringify({ spans }));
}

const list = (value: unknown) => (value ?? []) as Fields[];

function spanOf({ traceId, spanId, parentSpanId, traceState, flags, ...span }: Fields, form: ContextForm): Fields {
  const { kind, startTimeUnixNano, endTimeUnixNano, events, links, ...rest } = span;
  const remote = remoteness(flags);
  const context = { traceId, spanId, traceFlags: w3cFlags(flags), traceState };
  const isFlat = form === 'flat';
  return {
    ...(isFlat ? { ...context, parentSpanId } : { spanContext: context, parentSpanContext: { spanId: parentSpanId } }),
    ...(remote === undefined ? {} : { parentSpanContext: { ...(isFlat ? {} : { spanId: parentSpanId }), ...remote } }),
    ...attributed(rest),
    ...(kind === undefined ? {} : { kind: Number(kind) - 1 }),
    startTime: hrTime(startTimeUnixNano),
    endTime: hrTime(endTimeUnixNano),
    events: list(events).map(({ timeUnixNano, ...event }) => ({ ...attributed(event), time: hrTime(timeUnixNano) })),
    links: list(links).map((link) => linkOf(link, form)),
  };
}

function linkOf({ traceId, spanId, traceState, flags, ...link }: Fields, form: ContextForm): Fields {
  const context = { traceId, spanId, traceState, traceFlags: w3cFlags(flags) };
  const remote = remoteness(flags);
  if (form === 'flat') return { ...attributed(link), ...context, ...(remote === undefined ? {} : { context: remote }) };
  return { ...attributed(link), context: { ...context, ...remote } };
}

const w3cFlags = (flags: unknown) => (flags === undefined ? undefined : Number(flags) & 0xff);
const remoteness = (flags: unknown) =>
  (Number(flags ?? 0) & 0x100) === 0 ? undefined : { isRemote: (Number(flags) & 0x200) !== 0 };

/** `[seconds, nanoseconds]` */
function hrTime(ns: unknown): [number, number] | undefined {
  if (ns === undefined) return undefined;
  return [Number(BigInt(ns as string) / 1_000_000_000n), Number(BigInt(ns as string) % 1_000_000_000n)];
}

function attributed(message: Fields): Fields {
  return message.attributes === undefined ? message : { ...message, attributes: entriesOf(message.attributes) };
}

const entriesOf = (keyValues: unknown): Fields =>
  Object.fromEntries(list(keyValues).map(({ key, value }) => [key as string, plainValue(value as Fields)]));

/** An AnyValue as JavaScript holds it. */
function plainValue({ arrayValue, kvlistValue, intValue, ...scalar }: Fields): unknown {
  if (arrayValue !== undefined) return list((arrayValue as Fields).values).map(plainValue);
  if (kvlistValue !== undefined) return entriesOf((kvlistValue as Fields).values);
  return intValue === undefined ? (Object.values(scalar)[0] ?? null) : Number(intValue);
}

type Allowed = (repair: JsonRepair) => boolean;

/** All of a body of transparent spans turned into protobuf. */
export function convertTransparentRequest(body: Buffer, allowed: Allowed): ConvertedRequest {
  const steps = transparentRequestSteps(body, allowed);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** As `convert` of OTLP JSON, with the spans in the order of their sender's list: positions are those in it. */
export function convertTransparent(body: string | Buffer, off: readonly JsonRepair[] = []): Conversion {
  const allowed: Allowed = (repair) => repair !== 'id_derived' && !off.includes(repair);
  const { bytes, faults, repairs, sentAt = [] } = convertTransparentRequest(Buffer.from(body), allowed);
  const spans = canonicalFromProtobuf(bytes);
  const positions = [...sentAt.keys()].sort((a, b) => sentAt[a]! - sentAt[b]!);
  return {
    spans: positions.map((position) => spans[position]!),
    faults: positions.flatMap((position): Conversion['faults'] => {
      const fault = faults.get(position);
      return fault === undefined ? [] : [[sentAt[position]!, fault.reason, fault.path, fault.description]];
    }),
    repairs: Object.fromEntries([...repairs].map(([position, names]) => [sentAt[position], [...names].sort()])),
  };
}

/** Reading and judging transparent spans as the gateway does. */
export function admitTransparent(body: Buffer, enabled: (repair: RepairName) => boolean = ALL_REPAIRS): Admitted {
  const converted = convertTransparentRequest(body, enabled);
  const admission = admit(scanRequest(converted.bytes, { check: true }), enabled, converted);
  const names = [...admission.repaired.values()].flatMap((each) => [...each]);
  return {
    ...admission,
    repairs: new Map(names.map((name) => [name, names.filter((each) => each === name).length])),
  };
}
