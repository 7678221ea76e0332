import { basename } from 'node:path';
import { type Files, type OpenFile, writeAll } from '../files';
import { QueueRefusal } from '../port';
import { HEADER_BYTES, type RecordHeader, readHeader, writeHeader } from './record';
import { Segment } from './segment';

/** Written and synced at once at most; what waits beyond it comes next. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;
/** A segment of which nothing is left is not worth keeping once it is this part of its full size. */
const WORTH_KEEPING = 1 / 4;

export interface Append {
  readonly bytes: Buffer;
  readonly items: number;
  readonly offeredAtMs: number;
  /** It is on disk. Called in the turn in which the segment's size grows. */
  committed(segment: Segment, header: RecordHeader): void;
  /** It is not, or nobody knows. */
  failed(error: unknown): void;
}

export interface AppenderOptions {
  files: Files;
  directory: string;
  randomMark: () => string;
  segmentBytes: number;
  /** The number of the next segment. */
  firstNumber: number;
  onBegun: (segment: Segment) => void;
  onSealed: (segment: Segment) => void;
}

/** Writes what waits in one go and syncs it once, into one segment after the other. */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #waiting: Append[] = [];
  #number: number;
  #active: { segment: Segment; file: OpenFile } | undefined;
  #isWriting = false;
  #isClosed = false;
  /** The active segment is not to be written to any more. */
  #isUnfit = false;
  #written: Promise<void> = Promise.resolve();

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#number = options.firstNumber;
  }

  append(append: Append): void {
    if (this.#isClosed) {
      // No fault of the disk.
      append.failed(new QueueRefusal('sick', 'the queue is closed'));
      return;
    }
    this.#waiting.push(append);
    if (!this.#isWriting) this.#written = this.#writeAll();
  }

  /** Gives up a segment of which nothing is left, so that it can be deleted. */
  async makeRoom(): Promise<void> {
    const { size, live } = this.#active?.segment ?? {};
    if (!this.#isWriting && live?.entries === 0 && size !== 0) await this.#seal();
  }

  /** Looks whether its file still has its name: what is written to one that somebody removed is gone with the process. */
  async look(): Promise<void> {
    const { segment } = this.#active ?? {};
    if (segment === undefined) return;
    const names = await this.#options.files.list(this.#options.directory);
    if (!names.includes(basename(segment.path))) await this.giveUp(segment);
  }

  /** The segment is not what it was. */
  async giveUp(segment: Segment): Promise<void> {
    if (this.#active?.segment !== segment) return;
    this.#isUnfit = true;
    if (!this.#isWriting) await this.#seal();
  }

  /** Resolves when nothing waits, with the last segment sealed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#isWriting) await this.#written;
    await this.#seal();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // What is offered in the same turn shares the sync.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch: Append[] = [];
      try {
        await this.#begin(this.#waiting[0]!);
        this.#gather(batch);
        await this.#write(batch);
      } catch (error) {
        // Of a failed write or sync nobody knows what reached the disk, and a second sync would not tell: the segment
        // ends where it was last known to be whole.
        await this.#abandon();
        for (const { failed } of batch.length > 0 ? batch : this.#waiting.splice(0)) failed(error);
      }
    }
    this.#isWriting = false;
  }

  async #begin({ bytes }: Append): Promise<void> {
    const { files, directory, randomMark, segmentBytes, onBegun } = this.#options;
    if (this.#active !== undefined) {
      const { size, live } = this.#active.segment;
      const isFull = size > 0 && size + HEADER_BYTES + bytes.length > segmentBytes;
      if (isFull || this.#isUnfit || (live.entries === 0 && size > segmentBytes * WORTH_KEEPING)) await this.#seal();
    }
    if (this.#active !== undefined) return;
    const segment = new Segment(directory, this.#number++, randomMark());
    // Somebody may have removed it.
    await files.makeDirectory(directory);
    const file = await files.create(segment.path);
    this.#active = { segment, file };
    onBegun(segment);
    // Without its name a file is lost, however well it was synced.
    await files.syncDirectory(directory);
  }

  /** As many of those that wait as the segment takes, and one at least. */
  #gather(batch: Append[]): void {
    const { segment } = this.#active!;
    let bytes = 0;
    for (const { bytes: own } of this.#waiting) {
      const more = bytes + HEADER_BYTES + own.length;
      if (batch.length > 0 && (more > BATCH_BYTES_MAX || segment.size + more > this.#options.segmentBytes)) break;
      batch.push(this.#waiting[batch.length]!);
      bytes = more;
    }
    this.#waiting.splice(0, batch.length);
  }

  async #write(batch: readonly Append[]): Promise<void> {
    const { segment, file } = this.#active!;
    const headers: RecordHeader[] = [];
    const pieces: Buffer[] = [];
    let offset = segment.size;
    for (const { bytes, items, offeredAtMs } of batch) {
      const head = writeHeader(segment.mark, { offset, ordinal: segment.ordinal++, items, offeredAtMs }, bytes);
      headers.push(readHeader(segment.mark, head, offset)!);
      pieces.push(head, bytes);
      offset += head.length + bytes.length;
    }
    await writeAll(file, pieces, segment.size);
    await file.sync();
    segment.size = offset;
    for (const [at, { committed }] of batch.entries()) committed(segment, headers[at]!);
  }

  async #abandon(): Promise<void> {
    const { segment, file } = this.#active ?? {};
    await file?.truncate(segment!.size).catch(() => {});
    await this.#seal();
  }

  async #seal(): Promise<void> {
    if (this.#active === undefined) return;
    const { segment, file } = this.#active;
    this.#active = undefined;
    this.#isUnfit = false;
    await file.close().catch(() => {});
    segment.isSealed = true;
    this.#options.onSealed(segment);
  }
}
