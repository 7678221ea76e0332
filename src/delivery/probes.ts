import type { Entry, PassOver } from '../queue/port';

/** Longest memory of failed probes. */
const TRIED_MAX = 64;

export interface Probes {
  /** The entry to attempt next: of those not probed since the last success, if it is to be a probe. */
  next(options: { isProbe: boolean }): Promise<Entry | undefined>;
  failed(entry: Entry): void;
  /** The destination is well again. */
  clear(): void;
}

/**
 * After a failure one entry at a time finds out whether the destination is well. The queue gives the oldest first: one that
 * can never pass would be the probe forever, and block everything behind it. So probes take turns.
 */
export function createProbes(take: (passOver?: PassOver) => Promise<Entry | undefined>): Probes {
  const tried = new Set<string>();
  return {
    async next({ isProbe }) {
      if (!isProbe || tried.size === 0) return take();
      const untried = await take((id) => tried.has(id));
      if (untried !== undefined) return untried;
      // All that is due had its turn: the next one begins.
      tried.clear();
      return take();
    },
    failed({ id }) {
      if (tried.size >= TRIED_MAX) tried.clear();
      tried.add(id);
    },
    clear: () => tried.clear(),
  };
}
