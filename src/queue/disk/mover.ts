import type { Appender } from './appender';
import type { Cursor } from './cursor';
import type { Held } from './held';
import type { OutcomeLog } from './outcome-log';
import type { RecordHeader } from './record';
import type { Segment } from './segment';
import type { Shelf } from './shelf';

export interface MoverOptions {
  cursor: Cursor;
  shelf: Shelf;
  outcomes: OutcomeLog;
  appender: () => Appender;
  now: () => number;
}

/** After a disk has refused. */
const MOVE_AGAIN_MS = 30_000;

/**
 * One entry that is tried again and again would keep a whole segment on the disk: it is written once more at the end, and
 * stays what it is, in its place among those that wait.
 */
export class Mover {
  readonly #options: MoverOptions;
  #last: Promise<void> = Promise.resolve();
  #notBeforeMs = 0;

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  /** All that is left in a segment, none of it in anybody's hands. */
  move(segment: Segment, left: readonly Held[]): void {
    if (this.#options.now() < this.#notBeforeMs) return;
    segment.isMoving = true;
    this.#last = this.#last.then(async () => {
      const moves: Promise<void>[] = [];
      for (const held of left) {
        // One is read after the other, and they are written together.
        const read = this.#read(held);
        const move = read.then((bytes) => this.#write(held, bytes));
        held.moving = move;
        moves.push(move);
        await read;
      }
      await Promise.all(moves);
      segment.isMoving = false;
    });
  }

  async done(): Promise<void> {
    await this.#last;
  }

  /** What cannot be read now is found out when it is due. */
  async #read(held: Held): Promise<Buffer | undefined> {
    return held.isTaken ? undefined : this.#options.cursor.again(held.segment, held.header).catch(() => undefined);
  }

  async #write(held: Held, bytes: Buffer | undefined): Promise<void> {
    const { appender, now } = this.#options;
    const { items, offeredAtMs } = held.header;
    if (bytes !== undefined) {
      await new Promise<void>((resolve) => {
        const committed = (segment: Segment, header: RecordHeader) => {
          this.#arrived(held, segment, header);
          resolve();
        };
        const failed = () => {
          // It stays where it is, and so will the others.
          this.#notBeforeMs = now() + MOVE_AGAIN_MS;
          resolve();
        };
        appender().append({ bytes, items, offeredAtMs, committed, failed });
      });
    }
    held.moving = undefined;
  }

  #arrived(held: Held, segment: Segment, header: RecordHeader): void {
    const { shelf, outcomes } = this.#options;
    const { segment: left, header: before } = held;
    held.segment = segment;
    held.header = header;
    shelf.put(segment, header);
    // The cursor will come to it, and it is known.
    segment.passed.add(header.ordinal);
    for (const outcome of held.outcomes()) outcomes.add(segment, outcome);
    outcomes.add(left, { kind: 'settled', ordinal: before.ordinal });
    shelf.remove(left, before);
  }
}
