import type { ReceivedRequest, SpanNotes } from '../judgement';
import type { Stamps } from '../langfuse/stamp';
import type { RequestSender } from '../receiver/accept';

/** A request whose spans can be looked at. */
export interface KeptRequest {
  readonly receivedAtMs: number;
  readonly destination: string;
  readonly stamps: Stamps;
  readonly sender: RequestSender;
  /** An ExportTraceServiceRequest of the accepted spans as they leave; in `metadata` mode without their payload. */
  readonly bytes: Buffer;
  readonly spans: number;
  /** Of the span at that position in `bytes`. */
  readonly notes: (position: number) => SpanNotes;
  /** As it came; absent in `metadata` mode. */
  readonly received: ReceivedRequest | undefined;
  /** Positions, in what was received, of spans that were rejected. */
  readonly rejectedAt: ReadonlySet<number>;
}

/** What a span takes beside its bytes once it is indexed, about. */
const ROW_BYTES = 1_000;
const REQUEST_BYTES = 2_000;
/** Of where a span's text lies, and of a rejected span: of a few bytes each there may be many. */
const RANGE_BYTES = 8;
const REJECTED_BYTES = 50;

/** What keeping it takes. What came is often the same bytes as what leaves. */
export function sizeOf({ bytes, received, spans, rejectedAt }: KeptRequest): number {
  const sent = received === undefined || received.bytes === bytes ? 0 : received.bytes.length;
  const text = received?.texts?.bytes;
  const copy = text === undefined || text === received?.bytes ? 0 : text.length;
  const places = (received?.texts?.ranges.length ?? 0) * RANGE_BYTES + rejectedAt.size * REJECTED_BYTES;
  return bytes.length + sent + copy + places + spans * ROW_BYTES + REQUEST_BYTES;
}

/** Where the span at that position of what is kept stood in what was received. */
export function receivedPosition({ rejectedAt }: KeptRequest, position: number): number {
  let at = position;
  for (const rejected of [...rejectedAt].sort((a, b) => a - b)) if (rejected <= at) at++;
  return at;
}
