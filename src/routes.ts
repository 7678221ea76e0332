import type { Logger } from 'pino';
import type { Metrics } from './admin/metrics';
import { type Config, isLoopback } from './config';
import { createLangfuseRoute, createPreviewRoute, PREVIEW, type Route, type RouteOptions } from './delivery/route';
import type { Ledger } from './ledger';
import type { Storage } from './storage';
import { NAME, VERSION } from './version';

export interface RoutesOptions {
  storage: Storage;
  ledger: Ledger;
  metrics: Pick<Metrics, 'attempt' | 'media'>;
  /** Spans have left for that destination: there may be room for others. */
  onDelivered: (destination: string) => void;
  /** Where spans end in preview mode. */
  keep: Parameters<typeof createPreviewRoute>[0];
  log: Logger;
  now: () => number;
  random: () => number;
}

/** A way for each configured destination, by name, the first one first: one that is down holds up no other. */
export function createRoutes(config: Config, options: RoutesOptions): Map<string, Route> {
  const { destinations } = config;
  if (destinations.length === 0) {
    return new Map([[PREVIEW, createPreviewRoute(options.keep, routeOptions(PREVIEW, config, options))]]);
  }
  return new Map(
    destinations.map((destination) => {
      const { name, baseUrl } = destination;
      const langfuse = { ...routeOptions(name, config, options), isLoopback: isLoopback(new URL(baseUrl).hostname) };
      return [name, createLangfuseRoute(destination, langfuse)];
    }),
  );
}

function routeOptions(destination: string, { queue, proxy, media }: Config, options: RoutesOptions): RouteOptions {
  const { storage, ledger, metrics, onDelivered, log, now, random } = options;
  const { deadLetters } = storage;
  return {
    queue: storage.queue,
    onDelivered: (count) => {
      ledger.delivered(destination, count);
      onDelivered(destination);
    },
    writeDeadLetter: deadLetters && ((letter, bytes) => deadLetters.write(letter, bytes)),
    onDeadLettered: (count, reason) => ledger.deadLettered(destination, reason, count),
    onAttempt: (outcome, seconds) => metrics.attempt({ destination, outcome, seconds }),
    media,
    onMedia: (outcome) => metrics.media({ destination, outcome }),
    retryMaxAgeMs: queue.retryMaxAgeS * 1000,
    proxy,
    userAgent: `${NAME}/${VERSION}`,
    ...{ log, now, random },
  };
}
