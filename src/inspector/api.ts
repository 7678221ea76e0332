import type { DeadLetter } from '../dead-letters/letter';
import type { SenderView } from './api-traces';

export type * from './api-traces';

/**
 * What the inspector's API answers (docs/inspector.md), for the server that writes it and the page that reads it. Times are
 * ISO 8601 in UTC; what is not known is null.
 */

/** How much of spans is kept to be looked at: all; what is no payload; nothing. */
export type InspectorMode = 'full' | 'metadata' | 'off';

/** `GET /api/overview` */
export interface Overview {
  readonly version: string;
  readonly now: string;
  readonly startedAt: string;
  readonly mode: InspectorMode;
  /** There is no destination: spans end in the inspector. */
  readonly isPreview: boolean;
  /** Where senders send, without a path. */
  readonly receiverUrl: string;
  /** Senders have to present a key. */
  readonly wantsKey: boolean;
  /** As `/readyz` says it. */
  readonly status: string;
  readonly reasons: readonly string[];
  readonly flow: Flow;
  /** Since the start. */
  readonly totals: Totals;
  readonly destinations: readonly DestinationView[];
  readonly coverage: Coverage;
  /** Those that sent last come first; at most 100. */
  readonly clients: readonly ClientView[];
  readonly kept: { readonly traces: number; readonly spans: number; readonly bytes: number; readonly bytesMax: number };
}

/** The last 15 minutes in steps, the oldest first; the last step is the one that is not over yet. */
export interface Flow {
  readonly stepSeconds: number;
  /** Spans in each step. */
  readonly accepted: readonly number[];
  readonly delivered: readonly number[];
  readonly rejected: readonly number[];
  readonly deadLettered: readonly number[];
  /** Spans in the queue at the end of each step. */
  readonly queued: readonly number[];
}

export interface Totals {
  readonly accepted: number;
  readonly recovered: number;
  readonly replayed: number;
  readonly delivered: number;
  readonly deadLettered: number;
  readonly rejected: number;
  readonly queued: number;
}

/** Accepted spans of the last 15 minutes, and how many of them name a session and a user. */
export interface Coverage {
  readonly spans: number;
  readonly withSession: number;
  readonly withUser: number;
}

export interface DestinationView {
  readonly name: string;
  /** Null in preview mode. */
  readonly baseUrl: string | null;
  readonly queued: number;
  readonly lastSuccessAt: string | null;
  readonly trouble: TroubleView | null;
  /** Media cannot be uploaded; spans without are delivered all the same. */
  readonly mediaTrouble: TroubleView | null;
}

export interface TroubleView {
  readonly since: string;
  readonly description: string;
  /** What to look at, where somebody has to mend the configuration. */
  readonly hint: string | null;
}

export interface ClientView {
  readonly service: string | null;
  readonly sdk: string | null;
  readonly sdkVersion: string | null;
  readonly language: string | null;
  readonly userAgent: string | null;
  readonly spans: number;
  readonly requests: number;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

/** `GET /api/trouble` */
export interface Trouble {
  readonly rejections: {
    /** Spans, since the start. */
    readonly total: number;
    readonly byReason: Readonly<Record<string, number>>;
    /** Newest first, at most 200; at most 20 of one request. */
    readonly latest: readonly RejectionView[];
  };
  /** Requests that were refused as a whole, those refused last first; at most 100 kinds. */
  readonly refusals: readonly RefusalView[];
  /** Parents that did not come. */
  readonly orphans: { readonly total: number; readonly latest: readonly OrphanView[] };
  /** Those with most spans first; none of those that never came. */
  readonly warnings: readonly WarningView[];
}

export interface RejectionView {
  readonly at: string;
  readonly reason: string;
  readonly field: string;
  readonly description: string;
  /** As far as they can be read. */
  readonly name: string | null;
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly sender: SenderView;
}

export interface RefusalView {
  readonly status: number;
  readonly message: string;
  readonly path: string;
  readonly userAgent: string | null;
  readonly requests: number;
  readonly lastAt: string;
}

export interface OrphanView {
  readonly at: string;
  readonly traceId: string;
  /** Of the first child. */
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Children that miss it. */
  readonly spans: number;
}

export interface WarningView {
  readonly name: string;
  readonly text: string;
  readonly spans: number;
  readonly lastAt: string;
  readonly example: { readonly traceId: string; readonly spanId: string };
}

/**
 * `GET /api/dead-letters?limit=&before=`, newest first. `POST /api/dead-letters/ID/replay` puts one back into the queue (200
 * `{id, spans}`), `DELETE /api/dead-letters/ID` removes it for good (200 `{id}`); 404 and 409 say `{id, problem}`. Both want
 * `Content-Type: application/json`.
 */
export interface DeadLetterList {
  readonly deadLetters: readonly DeadLetterView[];
  /** All there are. */
  readonly total: number;
  readonly bytes: number;
  readonly next: string | null;
}

/** As `dead-letters list --json` prints it, with the first 100 of its spans. */
export interface DeadLetterView extends DeadLetter {
  readonly spanCount: number;
}
