import { SeenSpans } from './seen-spans';
import { placesFor, SpanHash } from './span-hash';
import { type Orphan, WaitingParents } from './waiting-parents';

export interface ParentWatchLimits {
  /** How long before and after its child a parent may come. */
  readonly windowMs: number;
  /** Spans that are remembered as seen, rounded up to a power of two; 20 bytes each, so 5 MiB for 1 << 18. */
  readonly seenMax: number;
  /** Missing parents that are waited for; 72 bytes each. Beyond it new ones are not watched. */
  readonly waitingMax: number;
}

/**
 * Finds parents that were seen neither within `windowMs` before a child nor within `windowMs` after the first child that
 * misses them. Children mostly come first, for a span ends before its parent.
 *
 * All memory is taken at the start, and no call does more than a bounded number of steps, whatever the ids: a chain of
 * ids with one hash is followed for `CHAIN_MAX` of them. A parent that is missing may go unnoticed: when more than
 * `waitingMax` are missing, or by a chance of about 2^-32 when another span has its fingerprint. One that was there is
 * called missing only when the spans of the window are more than `seenMax`, or made to have the same hash.
 *
 * Times are milliseconds; time that goes back stands still.
 */
export class ParentWatch {
  readonly #windowMs: number;
  readonly #hash = new SpanHash();
  readonly #seen: SeenSpans;
  readonly #waiting: WaitingParents;
  #nowMs = 0;

  constructor({ windowMs, seenMax, waitingMax }: ParentWatchLimits) {
    this.#windowMs = windowMs;
    this.#seen = new SeenSpans(placesFor(seenMax));
    this.#waiting = new WaitingParents(waitingMax);
  }

  /** A span came. Its ids are bytes in `bytes` at these offsets: trace id 16, span id 8, parent id 8 or -1 where it is a root. */
  saw(
    destinationNumber: number,
    bytes: Buffer,
    traceIdAt: number,
    spanIdAt: number,
    parentIdAt: number,
    nowMs: number,
  ): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    const sinceMs = this.#nowMs - this.#windowMs;
    const hash = this.#hash;
    hash.ofTrace(destinationNumber, bytes, traceIdAt);
    hash.ofSpan(bytes, spanIdAt);
    this.#waiting.release(hash, sinceMs);
    this.#seen.add(hash, this.#nowMs);
    if (parentIdAt < 0) return;
    hash.ofSpan(bytes, parentIdAt);
    if (this.#seen.has(hash, sinceMs) || this.#waiting.isOneMore(hash, sinceMs)) return;
    this.#waiting.begin(hash, this.#nowMs, bytes, traceIdAt, spanIdAt, parentIdAt);
  }

  /** Those whose time is over; each is told once. To be asked now and then, or they take the room of new ones. */
  orphans(nowMs: number): Orphan[] {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    return this.#waiting.takeBefore(this.#nowMs - this.#windowMs);
  }
}
