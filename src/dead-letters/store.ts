import { join } from 'node:path';
import type { Files } from '../queue/files';
import {
  DamagedLetter,
  type DeadLetter,
  isLetterId,
  letterId,
  type NewDeadLetter,
  readLetter,
  writeLetter,
} from './letter';
import { readWhole, sizeOf, writeWhole } from './whole-file';

/**
 * Spans that were given up, each lot as two plain files: `ID.otlp`, an OTLP protobuf request that any OTLP tool can send,
 * beside `ID.json`, which says why. A letter exists when its `.json` does.
 *
 * One process at a time writes and removes; any may list and read beside it.
 */
export interface DeadLetterStore {
  /** Counts what is there; removes what a crash has left half written or half removed. */
  open(): Promise<void>;
  /** Resolves to the id when both files are on disk, and so are their names. When it rejects, nothing is left. */
  write(letter: NewDeadLetter, bytes: readonly Buffer[]): Promise<string>;
  /** Oldest first. What the caller holds of it are names. */
  ids(): Promise<string[]>;
  /** Oldest first, one at a time. What vanishes meanwhile is passed over; what is damaged is told and passed over. */
  list(onDamaged: (damaged: DamagedLetter) => void): AsyncIterable<DeadLetter>;
  /** Why it was written, without its spans' bytes. Any text may be asked for. Rejects with DamagedLetter. */
  letter(id: string): Promise<DeadLetter | undefined>;
  /** Any text may be asked for. Rejects with DamagedLetter. */
  read(id: string): Promise<{ letter: DeadLetter; bytes: Buffer } | undefined>;
  /** False when there is no such letter, whatever the text. */
  remove(id: string): Promise<boolean>;
  /** Removes letters that were given up longer ago than that and resolves to their number. */
  expire(olderThanMs: number): Promise<number>;
  /** They are plain files: somebody may have removed some, and their room is wanted. */
  recount(): Promise<void>;
  /** Of the letters written and found by this process; `bytes` of both files. */
  stats(): { letters: number; bytes: number };
}

interface DeadLetterStoreOptions {
  files: Files;
  directory: string;
  /** 8 hexadecimal digits. */
  randomId: () => string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

export function createDeadLetterStore(options: DeadLetterStoreOptions): DeadLetterStore {
  return new Store(options);
}

/** The spans, and why they were given up. */
const OTLP = '.otlp';
const WHY = '.json';
/** At the end of a name until all of the file is on disk. */
const UNFINISHED = '.tmp';
const WHOLE = new Set([OTLP, WHY]);
const HALF = new Set([OTLP + UNFINISHED, WHY + UNFINISHED]);

class Store implements DeadLetterStore {
  readonly #files: Files;
  readonly #directory: string;
  readonly #randomId: () => string;
  readonly #now: () => number;
  readonly #removing = new Set<string>();
  #letters = 0;
  #bytes = 0;
  #lastIdMs = 0;
  /** Writing or removing a letter: how often it was begun, and how many have not ended. */
  #changes = 0;
  #underWay = 0;

  constructor({ files, directory, randomId, now }: DeadLetterStoreOptions) {
    this.#files = files;
    this.#directory = directory;
    this.#randomId = randomId;
    this.#now = now;
  }

  async open(): Promise<void> {
    await this.#files.makeDirectory(this.#directory);
    const names = new Set(await this.#files.list(this.#directory));
    let removed = 0;
    for (const name of names) {
      const { id, end } = parts(name);
      // After a power cut either of the two names may be the one that is lost.
      const isWhole = names.has(id + OTLP) && names.has(id + WHY);
      if (!isLetterId(id) || (isWhole && WHOLE.has(end)) || !(WHOLE.has(end) || HALF.has(end))) continue;
      await this.#files.remove(join(this.#directory, name));
      removed++;
    }
    if (removed > 0) await this.#files.syncDirectory(this.#directory);
    await this.#count();
  }

  async recount(): Promise<void> {
    if ((await this.ids()).length !== this.#letters) await this.#count();
  }

  /** Without effect where a letter comes or goes meanwhile: nobody can say whether it was counted. */
  async #count(): Promise<void> {
    if (this.#underWay > 0) return;
    const changes = this.#changes;
    let letters = 0;
    let bytes = 0;
    for (const name of await this.#files.list(this.#directory)) {
      const { id, end } = parts(name);
      if (!isLetterId(id) || !WHOLE.has(end)) continue;
      bytes += (await sizeOf(this.#files, join(this.#directory, name))) ?? 0;
      if (end === WHY) letters++;
    }
    if (this.#changes !== changes) return;
    this.#letters = letters;
    this.#bytes = bytes;
  }

  async write(letter: NewDeadLetter, bytes: readonly Buffer[]): Promise<string> {
    const id = this.#newId();
    const otlp = this.#path(id, OTLP);
    const why = this.#path(id, WHY);
    const size = bytes.reduce((sum, { length }) => sum + length, 0);
    const letterBytes = writeLetter({ ...letter, id, bytes: size });
    this.#changes++;
    this.#underWay++;
    try {
      await writeWhole(this.#files, otlp + UNFINISHED, bytes);
      await writeWhole(this.#files, why + UNFINISHED, [letterBytes]);
      await this.#files.rename(otlp + UNFINISHED, otlp);
      await this.#files.rename(why + UNFINISHED, why);
      await this.#files.syncDirectory(this.#directory);
    } catch (error) {
      // Its spans are still in the queue: a letter that nobody confirmed would be a second copy of them.
      for (const path of [why, why + UNFINISHED, otlp, otlp + UNFINISHED]) {
        await this.#files.remove(path).catch(() => {});
      }
      throw error;
    } finally {
      this.#underWay--;
    }
    this.#letters++;
    this.#bytes += size + letterBytes.length;
    return id;
  }

  async ids(): Promise<string[]> {
    const names = (await this.#files.list(this.#directory)).map(parts);
    return names
      .filter(({ id, end }) => end === WHY && isLetterId(id))
      .map(({ id }) => id)
      .sort();
  }

  async *list(onDamaged: (damaged: DamagedLetter) => void): AsyncGenerator<DeadLetter> {
    for (const id of await this.ids()) {
      let letter: DeadLetter | undefined;
      try {
        letter = await this.letter(id);
      } catch (error) {
        if (!(error instanceof DamagedLetter)) throw error;
        onDamaged(error);
      }
      if (letter !== undefined) yield letter;
    }
  }

  async letter(id: string): Promise<DeadLetter | undefined> {
    const bytes = isLetterId(id) ? await readWhole(this.#files, this.#path(id, WHY)) : undefined;
    return bytes && readLetter(id, bytes);
  }

  async read(id: string): Promise<{ letter: DeadLetter; bytes: Buffer } | undefined> {
    if (!isLetterId(id)) return undefined;
    const letter = await this.letter(id);
    if (letter === undefined) return undefined;
    const bytes = await readWhole(this.#files, this.#path(id, OTLP));
    if (bytes === undefined) {
      // Unless it was removed at this moment.
      if ((await sizeOf(this.#files, this.#path(id, WHY))) === undefined) return undefined;
      throw new DamagedLetter(id, `${id}${OTLP} is missing`);
    }
    // Half of a request can be a request, with fewer spans.
    if (bytes.length !== letter.bytes) {
      throw new DamagedLetter(id, `${id}${OTLP} has ${bytes.length} bytes instead of ${letter.bytes}`);
    }
    return { letter, bytes };
  }

  async remove(id: string): Promise<boolean> {
    const removed = await this.#remove(id);
    if (removed) await this.#files.syncDirectory(this.#directory);
    return removed;
  }

  async expire(olderThanMs: number): Promise<number> {
    const beforeMs = this.#now() - olderThanMs;
    let removed = 0;
    for await (const { id, lastAt } of this.list(() => {})) {
      // They are written when they are given up, so the rest is younger: not all of a million need to be read.
      if (Date.parse(lastAt) >= beforeMs) break;
      if (await this.#remove(id)) removed++;
    }
    if (removed > 0) await this.#files.syncDirectory(this.#directory);
    return removed;
  }

  stats(): { letters: number; bytes: number } {
    return { letters: this.#letters, bytes: this.#bytes };
  }

  async #remove(id: string): Promise<boolean> {
    if (!isLetterId(id) || this.#removing.has(id)) return false;
    this.#removing.add(id);
    this.#changes++;
    this.#underWay++;
    try {
      const whyBytes = await sizeOf(this.#files, this.#path(id, WHY));
      if (whyBytes === undefined) return false;
      const otlpBytes = (await sizeOf(this.#files, this.#path(id, OTLP))) ?? 0;
      await this.#files.remove(this.#path(id, WHY));
      this.#letters--;
      this.#bytes -= whyBytes;
      await this.#files.remove(this.#path(id, OTLP));
      this.#bytes -= otlpBytes;
      return true;
    } finally {
      this.#removing.delete(id);
      this.#underWay--;
    }
  }

  #path(id: string, end: string): string {
    return join(this.#directory, id + end);
  }

  /** A millisecond of its own for each, so that they sort as they were written and none can replace another. */
  #newId(): string {
    this.#lastIdMs = Math.max(this.#now(), this.#lastIdMs + 1);
    return letterId(this.#lastIdMs, this.#randomId());
  }
}

/** `ID.json.tmp` is ID and `.json.tmp`. */
function parts(name: string): { id: string; end: string } {
  const dot = name.indexOf('.');
  return dot === -1 ? { id: name, end: '' } : { id: name.slice(0, dot), end: name.slice(dot) };
}
