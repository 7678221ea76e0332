import { type RecordHeader, recordBytes } from './record';
import type { Segment } from './segment';

/** What a lane holds, in numbers: items that are not settled, and entries that were not read yet. */
export class Tally {
  items = 0;
  #unread = 0;
  #headOfferedAtMs = Infinity;
  /** Of what the disk does not give back: it is still here, and nobody reads it. */
  #skippedOfferedAtMs = Infinity;
  /** In these an entry that was moved may be older than those before it. */
  readonly #found = new Set<Segment>();

  get hasUnread(): boolean {
    return this.#unread > 0;
  }

  /** When the oldest of what was not read was offered, or earlier; infinite when there is none. */
  get headOfferedAtMs(): number {
    if (this.#unread === 0) return this.#skippedOfferedAtMs;
    let oldest = Math.min(this.#headOfferedAtMs, this.#skippedOfferedAtMs);
    for (const segment of this.#found) {
      if (segment.unread.entries === 0) this.#found.delete(segment);
      else oldest = Math.min(oldest, segment.oldestOfferedAtMs);
    }
    return oldest;
  }

  /** An earlier process has left it. */
  found(segment: Segment): void {
    this.#found.add(segment);
    this.items += segment.unread.items;
    this.#unread += segment.unread.entries;
  }

  added(segment: Segment, header: RecordHeader): void {
    const { items, offeredAtMs } = header;
    if (this.#unread === 0 || this.#headOfferedAtMs === Infinity) this.#headOfferedAtMs = offeredAtMs;
    segment.unread.entries++;
    segment.unread.items += items;
    segment.unread.bytes += recordBytes(header);
    this.items += items;
    this.#unread++;
  }

  /** Those behind it were offered later. */
  read(segment: Segment, header: RecordHeader, items: number): void {
    segment.unread.entries--;
    segment.unread.items -= items;
    segment.unread.bytes -= recordBytes(header);
    this.#unread--;
    this.#headOfferedAtMs = header.offeredAtMs;
  }

  /** They stay, but nobody waits for them. */
  skipped(segment: Segment): void {
    if (segment.unread.entries > 0) this.#skippedOfferedAtMs = this.headOfferedAtMs;
    this.#unread -= segment.unread.entries;
    segment.unread = { entries: 0, items: 0, bytes: 0 };
  }

  /** They were never read, and will not be. */
  lost(segment: Segment, { entries, items, bytes }: Segment['unread']): void {
    segment.unread.entries -= entries;
    segment.unread.items -= items;
    segment.unread.bytes -= bytes;
    this.items -= items;
    this.#unread -= entries;
  }
}
