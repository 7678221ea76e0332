import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import { scanRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';
import type { Entry, QueuePort } from '../queue/port';
import { Attempt, DeliverySpan } from './attempt';
import { pauseMs } from './backoff';
import type { Outcome, RefusalReason } from './outcome';

/** What may be under way at once; it bounds the memory that delivery takes, however much is queued. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
const IN_FLIGHT_SPANS_MAX = 16_384;
/** A span that the processor has not handed on by then is taken for lost in it, and tried again. */
const PROCESSOR_DEADLINE_MS = 30_000;
/** Spans handed to the processor in one turn of the event loop. */
const SLICE_SPANS = 256;
/** Spans named in the log line of one refused batch. */
const LOGGED_SPANS_MAX = 10;

export interface DispatcherOptions {
  destination: string;
  queue: QueuePort;
  processor: Pick<SpanProcessor, 'onEnd'>;
  /** Called on each span before the processor sees it. */
  prepare: (span: DeliverySpan) => void;
  onDelivered: (spans: readonly DeliverySpan[]) => void;
  onDeadLettered: (spans: readonly DeliverySpan[], reason: RefusalReason) => void;
  retryMaxAgeMs: number;
  log: Logger;
  now: () => number;
  random: () => number;
}

export interface Dispatcher {
  start(): void;
  /** Something may have become due. */
  wake(): void;
  /** Takes nothing more from the queue. */
  stop(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

type Retry = Extract<Outcome, { kind: 'retry' }>;
type Refusal = Extract<Outcome, { kind: 'refused' }>;

/** Takes entries from the queue, shows their spans to the processor and settles what became of them. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new QueueDispatcher(options);
}

class QueueDispatcher implements Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #inFlight = new Set<Entry>();
  #bytesInFlight = 0;
  #spansInFlight = 0;
  #running = false;
  #pumping = false;
  #timer: NodeJS.Timeout | undefined;
  /** Pauses since the last span that was delivered. */
  #failures = 0;
  /** One failure pauses the destination, not only the entry: a Langfuse that is down is not asked by all that waits. */
  #pausedUntilMs = 0;
  /** Not before that, by Retry-After: a post that was under way and is delivered does not shorten it. */
  #askedUntilMs = 0;
  /** Counts outcomes "delivered", to tell whether others got through while an entry did not. */
  #deliveries = 0;
  /** Entries that have failed, by id: how often while others got through. */
  readonly #suspects = new Map<string, { deliveriesThen: number; halvings: number }>();
  #onIdle: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
  }

  async idle(): Promise<void> {
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  wake(): void {
    if (!this.#pumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    const { queue, destination, now, log } = this.#options;
    this.#pumping = true;
    clearTimeout(this.#timer);
    try {
      while (this.#running && this.#hasRoom() && now() >= this.#pausedUntilMs) {
        const entry = await queue.take(destination);
        if (entry === undefined) break;
        this.#attempt(entry);
      }
    } catch (error) {
      log.error({ err: error, destination }, 'the queue could not be read');
    }
    this.#pumping = false;
    const dueMs = this.#running && this.#hasRoom() ? queue.nextDueAtMs(destination) : undefined;
    if (dueMs === undefined) return;
    this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.max(dueMs, this.#pausedUntilMs) - now()));
  }

  #hasRoom(): boolean {
    return this.#bytesInFlight < IN_FLIGHT_BYTES_MAX && this.#spansInFlight < IN_FLIGHT_SPANS_MAX;
  }

  #attempt(entry: Entry): void {
    const { now, retryMaxAgeMs } = this.#options;
    this.#inFlight.add(entry);
    this.#bytesInFlight += entry.bytes.length;
    this.#spansInFlight += entry.items;
    const retries: Retry[] = [];
    // Whatever its age, an entry is tried once.
    const lastTry = entry.attempts > 0 && now() - entry.offeredAtMs >= retryMaxAgeMs;
    const attempt = new Attempt({
      onOutcome: (spans, outcome) => {
        if (outcome.kind === 'delivered') this.#delivered(entry, spans);
        else if (outcome.kind === 'refused') this.#refused(entry, spans, outcome);
        else {
          this.#slowDown(outcome);
          if (lastTry) this.#refused(entry, spans, { kind: 'refused', reason: 'expired' });
          else retries.push(outcome);
        }
      },
      onDone: () => {
        clearTimeout(deadline);
        this.#done(entry, retries);
      },
      batchSpansMax: this.#batchSpansMax(entry),
    });
    const deadline = setTimeout(() => {
      attempt.report(attempt.lost(), { kind: 'retry', reason: 'no_receipt' });
    }, PROCESSOR_DEADLINE_MS);
    const reader = new SpanReader(entry.bytes);
    for (const scanned of scanRequest(entry.bytes, { check: false }).spans) {
      if (!entry.isSettled(scanned.ordinal)) attempt.add(new DeliverySpan(reader, scanned, attempt));
    }
    void this.#handOver(attempt);
  }

  /** In slices, with other work between them: what the processor does with thousands of spans takes its time. */
  async #handOver(attempt: Attempt): Promise<void> {
    const { prepare, processor } = this.#options;
    for (const [index, span] of attempt.spans.entries()) {
      if (index > 0 && index % SLICE_SPANS === 0) await new Promise((resolve) => setImmediate(resolve));
      try {
        prepare(span);
        processor.onEnd(span);
      } catch {
        attempt.report([span], { kind: 'retry', reason: 'processor' });
      }
    }
  }

  #done(entry: Entry, retries: readonly Retry[]): void {
    this.#inFlight.delete(entry);
    this.#bytesInFlight -= entry.bytes.length;
    this.#spansInFlight -= entry.items;
    if (retries.length > 0) {
      const { queue, now, random } = this.#options;
      this.#suspect(entry);
      const configuration = retries.some((retry) => retry.configuration === true);
      const pause = pauseMs({ failures: entry.attempts + 1, configuration, random });
      queue.retryAt(entry, now() + Math.max(pause, ...retries.map(({ afterMs = 0 }) => afterMs)));
    } else this.#suspects.delete(entry.id);
    if (this.#inFlight.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    this.wake();
  }

  /**
   * An entry that failed is posted apart from others, so that whatever is wrong with it is wrong with nobody else; and in
   * ever smaller parts as long as others get through and it does not, until the span that is to blame stands alone.
   */
  #batchSpansMax({ id, attempts, items }: Entry): number | undefined {
    if (attempts === 0) return undefined;
    return Math.max(1, Math.ceil(items / 2 ** (this.#suspects.get(id)?.halvings ?? 0)));
  }

  #suspect({ id }: Entry): void {
    const known = this.#suspects.get(id);
    const othersPassed = known !== undefined && this.#deliveries > known.deliveriesThen;
    const halvings = (known?.halvings ?? 0) + (othersPassed ? 1 : 0);
    this.#suspects.set(id, { deliveriesThen: this.#deliveries, halvings });
  }

  #delivered(entry: Entry, spans: readonly DeliverySpan[]): void {
    this.#failures = 0;
    this.#deliveries++;
    this.#pausedUntilMs = this.#askedUntilMs;
    this.#settle(entry, spans);
    this.#options.onDelivered(spans);
  }

  #refused(entry: Entry, spans: readonly DeliverySpan[], { reason, status }: Refusal): void {
    const { destination, log, onDeadLettered } = this.#options;
    this.#settle(entry, spans);
    onDeadLettered(spans, reason);
    const named = spans.slice(0, LOGGED_SPANS_MAX).map((span) => {
      const { traceId, spanId } = span.spanContext();
      return { traceId, spanId };
    });
    log.error(
      { destination, reason, status, attempts: entry.attempts + 1, count: spans.length, spans: named },
      `${spans.length} span(s) cannot be delivered to ${destination} (${reason}) and are dropped`,
    );
  }

  #settle(entry: Entry, spans: readonly DeliverySpan[]): void {
    const positions = spans.map(({ position }) => position);
    this.#options.queue.settle(entry, positions);
  }

  #slowDown({ reason, configuration = false, afterMs = 0 }: Retry): void {
    const { destination, now, random, log } = this.#options;
    this.#askedUntilMs = Math.max(this.#askedUntilMs, now() + afterMs);
    // Posts that were under way together failed together: they count once.
    if (now() < this.#pausedUntilMs) {
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#askedUntilMs);
      return;
    }
    this.#failures++;
    const waitMs = Math.max(pauseMs({ failures: this.#failures, configuration, random }), afterMs);
    this.#pausedUntilMs = now() + waitMs;
    const fields = { destination, reason, failures: this.#failures, waitMs };
    if (configuration)
      log.error(fields, `${destination} refuses the gateway (${reason}): check its URL and keys; spans are kept`);
    else log.warn(fields, `delivery to ${destination} failed (${reason}); spans are kept and tried again`);
  }
}
