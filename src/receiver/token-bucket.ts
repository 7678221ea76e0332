/**
 * What is counted is thousandths of a token: as many come in a millisecond as tokens in a second, so with a whole rate every
 * sum is exact.
 */
const PARTS = 1000;

/** A rate, and for how many seconds of it a bucket has room. */
export interface Rate {
  readonly perSecond: number;
  readonly burstSeconds: number;
}

/**
 * Tokens that come at a rate, up to a capacity of the rate's `burstSeconds`; full at first. A request passes when it finds its
 * tokens, or, being larger than the capacity, when the bucket is full: then it leaves a debt.
 *
 * Times are milliseconds of any origin that never go back.
 */
export class TokenBucket {
  readonly capacity: number;
  readonly #perSecond: number;
  /** From full, so that a full bucket is exactly that whatever was taken and given back; above the capacity it is a debt. */
  #missing = 0;
  #atMs = 0;

  constructor({ perSecond, burstSeconds }: Rate) {
    this.#perSecond = perSecond;
    this.capacity = perSecond * burstSeconds;
  }

  /** Whole seconds until a request for so many tokens passes, if nobody else takes any; 0 when it passes now. */
  waitS(tokens: number, atMs: number): number {
    const mayMiss = Math.max(0, this.capacity - tokens) * PARTS;
    const tooFew = this.#missingAt(atMs) - mayMiss;
    return tooFew <= 0 ? 0 : Math.ceil(tooFew / (this.#perSecond * PARTS));
  }

  isFull(atMs: number): boolean {
    return this.#missingAt(atMs) === 0;
  }

  /**
   * Takes the tokens whether they are there or not.
   *
   * @param debtMax tokens; what would make a larger debt is let off.
   * @returns gives back what was taken; to be called once at most.
   */
  take(tokens: number, atMs: number, debtMax = Number.POSITIVE_INFINITY): () => void {
    const before = this.#missingAt(atMs);
    this.#missing = Math.max(before, Math.min(before + tokens * PARTS, (this.capacity + debtMax) * PARTS));
    this.#atMs = atMs;
    const taken = this.#missing - before;
    return () => {
      this.#missing -= taken;
    };
  }

  #missingAt(atMs: number): number {
    return Math.max(0, this.#missing - (atMs - this.#atMs) * this.#perSecond);
  }
}
