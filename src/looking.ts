import type { Logger } from 'pino';
import type { ApiOptions } from './admin/api';
import type { Readiness } from './admin/readiness';
import { createTraceAnnouncer } from './admin/trace-announcer';
import { now } from './clock';
import type { Config } from './config';
import type { DeadLetterDesk } from './dead-letter-desk';
import type { DeliverySpan } from './delivery/attempt';
import { PREVIEW, type Route } from './delivery/route';
import { Inspector } from './inspector/inspector';
import { createOverview } from './inspector/overview';
import { TraceQueries } from './inspector/queries';
import type { Ledger } from './ledger';
import type { QueuePort } from './queue/port';
import { VERSION } from './version';

export interface LookOptions {
  adminUrl: () => string;
  log: Logger;
}

/** What is kept to be looked at, and in preview mode said of each trace that came. */
export interface Look {
  readonly inspector: Inspector;
  /** Where spans end in preview mode. */
  arrived(span: DeliverySpan): void;
  /** For the admin listener. */
  api(house: LookedAt): ApiOptions;
  close(): void;
}

interface LookedAt {
  readonly receiverUrl: () => string;
  readonly readiness: () => Readiness;
  readonly ledger: Ledger;
  readonly queue: QueuePort;
  readonly routes: ReadonlyMap<string, Route>;
  readonly deadLetters: () => DeadLetterDesk;
}

export function createLook(config: Config, { adminUrl, log }: LookOptions): Look {
  const startedAtMs = now();
  const { destinations } = config;
  const isPreview = destinations.length === 0;
  const byName = new Map(destinations.map((destination) => [destination.name, destination]));
  const typesOf = (traceId: string) => inspector.index.trace(traceId)?.summary().types;
  const announcer = createTraceAnnouncer({ typesOf, adminUrl, log });
  const inspector = new Inspector({
    mode: config.inspector,
    stampsOf: (destination) => byName.get(destination) ?? {},
    onTrace: isPreview ? announcer.saw : undefined,
    onUnreadable: (error) => log.error({ err: error }, 'the inspector stumbled over a span'),
    now,
  });
  const closing: (() => void)[] = [announcer.close, () => inspector.close()];
  return {
    inspector,
    arrived(span) {
      // All others were seen when they came.
      if (span.attempt.offeredAtMs < startedAtMs) inspector.recovered(span, PREVIEW);
    },
    api({ receiverUrl, readiness, ledger, queue, routes, deadLetters }) {
      const overview = createOverview({
        ...{ inspector, version: VERSION, receiverUrl, readiness, totals: ledger.totals, now },
        wantsKey: config.keys.length > 0,
        queued: (destination) => queue.stats(destination).items,
        destinations: () =>
          [...routes].map(([name, route]) => ({ health: route.health(), baseUrl: byName.get(name)?.baseUrl ?? null })),
      });
      closing.push(overview.close);
      return {
        overview: overview.view,
        trouble: () => inspector.troubles.view(),
        traces: new TraceQueries(inspector),
        watchers: inspector.watchers,
        deadLetters,
      };
    },
    close() {
      for (const close of closing) close();
    },
  };
}
