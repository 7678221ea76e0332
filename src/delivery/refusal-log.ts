import type { Logger } from 'pino';
import type { RefusalReason } from './outcome';

/** Refused spans of so long a time share a line: thousands of bad spans are not thousands of lines. */
const GATHER_MS = 1_000;
/** Spans named in one line. */
const NAMED_SPANS_MAX = 10;

interface GivenUp {
  readonly count: number;
  readonly spans: readonly { traceId: string; spanId: string }[];
  readonly reason: RefusalReason;
  readonly status: number | undefined;
}

export interface RefusalLog {
  add(givenUp: GivenUp): void;
  /** Writes what was gathered. */
  flush(): void;
}

/** Says which spans were given up, by their ids and nothing of what they say. */
export function createRefusalLog({
  destination,
  log,
  isKept,
}: {
  destination: string;
  log: Logger;
  /** As dead letters. */
  isKept: boolean;
}): RefusalLog {
  const fate = isKept
    ? 'are kept as dead letters: langfuse-otlp-gateway dead-letters list'
    : 'are dropped: a queue in memory keeps no dead letters';
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
      `${count} span(s) cannot be delivered to ${destination} (${Object.keys(reasons).join(', ')}) and ${fate}`,
    );
    count = 0;
    reasons = {};
    statuses = new Set();
    spans = [];
  };
  return {
    add(givenUp) {
      const { reason, status } = givenUp;
      count += givenUp.count;
      reasons[reason] = (reasons[reason] ?? 0) + givenUp.count;
      if (status !== undefined) statuses.add(status);
      spans.push(...givenUp.spans.slice(0, NAMED_SPANS_MAX - spans.length));
      timer ??= setTimeout(flush, GATHER_MS);
    },
    flush,
  };
}
