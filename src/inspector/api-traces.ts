import type { Observation } from '../langfuse/observation/observation';

export type { Observation };

/** `GET /api/traces?limit=&before=&text=&service=&session=&user=&type=&warnings=true&rejected=true`, newest first. */
export interface TraceList {
  readonly traces: readonly TraceSummary[];
  /** For `before`; null at the end. */
  readonly next: string | null;
}

export interface TraceSummary {
  readonly traceId: string;
  readonly name: string | null;
  readonly observations: number;
  readonly startTime: string;
  readonly durationMs: number;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly warnings: number;
  readonly repairs: number;
  /** Spans of it that were rejected, as far as is known: of one request the first 20 are looked into. */
  readonly rejected: number;
  readonly services: readonly string[];
  /** How many observations of each type. */
  readonly types: Readonly<Record<string, number>>;
  /** Observations of level ERROR. */
  readonly errors: number;
  readonly tokens: number | null;
  /** US dollars. */
  readonly cost: number | null;
  readonly lastSeenAt: string;
}

/** `GET /api/traces/ID?limit=&after=`: observations as `explain --json` prints them, in tree order; without `limit` all. */
export interface TraceObservations {
  readonly traceId: string;
  readonly observations: readonly Observation[];
}

/** `GET /api/traces/ID/tree?limit=&after=`: 20,000 rows at most; `after` is the span id before the next page. */
export interface TraceTree {
  readonly trace: TraceSummary | null;
  /** Each behind its parent, siblings by start. */
  readonly rows: readonly TreeRow[];
  readonly next: string | null;
}

export interface TreeRow {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  /** 0 for a root, and for a span whose parent is not here. */
  readonly depth: number;
  /** It has a parent, which is not here. */
  readonly isOrphan: boolean;
  readonly name: string;
  readonly type: string;
  /** Since the start of the trace; null where the span has no start. */
  readonly startMs: number | null;
  readonly durationMs: number | null;
  readonly level: string;
  readonly model: string | null;
  readonly tokens: number | null;
  readonly cost: number | null;
  readonly service: string | null;
  readonly repairs: number;
  readonly warnings: number;
}

/** `GET /api/traces/ID/spans/SPANID`; 404 when it is not kept (any more). */
export interface SpanDetail {
  /** In `metadata` mode input and output are null, and metadata and attributes are what is kept. */
  readonly observation: Observation;
  readonly isFull: boolean;
  /** What the gateway did to it and warns of, in words. */
  readonly repairs: readonly Note[];
  readonly warnings: readonly Note[];
  readonly sent: SentSpan;
  readonly sender: SenderView;
  readonly receivedAt: string;
  readonly destination: string;
}

export interface Note {
  readonly name: string;
  readonly text: string;
}

/** A span as it was sent, as JSON to be read. */
export interface SentSpan {
  readonly format: 'json' | 'protobuf' | 'transparent';
  /** The sender's own text of the span; of protobuf the same fields in OTLP JSON, ids in hex. */
  readonly span: string;
  /** Resource and scope in OTLP JSON. */
  readonly resource: string;
  readonly scope: string;
}

export interface SenderView {
  readonly service: string | null;
  readonly sdk: string | null;
  readonly sdkVersion: string | null;
  readonly userAgent: string | null;
  readonly address: string | null;
  /** Name of the key it came with. */
  readonly key: string | null;
}

/**
 * `GET /api/events` (text/event-stream): `event: traces` with what has changed since the last one, newest first, twice a second at
 * most.
 */
export interface TracesEvent {
  readonly traces: readonly TraceSummary[];
  /** More has changed than is told: ask for the list. */
  readonly isCut: boolean;
}
