import { pauseMs } from './backoff';
import type { Retry } from './outcome';

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
 * How long an entry waits itself. Without suspicion the pause of the destination, or of uploads, is enough: it is ready as
 * soon as that is over. Another failure of an upload pauses nothing else.
 */
export function ownPauseMs(
  retries: readonly Retry[],
  { attempts, isSuspect, random }: { attempts: number; isSuspect: boolean; random: () => number },
): number {
  const hasOwn = retries.some(({ media, unsent, afterMs }) => media && !unsent && afterMs === undefined);
  const failures = isSuspect || hasOwn ? attempts + 1 : 1;
  const longestAsked = retries.reduce((longest, { afterMs = 0 }) => Math.max(longest, afterMs), 0);
  return Math.max(longestAsked, pauseMs({ failures, configuration: false, random }));
}
