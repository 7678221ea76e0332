import type { MediaResults } from './media-in-span';

/** A medium that was deleted in Langfuse meanwhile must not be taken for one that is there. */
const REMEMBERED_MS = 600_000;
/** Some 300 bytes each. */
const RESULTS_MAX = 10_000;

/** What became of the media of spans that are not done: an announcement that has succeeded is not made at each attempt. */
export interface MediaMemory {
  /** What is known of the media of that span; it is forgotten here. */
  take(entryId: string, position: number): MediaResults;
  put(entryId: string, position: number, results: MediaResults): void;
}

export function createMediaMemory(now: () => number, resultsMax = RESULTS_MAX): MediaMemory {
  /** The oldest first. */
  const remembered = new Map<string, { results: MediaResults; atMs: number }>();
  let count = 0;
  const take = (key: string) => {
    const known = remembered.get(key);
    remembered.delete(key);
    count -= known?.results.size ?? 0;
    return known;
  };
  return {
    take(entryId, position) {
      const known = take(`${entryId} ${position}`);
      return known !== undefined && now() - known.atMs < REMEMBERED_MS ? known.results : new Map();
    },
    put(entryId, position, results) {
      const key = `${entryId} ${position}`;
      take(key);
      if (results.size === 0) return;
      remembered.set(key, { results, atMs: now() });
      count += results.size;
      for (const oldest of remembered.keys()) {
        if (count <= resultsMax) return;
        take(oldest);
      }
    },
  };
}
