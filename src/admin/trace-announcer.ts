import type { Logger } from 'pino';

/** A trace is announced when it has been quiet for so long. */
const QUIET_MS = 500;
/** Traces that wait for their announcement; under a flood the rest goes unannounced. */
const WAITING_MAX = 200;

/** Preview mode's one log line per trace: what came, in one sentence, and where to look at it. */
export function createTraceAnnouncer(options: {
  /** How many observations of each type a trace has; `undefined` when it is not known any more. */
  typesOf: (traceId: string) => Readonly<Record<string, number>> | undefined;
  adminUrl: () => string;
  log: Logger;
}) {
  const waiting = new Map<string, NodeJS.Timeout>();

  function announce(traceId: string): void {
    waiting.delete(traceId);
    const types = options.typesOf(traceId);
    if (types === undefined) return;
    const observations = Object.values(types).reduce((sum, count) => sum + count, 0);
    options.log.info({ traceId, observations }, sentence(traceId, types, options.adminUrl()));
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

function sentence(traceId: string, types: Readonly<Record<string, number>>, adminUrl: string): string {
  const counted = Object.entries(types).map(([type, count]) => `${count} ${type.toLowerCase()}`);
  return `trace ${traceId}: ${counted.join(', ')}; see ${adminUrl}/#/traces/${traceId}`;
}
