import type { QueuePort } from './queue/port';
import type { Flush } from './receiver/flush';

export interface FlushOptions {
  queue: Pick<QueuePort, 'stats'>;
  /** Those that are served, the first one first: an entry for another would be waited for in vain. */
  destinations: () => readonly string[];
  /** The clock that entries are stamped by, in milliseconds since the epoch. */
  now: () => number;
  timeoutMs?: number;
  checkMs?: number;
}

const TIMEOUT_MS = 30_000;
const CHECK_MS = 50;

export interface FlushDesk extends Flush {
  /** Sends all who wait away, as if the time were over: nothing more will be delivered. */
  giveUp(): void;
}

/** What one caller waits for. */
interface Waiter {
  /** Of these destinations. */
  readonly of: readonly string[];
  /** Entries offered up to here. */
  readonly calledAtMs: number;
  /** By `performance.now()`, which nobody sets. */
  readonly deadlineMs: number;
  end(settled: boolean): void;
}

/**
 * Waits until what was accepted is delivered or a dead letter. One look at the queue now and then serves all who wait,
 * and nobody looks while nobody waits.
 */
export function createFlush(options: FlushOptions): FlushDesk {
  const { queue, destinations, now, timeoutMs = TIMEOUT_MS, checkMs = CHECK_MS } = options;
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;

  const check = () => {
    const oldestMs = new Map(
      destinations().map((destination) => [destination, queue.stats(destination).oldestOfferedAtMs ?? Infinity]),
    );
    const nowMs = performance.now();
    for (const { of, calledAtMs, deadlineMs, end } of waiters) {
      // Within one millisecond it cannot be told which came first.
      if (of.every((destination) => (oldestMs.get(destination) ?? Infinity) > calledAtMs)) end(true);
      else if (nowMs >= deadlineMs) end(false);
    }
  };

  return {
    settled: (abandoned, of) =>
      new Promise((resolve) => {
        const giveUp = () => waiter.end(false);
        const [first = ''] = destinations();
        const waiter: Waiter = {
          of: of === 'all' ? destinations() : [of.destination ?? first],
          calledAtMs: now(),
          deadlineMs: performance.now() + timeoutMs,
          end(settled) {
            abandoned.removeEventListener('abort', giveUp);
            waiters.delete(waiter);
            if (waiters.size === 0) {
              clearInterval(timer);
              timer = undefined;
            }
            resolve(settled);
          },
        };
        waiters.add(waiter);
        timer ??= setInterval(check, checkMs);
        if (abandoned.aborted) giveUp();
        else abandoned.addEventListener('abort', giveUp);
      }),
    giveUp() {
      for (const { end } of waiters) end(false);
    },
    waiting: () => destinations().reduce((items, destination) => items + queue.stats(destination).items, 0),
  };
}
