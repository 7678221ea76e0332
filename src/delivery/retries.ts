import type { Retry } from './outcome';

/** An upload has not failed so often when its span waited for room: it comes back soon, but not all of a backlog at once. */
const UNSENT_FAILURES_MAX = 4;

/** Of the answer that was a failure, where there was one. */
export function statusOf({ reason }: Retry): number | undefined {
  const [, status] = /(?:^|_)http_(\d+)$/.exec(reason) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** A limit on the rate, a lack of access, a post that was not made or an upload is nobody's fault among the spans. */
export function mayBeItsFault({ reason, afterMs, configuration, unsent, media }: Retry): boolean {
  if (reason === 'http_429' || media) return false;
  return afterMs === undefined && configuration !== true && unsent !== true;
}

/**
 * How often an entry counts as having failed, for its own pause. Without suspicion the destination's pause is enough: the
 * entry is ready as soon as that is over. An upload pauses nothing else.
 */
export function failuresOf(retries: readonly Retry[], entry: { attempts: number; isSuspect: boolean }): number {
  const ofMedia = retries.filter(({ media }) => media);
  if (entry.isSuspect || ofMedia.some(({ unsent }) => !unsent)) return entry.attempts + 1;
  return ofMedia.length > 0 ? Math.min(entry.attempts + 1, UNSENT_FAILURES_MAX) : 1;
}
