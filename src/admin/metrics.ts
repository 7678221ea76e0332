import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { LedgerTotals } from '../ledger';
import type { QueueStats } from '../queue/port';
import { makers } from './makers';
import { type ReceiverMetrics, type ReceiverMetricsOptions, receiverMetrics } from './receiver-metrics';

const DELIVERY_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const MISSING_FIELDS = ['session_id', 'user_id'] as const;
type MissingField = (typeof MISSING_FIELDS)[number];

export interface Metrics extends ReceiverMetrics {
  /** Accepted spans without it, after it was looked for in their resource and trace. */
  missing(field: MissingField, spans: number): void;
  /** Of one request that came with a trace context. */
  traceContext(outcome: string): void;
  warned(warning: string, spans: number): void;
  attempt(attempt: { destination: string; outcome: string; seconds: number }): void;
  /** Of one image or the like, before its span is posted. */
  media(medium: { destination: string; outcome: string }): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions extends ReceiverMetricsOptions {
  /** Looked at once per scrape, so that the numbers of one answer belong together. */
  totals: () => LedgerTotals;
  queue: () => QueueStats;
  storage: () => {
    readonly deadLetters: { readonly letters: number; readonly bytes: number };
    readonly expiredLetters: number;
    readonly damagedRecords: number;
    readonly isSick: boolean;
  };
  /** Of queue and dead letters together. */
  queueBytesMax: number;
  /** The last answer of that destination was no failure. */
  isUp: (destination: string) => boolean;
  now: () => number;
  /** Their series exist from the start, at zero. */
  destinations: readonly string[];
  refusals: readonly string[];
  warnings: readonly string[];
  contextOutcomes: readonly string[];
  /** None where media stays in spans. */
  mediaOutcomes: readonly string[];
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const copies = [spanMetrics(registry, options), storageMetrics(registry, options)];
  const attempts = new Counter({
    name: 'gateway_delivery_attempts_total',
    help: 'Posts to a destination, by what came of them',
    labelNames: ['destination', 'outcome'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'gateway_delivery_duration_seconds',
    help: 'Seconds from sending a batch to the destination’s answer',
    buckets: DELIVERY_BUCKETS,
    registers: [registry],
  });
  const media = new Counter({
    name: 'gateway_media_total',
    help: 'Images and the like taken out of spans, by what came of them; only with media: upload',
    labelNames: ['destination', 'outcome'],
    registers: [registry],
  });
  for (const destination of options.destinations) {
    for (const outcome of options.mediaOutcomes) media.inc({ destination, outcome }, 0);
  }
  return {
    ...receiverMetrics(registry, options),
    ...meaningMetrics(registry, options),
    attempt({ destination, outcome, seconds }) {
      attempts.inc({ destination, outcome });
      durations.observe(seconds);
    },
    media: (medium) => media.inc(medium),
    async text() {
      for (const { refresh } of copies) refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

/** What accepted spans say, and fail to say. */
function meaningMetrics(registry: Registry, { warnings, contextOutcomes }: MetricsOptions) {
  const { counter } = makers(registry);
  const missing = counter(
    'gateway_spans_missing_total',
    'Spans accepted without it, after it was looked for in their resource and trace',
    ['field'],
  );
  const contexts = counter('gateway_trace_contexts_total', 'Requests with a trace context, by what came of it', [
    'outcome',
  ]);
  const warned = counter(
    'gateway_spans_warned_total',
    'Accepted spans with something for their sender to mend, by warning',
    ['warning'],
  );
  for (const field of MISSING_FIELDS) missing.inc({ field }, 0);
  for (const outcome of contextOutcomes) contexts.inc({ outcome }, 0);
  for (const warning of warnings) warned.inc({ warning }, 0);
  return {
    missing: (field: MissingField, spans: number) => missing.inc({ field }, spans),
    traceContext: (outcome: string) => contexts.inc({ outcome }),
    warned: (warning: string, spans: number) => warned.inc({ warning }, spans),
  };
}

/** Metrics that are a copy of the ledger and of the queue, made anew at each scrape. */
function spanMetrics(registry: Registry, { totals, queue, now, destinations, refusals }: MetricsOptions) {
  const { counter, gauge } = makers(registry);
  const accepted = counter('gateway_receiver_accepted_spans_total', 'Spans answered 200 and kept');
  const recovered = counter('gateway_queue_recovered_spans_total', 'Spans found in the queue at start');
  const replayed = counter('gateway_replayed_spans_total', 'Spans of dead letters that were put back');
  const delivered = counter('gateway_delivered_spans_total', 'Spans that a destination has taken', ['destination']);
  const deadLettered = counter('gateway_dead_lettered_spans_total', 'Spans given up, by reason', [
    'destination',
    'reason',
  ]);
  const spans = gauge('gateway_queue_spans', 'Spans accepted and neither delivered nor given up');
  const bytes = gauge('gateway_queue_bytes', 'Bytes that the queue holds');
  const age = gauge('gateway_queue_oldest_age_seconds', 'Age of the oldest entry in the queue');
  return {
    refresh() {
      const { items, bytes: held, oldestOfferedAtMs } = queue();
      const sums = totals();
      for (const metric of [accepted, recovered, replayed, delivered, deadLettered]) metric.reset();
      accepted.inc(sums.accepted);
      recovered.inc(sums.recovered);
      replayed.inc(sums.replayed);
      for (const destination of destinations) delivered.inc({ destination }, sums.delivered.get(destination) ?? 0);
      for (const destination of destinations) {
        for (const reason of refusals) deadLettered.inc({ destination, reason }, 0);
      }
      for (const [destination, byReason] of sums.deadLettered) {
        for (const [reason, count] of byReason) deadLettered.inc({ destination, reason }, count);
      }
      spans.set(items);
      bytes.set(held);
      age.set(oldestOfferedAtMs === undefined ? 0 : Math.max(0, now() - oldestOfferedAtMs) / 1000);
    },
  };
}

/** What is on disk, and whether it and the destinations are well. */
function storageMetrics(registry: Registry, { storage, queueBytesMax, isUp, destinations }: MetricsOptions) {
  const { counter, gauge } = makers(registry);
  const letters = gauge('gateway_dead_letters', 'Dead letters on disk; each holds one span or more');
  const letterBytes = gauge(
    'gateway_dead_letters_bytes',
    'Bytes of dead letters; they count against the queue’s bound',
  );
  const expired = counter('gateway_dead_letters_expired_total', 'Dead letters removed for their age');
  const damaged = counter('gateway_queue_damaged_records_total', 'Records of the queue that could not be read');
  const sick = gauge('gateway_disk_sick', '1 while the disk of the queue fails, else 0');
  const up = gauge('gateway_destination_up', '1 unless the last answer of the destination was a failure', [
    'destination',
  ]);
  gauge('gateway_queue_max_bytes', 'Bound of queue and dead letters together').set(queueBytesMax);
  return {
    refresh() {
      const { deadLetters, expiredLetters, damagedRecords, isSick } = storage();
      for (const metric of [expired, damaged]) metric.reset();
      letters.set(deadLetters.letters);
      letterBytes.set(deadLetters.bytes);
      expired.inc(expiredLetters);
      damaged.inc(damagedRecords);
      sick.set(isSick ? 1 : 0);
      for (const destination of destinations) up.set({ destination }, isUp(destination) ? 1 : 0);
    },
  };
}
