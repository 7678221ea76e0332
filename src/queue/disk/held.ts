import type { Entry } from '../port';
import type { Outcome } from './outcomes';
import type { RecordHeader } from './record';
import type { Noted, Segment } from './segment';

/** An entry that was taken and is not gone: in somebody's hands, or waiting for its next attempt. Its bytes are on disk. */
export class Held {
  readonly id: string;
  attempts: number;
  dueAtMs = 0;
  left: number;
  isTaken = true;
  /** Set while it is written to another segment. */
  moving: Promise<void> | undefined;
  #settled: Set<number> | undefined;

  constructor(
    readonly rank: number,
    public segment: Segment,
    public header: RecordHeader,
    noted: Noted | undefined,
  ) {
    this.id = `${segment.number}.${header.ordinal}`;
    this.attempts = noted?.attempts ?? 0;
    this.#settled = noted?.settled;
    this.left = header.items - (noted?.settled.size ?? 0);
  }

  /** What was noted about it so far. */
  outcomes(): Outcome[] {
    const { ordinal } = this.header;
    const outcomes: Outcome[] = [{ kind: 'attempt', ordinal, attempts: this.attempts, dueAtMs: this.dueAtMs }];
    if (this.#settled !== undefined) outcomes.push({ kind: 'positions', ordinal, positions: [...this.#settled] });
    return outcomes;
  }

  settle(positions: readonly number[]): void {
    this.left -= positions.length;
    if (this.left === 0) return;
    this.#settled ??= new Set();
    for (const position of positions) this.#settled.add(position);
  }

  entry(destination: string, bytes: Buffer): Entry {
    const { id, attempts } = this;
    const { items, offeredAtMs } = this.header;
    return { id, destination, items, bytes, offeredAtMs, attempts, isSettled: (at) => this.#settled?.has(at) === true };
  }
}
