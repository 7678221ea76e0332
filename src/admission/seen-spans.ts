import { CHAIN_MAX, type SpanHash } from './span-hash';

/**
 * The last spans, in a ring. Those of one place are chained by their numbers, from the newest on; a number tells whether
 * its span is overwritten, so nothing has to be deleted. Numbers are of 32 bits: one that comes round again leads to a
 * span of another place, which has another fingerprint.
 */
export class SeenSpans {
  readonly #size: number;
  readonly #newest: Int32Array;
  readonly #before: Int32Array;
  readonly #prints: Int32Array;
  readonly #timesMs: Float64Array;
  /** Number of the next one. It begins where 0, with which the arrays are filled, is the number of one that is gone. */
  #next: number;

  /** `size` is a power of two: a ring of so many, and as many places. */
  constructor(size: number) {
    this.#size = size;
    this.#newest = new Int32Array(size);
    this.#before = new Int32Array(size);
    this.#prints = new Int32Array(size);
    this.#timesMs = new Float64Array(size);
    this.#next = size + 1;
  }

  add({ place, print }: SpanHash, nowMs: number): void {
    const mask = this.#size - 1;
    const newest = this.#newest[place & mask]!;
    // A span that is sent over and over must not hide the others of its place behind a long chain.
    const isAgain = this.#isHere(newest) && this.#prints[newest & mask] === print;
    const slot = this.#next & mask;
    this.#before[slot] = isAgain ? this.#before[newest & mask]! : newest;
    this.#prints[slot] = print;
    this.#timesMs[slot] = nowMs;
    this.#newest[place & mask] = this.#next;
    this.#next = (this.#next + 1) | 0;
  }

  /** Whether it was added, at `sinceMs` or later. */
  has({ place, print }: SpanHash, sinceMs: number): boolean {
    const mask = this.#size - 1;
    let number = this.#newest[place & mask]!;
    for (let step = 0; step < CHAIN_MAX && this.#isHere(number); step++) {
      const slot = number & mask;
      // Those behind it are older still.
      if (this.#timesMs[slot]! < sinceMs) return false;
      if (this.#prints[slot] === print) return true;
      number = this.#before[slot]!;
    }
    return false;
  }

  #isHere(number: number): boolean {
    return (this.#next - number) >>> 0 <= this.#size;
  }
}
