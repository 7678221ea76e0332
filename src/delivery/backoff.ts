/** Longest pause between attempts, unless the destination asks for more by Retry-After. */
const PAUSE_MAX_MS = 30_000;
/** The same where only a human can help: it is checked now and then whether one has. */
const CONFIGURATION_PAUSE_MAX_MS = 60_000;
const FIRST_PAUSE_MS = 1_000;

/**
 * How long to wait after the `failures`-th failure in a row (from 1): exponential with full jitter, so that gateways that
 * failed together do not come back together. `random` gives 0 to 1.
 */
export function pauseMs(options: { failures: number; configuration: boolean; random: () => number }): number {
  const { failures, configuration, random } = options;
  const longest = configuration ? CONFIGURATION_PAUSE_MAX_MS : PAUSE_MAX_MS;
  const ceiling = Math.min(longest, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 16));
  // Never zero: full jitter alone would now and then try again at once.
  return Math.max(FIRST_PAUSE_MS / 4, Math.round(random() * ceiling));
}
