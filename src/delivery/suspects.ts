import type { Entry } from '../queue/port';

/** Entries that have failed, and how likely it is that the fault is theirs. */
export interface Suspects {
  /** Something was delivered. */
  passed(): void;
  /** An attempt failed in a way that may be the entry's fault. */
  failed(entry: Entry): void;
  forget(entry: Entry): void;
  /** Others got through while it did not. */
  isSuspect(entry: Entry): boolean;
  /** How many of its spans are posted at once, apart from others; `undefined`: in batches shared with others. */
  batchSpansMax(entry: Entry): number | undefined;
}

/**
 * A Langfuse that is down fails everything, so a failure alone says nothing about an entry. Once others got through while
 * it did not, it is posted apart, and in ever smaller parts as long as that goes on, until the span that is to blame stands
 * alone.
 */
export function createSuspects(): Suspects {
  let deliveries = 0;
  const known = new Map<string, { deliveriesThen: number; halvings: number }>();
  const halvings = ({ id }: Entry) => known.get(id)?.halvings ?? 0;
  return {
    passed() {
      deliveries++;
    },
    failed(entry) {
      const before = known.get(entry.id);
      const othersPassed = before !== undefined && deliveries > before.deliveriesThen;
      known.set(entry.id, { deliveriesThen: deliveries, halvings: halvings(entry) + (othersPassed ? 1 : 0) });
    },
    forget({ id }) {
      known.delete(id);
    },
    isSuspect: (entry) => halvings(entry) > 0,
    batchSpansMax(entry) {
      if (halvings(entry) === 0) return undefined;
      return Math.max(1, Math.ceil(entry.items / 2 ** (halvings(entry) - 1)));
    },
  };
}
