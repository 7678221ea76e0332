import type { RecordHeader } from './record';
import type { Segment } from './segment';

/** The bytes of entries that were offered lately: who takes them soon need not read them. The oldest make room. */
export class Fresh {
  readonly #kept = new Map<string, FreshEntry>();
  #bytes = 0;

  constructor(private readonly bytesMax: number) {}

  add(segment: Segment, header: RecordHeader, bytes: Buffer): void {
    if (bytes.length > this.bytesMax) return;
    this.#kept.set(keyOf(segment, header.offset), { header, bytes });
    this.#bytes += bytes.length;
    for (const [key, oldest] of this.#kept) {
      if (this.#bytes <= this.bytesMax) return;
      this.#kept.delete(key);
      this.#bytes -= oldest.bytes.length;
    }
  }

  /** It is given once. */
  take(segment: Segment, offset: number): FreshEntry | undefined {
    const key = keyOf(segment, offset);
    const found = this.#kept.get(key);
    if (found === undefined) return undefined;
    this.#kept.delete(key);
    this.#bytes -= found.bytes.length;
    return found;
  }
}

interface FreshEntry {
  readonly header: RecordHeader;
  readonly bytes: Buffer;
}

const keyOf = ({ path }: Segment, offset: number) => `${path} ${offset}`;
