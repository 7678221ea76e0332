import { isAt } from './bytes';

/** An attribute key somebody wants to hear of. */
export interface WatchedKey {
  /** The whole key, or how it begins. */
  readonly key: string;
  readonly isPrefix?: boolean;
  /** Set in `keys` when a span has the attribute, or in `emptyKeys` when it has it with an empty text. */
  readonly bit: number;
  /** Which keys with that beginning count; all by default. */
  readonly onlyKeys?: ((key: string) => boolean) | undefined;
  /** Which values count; `text` is `undefined` for a value that is no text. */
  readonly only?: ((text: string | undefined) => boolean) | undefined;
  /**
   * Which values count, by their bytes between `start` and `end`: a text's content, of any other value all of its
   * AnyValue. Asked before the others, and nothing is decoded for it.
   */
  readonly onlyBytes?: ((bytes: Buffer, start: number, end: number) => boolean) | undefined;
}

/** What is wanted of one key. */
interface Watched {
  readonly bytes: Buffer;
  readonly isPrefix: boolean;
  readonly wants: readonly WatchedKey[];
}

/** Buckets of a watch; a power of two, and many more than there are keys, so that most keys find nobody who watches. */
const BUCKETS = 4096;
/** All that are watched begin with as many bytes; a short key has a bucket of its own accord. */
const PREFIX_BYTES_MIN = 8;

/** The keys by what can be seen of one at a glance: most attributes of a span cost two looks. */
export class KeyWatch {
  readonly #lists: (readonly Watched[])[] = [[]];
  /** Positions in `#lists`, 0 for nobody. */
  readonly #exact = new Uint16Array(BUCKETS);
  readonly #prefixes = new Uint16Array(BUCKETS);

  constructor(keys: readonly WatchedKey[]) {
    for (const [key, isPrefix] of new Map(keys.map(({ key, isPrefix }) => [key, isPrefix === true]))) {
      const bytes = Buffer.from(key);
      if (isPrefix && bytes.length < PREFIX_BYTES_MIN) throw new RangeError(`${key} is too short for a prefix`);
      const wants = keys.filter((watched) => watched.key === key);
      const [index, bucket] = isPrefix
        ? [this.#prefixes, prefixBucket(bytes, 0)]
        : [this.#exact, exactBucket(bytes, 0, bytes.length)];
      this.#lists.push([...this.#lists[index[bucket]!]!, { bytes, isPrefix, wants }]);
      index[bucket] = this.#lists.length - 1;
    }
  }

  /** Calls `found` with what is wanted of the key at `start`. */
  look(bytes: Buffer, start: number, length: number, found: (wants: readonly WatchedKey[]) => void): void {
    const exact = this.#exact[exactBucket(bytes, start, length)]!;
    if (exact !== 0) this.#match(this.#lists[exact]!, bytes, start, length, found);
    if (length < PREFIX_BYTES_MIN) return;
    const prefix = this.#prefixes[prefixBucket(bytes, start)]!;
    if (prefix !== 0) this.#match(this.#lists[prefix]!, bytes, start, length, found);
  }

  #match(
    list: readonly Watched[],
    bytes: Buffer,
    start: number,
    length: number,
    found: (wants: readonly WatchedKey[]) => void,
  ): void {
    for (const { bytes: key, isPrefix, wants } of list) {
      const fits = isPrefix ? key.length <= length : key.length === length;
      if (fits && isAt(bytes, start, key)) found(wants);
    }
  }
}

/** By its length and three of its bytes. */
function exactBucket(bytes: Buffer, start: number, length: number): number {
  const last = bytes[start + length - 1]!;
  const middle = bytes[start + (length >> 1)]!;
  return (length * 5 + bytes[start]! * 17 + middle * 31 + last * 131) & (BUCKETS - 1);
}

/** By its first and its eighth byte. */
const prefixBucket = (bytes: Buffer, start: number) =>
  (bytes[start]! * 17 + bytes[start + PREFIX_BYTES_MIN - 1]! * 131) & (BUCKETS - 1);
