import type { RunningGateway } from './gateway';

/** Both sides of the equation that holds at every scrape (contract, promise 1). */
export interface Balance {
  /** accepted + recovered + replayed */
  received: number;
  /** delivered + dead-lettered + queued */
  accountedFor: number;
}

export function balanceOf(samples: Record<string, number>): Balance {
  const sum = (...names: string[]) =>
    Object.entries(samples)
      .filter(([sample]) => names.includes(sample.split('{')[0] ?? ''))
      .reduce((total, [, value]) => total + value, 0);
  return {
    received: sum(
      'gateway_receiver_accepted_spans_total',
      'gateway_queue_recovered_spans_total',
      'gateway_replayed_spans_total',
    ),
    accountedFor: sum('gateway_delivered_spans_total', 'gateway_dead_lettered_spans_total', 'gateway_queue_spans'),
  };
}

/** Scrapes again and again until stopped; `stop` answers with what was seen, in order. */
export function watchBalance({ metrics }: Pick<RunningGateway, 'metrics'>): { stop(): Promise<Balance[]> } {
  const seen: Balance[] = [];
  let watching = true;
  const watched = (async () => {
    while (watching) {
      seen.push(balanceOf(await metrics()));
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  })();
  return {
    async stop() {
      watching = false;
      await watched;
      return seen;
    },
  };
}
