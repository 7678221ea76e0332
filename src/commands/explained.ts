import type { Judgement, SpanNotes } from '../judgement';
import type { Observation } from '../langfuse/observation/observation';
import type { ReceivedSpan } from '../otlp/received-span';
import type { ScannedSpan } from '../otlp/scan';

/** What `serve` would accept of a request, and refuse. Spans are read one by one, when they are asked for. */
export interface Explained {
  readonly spans: readonly ScannedSpan[];
  readonly rejections: Judgement['rejections'];
  /** A span as it would leave for the destination. */
  read(scanned: ScannedSpan): ReceivedSpan;
  observe(scanned: ScannedSpan): ExplainedObservation;
}

/** With what the gateway did to the span, and warns of. */
export type ExplainedObservation = Omit<Observation, keyof SpanNotes> & SpanNotes;
