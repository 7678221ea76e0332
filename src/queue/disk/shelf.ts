import { dirname } from 'node:path';
import type { Files } from '../files';
import type { OutcomeLog } from './outcome-log';
import type { RecordHeader } from './record';
import type { Segment } from './segment';

/** A segment that nobody reads or writes, and of which less than this part is left, is not worth its space. */
const WORTH_KEEPING = 1 / 4;

export interface ShelfOptions {
  files: Files;
  outcomes: OutcomeLog;
  /** What is left in it should be written anew. */
  onSparse: (segment: Segment) => void;
}

/** The segments of a lane, and what they take of the disk. One of which nothing is left is deleted. */
export class Shelf {
  readonly #options: ShelfOptions;
  /** In order. */
  readonly #segments = new Map<number, Segment>();
  #bytes = 0;
  #undeleted: Segment[] = [];
  #deleting: Promise<void> = Promise.resolve();

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(segment: Segment): void {
    this.#segments.set(segment.number, segment);
    this.weigh(segment);
  }

  after(number: number): Segment | undefined {
    for (const segment of this.#segments.values()) if (segment.number > number) return segment;
    return undefined;
  }

  put(segment: Segment, header: RecordHeader): void {
    segment.add(header);
    this.weigh(segment);
  }

  remove(segment: Segment, header: RecordHeader): void {
    segment.remove(header);
    this.weigh(segment);
    this.tidy(segment);
  }

  /** To be called whenever the segment's bytes may have changed. */
  weigh(segment: Segment): void {
    this.#bytes += segment.bytes - segment.weighed;
    segment.weighed = segment.bytes;
  }

  tidy(segment: Segment): void {
    if (!segment.isSealed || segment.isDropped || segment.isKept) return;
    if (segment.live.entries === 0) {
      segment.isDropped = true;
      this.#segments.delete(segment.number);
      this.#delete(segment);
    } else if (segment.isIdle && segment.live.bytes < segment.size * WORTH_KEEPING) this.#options.onSparse(segment);
  }

  /** Resolves when what was to be deleted is, as far as that is possible now. */
  async settled({ again }: { again: boolean }): Promise<void> {
    if (again) for (const segment of this.#undeleted.splice(0)) this.#delete(segment);
    await this.#deleting;
  }

  #delete(segment: Segment): void {
    const { files, outcomes } = this.#options;
    this.#deleting = this.#deleting.then(async () => {
      try {
        // The outcomes go last: without them the entries would be back.
        await files.remove(segment.path);
        segment.isDeleted = true;
        await outcomes.forget(segment);
        await files.syncDirectory(dirname(segment.path));
        await files.remove(segment.outcomesPath);
      } catch {
        this.#undeleted.push(segment);
      }
    });
  }
}
