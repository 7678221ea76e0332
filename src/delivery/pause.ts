import type { Logger } from 'pino';
import { pauseMs } from './backoff';
import { describeFailure } from './failure-reason';
import type { Retry } from './outcome';

/**
 * One failure pauses the destination, not only the entry: a Langfuse that is down is not asked by all that waits. After the
 * pause a probe goes first.
 */
export interface Pause {
  untilMs(): number;
  /** Until the destination has shown that it is well, one entry at a time is sent. */
  isProbing(): boolean;
  failed(retry: Retry): void;
  delivered(): void;
  /** Spans were refused: whoever judges them is up. */
  judged(): void;
  /** Ends a pause that nobody asked for. */
  cutShort(): void;
}

export interface PauseOptions {
  now: () => number;
  random: () => number;
  /** A pause has begun, after so many failures in a row. */
  onPause?: (retry: Retry, pause: { failures: number; waitMs: number }) => void;
}

export function createPause({ now, random, onPause }: PauseOptions): Pause {
  /** Pauses since the last span that was delivered. */
  let failures = 0;
  let untilMs = 0;
  /** Not before that, by Retry-After: a post that was under way and is delivered does not shorten it. */
  let askedUntilMs = 0;
  let probing = false;
  const judged = () => {
    if (now() >= untilMs) probing = false;
  };
  const cutShort = () => {
    failures = 0;
    untilMs = askedUntilMs;
  };
  return {
    untilMs: () => untilMs,
    isProbing: () => probing,
    judged,
    cutShort,
    delivered() {
      cutShort();
      judged();
    },
    failed(retry) {
      const { configuration = false, afterMs = 0 } = retry;
      probing = true;
      askedUntilMs = Math.max(askedUntilMs, now() + afterMs);
      // Posts that were under way together failed together: they count once.
      if (now() < untilMs) {
        untilMs = Math.max(untilMs, askedUntilMs);
        return;
      }
      failures++;
      const waitMs = Math.max(pauseMs({ failures, configuration, random }), afterMs);
      untilMs = now() + waitMs;
      onPause?.(retry, { failures, waitMs });
    },
  };
}

/** Says why nothing is posted for a while. */
export function createPauseLog({ destination, log }: { destination: string; log: Logger }) {
  return ({ reason, configuration }: Retry, { failures, waitMs }: { failures: number; waitMs: number }) => {
    const fields = { destination, reason, failures, waitMs };
    if (configuration)
      log.error(fields, `${destination} refuses the gateway (${reason}): check its URL and keys; spans are kept`);
    else
      log.warn(
        fields,
        `delivery to ${destination} failed (${describeFailure(reason)}); spans are kept and tried again`,
      );
  };
}
