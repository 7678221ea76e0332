import { type Admission, admit } from '../../src/admission/admit';
import type { RepairName } from '../../src/admission/repairs';
import { convertJsonRequest } from '../../src/otlp/json-request';
import { ReceivedSpan } from '../../src/otlp/received-span';
import { scanRequest } from '../../src/otlp/scan';
import { SpanReader } from '../../src/otlp/span-index';
import { type CanonicalSpan, canonicalFromProtobuf } from './canonical';

type Enabled = (repair: RepairName) => boolean;

export const ALL_REPAIRS: Enabled = () => true;
export const NO_REPAIRS: Enabled = () => false;

/** Reading and judging a request as the gateway does, for each of the two encodings. */
export const ADMIT = {
  protobuf: (body: Buffer, enabled: Enabled = ALL_REPAIRS): Admission =>
    admit(scanRequest(body, { check: true }), enabled),
  json: (body: Buffer, enabled: Enabled = ALL_REPAIRS): Admission => {
    const converted = convertJsonRequest(body, enabled);
    return admit(scanRequest(converted.bytes, { check: true }), enabled, converted);
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
