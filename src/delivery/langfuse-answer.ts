import type { Outcome } from './outcome';

export interface LangfuseAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The first bytes of the body, decoded. */
  readonly body: string;
}

/** What an answer means for the batch that was sent. */
export type Verdict =
  /** `rejected`: how many spans a partial success names; Langfuse itself never sends one. */
  | { readonly kind: 'accepted'; readonly rejected: number }
  | Extract<Outcome, { kind: 'retry' }>
  /** The batch as it is will never pass; in parts it may. */
  | { readonly kind: 'refused'; readonly status: number };

/**
 * What says that this very batch is wrong. Any other 4xx is about the way there – credentials, path, method, a proxy – and
 * giving spans up would not mend it.
 */
const REFUSALS: ReadonlySet<number> = new Set([400, 409, 413, 418, 422]);

/** A longer Retry-After is cut: nobody means to wait for more than a day. */
const RETRY_AFTER_MAX_MS = 86_400_000;

/**
 * Langfuse answers 500 when its store is down and 200 as soon as a batch is queued (langfuse-server: ROUTE). What is not
 * clearly a mistake of the batch is retried.
 */
export function judge(answer: LangfuseAnswer, nowMs: number): Verdict {
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'accepted', rejected: rejectedSpans(answer.body) };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const afterMs = retryAfterMs(answer.retryAfter, nowMs);
    return { kind: 'retry', reason: `http_${status}`, ...(afterMs === undefined ? {} : { afterMs }) };
  }
  if (REFUSALS.has(status)) return { kind: 'refused', status };
  return { kind: 'retry', reason: `http_${status}`, configuration: true };
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3); `undefined` for anything else. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const isSeconds = /^[0-9]+$/.test(text);
  // Date.parse takes almost anything for a date; HTTP's begin with the day of the week.
  if (!isSeconds && !/^[A-Z][a-z]{2}/.test(text)) return undefined;
  const ms = isSeconds ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

function rejectedSpans(body: string): number {
  try {
    const answer = JSON.parse(body) as { partialSuccess?: { rejectedSpans?: unknown } } | null;
    const rejected = Number(answer?.partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    // A 2xx is a 2xx, whatever stands in front of Langfuse wrote into its body.
    return 0;
  }
}
