/** The last of something by a key, the one that was touched last being last; the others are forgotten. */
export class Recent<Key, Value> {
  readonly #max: number;
  readonly #values = new Map<Key, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: Key): Value | undefined {
    return this.#values.get(key);
  }

  set(key: Key, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#max) return;
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }

  newestFirst(): Value[] {
    return [...this.#values.values()].reverse();
  }

  entriesNewestFirst(): [Key, Value][] {
    return [...this.#values].reverse();
  }
}
