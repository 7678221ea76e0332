import type { Entry } from '../queue/port';

/** Longest memory of failed probes; so many entries are held back from the queue at most. */
const TRIED_MAX = 64;

export interface Probes {
  /** The entry to attempt next: of those not probed since the last success, if it is to be a probe. */
  next(options: { isProbe: boolean }): Promise<Entry | undefined>;
  failed(entry: Entry): void;
  /** The destination is well again. */
  clear(): void;
  /** Entries taken from the queue that wait here for their turn. */
  held(): number;
}

/**
 * After a failure one entry at a time finds out whether the destination is well. The queue gives the oldest first: one that
 * can never pass would be the probe forever, and block everything behind it. So probes take turns.
 */
export function createProbes(take: () => Promise<Entry | undefined>): Probes {
  const tried = new Set<string>();
  const waiting: Entry[] = [];
  const isFresh = ({ id }: Entry) => !tried.has(id);
  return {
    async next({ isProbe }) {
      if (!isProbe) return waiting.shift() ?? take();
      const index = waiting.findIndex(isFresh);
      if (index >= 0) return waiting.splice(index, 1)[0];
      for (let entry = await take(); entry !== undefined; entry = await take()) {
        if (isFresh(entry)) return entry;
        waiting.push(entry);
      }
      // All that is due had its turn: the next one begins.
      tried.clear();
      return waiting.shift();
    },
    failed({ id }) {
      if (tried.size >= TRIED_MAX) tried.clear();
      tried.add(id);
    },
    clear: () => tried.clear(),
    held: () => waiting.length,
  };
}
