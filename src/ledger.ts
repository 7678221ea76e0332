/** What becomes of spans, in numbers that add up: accepted + recovered + replayed = delivered + dead-lettered + queued. */
export interface LedgerTotals {
  readonly accepted: number;
  readonly recovered: number;
  readonly replayed: number;
  /** By destination. */
  readonly delivered: ReadonlyMap<string, number>;
  /** By destination, then reason. */
  readonly deadLettered: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export interface Ledger {
  accepted(count: number): void;
  /** Found in the queue at start. */
  recovered(count: number): void;
  /** Of dead letters that were put back. */
  replayed(count: number): void;
  delivered(destination: string, count: number): void;
  deadLettered(destination: string, reason: string, count: number): void;
  totals(): LedgerTotals;
}

/**
 * Counts in plain numbers, each in the turn of the event loop in which the queue counts the same spans. Metrics are made
 * from one look at all of them, so that the sum holds at every scrape.
 */
export function createLedger(): Ledger {
  let accepted = 0;
  let recovered = 0;
  let replayed = 0;
  const delivered = new Map<string, number>();
  const deadLettered = new Map<string, Map<string, number>>();
  return {
    accepted(count) {
      accepted += count;
    },
    recovered(count) {
      recovered += count;
    },
    replayed(count) {
      replayed += count;
    },
    delivered(destination, count) {
      add(delivered, destination, count);
    },
    deadLettered(destination, reason, count) {
      const byReason = deadLettered.get(destination) ?? new Map<string, number>();
      deadLettered.set(destination, byReason);
      add(byReason, reason, count);
    },
    totals: () => ({ accepted, recovered, replayed, delivered, deadLettered }),
  };
}

function add(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
