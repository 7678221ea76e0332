import type { RecordHeader } from './record';
import type { Segment } from './segment';

/** Of an entry beside its bytes, measured with entries of 120: without it the bound on bytes is none on memory. */
const OVERHEAD_BYTES = 512;

/** The bytes of entries that were offered lately: who takes them soon need not read them. The oldest make room. */
export class Fresh {
  readonly #kept = new Map<string, FreshEntry>();
  #bytes = 0;

  constructor(private readonly bytesMax: number) {}

  add(segment: Segment, header: RecordHeader, bytes: Buffer): void {
    if (sizeOf({ bytes }) > this.bytesMax) return;
    this.#kept.set(keyOf(segment, header.offset), { header, bytes });
    this.#bytes += sizeOf({ bytes });
    for (const [key, oldest] of this.#kept) {
      if (this.#bytes <= this.bytesMax) return;
      this.#kept.delete(key);
      this.#bytes -= sizeOf(oldest);
    }
  }

  /** It is given once. */
  take(segment: Segment, offset: number): FreshEntry | undefined {
    const key = keyOf(segment, offset);
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    this.#bytes -= sizeOf(found);
    return found;
  }
}

interface FreshEntry {
  readonly header: RecordHeader;
  readonly bytes: Buffer;
}

const keyOf = ({ path }: Segment, offset: number) => `${path} ${offset}`;

const sizeOf = ({ bytes }: { readonly bytes: Buffer }) => bytes.length + OVERHEAD_BYTES;
