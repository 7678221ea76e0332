const BITS = 32;

/** By the list of names, of which there are few: a map for each request would be more than all else that is kept of most. */
const numbers = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

function numbersOf<Name extends string>(names: readonly Name[]): ReadonlyMap<Name, number> {
  const known = numbers.get(names) ?? new Map(names.map((name, number) => [name, number]));
  numbers.set(names, known);
  return known as ReadonlyMap<Name, number>;
}

/** Which of some names hold for which spans of a request: a bit each, for there may be a hundred thousand spans. */
export class NoteSheet<Name extends string> {
  readonly #names: readonly Name[];
  readonly #numbers: ReadonlyMap<Name, number>;
  readonly #wordsPerSpan: number;
  readonly #words: Uint32Array;

  constructor(names: readonly Name[], spans: number) {
    this.#names = names;
    this.#numbers = numbersOf(names);
    this.#wordsPerSpan = Math.ceil(names.length / BITS);
    this.#words = new Uint32Array(spans * this.#wordsPerSpan);
  }

  add(position: number, name: Name): void {
    const number = this.#numbers.get(name)!;
    this.#words[position * this.#wordsPerSpan + (number >>> 5)]! |= 1 << (number & 31);
  }

  /** In the order of the names. */
  of(position: number): Name[] {
    const names: Name[] = [];
    for (let word = 0; word < this.#wordsPerSpan; word++) {
      let bits = this.#words[position * this.#wordsPerSpan + word]!;
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits & -bits);
        names.push(this.#names[word * BITS + bit]!);
        bits &= bits - 1;
      }
    }
    return names;
  }

  /** For how many spans each name holds, and which is the first of them. */
  counts(): Map<Name, { spans: number; first: number }> {
    const counts = new Map<Name, { spans: number; first: number }>();
    for (let at = 0; at < this.#words.length; at++) {
      if (this.#words[at] === 0) continue;
      const position = Math.floor(at / this.#wordsPerSpan);
      const base = (at % this.#wordsPerSpan) * BITS;
      for (let bits = this.#words[at]!; bits !== 0; bits &= bits - 1) {
        const name = this.#names[base + 31 - Math.clz32(bits & -bits)]!;
        const count = counts.get(name);
        if (count === undefined) counts.set(name, { spans: 1, first: position });
        else count.spans++;
      }
    }
    return counts;
  }
}
