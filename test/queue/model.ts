import fc from 'fast-check';
import type { Entry, QueuePort } from '../../src/queue/port';

/** One thing that happens to a queue; `pick` chooses among entries, or says how long. */
export interface QueueStep {
  act: string;
  pick: number;
  items: number;
  destination: string;
}

export const queueSteps = fc.array(
  fc.record<QueueStep>({
    act: fc.constantFrom('offer', 'offer', 'take', 'take', 'settle', 'retry', 'wait'),
    pick: fc.nat(),
    items: fc.integer({ min: 1, max: 3 }),
    destination: fc.constantFrom('main', 'other'),
  }),
  { maxLength: 40 },
);

interface Kept {
  text: string;
  destination: string;
  left: Set<number>;
  dueAtMs: number;
  entry?: Entry;
}

/** What has to be in the queue, and may be taken from it. */
export class QueueModel {
  readonly #clock: { ms: number };
  #kept: Kept[] = [];
  #offered = 0;

  constructor(clock: { ms: number }) {
    this.#clock = clock;
  }

  items = () => this.#kept.reduce((sum, { left }) => sum + left.size, 0);

  async run({ act, pick, items, destination }: QueueStep, queue: QueuePort): Promise<void> {
    const taken = this.#kept.filter(({ entry }) => entry !== undefined);
    const chosen = taken[pick % Math.max(1, taken.length)];
    if (act === 'wait') this.#clock.ms += pick % 50;
    else if (act === 'offer') {
      const text = `entry ${this.#offered++}`;
      await queue.offer(Buffer.from(text), { destination, items });
      this.#kept.push({ text, destination, left: new Set(Array(items).keys()), dueAtMs: 0 });
    } else if (act === 'take') await this.#take(destination, queue);
    else if (chosen !== undefined && act === 'settle') this.#settle(chosen, [...chosen.left].slice(0, items), queue);
    else if (chosen !== undefined) this.#retry(chosen, this.#clock.ms + (pick % 100), queue);
  }

  /** Takes and settles all there is. */
  async finish(queue: QueuePort): Promise<void> {
    for (const kept of this.#kept) if (kept.entry !== undefined) this.#retry(kept, this.#clock.ms, queue);
    this.#clock.ms += 1000;
    while (this.#kept.length > 0) {
      const [{ destination }] = this.#kept as [Kept];
      await this.#take(destination, queue);
      for (const kept of this.#kept.filter(({ entry }) => entry !== undefined))
        this.#settle(kept, [...kept.left], queue);
    }
  }

  async #take(destination: string, queue: QueuePort): Promise<void> {
    const due = this.#kept.filter((kept) => this.#isDue(kept, destination));
    const entry = await queue.take(destination);
    const found = due.find(({ text }) => text === entry?.bytes.toString());
    expect([found === undefined, due.length === 0]).toEqual([entry === undefined, entry === undefined]);
    expect([...(found?.left ?? [])].filter((position) => entry?.isSettled(position))).toEqual([]);
    if (found !== undefined) found.entry = entry;
  }

  #isDue(kept: Kept, destination: string): boolean {
    return kept.entry === undefined && kept.destination === destination && kept.dueAtMs <= this.#clock.ms;
  }

  #settle(kept: Kept, positions: number[], queue: QueuePort): void {
    queue.settle(kept.entry as Entry, positions);
    for (const position of positions) kept.left.delete(position);
    if (kept.left.size === 0) this.#kept = this.#kept.filter((other) => other !== kept);
  }

  #retry(kept: Kept, dueAtMs: number, queue: QueuePort): void {
    queue.retryAt(kept.entry as Entry, dueAtMs);
    kept.entry = undefined;
    kept.dueAtMs = dueAtMs;
  }
}
