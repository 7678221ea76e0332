import type { Coverage, Flow } from './api';

/** What has been counted since the start, and how many spans are queued now. */
export interface Counted {
  readonly accepted: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly deadLettered: number;
  readonly queued: number;
  readonly missingSession: number;
  readonly missingUser: number;
}

const STEP_MS = 5_000;
const STEPS = 180;

/** What flowed in the last 15 minutes. */
export class FlowWatch {
  readonly #count: () => Counted;
  /** At the end of each step, the oldest first; one more than there are whole steps. */
  readonly #ends: Counted[];
  readonly #timer: NodeJS.Timeout;

  constructor(count: () => Counted) {
    this.#count = count;
    this.#ends = [count()];
    this.#timer = setInterval(() => this.#step(), STEP_MS).unref();
  }

  flow(): Flow {
    const ends = [...this.#ends, this.#count()];
    const steps = (of: (counted: Counted) => number) => ends.slice(1).map((end, at) => of(end) - of(ends[at]!));
    return {
      stepSeconds: STEP_MS / 1000,
      accepted: steps(({ accepted }) => accepted),
      delivered: steps(({ delivered }) => delivered),
      rejected: steps(({ rejected }) => rejected),
      deadLettered: steps(({ deadLettered }) => deadLettered),
      queued: ends.slice(1).map(({ queued }) => queued),
    };
  }

  coverage(): Coverage {
    const [first] = this.#ends;
    const now = this.#count();
    const spans = now.accepted - first!.accepted;
    return {
      spans,
      withSession: Math.max(0, spans - (now.missingSession - first!.missingSession)),
      withUser: Math.max(0, spans - (now.missingUser - first!.missingUser)),
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    this.#ends.push(this.#count());
    if (this.#ends.length > STEPS) this.#ends.shift();
  }
}
