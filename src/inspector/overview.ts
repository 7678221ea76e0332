import type { Readiness } from '../admin/readiness';
import type { DestinationHealth, Trouble as DestinationTrouble } from '../delivery/health';
import type { LedgerTotals } from '../ledger';
import type { DestinationView, Overview, TroubleView } from './api';
import { iso } from './clients';
import { FlowWatch } from './flow';
import type { Inspector } from './inspector';

export interface OverviewOptions {
  readonly inspector: Inspector;
  readonly version: string;
  readonly receiverUrl: () => string;
  readonly wantsKey: boolean;
  readonly readiness: () => Readiness;
  readonly totals: () => LedgerTotals;
  /** Spans in the queue: of all destinations, or of one. */
  readonly queued: (destination?: string) => number;
  readonly destinations: () => readonly { readonly health: DestinationHealth; readonly baseUrl: string | null }[];
  readonly now: () => number;
}

export interface OverviewDesk {
  view(): Promise<Overview>;
  close(): void;
}

/** To tell how many traces there are, what came is read for so long. */
const BUDGET_MS = 50;

/** Keeps count of what flows from now on. */
export function createOverview(options: OverviewOptions): OverviewDesk {
  const { inspector, now } = options;
  const startedAtMs = now();
  const totals = () => totalsOf(options);
  const flow = new FlowWatch(() => {
    const { session, user } = inspector.missing;
    return { ...totals(), missingSession: session, missingUser: user };
  });
  return {
    async view() {
      await inspector.index.read(BUDGET_MS);
      const { status, reasons } = options.readiness();
      const destinations = options.destinations().map((destination) => destinationView(destination, options));
      return {
        version: options.version,
        now: iso(now()),
        startedAt: iso(startedAtMs),
        mode: inspector.mode,
        isPreview: destinations.every(({ baseUrl }) => baseUrl === null),
        receiverUrl: options.receiverUrl(),
        wantsKey: options.wantsKey,
        ...{ status, reasons },
        flow: flow.flow(),
        totals: totals(),
        destinations,
        coverage: flow.coverage(),
        clients: inspector.clients.list(),
        kept: { ...inspector.index.stats(), bytesMax: inspector.bytesMax },
      };
    },
    close: () => flow.close(),
  };
}

function totalsOf({ inspector, totals, queued }: OverviewOptions): Overview['totals'] {
  const { accepted, recovered, replayed, delivered, deadLettered } = totals();
  const sum = (counts: Iterable<number>) => [...counts].reduce((all, count) => all + count, 0);
  return {
    ...{ accepted, recovered, replayed },
    delivered: sum(delivered.values()),
    deadLettered: sum([...deadLettered.values()].flatMap((byReason) => [...byReason.values()])),
    rejected: inspector.troubles.rejected,
    queued: queued(),
  };
}

function destinationView(
  { health, baseUrl }: { health: DestinationHealth; baseUrl: string | null },
  { queued }: OverviewOptions,
): DestinationView {
  const { destination, lastAcceptedMs, trouble, mediaTrouble } = health;
  return {
    name: destination,
    baseUrl,
    queued: queued(destination),
    lastSuccessAt: lastAcceptedMs === undefined ? null : iso(lastAcceptedMs),
    trouble: trouble === undefined ? null : troubleView(trouble, hintFor(trouble)),
    mediaTrouble:
      mediaTrouble === undefined
        ? null
        : troubleView(mediaTrouble, mediaTrouble.configuration ? 'check the media storage of Langfuse' : null),
  };
}

const troubleView = ({ sinceMs, description }: DestinationTrouble, hint: string | null): TroubleView => {
  return { since: iso(sinceMs), description: description.replace(/^http_(?=\d)/, 'HTTP '), hint };
};

/** By Langfuse's answer, where somebody has to mend the configuration. */
const HINTS: readonly (readonly [reason: RegExp, hint: string])[] = [
  [/401$/, 'check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY'],
  [/403$/, 'check what the keys may do, and LANGFUSE_BASE_URL'],
  [/404$/, 'check LANGFUSE_BASE_URL'],
];

function hintFor({ configuration, reason }: DestinationTrouble): string | null {
  if (!configuration) return null;
  return HINTS.find(([pattern]) => pattern.test(reason))?.[1] ?? 'check its URL and keys';
}
