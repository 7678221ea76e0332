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
}

/**
 * One entry that is tried again and again would keep a whole segment on the disk: it is written once more at the end, and
 * stays what it is, in its place among those that wait.
 */
export class Mover {
  readonly #options: MoverOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: MoverOptions) {
    this.#options = options;
  }

  move(held: Held): void {
    if (held.moving !== undefined) return;
    this.#last = this.#last.then(async () => {
      await this.#moveNow(held);
      held.moving = undefined;
    });
    held.moving = this.#last;
  }

  async done(): Promise<void> {
    await this.#last;
  }

  async #moveNow(held: Held): Promise<void> {
    const { cursor, appender } = this.#options;
    // What cannot be read now is found out when it is due.
    const bytes = await cursor.again(held.segment, held.header).catch(() => undefined);
    if (bytes === undefined) return;
    const { items, offeredAtMs } = held.header;
    await new Promise<void>((resolve) => {
      const committed = (segment: Segment, header: RecordHeader) => {
        this.#arrived(held, segment, header);
        resolve();
      };
      // It stays where it is until its next attempt.
      appender().append({ bytes, items, offeredAtMs, committed, failed: () => resolve() });
    });
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
