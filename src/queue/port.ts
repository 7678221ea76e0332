/**
 * What lies between the receiver's yes and the delivery: entries of opaque bytes, each holding a number of items. An
 * entry is offered once, taken as often as it takes, and gone when all of its items are settled.
 *
 *     offer ──▶ waiting ──take──▶ taken ──settle (all items)──▶ gone
 *                  ▲                │
 *                  └──── retryAt ───┘
 *
 * Times are milliseconds since the epoch. Nothing here assumes one process or a disk.
 */
export interface QueuePort {
  /** Resolves when the entry is kept. Rejects with a QueueRefusal. */
  offer(bytes: Buffer, offer: Offer): Promise<void>;

  /**
   * The oldest entry of that destination that is due and not taken, or `undefined`. Entries that were taken before can be
   * passed over by their id, so that nobody has to hold those that are not wanted now.
   */
  take(destination: string, passOver?: PassOver): Promise<Entry | undefined>;

  /** Crosses out items of a taken entry; when none is left, the entry is gone. Positions count from 0 and come once. */
  settle(entry: Entry, positions: readonly number[]): void;

  /** Puts a taken entry back, not to be taken before `dueAtMs`. */
  retryAt(entry: Entry, dueAtMs: number): void;

  /** When the next entry of that destination falls due; `undefined` when none waits. */
  nextDueAtMs(destination: string): number | undefined;

  /** Called whenever something may have become available to take. One listener. */
  onAvailable(listener: (destination: string) => void): void;

  /** Of one destination, or of all. */
  stats(destination?: string): QueueStats;

  /** Those that have entries, in no order. An entry may be for one that nobody serves any more. */
  destinations(): string[];

  close(): Promise<void>;
}

export type PassOver = (id: string) => boolean;

export interface EntryLabel {
  readonly destination: string;
  readonly items: number;
}

export interface Offer extends EntryLabel {
  /** It takes the place of something that counts against the bound already: it is kept beyond it too. */
  readonly isCounted?: boolean;
}

export interface Entry extends EntryLabel {
  readonly id: string;
  readonly bytes: Buffer;
  readonly offeredAtMs: number;
  /** How often it was taken before. */
  readonly attempts: number;
  isSettled(position: number): boolean;
}

export interface QueueStats {
  /** Items not settled, taken ones included. */
  items: number;
  /** What the queue holds, with what it needs to hold it: room may come back later than items are settled. */
  bytes: number;
  /** When the oldest entry was offered; `undefined` when there is none. */
  oldestOfferedAtMs: number | undefined;
}

/** Of several parts of a queue; what is not there counts nothing. */
export function sumOf(parts: readonly (QueueStats | undefined)[]): QueueStats {
  const sum: QueueStats = { items: 0, bytes: 0, oldestOfferedAtMs: undefined };
  for (const part of parts) {
    if (part === undefined) continue;
    const { items, bytes, oldestOfferedAtMs: oldest } = part;
    sum.items += items;
    sum.bytes += bytes;
    if (oldest !== undefined) sum.oldestOfferedAtMs = Math.min(oldest, sum.oldestOfferedAtMs ?? oldest);
  }
  return sum;
}

/** Why an offer was not kept: `full` may pass later, `too_large` never fits, `sick` is a disk that fails. */
export class QueueRefusal extends Error {
  constructor(
    readonly reason: 'full' | 'too_large' | 'sick',
    message: string,
    /** What has no room is the disk, whatever the queue's own bound is. */
    readonly isDisk = false,
  ) {
    super(message);
    this.name = 'QueueRefusal';
  }
}
