import { describeFailure } from './failure-reason';
import type { Verdict } from './langfuse-answer';

/** How a destination is doing, as far as its answers tell. */
export interface DestinationHealth {
  readonly destination: string;
  /** When it took something last; `undefined`: not since start. */
  readonly lastAcceptedMs: number | undefined;
  /** Set while its last answer was a failure: since when, and which. */
  readonly trouble: Trouble | undefined;
  /** Set while media cannot be uploaded. Spans without are delivered all the same. */
  readonly mediaTrouble?: Trouble | undefined;
}

export interface Trouble {
  readonly sinceMs: number;
  readonly reason: string;
  /** For people. */
  readonly description: string;
  /** Somebody has to mend the configuration. */
  readonly configuration: boolean;
}

export interface HealthRecorder {
  record(verdict: Verdict): void;
  current(): DestinationHealth;
}

export function createHealthRecorder(destination: string, now: () => number): HealthRecorder {
  let lastAcceptedMs: number | undefined;
  let trouble: Trouble | undefined;
  /** It has refused the credentials; only an acceptance says otherwise, not another failure. */
  let shutOut = false;
  return {
    record(verdict) {
      if (verdict.kind === 'retry') {
        const { reason } = verdict;
        if (verdict.configuration === true) shutOut = true;
        const configuration = verdict.configuration ?? (shutOut && lastAcceptedMs === undefined);
        trouble = troubleAfter(trouble, { reason, configuration }, now);
        return;
      }
      // A refused batch is the batch's trouble: whoever judges it is up and lets us in.
      trouble = undefined;
      if (verdict.kind === 'accepted') lastAcceptedMs = now();
    },
    current: () => ({ destination, lastAcceptedMs, trouble }),
  };
}

/** The moment it began stays, as long as it is the same trouble. */
export function troubleAfter(
  before: Trouble | undefined,
  { reason, configuration = false }: { reason: string; configuration?: boolean },
  now: () => number,
): Trouble {
  if (before?.reason === reason) return before;
  return { sinceMs: now(), reason, description: describeFailure(reason), configuration };
}
