import type { Logger } from 'pino';
import { type AcceptOptions, createAccept } from './accept';
import type { Metrics } from './admin/metrics';
import { now } from './clock';
import type { Config } from './config';
import { PREVIEW } from './delivery/route';
import { createJudge } from './judge';
import type { Preview } from './preview';
import type { Accept } from './receiver/accept';
import { createTelling } from './telling';

/** How often is looked for parents whose time is over. */
const ORPHANS_MS = 1_000;

export interface Door {
  readonly accept: Accept;
  close(): void;
}

interface DoorOptions extends Pick<AcceptOptions, 'queue' | 'destination' | 'ledger' | 'random'> {
  metrics: Metrics;
  preview: Pick<Preview, 'judged'>;
  log: Logger;
}

/** All that is done with a request between its body and its answer; `close` when nothing comes any more. */
export function createDoor(config: Config, { metrics, preview, log, ...options }: DoorOptions): Door {
  const telling = createTelling({ metrics, log, now });
  const { judge, orphans } = createJudge({ ...config, now, destinationCount: Math.max(1, config.destinations.length) });
  const accept = createAccept({
    ...options,
    judge,
    onJudged: (judgement) => {
      if (options.destination === PREVIEW) preview.judged(judgement);
    },
    onKept: telling.judged,
  });
  // A parent that does not come makes no request.
  const watch = setInterval(() => telling.orphans(orphans()), ORPHANS_MS).unref();
  return { accept, close: () => clearInterval(watch) };
}
