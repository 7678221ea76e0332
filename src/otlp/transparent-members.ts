import { JsonFault } from './json-fault';
import type { JsonScanner } from './json-scanner';
import { QUOTE } from './json-tokens';

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The members of a JSON object, by where they stand: nested and flat ids, times and durations decide about each other, and
 * a sender writes them in any order. Nothing is decoded before it is asked for, so what nobody reads takes no memory.
 */
export class Members {
  readonly #scanner: JsonScanner;
  readonly #ranges = new Map<string, Range>();

  /** Steps over the object that is next, checking its syntax. No object: JsonFault. Of equal names the last counts. */
  constructor(scanner: JsonScanner, names: ReadonlySet<string>) {
    this.#scanner = scanner;
    if (scanner.next() !== 'object') throw new JsonFault('invalid_field', 'is not an object');
    scanner.object((key) => {
      const isKnown = names.has(key);
      if (isKnown && scanner.takeNull()) this.#ranges.delete(key);
      else {
        const start = scanner.pos;
        scanner.skip();
        if (isKnown) this.#ranges.set(key, { start, end: scanner.pos });
      }
    });
  }

  /** What `read` makes of the member, with the scanner in front of it; `undefined` where it is absent or null. */
  read<Result>(name: string, read: () => Result): Result | undefined {
    const range = this.#ranges.get(name);
    if (range === undefined) return undefined;
    this.#scanner.pos = range.start;
    try {
      return read();
    } catch (fault) {
      throw fault instanceof JsonFault ? fault.within(name) : fault;
    }
  }

  /** The member that is an object, by its own members. */
  object(name: string, names: ReadonlySet<string>): Members | undefined {
    return this.read(name, () => new Members(this.#scanner, names));
  }

  /** As it is written. */
  text(name: string): Buffer | undefined {
    const range = this.#ranges.get(name);
    return range && this.#scanner.bytes.subarray(range.start, range.end);
  }

  /** Whether there is more than an empty text. */
  says(name: string): boolean {
    const text = this.text(name);
    return text !== undefined && !(text.length === 2 && text[0] === QUOTE);
  }
}
