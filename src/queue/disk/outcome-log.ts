import { type Files, type OpenFile, writeAll } from '../files';
import { type Outcome, writeOutcome } from './outcomes';
import type { Segment } from './segment';

/** Writes outcomes beside their segments, those that come while it writes together. What fails is tried with the next. */
export class OutcomeLog {
  #waiting: { segment: Segment; outcome: Outcome }[] = [];
  #isWriting = false;
  #isClosed = false;
  #written: Promise<void> = Promise.resolve();
  #appending: Promise<void> = Promise.resolve();
  #open: { segment: Segment; file: OpenFile } | undefined;

  constructor(
    private readonly files: Files,
    private readonly onGrown: (segment: Segment) => void,
  ) {}

  add(segment: Segment, outcome: Outcome): void {
    // The files are somebody else's by now.
    if (this.#isClosed) return;
    this.#waiting.push({ segment, outcome });
    void this.flush();
  }

  /** Resolves when all was written that can be. Never rejects: an outcome that is lost is an entry delivered twice. */
  flush(): Promise<void> {
    if (!this.#isWriting) this.#written = this.#writeAll();
    return this.#written;
  }

  async close(): Promise<void> {
    await this.flush();
    this.#isClosed = true;
    await this.#leave();
  }

  /** The segment is to be deleted. */
  async forget(segment: Segment): Promise<void> {
    // Not for all that is to be written: under load that never ends.
    await this.#appending;
    if (this.#open?.segment === segment) await this.#leave();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    let isWell = true;
    await undefined;
    while (this.#waiting.length > 0 && isWell) {
      const { segment } = this.#waiting[0]!;
      const next = this.#waiting.findIndex((other) => other.segment !== segment);
      const together = this.#waiting.splice(0, next < 0 ? this.#waiting.length : next);
      if (segment.isDeleted) continue;
      const outcomes = together.map(({ outcome }) => outcome);
      this.#appending = this.#append(segment, outcomes).catch(async () => {
        isWell = false;
        this.#waiting = [...together, ...this.#waiting];
        await this.#leave();
      });
      await this.#appending;
    }
    this.#isWriting = false;
  }

  async #append(segment: Segment, outcomes: readonly Outcome[]): Promise<void> {
    if (this.#open?.segment !== segment) {
      await this.#leave();
      const path = segment.outcomesPath;
      const file = await this.files.open(path, 'write').catch(() => this.files.create(path));
      this.#open = { segment, file };
    }
    const pieces: Buffer[] = [];
    let offset = segment.outcomeBytes;
    for (const outcome of outcomes) {
      const record = writeOutcome(outcome, { mark: segment.mark, offset });
      pieces.push(record);
      offset += record.length;
    }
    await writeAll(this.#open.file, pieces, segment.outcomeBytes);
    segment.outcomeBytes = offset;
    this.onGrown(segment);
  }

  async #leave(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    await file?.close().catch(() => {});
  }
}
