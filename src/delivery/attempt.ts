import { ReceivedSpan } from '../otlp/received-span';
import type { ScannedSpan } from '../otlp/scan';
import type { Outcome } from './outcome';

/** A span on its way to one destination. Each attempt has its own, read afresh from the kept bytes. */
export class DeliverySpan extends ReceivedSpan {
  /** Set when the span came out of the processor; until then it may have been lost in there. */
  arrived = false;

  constructor(
    bytes: Buffer,
    scanned: ScannedSpan,
    readonly attempt: Attempt,
  ) {
    super(bytes, scanned);
  }

  /** Position of the span in its queue entry. */
  get position(): number {
    return this.scanned.ordinal;
  }
}

/** One attempt to deliver the spans of one queue entry: it hears of every span's outcome exactly once. */
export class Attempt {
  readonly spans: DeliverySpan[] = [];
  readonly #pending = new Set<DeliverySpan>();
  readonly #onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
  readonly #onDone: () => void;

  constructor(hooks: {
    onOutcome: (spans: readonly DeliverySpan[], outcome: Outcome) => void;
    /** All spans have their outcome. */
    onDone: () => void;
  }) {
    this.#onOutcome = hooks.onOutcome;
    this.#onDone = hooks.onDone;
  }

  add(span: DeliverySpan): void {
    this.spans.push(span);
    this.#pending.add(span);
  }

  /** Spans that have an outcome already are passed over. */
  report(spans: readonly DeliverySpan[], outcome: Outcome): void {
    const news = spans.filter((span) => this.#pending.delete(span));
    if (news.length === 0) return;
    this.#onOutcome(news, outcome);
    if (this.#pending.size === 0) this.#onDone();
  }

  /** Given to the processor and never seen again. */
  lost(): DeliverySpan[] {
    return [...this.#pending].filter((span) => !span.arrived);
  }

  isPending(span: DeliverySpan): boolean {
    return this.#pending.has(span);
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
