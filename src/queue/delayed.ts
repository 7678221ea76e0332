import type { PassOver } from './port';

/** An entry that waits for its time. `rank`: the smaller the older. */
export interface Waiting {
  readonly id: string;
  readonly rank: number;
  dueAtMs: number;
}

/** Entries that were put back: of those that are due the oldest comes first. Each step takes logarithmic time. */
export class Delayed<T extends Waiting> {
  readonly #waiting = new Heap<T>((one, other) => one.dueAtMs - other.dueAtMs);
  readonly #due = new Heap<T>((one, other) => one.rank - other.rank);

  get size(): number {
    return this.#waiting.size + this.#due.size;
  }

  add(entry: T): void {
    this.#waiting.push(entry);
  }

  /** It costs a step for each that is passed over. */
  takeDue(nowMs: number, passOver: PassOver = () => false): T | undefined {
    for (let next = this.#waiting.top(); next !== undefined && next.dueAtMs <= nowMs; next = this.#waiting.top()) {
      this.#waiting.pop();
      this.#due.push(next);
    }
    const passed: T[] = [];
    let oldest = this.#due.pop();
    for (; oldest !== undefined && passOver(oldest.id); oldest = this.#due.pop()) passed.push(oldest);
    for (const entry of passed) this.#due.push(entry);
    return oldest;
  }

  /** When the next one may be taken; in the past where one may be already. */
  nextDueAtMs(): number | undefined {
    return this.#due.top()?.dueAtMs ?? this.#waiting.top()?.dueAtMs;
  }
}

class Heap<T> {
  readonly #items: T[] = [];

  constructor(private readonly compare: (one: T, other: T) => number) {}

  get size(): number {
    return this.#items.length;
  }

  top(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.compare(items[above]!, item) <= 0) break;
      items[at] = items[above]!;
      at = above;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= items.length) break;
      if (below + 1 < items.length && this.compare(items[below + 1]!, items[below]!) < 0) below++;
      if (this.compare(last, items[below]!) <= 0) break;
      items[at] = items[below]!;
      at = below;
    }
    items[at] = last;
    return top;
  }
}
