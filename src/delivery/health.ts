import { describeFailure } from './failure-reason';
import type { Verdict } from './langfuse-answer';

/** How a destination is doing, as far as its answers tell. */
export interface DestinationHealth {
  readonly destination: string;
  /** It has taken something since start. */
  readonly hasAccepted: boolean;
  /** Set while its last answer was a failure: since when, and which. */
  readonly trouble: { sinceMs: number; reason: string; description: string; configuration: boolean } | undefined;
}

export interface HealthRecorder {
  record(verdict: Verdict): void;
  current(): DestinationHealth;
}

export function createHealthRecorder(destination: string, now: () => number): HealthRecorder {
  let hasAccepted = false;
  let trouble: DestinationHealth['trouble'];
  /** It has refused the credentials; only an acceptance says otherwise, not another failure. */
  let shutOut = false;
  return {
    record(verdict) {
      if (verdict.kind === 'retry') {
        const { reason } = verdict;
        if (verdict.configuration === true) shutOut = true;
        const configuration = verdict.configuration ?? (shutOut && !hasAccepted);
        // The moment it began stays, as long as it is the same trouble.
        if (trouble?.reason !== reason)
          trouble = { sinceMs: now(), reason, description: describeFailure(reason), configuration };
        return;
      }
      // A refused batch is the batch's trouble: whoever judges it is up and lets us in.
      trouble = undefined;
      if (verdict.kind === 'accepted') hasAccepted = true;
    },
    current: () => ({ destination, hasAccepted, trouble }),
  };
}
