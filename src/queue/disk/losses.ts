import type { Files } from '../files';
import type { DiskQueueEvent } from './event';
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
  /** Its records can no longer be found one after the other. */
  onSpoilt: (segment: Segment) => Promise<void>;
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
    if (header === undefined) {
      await this.options.onSpoilt(segment);
      return;
    }
    this.options.tally.lost(segment, { entries: 1, items: left, bytes: recordBytes(header) });
    this.#cross(segment, header);
  }

  /** Read to its end, a segment has entries that were not found: they lay in what could not be read. */
  missed(segment: Segment): void {
    const { shelf, tally, destination, onEvent } = this.options;
    const lost = { ...segment.unread };
    if (lost.entries === 0) return;
    tally.lost(segment, lost);
    segment.live.entries -= lost.entries;
    segment.live.bytes -= lost.bytes;
    onEvent({ kind: 'damaged', destination, bytes: 0, items: lost.items, isAside: false });
    shelf.weigh(segment);
    shelf.tidy(segment);
  }

  /** The disk does not give back what is left of it. Nothing is counted as lost: the next start tries again. */
  skipped(segment: Segment, code: string): void {
    const { destination, onEvent } = this.options;
    segment.isKept = true;
    onEvent({ kind: 'skipped', destination, file: `${segment.name}.log`, code });
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
    // The next start may be able to read it.
    if (!segment.isKept) outcomes.add(segment, { kind: 'settled', ordinal: header.ordinal });
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
    try {
      await setAside(segment, damage, this.options);
    } catch {
      segment.isKept = true;
    }
    onEvent({ kind: 'damaged', destination, bytes, items, isAside: !segment.isKept });
  }
}
