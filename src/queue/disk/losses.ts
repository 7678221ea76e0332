import type { DiskQueueEvent } from '../disk-queue';
import type { Files } from '../files';
import type { Held } from './held';
import type { OutcomeLog } from './outcome-log';
import { type RecordHeader, recordBytes } from './record';
import type { Damage } from './scanner';
import type { Segment } from './segment';
import { setAside } from './set-aside';
import type { Shelf } from './shelf';
import type { Tally } from './tally';

export interface LossesOptions {
  files: Files;
  directory: string;
  destination: string;
  shelf: Shelf;
  outcomes: OutcomeLog;
  tally: Tally;
  onEvent: (event: DiskQueueEvent) => void;
}

/** What cannot be read: its bytes are put aside, its items are no longer counted, and somebody is told. */
export class Losses {
  constructor(private readonly options: LossesOptions) {}

  /** At the start, before anything was counted. */
  async found(segment: Segment, damage: Damage): Promise<void> {
    await this.#tell(segment, damage, 0);
  }

  /** The cursor has come to it. */
  async met(segment: Segment, damage: Damage): Promise<void> {
    if (segment.damage.has(damage.start)) return;
    segment.damage.add(damage.start);
    const { header } = damage;
    const left = header === undefined ? 0 : header.items - (segment.noted.get(header.ordinal)?.settled.size ?? 0);
    await this.#tell(segment, damage, left);
    if (header === undefined) return;
    this.options.tally.lost(segment, { entries: 1, items: left });
    this.#cross(segment, header);
  }

  /** Read to its end, a segment has entries that were not found: they lay in what could not be read. */
  missed(segment: Segment): void {
    const { shelf, tally, destination, onEvent } = this.options;
    const lost = { ...segment.unread };
    if (lost.entries === 0) return;
    tally.lost(segment, lost);
    segment.live.entries -= lost.entries;
    onEvent({ kind: 'damaged', destination, bytes: 0, items: lost.items });
    shelf.weigh(segment);
    shelf.tidy(segment);
  }

  /** It was read before. To be called when it is nobody's any more. */
  async spoilt({ segment, header, left }: Held): Promise<void> {
    const end = header.offset + recordBytes(header);
    await this.#tell(segment, { kind: 'damage', start: header.offset, end, header }, left);
    this.options.tally.items -= left;
    this.#cross(segment, header);
  }

  #cross(segment: Segment, header: RecordHeader): void {
    const { outcomes, shelf } = this.options;
    outcomes.add(segment, { kind: 'settled', ordinal: header.ordinal });
    shelf.remove(segment, header);
  }

  async #tell(segment: Segment, damage: Damage, items: number): Promise<void> {
    const { destination, onEvent } = this.options;
    const bytes = damage.end - damage.start;
    if (damage.kind === 'torn') {
      // It was never confirmed: there is nothing to keep of it.
      onEvent({ kind: 'torn', destination, bytes });
      return;
    }
    await setAside(segment, damage, this.options).catch(() => {});
    onEvent({ kind: 'damaged', destination, bytes, items });
  }
}
