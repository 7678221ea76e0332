import { isUtf8 } from 'node:buffer';

/** Numbers per entry: key start, key end, value start, value end. */
const ROW = 4;
const FIRST_ROWS = 64;

/** Up to so many entries are compared each with each. */
const FEW_ENTRIES = 8;
/** Looks into the hash table per entry beyond which somebody has chosen the keys to collide. */
const LOOKS_MAX = 8;
/** The key start of an entry that a later one has taken the place of. */
const GONE = -1;
const FREE = -1;

/** The entry of a row whose key came before, and is to have that row's value; otherwise the row itself. */
type FirstOf = (row: number) => number;

/**
 * Where the entries of maps lie in the bytes of a request: maps within maps, as a stack. One table outside of the heap, for
 * a small body may hold a million of them.
 */
export class KvlistEntries {
  readonly #bytes: Buffer;
  #offsets = new Int32Array(FIRST_ROWS * ROW);
  /** Entries open now. */
  size = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  add(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const at = this.size * ROW;
    if (at === this.#offsets.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#offsets);
      this.#offsets = grown;
    }
    this.#offsets[at] = keyStart;
    this.#offsets[at + 1] = keyEnd;
    this.#offsets[at + 2] = valueStart;
    this.#offsets[at + 3] = valueEnd;
    this.size++;
  }

  isGone(row: number): boolean {
    return this.keyStart(row) === GONE;
  }

  keyStart(row: number): number {
    return this.#offsets[row * ROW]!;
  }

  keyEnd(row: number): number {
    return this.#offsets[row * ROW + 1]!;
  }

  valueStart(row: number): number {
    return this.#offsets[row * ROW + 2]!;
  }

  valueEnd(row: number): number {
    return this.#offsets[row * ROW + 3]!;
  }

  /** Of the entries from `from` on those of one key become one: it stands where the first did, and has the last one's value. */
  mergeEqualKeys(from: number): void {
    const count = this.size - from;
    if (count < 2) return;
    if (this.#hasBrokenKey(from)) this.#merge(from, this.#byText());
    else if (count <= FEW_ENTRIES) this.#merge(from, (row) => this.#firstAmong(from, row));
    // What was merged before the table was given up stays so, and the texts see it again.
    else if (!this.#mergeByHash(from)) this.#merge(from, this.#byText());
  }

  #merge(from: number, firstOf: FirstOf): void {
    for (let row = from; row < this.size; row++) if (!this.isGone(row)) this.#mergeInto(firstOf(row), row);
  }

  #mergeInto(first: number, row: number): void {
    if (first === row) return;
    this.#offsets.copyWithin(first * ROW + 2, row * ROW + 2, row * ROW + ROW);
    this.#offsets[row * ROW] = GONE;
  }

  #firstAmong(from: number, row: number): number {
    let first = from;
    while (first < row && (this.isGone(first) || !this.#isSameKey(first, row))) first++;
    return first;
  }

  /** Keys that are no UTF-8 are the same where their texts are. The language's own hash cannot be foreseen. */
  #byText(): FirstOf {
    const firsts = new Map<string, number>();
    return (row) => {
      const key = this.#bytes.toString('utf8', this.keyStart(row), this.keyEnd(row));
      const first = firsts.get(key);
      if (first === undefined) firsts.set(key, row);
      return first ?? row;
    };
  }

  /** Without a text per key, which would be most of the work; false where too many keys collide. */
  #mergeByHash(from: number): boolean {
    const count = this.size - from;
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(count * 2))).fill(FREE);
    const mask = slots.length - 1;
    let looks = count * LOOKS_MAX;
    for (let row = from; row < this.size; row++) {
      let slot = this.#hash(row) & mask;
      while (slots[slot] !== FREE && !this.#isSameKey(slots[slot]!, row)) {
        if (--looks < 0) return false;
        slot = (slot + 1) & mask;
      }
      if (slots[slot] === FREE) slots[slot] = row;
      else this.#mergeInto(slots[slot]!, row);
    }
    return true;
  }

  /** FNV-1a, with its high bits folded into those that count. */
  #hash(row: number): number {
    let hash = 0x811c9dc5;
    for (let at = this.keyStart(row), end = this.keyEnd(row); at < end; at++) {
      hash = Math.imul(hash ^ this.#bytes[at]!, 0x01000193);
    }
    return (hash ^ (hash >>> 15)) >>> 0;
  }

  #isSameKey(left: number, right: number): boolean {
    const offset = this.keyStart(right) - this.keyStart(left);
    if (this.keyEnd(right) - this.keyEnd(left) !== offset) return false;
    for (let at = this.keyEnd(left) - 1; at >= this.keyStart(left); at--) {
      if (this.#bytes[at] !== this.#bytes[at + offset]) return false;
    }
    return true;
  }

  #hasBrokenKey(from: number): boolean {
    for (let row = from; row < this.size; row++) {
      const end = this.keyEnd(row);
      let seen = 0;
      for (let at = this.keyStart(row); at < end; at++) seen |= this.#bytes[at]!;
      if (seen >= 0x80 && !isUtf8(this.#bytes.subarray(this.keyStart(row), end))) return true;
    }
    return false;
  }
}
