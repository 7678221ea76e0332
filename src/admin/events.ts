import type { Request, Response } from 'express';
import type { TracesEvent } from '../inspector/api';
import type { TraceQueries } from '../inspector/queries';
import type { Watchers } from '../inspector/watchers';

export interface EventsOptions {
  readonly watchers: Pick<Watchers, 'add' | 'size'>;
  readonly traces: Pick<TraceQueries, 'summaries'>;
}

const WATCHERS_MAX = 32;
/** So that proxies keep the line open, and a watcher that has gone is found out. */
const PING_MS = 15_000;
const RETRY_MS = 2_000;

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): traces that change. */
export function createEvents({ watchers, traces }: EventsOptions) {
  return (request: Request, response: Response): void => {
    if (watchers.size >= WATCHERS_MAX) {
      response.status(503).json({ error: `${WATCHERS_MAX} watch already` });
      return;
    }
    response.setHeader('Content-Type', 'text/event-stream');
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write(`retry: ${RETRY_MS}\n\n`);
    // Who does not read what was sent hears the rest as "more".
    let missed = false;
    const stop = watchers.add(({ traceIds, isCut }) => {
      if (response.writableNeedDrain) {
        missed = true;
        return;
      }
      const event: TracesEvent = { traces: traces.summaries(traceIds), isCut: isCut || missed };
      missed = false;
      response.write(`event: traces\ndata: ${JSON.stringify(event)}\n\n`);
    });
    const ping = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': still here\n\n');
    }, PING_MS).unref();
    response.once('close', () => {
      clearInterval(ping);
      stop();
    });
  };
}
