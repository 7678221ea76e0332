import { scanRequest } from '../otlp/scan';
import { SpanReader } from '../otlp/span-index';
import type { Entry, QueuePort } from '../queue/port';
import { Attempt, DeliverySpan } from './attempt';
import { createGivingUp, type GivingUp, type GivingUpOptions, type Refused } from './giving-up';
import { type HandOverOptions, handOver } from './hand-over';
import { createInFlight } from './in-flight';
import type { MediaRoom } from './media-room';
import { PAUSED, type Retry } from './outcome';
import { createPause, createPauseLog, type Pause } from './pause';
import { createProbes, type Probes } from './probes';
import { mayBeItsFault, ownPauseMs, statusOf } from './retries';
import { createSuspects } from './suspects';

/** After the queue could not be read. */
const QUEUE_ERROR_PAUSE_MS = 1_000;

export interface DispatcherOptions extends Omit<GivingUpOptions, 'queue'>, HandOverOptions {
  queue: QueuePort;
  /** Absent: media stays in its span. */
  media?: MediaRoom | undefined;
  onDelivered: (spans: readonly DeliverySpan[]) => void;
  retryMaxAgeMs: number;
  random: () => number;
}

export interface Dispatcher {
  start(): void;
  /** Something may have become due. */
  wake(): void;
  /** There is little time left: what waits is tried now, unless the destination asked to wait. */
  drain(): void;
  /** Takes nothing more from the queue. */
  stop(): void;
  /** Nothing is under way. */
  isIdle(): boolean;
  /** All that is under way waits for its media. */
  isHeld(): boolean;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
}

/** Takes entries from the queue, shows their spans to the processor and settles what became of them. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new QueueDispatcher(options);
}

class QueueDispatcher implements Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #pause: Pause;
  readonly #probes: Probes;
  readonly #givingUp: GivingUp;
  readonly #suspects = createSuspects();
  readonly #inFlight = createInFlight();
  /** The one entry that is sent to see whether the destination is well. */
  #probe: Entry | undefined;
  #running = false;
  #pumping = false;
  #hasDelivered = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#pause = createPause({ ...options, onPause: createPauseLog(options) });
    this.#probes = createProbes((passOver) => options.queue.take(options.destination, passOver));
    this.#givingUp = createGivingUp(options);
  }

  start(): void {
    this.#running = true;
    this.wake();
  }

  drain(): void {
    this.#pause.cutShort();
    this.wake();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#options.media?.stop();
    this.#givingUp.flushLog();
  }

  isIdle(): boolean {
    return this.#inFlight.isEmpty();
  }

  isHeld(): boolean {
    return !this.#pumping && this.#inFlight.isHeld();
  }

  async idle(): Promise<void> {
    await this.#inFlight.empty();
    this.#givingUp.flushLog();
  }

  wake(): void {
    if (!this.#pumping) void this.#pump();
  }

  async #pump(): Promise<void> {
    const { queue, destination, now, log } = this.#options;
    this.#pumping = true;
    clearTimeout(this.#timer);
    let dueMs: number | undefined;
    try {
      while (this.#mayTake() && now() >= this.#pause.untilMs()) {
        const entry = await this.#probes.next({ isProbe: this.#pause.isProbing() });
        // To take it took its time; what is begun after the end has no outcome, and what is not settled is not lost.
        if (entry === undefined || !this.#running) break;
        this.#attempt(entry);
      }
      dueMs = queue.nextDueAtMs(destination);
    } catch (error) {
      log.error({ err: error, destination }, 'the queue could not be read');
      dueMs = now() + QUEUE_ERROR_PAUSE_MS;
    }
    this.#pumping = false;
    if (dueMs === undefined || !this.#mayTake()) return;
    this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.max(dueMs, this.#pause.untilMs()) - now()));
  }

  #mayTake(): boolean {
    if (!this.#running || this.#probe !== undefined) return false;
    return this.#inFlight.hasRoom();
  }

  #attempt(entry: Entry): void {
    const { media } = this.#options;
    this.#inFlight.add(entry);
    if (this.#pause.isProbing()) this.#probe = entry;
    try {
      const attempt = this.#read(entry);
      media?.hold(entry, attempt, (span) => this.#goOn(entry, span));
      const spans = attempt.spans.filter(({ isHeld, isSettled }) => !isHeld && !isSettled);
      void handOver(attempt, spans, this.#options);
    } catch (error) {
      const { destination, log } = this.#options;
      log.error({ err: error, destination }, 'a queue entry is no OTLP request');
      void this.#givingUp.entry(entry).then((retry) => this.#done(entry, retry === undefined ? [] : [retry]));
    }
  }

  #read(entry: Entry): Attempt {
    const { now, retryMaxAgeMs } = this.#options;
    const retries: Retry[] = [];
    const refused: Refused[] = [];
    let isUrgent = false;
    // Whatever its age, an entry is tried once.
    const lastTry = entry.attempts > 0 && now() - entry.offeredAtMs >= retryMaxAgeMs;
    const attempt = new Attempt({
      onOutcome: (spans, outcome) => {
        isUrgent ||= outcome.kind === 'refused' || (outcome.kind === 'retry' && !outcome.media);
        if (outcome.kind === 'delivered') this.#delivered(entry, spans);
        else if (outcome.kind === 'refused') {
          this.#pause.judged();
          for (const span of spans) refused.push({ span, refusal: outcome });
        } else {
          // What the end breaks off says nothing about the destination, nor does an upload.
          if (this.#running && !outcome.media) this.#pause.failed(outcome);
          const refusal = { kind: 'refused' as const, reason: 'expired' as const, status: statusOf(outcome) };
          // What the end broke off may be delivered: the next start finds out.
          if (lastTry && outcome.unsent !== true && this.#running)
            for (const span of spans) refused.push({ span, refusal });
          else retries.push(outcome);
        }
      },
      onDone: () => {
        if (refused.length === 0) return this.#done(entry, retries);
        void this.#givingUp.spans(entry, refused).then((retry) => {
          this.#done(entry, retry === undefined ? retries : [...retries, retry]);
        });
      },
      onHeld: (isHeld) => {
        this.#held(entry, isHeld);
        // The others of it need not wait for uploads to be tried again or given up; the next attempt joins the uploads.
        if (isHeld && isUrgent) attempt.report(attempt.spans, PAUSED);
      },
      offeredAtMs: entry.offeredAtMs,
      batchSpansMax: this.#suspects.batchSpansMax(entry) ?? (this.#probe === entry ? entry.items : undefined),
    });
    const reader = new SpanReader(entry.bytes);
    for (const scanned of scanRequest(entry.bytes, { check: false }).spans) {
      if (!entry.isSettled(scanned.ordinal)) attempt.add(new DeliverySpan(reader, scanned, attempt));
    }
    // Nothing would ever be reported of it.
    if (attempt.spans.length === 0) throw new Error('the entry holds no spans');
    return attempt;
  }

  /** All that is left of it waits for its media: that takes no room from others, and tells nothing of the destination. */
  #held(entry: Entry, isHeld: boolean): void {
    this.#inFlight.hold(entry, isHeld);
    if (!isHeld) return;
    if (this.#probe === entry) {
      this.#probes.failed(entry);
      this.#probe = undefined;
    }
    this.wake();
  }

  /** Its media is there. Meanwhile the destination may have failed: then it waits its turn like all others. */
  #goOn(entry: Entry, span: DeliverySpan): void {
    const { now } = this.#options;
    const isPaused = !this.#running || now() < this.#pause.untilMs();
    if (!isPaused && this.#pause.isProbing()) this.#probe ??= entry;
    if (isPaused || (this.#pause.isProbing() && this.#probe !== entry)) span.attempt.report([span], PAUSED);
    else void handOver(span.attempt, [span], this.#options);
  }

  #done(entry: Entry, retries: readonly Retry[]): void {
    if (this.#probe === entry && retries.length > 0) this.#probes.failed(entry);
    this.#inFlight.remove(entry);
    if (this.#probe === entry) this.#probe = undefined;
    if (retries.length > 0) {
      if (retries.some(mayBeItsFault)) this.#suspects.failed(entry);
      this.#putBack(entry, retries);
    } else this.#suspects.forget(entry);
    // Nothing gathers it any more.
    if (!this.#running) this.#givingUp.flushLog();
    this.wake();
  }

  #putBack(entry: Entry, retries: readonly Retry[]): void {
    const { queue, now, random } = this.#options;
    const isSuspect = this.#suspects.isSuspect(entry);
    queue.retryAt(entry, now() + ownPauseMs(retries, { attempts: entry.attempts, isSuspect, random }));
  }

  #delivered(entry: Entry, spans: readonly DeliverySpan[]): void {
    const { destination, queue, log, onDelivered } = this.#options;
    if (!this.#hasDelivered) log.info({ destination }, `${destination}: first spans delivered`);
    this.#hasDelivered = true;
    this.#suspects.passed();
    this.#pause.delivered();
    queue.settle(
      entry,
      spans.map(({ position }) => position),
    );
    onDelivered(spans);
    if (this.#pause.isProbing()) return;
    this.#probes.clear();
    if (this.#probe === undefined) return;
    this.#probe = undefined;
    this.wake();
  }
}
