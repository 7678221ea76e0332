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
  #pending = 0;
  readonly #onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
  readonly #onDone: () => void;

  constructor(hooks: {
    onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
    /** All spans have their outcome. */
    onDone: () => void;
    batchSpansMax?: number | undefined;
  }) {
    this.batchSpansMax = hooks.batchSpansMax;
    this.#onOutcome = hooks.onOutcome;
    this.#onDone = hooks.onDone;
  }

  add(span: DeliverySpan): void {
    this.spans.push(span);
    this.#pending++;
  }

  /** Spans that have an outcome already are passed over. */
  report(spans: readonly DeliverySpan[], outcome: Outcome): void {
    const news: DeliverySpan[] = [];
    for (const span of spans) {
      if (span.isSettled) continue;
      span.isSettled = true;
      news.push(span);
    }
    if (news.length === 0) return;
    this.#pending -= news.length;
    this.#onOutcome(news, outcome);
    if (this.#pending === 0) this.#onDone();
  }

  /** Given to the processor and never seen again. */
  lost(): DeliverySpan[] {
    return this.spans.filter(({ arrived, isSettled }) => !arrived && !isSettled);
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
