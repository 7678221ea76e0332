import { crc32 } from 'node:zlib';
import { HEADER_BYTES, MARK_BYTES, type RecordHeader, readHeader, recordBytes } from './record';
import type { Window } from './window';

export type Found = { readonly kind: 'record'; readonly header: RecordHeader; readonly end: number } | Damage;

export type Damage =
  /** From `start` to `end` nothing can be read. `header`: of a record whose bytes are not what they were. */
  | { readonly kind: 'damage'; readonly start: number; readonly end: number; readonly header?: RecordHeader }
  /** The end of the segment is the beginning of a record: writing it was cut short. */
  | { readonly kind: 'torn'; readonly start: number; readonly end: number; readonly header?: undefined };

/** Bytes looked at in one turn; a segment is larger than what should be in memory for looking through it. */
const STEP_BYTES = 128 * 1024;

/** Finds the records of a segment, one after the other, and the next one behind what cannot be read. */
export class Scanner {
  constructor(
    private readonly window: Window,
    private readonly mark: Buffer,
    private readonly size: () => number,
  ) {}

  /** What is at `offset`; `undefined` at the end. Bytes of records are not looked at: see `isWhole`. */
  async next(offset: number): Promise<Found | undefined> {
    const size = this.size();
    if (offset >= size) return undefined;
    const header = await this.#header(offset);
    if (header !== undefined) {
      const end = offset + recordBytes(header);
      return end <= size ? { kind: 'record', header, end } : { kind: 'torn', start: offset, end: size };
    }
    const next = await this.#nextHeader(offset + 1);
    if (next !== undefined) return { kind: 'damage', start: offset, end: next };
    return { kind: (await this.#isTorn(offset)) ? 'torn' : 'damage', start: offset, end: size };
  }

  async isWhole(header: RecordHeader): Promise<boolean> {
    const start = header.offset + HEADER_BYTES;
    let crc = 0;
    for (let done = 0; done < header.length; ) {
      const part = await this.window.at(start + done, Math.min(STEP_BYTES, header.length - done));
      if (part.length === 0) return false;
      crc = crc32(part, crc);
      done += part.length;
    }
    return crc === header.bytesCrc;
  }

  async #header(offset: number): Promise<RecordHeader | undefined> {
    return readHeader(this.mark, await this.window.at(offset, HEADER_BYTES), offset);
  }

  async #nextHeader(from: number): Promise<number | undefined> {
    for (let position = from; position < this.size(); position += STEP_BYTES) {
      // A mark that begins in this step ends in it: steps overlap.
      const step = await this.window.at(position, STEP_BYTES + MARK_BYTES - 1);
      for (let at = step.indexOf(this.mark); at >= 0; at = step.indexOf(this.mark, at + 1)) {
        if ((await this.#header(position + at)) !== undefined) return position + at;
      }
    }
    return undefined;
  }

  /** A file may have grown by zeros before what belongs there was written. */
  async #isTorn(start: number): Promise<boolean> {
    const head = await this.window.at(start, HEADER_BYTES);
    if (head.length < HEADER_BYTES && this.mark.subarray(0, head.length).equals(head.subarray(0, MARK_BYTES)))
      return true;
    for (let position = start; position < this.size(); position += STEP_BYTES) {
      const step = await this.window.at(position, STEP_BYTES);
      if (step.some((byte) => byte !== 0)) return false;
    }
    return true;
  }
}
