import { Counter, Histogram, type Registry } from 'prom-client';
import { makers } from './makers';

/** Seconds, from a small request on an idle machine to a sender's usual time-out. */
const REQUEST_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export interface ReceiverMetrics {
  request(answered: { path: string; code: number; seconds: number }): void;
  rejected(reason: string, count: number): void;
  repaired(repair: string, count: number): void;
  /** Of a request that did not pass the gate; `key`: its name, where it has one. */
  refused(refused: { key: string | undefined; reason: string }): void;
  /** A request came with the key at that position, and passed. */
  keyUsed(position: number): void;
  /** A request was taken from an origin that nobody has named. */
  foreignOrigin(): void;
  connectionDropped(): void;
}

export interface ReceiverMetricsOptions {
  /** The names of the keys, by their position; two may have one name. */
  keys: readonly string[];
  gateRefusals: readonly string[];
  repairs: readonly string[];
  rejections: readonly string[];
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What the receiver tells of requests, before anything is known of their spans' delivery. */
export function receiverMetrics(registry: Registry, options: ReceiverMetricsOptions): ReceiverMetrics {
  const { repairs, rejections } = options;
  const registers = [registry];
  const answers = new Counter({
    name: 'gateway_receiver_requests_total',
    help: 'Requests to the receiver, by path and HTTP status; 499 is a sender that went away',
    labelNames: ['path', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'gateway_receiver_request_duration_seconds',
    help: 'Seconds from a request’s headers to the end of its answer',
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const rejected = new Counter({
    name: 'gateway_receiver_rejected_spans_total',
    help: 'Spans that were refused, by reason',
    labelNames: ['reason'],
    registers,
  });
  const repaired = new Counter({
    name: 'gateway_spans_repaired_total',
    help: 'Spans that did not leave as they came, by repair',
    labelNames: ['repair'],
    registers,
  });
  for (const reason of rejections) rejected.inc({ reason }, 0);
  for (const repair of repairs) repaired.inc({ repair }, 0);
  return {
    ...gateMetrics(registry, options),
    request(answered) {
      answers.inc({ path: answered.path, code: String(answered.code) });
      seconds.observe(answered.seconds);
    },
    rejected: (reason, count) => rejected.inc({ reason }, count),
    repaired: (repair, count) => repaired.inc({ repair }, count),
  };
}

function gateMetrics(registry: Registry, { keys, gateRefusals, now }: ReceiverMetricsOptions) {
  const { counter, gauge } = makers(registry);
  const refused = counter(
    'gateway_receiver_refused_requests_total',
    'Requests that did not pass the gate, by key and reason; no key: none that is known',
    ['key', 'reason'],
  );
  const used = gauge(
    'gateway_key_last_used_timestamp_seconds',
    'When a key was last used, in seconds since 1970, or 0; position counts the keys of one name in the configuration',
    ['key', 'position'],
  );
  const foreign = counter(
    'gateway_receiver_foreign_origin_requests_total',
    'Requests taken from an origin that neither corsOrigins nor their own key names, nor is the gateway’s; another key may name it',
  );
  const dropped = counter(
    'gateway_receiver_connections_dropped_total',
    'Connections closed at once: too many were open',
  );
  const labels = keys.map((key, position) => {
    return { key, position: keys.slice(0, position + 1).filter((name) => name === key).length };
  });
  for (const reason of gateRefusals) for (const key of ['', ...keys]) refused.inc({ key, reason }, 0);
  for (const label of labels) used.set(label, 0);
  return {
    refused: ({ key = '', reason }: { key: string | undefined; reason: string }) => refused.inc({ key, reason }),
    keyUsed: (position: number) => used.set(labels[position]!, now() / 1000),
    foreignOrigin: () => foreign.inc(),
    connectionDropped: () => dropped.inc(),
  };
}
