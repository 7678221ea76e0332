import type { Logger } from 'pino';
import type { Observation } from '../langfuse/observation/observation';
import type { TraceStore } from './trace-store';

/** A trace is announced when it has been quiet for so long. */
const QUIET_MS = 500;
/** Traces that wait for their announcement; under a flood the rest goes unannounced. */
const WAITING_MAX = 200;

/** Preview mode's one log line per trace: what came, in one sentence, and where to look at it. */
export function createTraceAnnouncer(options: { traces: TraceStore; adminUrl: () => string; log: Logger }) {
  const waiting = new Map<string, NodeJS.Timeout>();

  function announce(traceId: string): void {
    waiting.delete(traceId);
    const observations = options.traces.observations(traceId);
    if (observations.length === 0) return;
    options.log.info(
      { traceId, observations: observations.length },
      sentence(traceId, observations, options.adminUrl()),
    );
  }

  return {
    saw(traceId: string): void {
      const timer = waiting.get(traceId);
      if (timer !== undefined) timer.refresh();
      else if (waiting.size < WAITING_MAX) {
        waiting.set(
          traceId,
          setTimeout(() => announce(traceId), QUIET_MS),
        );
      }
    },
    close(): void {
      for (const timer of waiting.values()) clearTimeout(timer);
    },
  };
}

function sentence(traceId: string, observations: readonly Observation[], adminUrl: string): string {
  const counts = new Map<string, number>();
  for (const { type } of observations) counts.set(type, (counts.get(type) ?? 0) + 1);
  const types = [...counts].map(([type, count]) => `${count} ${type.toLowerCase()}`).join(', ');
  return `trace ${traceId}: ${types}; see ${adminUrl}/api/traces/${traceId}`;
}
