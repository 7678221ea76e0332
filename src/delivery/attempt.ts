import { ReceivedSpan } from '../otlp/received-span';
import type { ScannedSpan } from '../otlp/scan';
import type { SpanReader } from '../otlp/span-index';
import type { Outcome } from './outcome';

/** A span on its way to one destination. Each attempt has its own, read afresh from the kept bytes. */
export class DeliverySpan extends ReceivedSpan {
  /** Set when the span came out of the processor; until then it may have been lost in there. */
  arrived = false;
  /** Its outcome in this attempt is known. */
  isSettled = false;
  /** Set while it waits for its media; until then nobody is given it. */
  isHeld = false;

  constructor(
    reader: SpanReader,
    scanned: ScannedSpan,
    readonly attempt: Attempt,
  ) {
    super(reader, scanned);
  }

  /** Position of the span in its queue entry. */
  get position(): number {
    return this.scanned.ordinal;
  }
}

/** One attempt to deliver the spans of one queue entry: it hears of every span's outcome exactly once. */
export class Attempt {
  readonly spans: DeliverySpan[] = [];
  /** Set when its entry has failed before: its spans are posted apart from others, so many at a time at most. */
  readonly batchSpansMax: number | undefined;
  /** When its entry came. */
  readonly offeredAtMs: number;
  #pending = 0;
  #held = 0;
  #isHeld = false;
  readonly #deadlines: NodeJS.Timeout[] = [];
  readonly #onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
  readonly #onDone: () => void;
  readonly #onHeld: (isHeld: boolean) => void;

  constructor(hooks: {
    onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
    /** All spans have their outcome. */
    onDone: () => void;
    /** All that is left of it waits for media; or that is over. */
    onHeld?: (isHeld: boolean) => void;
    batchSpansMax?: number | undefined;
    offeredAtMs?: number;
  }) {
    this.offeredAtMs = hooks.offeredAtMs ?? 0;
    this.batchSpansMax = hooks.batchSpansMax;
    this.#onOutcome = hooks.onOutcome;
    this.#onDone = hooks.onDone;
    this.#onHeld = hooks.onHeld ?? (() => {});
  }

  add(span: DeliverySpan): void {
    this.spans.push(span);
    this.#pending++;
  }

  hold(spans: readonly DeliverySpan[]): void {
    for (const span of spans) span.isHeld = true;
    this.#held += spans.length;
    this.#weigh();
  }

  /** What was held goes on. */
  release(span: DeliverySpan): void {
    if (!span.isHeld) return;
    span.isHeld = false;
    this.#held--;
    this.#weigh();
  }

  /** Of these spans, those that the processor has kept to itself by then are tried again. */
  watch(spans: readonly DeliverySpan[], withinMs: number): void {
    const deadline = setTimeout(() => {
      const lost = spans.filter(({ arrived, isSettled }) => !arrived && !isSettled);
      this.report(lost, { kind: 'retry', reason: 'no_receipt' });
    }, withinMs);
    this.#deadlines.push(deadline);
  }

  /** Spans that have an outcome already are passed over. */
  report(spans: readonly DeliverySpan[], outcome: Outcome): void {
    const news: DeliverySpan[] = [];
    for (const span of spans) {
      if (span.isSettled) continue;
      span.isSettled = true;
      if (span.isHeld) this.#held--;
      span.isHeld = false;
      news.push(span);
    }
    if (news.length === 0) return;
    this.#pending -= news.length;
    this.#onOutcome(news, outcome);
    if (this.#pending > 0) {
      this.#weigh();
      return;
    }
    for (const deadline of this.#deadlines.splice(0)) clearTimeout(deadline);
    this.#onDone();
  }

  #weigh(): void {
    const isHeld = this.#held === this.#pending;
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#onHeld(isHeld);
  }
}

/** Tells each attempt the outcome of its spans among these. */
export function reportOutcome(spans: readonly DeliverySpan[], outcome: Outcome): void {
  const byAttempt = new Map<Attempt, DeliverySpan[]>();
  for (const span of spans) {
    const mine = byAttempt.get(span.attempt);
    if (mine === undefined) byAttempt.set(span.attempt, [span]);
    else mine.push(span);
  }
  for (const [attempt, mine] of byAttempt) attempt.report(mine, outcome);
}
