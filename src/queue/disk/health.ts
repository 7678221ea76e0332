import { join } from 'node:path';
import type { Files } from '../files';
import { QueueRefusal } from '../port';
import type { DiskQueueEvent } from './event';

export interface HealthOptions {
  files: Files;
  directory: string;
  now: () => number;
  onEvent?: (event: DiskQueueEvent) => void;
}

/** Space that is left for outcomes and dead letters: so many bytes, or this part of a small file system. */
const FLOOR_BYTES = 64 * 1024 * 1024;
const FLOOR_SHARE = 1 / 20;
/** With less than the largest body above that, a segment of which nothing is left should go at once. */
const SHORT_BYTES = 64 * 1024 * 1024;
/** No name of a lane begins like this. */
const PROBE = '.probe';
const PROBE_BYTES = 4096;
/** What the system says when there is no space, by whatever limit. */
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** How the disk is doing: full is not sick, for it has room again when something was delivered. */
export class Health {
  readonly #options: HealthOptions;
  #sick: { sinceMs: number; code: string } | undefined;
  #space: { free: number; total: number } | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get sick(): { sinceMs: number; code: string } | undefined {
    return this.#sick;
  }

  /** Entries are refused for want of space, or large ones would be. */
  get isShort(): boolean {
    return this.#lacks(SHORT_BYTES);
  }

  /** Throws where so many bytes more should not be written. */
  check(bytes: number): void {
    if (this.#sick !== undefined) throw sickRefusal(this.#sick.code);
    if (this.#lacks(bytes)) throw new QueueRefusal('full', 'the disk of the queue is almost full', true);
  }

  worked(bytes: number): void {
    if (this.#space !== undefined) this.#space.free -= bytes;
  }

  /** Remembers what has failed. */
  refusal(error: unknown): unknown {
    if (error instanceof QueueRefusal) return error;
    const code = codeOf(error);
    if (FULL_CODES.has(code)) return new QueueRefusal('full', 'the disk of the queue is full', true);
    const { now, onEvent } = this.#options;
    if (this.#sick === undefined) onEvent?.({ kind: 'sick', code });
    this.#sick = { sinceMs: this.#sick?.sinceMs ?? now(), code };
    return sickRefusal(code);
  }

  /** Tries a sick disk by writing to it, and measures the space. */
  async look(): Promise<void> {
    const { files, directory, onEvent } = this.#options;
    // Where it cannot be told, writing will.
    this.#space = await files.space(directory).catch(() => undefined);
    if (this.#sick === undefined) return;
    const { sinceMs } = this.#sick;
    const code = await this.#tryOut();
    // A sick disk that is full is well: the next offer finds out whether there is room.
    this.#sick = code === undefined || FULL_CODES.has(code) ? undefined : { sinceMs, code };
    if (this.#sick === undefined) onEvent?.({ kind: 'well' });
  }

  #lacks(bytes: number): boolean {
    if (this.#space === undefined) return false;
    const { free, total } = this.#space;
    return free - bytes < Math.min(FLOOR_BYTES, total * FLOOR_SHARE);
  }

  /** The system's code when it fails. */
  async #tryOut(): Promise<string | undefined> {
    const { files, directory } = this.#options;
    const path = join(directory, PROBE);
    try {
      await files.makeDirectory(directory);
      await files.remove(path);
      const file = await files.create(path);
      try {
        await file.write([Buffer.alloc(PROBE_BYTES)], 0);
        await file.sync();
      } finally {
        await file.close();
        await files.remove(path);
      }
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}

function sickRefusal(code: string): QueueRefusal {
  return new QueueRefusal('sick', `the disk of the queue fails (${code})`);
}
