import { type Admission, admit } from '../../src/admission/admit';
import type { RepairName } from '../../src/admission/repairs';
import { ReceivedSpan } from '../../src/otlp/received-span';
import { scanRequest } from '../../src/otlp/scan';
import { SpanReader } from '../../src/otlp/span-index';
import { type CanonicalSpan, canonicalFromProtobuf } from './canonical';
import { convertJsonRequest } from './json-conversion';

type Enabled = (repair: RepairName) => boolean;

/** As by default: ids are not derived. */
export const ALL_REPAIRS: Enabled = (repair) => repair !== 'id_derived';
export const NO_REPAIRS: Enabled = () => false;

/** With how many accepted spans each repair touched. */
export interface Admitted extends Admission {
  readonly repairs: ReadonlyMap<RepairName, number>;
}

function counted(admission: Admission): Admitted {
  const repairs = new Map<RepairName, number>();
  for (const names of admission.repaired.values()) {
    for (const name of names) repairs.set(name, (repairs.get(name) ?? 0) + 1);
  }
  return { ...admission, repairs };
}

/** Reading and judging a request as the gateway does, for each of the two encodings. */
export const ADMIT = {
  protobuf: (body: Buffer, enabled: Enabled = ALL_REPAIRS): Admitted =>
    counted(admit(scanRequest(body, { check: true }), enabled)),
  json: (body: Buffer, enabled: Enabled = ALL_REPAIRS): Admitted => {
    const converted = convertJsonRequest(body, enabled);
    return counted(admit(scanRequest(converted.bytes, { check: true }), enabled, converted));
  },
} as const;

/** The spans of a protobuf request as they are shown to Langfuse's processor. */
export function receivedSpans(bytes: Buffer): ReceivedSpan[] {
  const reader = new SpanReader(bytes);
  return scanRequest(bytes, { check: true }).spans.map((scanned) => new ReceivedSpan(reader, scanned));
}

/** The spans of a request in an order that does not depend on how they are grouped. */
export const inAnyOrder = <Span extends object>(spans: readonly Span[]): Span[] =>
  spans
    .map((span) => ({ span, rank: JSON.stringify(span, withEveryNumber) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ span }) => span);

/** JSON has no int64, NaN or -0. */
function withEveryNumber(_: string, value: unknown): unknown {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'bigint' || typeof value === 'number' ? `${value}` : value;
}

/** What was admitted, read by the independent reader. */
export const admittedSpans = ({ bytes }: Admission): CanonicalSpan[] => canonicalFromProtobuf(bytes);
