import type { Logger } from 'pino';
import type { Metrics } from './admin/metrics';
import type { GateRefusal, RefusedRequest } from './receiver/gate';
import { createSampler } from './sampler';

/** Requests that were refused for one reason with one key. */
interface Refused extends Omit<RefusedRequest, 'origin'> {
  readonly requests: number;
  /** Those that were seen first: who looks for a page of their own must not look for it behind somebody else's. */
  readonly origins: readonly string[];
}

const ORIGINS_MAX = 10;

/** What its owner may want to do about each. */
const ADVICE: Record<GateRefusal, string> = {
  no_key: 'it had no key; give its sender one of those that are configured',
  unknown_key: 'its key is not known; compare it with those that are configured',
  expired_key: 'the key has expired; its sender was not given the new one',
  no_origin: 'a browser key came without an Origin, so not from a page; servers need a key of their own',
  origin: 'its origin is not among those of the key; add it, if the page is yours',
  path: 'its path is not among those of the key; add it there, or correct the URL of its sender',
  rate: 'the key has used up its rate; raise it, or let its senders sample',
  day_budget: 'the key has used up its budget for the day; raise dailySpans, or see who sends that much',
  too_many_spans:
    'it held more spans than the key takes in one; raise maxSpansPerRequest, or let its sender export smaller batches',
};

/** An origin is what anybody writes into a header. */
const ORIGIN_CHARS_MAX = 200;

/**
 * Tells metrics and log of requests that did not pass the gate: a page never sees what a beacon was answered.
 *
 * @param options.now milliseconds that never go back.
 */
export function createRefusalTelling(options: { metrics: Pick<Metrics, 'refused'>; log: Logger; now: () => number }) {
  const { metrics, log, now } = options;
  const say = createSampler<string, Refused>({
    now,
    add: (before, { requests, origins }) => ({
      ...before,
      requests: before.requests + requests,
      origins: [...new Set([...before.origins, ...origins])].slice(0, ORIGINS_MAX),
    }),
    say: (_kind, { reason, key, origins, requests }) => {
      const fields = { reason, key, origins, requests };
      const which = key === undefined ? '' : ` with key ${key}`;
      log.warn(fields, `${requests} request(s)${which} refused: ${ADVICE[reason]}`);
    },
  });
  return ({ reason, key, origin }: RefusedRequest): void => {
    metrics.refused({ reason, key });
    const origins = origin === undefined ? [] : [origin.slice(0, ORIGIN_CHARS_MAX)];
    say(`${key} ${reason}`, { reason, key, origins, requests: 1 });
  };
}
