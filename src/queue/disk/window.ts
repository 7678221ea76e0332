import type { OpenFile } from '../files';

/** Read at once; small records come many at a time. */
const WINDOW_BYTES = 256 * 1024;

/** Reads a file that is only appended to, from anywhere, in few calls. What it returns stays as it is. */
export class Window {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(
    private readonly file: OpenFile,
    /** What counts of the file; it may grow. */
    private readonly size: () => number,
    /** Read at once at least. Whatever is returned keeps all of it in memory. */
    private readonly bytesMin = WINDOW_BYTES,
  ) {}

  /** The bytes from `position` on: as many as asked for, fewer only at the end. */
  async at(position: number, length: number): Promise<Buffer> {
    const end = Math.min(position + length, this.size());
    if (position >= end) return Buffer.alloc(0);
    if (position < this.#start || end > this.#start + this.#bytes.length) {
      this.#bytes = await this.#read(position, Math.min(Math.max(end, position + this.bytesMin), this.size()));
      this.#start = position;
    }
    return this.#bytes.subarray(position - this.#start, end - this.#start);
  }

  async #read(start: number, end: number): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(end - start);
    let filled = 0;
    while (filled < into.length) {
      const read = await this.file.read(into.subarray(filled), start + filled);
      if (read === 0) break;
      filled += read;
    }
    return into.subarray(0, filled);
  }
}
