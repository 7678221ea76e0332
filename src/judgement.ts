import type { Rejection } from './admission/admit';
import type { RepairName } from './admission/repairs';
import type { SenderPolicy } from './admission/sender-policy';
import type { ContextOutcome, RequestedContext } from './admission/trace-context';
import type { WarningName } from './admission/warnings';
import type { SpanTexts } from './otlp/json-request';
import type { ScannedRequest } from './otlp/scan';
import type { BodyFormat } from './receiver/format';

export interface RequestToJudge {
  readonly format: BodyFormat;
  readonly bytes: Buffer;
  /** The name of where its spans will go. */
  readonly destination: string;
  /** What the request says beside its body; a context in a JSON body counts more. */
  readonly traceContext?: RequestedContext | undefined;
  /** What the key it came with says of its spans; absent: nothing. */
  readonly policy?: SenderPolicy | undefined;
  /** Called before its spans are judged. What it throws goes through. */
  readonly onRead?: ((size: RequestSize) => void) | undefined;
}

export interface RequestSize {
  /** Rejected ones included. */
  readonly spans: number;
  /** Attributes, values, events and links. */
  readonly messages: number;
}

export interface SpanNotes {
  readonly repairs: readonly RepairName[];
  readonly warnings: readonly WarningName[];
}

/** How many spans a warning is about, and the ids of the first, in hex. */
export interface WarningCount {
  readonly spans: number;
  readonly traceId: string;
  readonly spanId: string;
}

export interface Judgement {
  /** An ExportTraceServiceRequest of the accepted spans as they leave; the received bytes themselves where nothing changed. */
  readonly bytes: Buffer;
  readonly accepted: number;
  readonly rejections: readonly Rejection[];
  /** How many accepted spans each repair touched. */
  readonly repairs: ReadonlyMap<RepairName, number>;
  readonly warnings: ReadonlyMap<WarningName, WarningCount>;
  /** What became of the request's trace context; `undefined` where it has none. */
  readonly traceContext: ContextOutcome | undefined;
  /** Of the accepted span at that position. To keep it keeps none of the request's bytes. */
  readonly notes: (position: number) => SpanNotes;
  readonly received: ReceivedRequest;
  /** What was received, in protobuf, before any of its spans was judged. */
  readonly read: ScannedRequest;
  /** To be called when its spans are kept: who is sent away and comes again must not be seen twice. */
  kept(): void;
}

/** A request as its sender wrote it. */
export interface ReceivedRequest {
  readonly format: BodyFormat;
  readonly bytes: Buffer;
  /** Where its spans are in it; absent for protobuf. */
  readonly texts: SpanTexts | undefined;
}
