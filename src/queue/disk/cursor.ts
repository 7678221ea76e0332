import type { Files, OpenFile } from '../files';
import type { Fresh } from './fresh';
import { HEADER_BYTES, type RecordHeader } from './record';
import { type Damage, Scanner } from './scanner';
import type { Segment } from './segment';
import { Window } from './window';

export interface CursorOptions {
  files: Files;
  fresh: Fresh;
  /** The first segment after that number. */
  segmentAfter: (number: number) => Segment | undefined;
  /** A record or a stretch between records that cannot be read. */
  onDamage: (segment: Segment, damage: Damage) => Promise<void>;
  /** All of a sealed segment was read. What is still counted as unread in it is not there. */
  onEnd: (segment: Segment) => void;
  /** The disk does not give back what is left of it. */
  onSkipped: (segment: Segment, code: string) => void;
  now: () => number;
}

/** A disk that fails for a while is waited for; a sector that is bad for longer is not, nor what lies behind it. */
const SKIP_AFTER_MS = 60_000;

export interface Read {
  readonly segment: Segment;
  readonly header: RecordHeader;
  readonly bytes: Buffer;
}

/** Reads the entries of a lane once, in the order they were written. One call at a time. */
export class Cursor {
  readonly #options: CursorOptions;
  #segment: Segment | undefined;
  #offset = 0;
  #failingSinceMs: number | undefined;
  #open: { file: OpenFile; window: Window; scanner: Scanner } | undefined;

  constructor(options: CursorOptions) {
    this.#options = options;
  }

  async next(): Promise<Read | undefined> {
    for (;;) {
      const segment = this.#segment ?? (await this.#advance());
      if (segment === undefined) return undefined;
      // One that was deleted had nothing left but what is passed over.
      if (segment.isDropped || this.#offset >= segment.size) {
        if (!segment.isSealed) return undefined;
        this.#options.onEnd(segment);
        // An open file takes its space, even when its name is gone.
        await this.close();
        if ((await this.#advance()) === undefined) return undefined;
        continue;
      }
      const read = await this.#readOne(segment).catch((error) => this.#failed(segment, error));
      if (read !== undefined) return read;
    }
  }

  /** Reads again what `next` has given before. */
  async again(segment: Segment, header: RecordHeader): Promise<Buffer | undefined> {
    const file = await this.#options.files.open(segment.path, 'read').catch(isGone);
    if (file === undefined) return undefined;
    try {
      // The record alone: entries are tried again by the thousand, and each keeps what was read with it.
      const window = new Window(file, () => segment.size, 0);
      const bytes = await readWhole(new Scanner(window, segment.mark, () => segment.size), window, header);
      return bytes;
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    // What was read from it is as good as before.
    await file?.close().catch(() => {});
  }

  #failed(segment: Segment, error: NodeJS.ErrnoException): undefined {
    const { now, onSkipped } = this.#options;
    if (segment.isDropped) return;
    this.#failingSinceMs ??= now();
    if (error.code !== 'EIO' || now() - this.#failingSinceMs < SKIP_AFTER_MS) throw error;
    this.#failingSinceMs = undefined;
    this.#offset = segment.size;
    onSkipped(segment, error.code);
  }

  async #readOne(segment: Segment): Promise<Read | undefined> {
    const kept = this.#options.fresh.take(segment, this.#offset);
    if (kept !== undefined) {
      this.#offset += HEADER_BYTES + kept.bytes.length;
      return segment.passed.has(kept.header.ordinal) ? undefined : { segment, ...kept };
    }
    const { scanner, window } = this.#open ?? (await this.#openFile(segment).catch(isGone)) ?? {};
    if (scanner === undefined || window === undefined) {
      // Somebody has removed the file: at its end what is missing is counted as lost, and what is behind it is not.
      this.#offset = segment.size;
      return undefined;
    }
    // Before its end there is something, if only damage.
    const found = (await scanner.next(this.#offset))!;
    if (found.kind !== 'record') {
      await this.#options.onDamage(segment, found);
      this.#offset = found.end;
      this.#failingSinceMs = undefined;
      return undefined;
    }
    const { header, end } = found;
    const isPassed = segment.passed.has(header.ordinal);
    const bytes = isPassed ? undefined : await readWhole(scanner, window, header);
    if (bytes === undefined && !isPassed)
      await this.#options.onDamage(segment, { kind: 'damage', start: header.offset, end, header });
    this.#offset = end;
    this.#failingSinceMs = undefined;
    // A copy: in somebody's hands for long, it would keep all that was read with it.
    return bytes && { segment, header, bytes: Buffer.from(bytes) };
  }

  async #openFile(segment: Segment) {
    const file = await this.#options.files.open(segment.path, 'read');
    const window = new Window(file, () => segment.size);
    this.#open = { file, window, scanner: new Scanner(window, segment.mark, () => segment.size) };
    return this.#open;
  }

  async #advance(): Promise<Segment | undefined> {
    this.#failingSinceMs = undefined;
    const next = this.#options.segmentAfter(this.#segment?.number ?? -1);
    if (next === undefined) return undefined;
    await this.close();
    this.#segment = next;
    this.#offset = 0;
    return next;
  }
}

function isGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function readWhole(scanner: Scanner, window: Window, header: RecordHeader): Promise<Buffer | undefined> {
  const bytes = await window.at(header.offset + HEADER_BYTES, header.length);
  return bytes.length === header.length && (await scanner.isWhole(header)) ? bytes : undefined;
}
