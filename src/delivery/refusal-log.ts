import type { Logger } from 'pino';
import type { DeliverySpan } from './attempt';
import type { Outcome } from './outcome';

type Refusal = Extract<Outcome, { kind: 'refused' }>;

/** Refused spans of so long a time share a line: thousands of bad spans are not thousands of lines. */
const GATHER_MS = 1_000;
/** Spans named in one line. */
const NAMED_SPANS_MAX = 10;

export interface RefusalLog {
  add(spans: readonly DeliverySpan[], refusal: Refusal): void;
  /** Writes what was gathered. */
  flush(): void;
}

/** Says which spans were given up, by their ids and nothing of what they say. */
export function createRefusalLog({ destination, log }: { destination: string; log: Logger }): RefusalLog {
  let count = 0;
  let reasons: Record<string, number> = {};
  let statuses = new Set<number>();
  let spans: { traceId: string; spanId: string }[] = [];
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (count === 0) return;
    log.error(
      { destination, count, reasons, statuses: [...statuses], spans },
      `${count} span(s) cannot be delivered to ${destination} (${Object.keys(reasons).join(', ')}) and are dropped`,
    );
    count = 0;
    reasons = {};
    statuses = new Set();
    spans = [];
  };
  return {
    add(refused, { reason, status }) {
      count += refused.length;
      reasons[reason] = (reasons[reason] ?? 0) + refused.length;
      if (status !== undefined) statuses.add(status);
      for (const span of refused.slice(0, NAMED_SPANS_MAX - spans.length)) {
        const { traceId, spanId } = span.spanContext();
        spans.push({ traceId, spanId });
      }
      timer ??= setTimeout(flush, GATHER_MS);
    },
    flush,
  };
}
