import type { Logger } from 'pino';
import { type AcceptOptions, createAccept } from './accept';
import type { Metrics } from './admin/metrics';
import { now } from './clock';
import type { Config } from './config';
import type { Inspector } from './inspector/inspector';
import { createJudge } from './judge';
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
  inspector: Pick<Inspector, 'kept' | 'orphans'>;
  log: Logger;
}

/** All that is done with a request between its body and its answer; `close` when nothing comes any more. */
export function createDoor(config: Config, { metrics, inspector, log, ...options }: DoorOptions): Door {
  const telling = createTelling({ metrics, log, now });
  const { judge, orphans } = createJudge({ ...config, now, destinationCount: Math.max(1, config.destinations.length) });
  const accept = createAccept({
    ...options,
    judge,
    onKept: (judgement, from) => {
      telling.judged(judgement);
      // Behind the answer: its sender need not wait for who looks, nor send again what is kept when that fails.
      setImmediate(() => {
        try {
          inspector.kept(judgement, from);
        } catch (error) {
          log.error({ err: error }, 'the inspector stumbled over a request');
        }
      });
    },
  });
  // A parent that does not come makes no request.
  const watch = setInterval(() => {
    const found = orphans();
    telling.orphans(found);
    inspector.orphans(found);
  }, ORPHANS_MS).unref();
  return { accept, close: () => clearInterval(watch) };
}
