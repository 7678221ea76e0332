/** The label in `gateway_dead_lettered_spans_total{reason}`. */
export const REFUSALS = ['refused', 'too_large', 'partial_success', 'expired', 'unreadable'] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** What became of a span at its destination. */
export type Outcome =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'retry';
      /** For the log and the metric's `outcome` label: `http_503`, `refused`, `timeout`, `no_receipt`, `media_timeout`. */
      readonly reason: string;
      /** Not before that long from now, as the destination asked by Retry-After. */
      readonly afterMs?: number;
      /** 401, 403, 404 or a redirect: somebody has to mend the configuration. */
      readonly configuration?: boolean;
      /** Given up before it was posted, because another post failed. */
      readonly unsent?: boolean;
      /** It was the span's media that did not arrive: nothing of the span was posted, and of others it says nothing. */
      readonly media?: true;
    }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly status?: number };

export type Retry = Extract<Outcome, { kind: 'retry' }>;

export const DELIVERED: Outcome = { kind: 'delivered' };

/** What waited for its media while its destination came into trouble. */
export const PAUSED: Retry = { kind: 'retry', reason: 'paused', unsent: true, media: true };
