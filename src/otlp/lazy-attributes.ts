import type { Attributes } from '@opentelemetry/api';
import { emptyRecord, readValue, type Value } from './any-value';
import { isAt } from './bytes';
import { isComplexValue } from './complex-value';
import { valueAsJson } from './value-json';

/** Property names asked for so far, as bytes. Langfuse's processor asks every span for the same six. */
const keyBytes = new Map<string, Buffer>();
const KEY_BYTES_MAX = 1000;

const NO_CHANGES: ReadonlyMap<string, unknown> = new Map();

/** Numbers per attribute: key start, key end, value start, value end. */
const ROW = 4;
const FIRST_ROWS = 256;

/**
 * Where the attributes of all spans of a request lie in its bytes, in wire order. An absent value is an empty range. It is
 * one table outside of the heap: as an array per span it was a tenth of what the garbage collector had to move.
 */
export class AttributeTable {
  offsets: Int32Array;
  /** Numbers used. */
  size = 0;

  /** `rows` are reserved. */
  constructor(rows = FIRST_ROWS) {
    this.offsets = new Int32Array(rows * ROW);
  }

  add(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    if (this.size === this.offsets.length) {
      const grown = new Int32Array(this.size * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    const { offsets } = this;
    offsets[this.size++] = keyStart;
    offsets[this.size++] = keyEnd;
    offsets[this.size++] = valueStart;
    offsets[this.size++] = valueEnd;
  }
}

/** What all proxies stand for: it has no property, so that none of theirs is bound by it. */
const NOTHING = Object.create(null) as Record<string, Value>;

/**
 * A span's attributes as a plain mutable object whose values are decoded when they are read: most spans pass without
 * anybody looking at most of their attributes, and decoding them all would be half of the gateway's cost per span.
 *
 * It is the handler of a Proxy. Whoever enumerates, defines or deletes gets everything decoded first; from then on
 * `#values` is all there is. What was set to something else is remembered, so that the rest can leave as it came.
 */
export class LazyAttributes implements ProxyHandler<Record<string, Value>> {
  readonly proxy: Attributes;
  readonly #source: Buffer;
  readonly #table: AttributeTable;
  readonly #from: number;
  readonly #to: number;
  /** What was decoded or set so far. */
  #values: Record<string, Value> | undefined;
  #changed: Set<string> | undefined;
  #complete = false;

  /** The span's attributes are the rows of `table` from offset `from` to its end now. */
  constructor(source: Buffer, table: AttributeTable, from: number) {
    this.#source = source;
    this.#table = table;
    this.#from = from;
    this.#to = table.size;
    this.proxy = new Proxy(NOTHING, this) as Attributes;
  }

  /** What differs from the wire: key and new value; a value of `undefined` means the attribute was deleted. */
  changes(): ReadonlyMap<string, unknown> {
    if (this.#changed === undefined) return NO_CHANGES;
    return new Map([...this.#changed].map((key) => [key, this.#values?.[key]]));
  }

  /**
   * Sets each value that came as Langfuse does not decode it to its JSON text, without decoding it. What was set to
   * something else meanwhile stays as it is. Of equal keys the last one counts. Returns how many were set.
   */
  complexToJson(): number {
    const { offsets } = this.#table;
    const complex = new Map<string, number>();
    for (let at = this.#from; at < this.#to; at += ROW) {
      const isComplex = isComplexValue(this.#source, offsets[at + 2]!, offsets[at + 3]!);
      if (!isComplex && complex.size === 0) continue;
      const key = this.#source.toString('utf8', offsets[at], offsets[at + 1]);
      if (isComplex) complex.set(key, at);
      else complex.delete(key);
    }
    let count = 0;
    for (const [key, at] of complex) {
      if (this.#changed?.has(key)) continue;
      this.#noteChange(key);
      this.#own()[key] = valueAsJson(this.#source, offsets[at + 2]!, offsets[at + 3]!).toString();
      count++;
    }
    return count;
  }

  /**
   * Lets go of what was only read; it is decoded again when it is read again. Texts that live as long as their span is on
   * its way are what the garbage collector would spend its time on.
   */
  forgetDecoded(): void {
    if (this.#changed !== undefined) return;
    this.#values = undefined;
    this.#complete = false;
  }

  has(_target: object, key: string | symbol): boolean {
    if (typeof key === 'symbol') return false;
    return this.#isKnown(key) || (!this.#complete && this.#find(key) !== -1);
  }

  get(_target: object, key: string | symbol): unknown {
    return typeof key === 'symbol' ? undefined : this.#read(key);
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    if (typeof key === 'symbol') return false;
    if (this.has(NOTHING, key) && Object.is(this.#read(key), value)) return true;
    this.#noteChange(key);
    this.#own()[key] = value as Value;
    return true;
  }

  deleteProperty(_target: object, key: string | symbol): boolean {
    const values = this.#readAll();
    if (typeof key === 'string' && key in values) this.#noteChange(key);
    return Reflect.deleteProperty(values, key);
  }

  defineProperty(_target: object, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    // A Proxy may not promise that a property stays when its target has none.
    if (typeof key === 'symbol' || descriptor.configurable === false) return false;
    const values = this.#readAll();
    this.#noteChange(key);
    return Reflect.defineProperty(values, key, { ...descriptor, configurable: true });
  }

  /** The target is everybody's: frozen by one, it would be so for all. */
  preventExtensions(): boolean {
    return false;
  }

  setPrototypeOf(): boolean {
    return false;
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#readAll());
  }

  getOwnPropertyDescriptor(_target: object, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === 'string') this.#read(key);
    return this.#values && Reflect.getOwnPropertyDescriptor(this.#values, key);
  }

  #own(): Record<string, Value> {
    this.#values ??= emptyRecord();
    return this.#values;
  }

  #isKnown(key: string): boolean {
    return this.#values !== undefined && key in this.#values;
  }

  #noteChange(key: string): void {
    this.#changed ??= new Set();
    this.#changed.add(key);
  }

  #read(key: string): Value | undefined {
    if (this.#complete || this.#isKnown(key)) return this.#values?.[key];
    const at = this.#find(key);
    if (at === -1) return undefined;
    const value = this.#valueAt(at);
    this.#own()[key] = value;
    return value;
  }

  /** In the order of the wire, with what was set meanwhile behind it. */
  #readAll(): Record<string, Value> {
    if (this.#complete) return this.#own();
    const known = this.#values;
    const values = emptyRecord();
    const { offsets } = this.#table;
    for (let at = this.#from; at < this.#to; at += ROW) {
      const key = this.#source.toString('utf8', offsets[at], offsets[at + 1]);
      // Of equal keys the last one counts; what was set counts more.
      values[key] = known !== undefined && key in known ? known[key]! : this.#valueAt(at);
    }
    this.#values = Object.assign(values, known);
    this.#complete = true;
    return this.#values;
  }

  /** The row of the last attribute of that key, or -1. */
  #find(key: string): number {
    const wanted = bytesOf(key);
    const { length } = wanted;
    const { offsets } = this.#table;
    for (let at = this.#to - ROW; at >= this.#from; at -= ROW) {
      const start = offsets[at]!;
      if (offsets[at + 1]! - start === length && isAt(this.#source, start, wanted)) return at;
    }
    return -1;
  }

  #valueAt(at: number): Value {
    return readValue(this.#source, this.#table.offsets[at + 2]!, this.#table.offsets[at + 3]!);
  }
}

function bytesOf(key: string): Buffer {
  const known = keyBytes.get(key);
  if (known !== undefined) return known;
  const bytes = Buffer.from(key, 'utf8');
  // Keys may come from whoever reads a span, so the table does not grow without end.
  if (keyBytes.size < KEY_BYTES_MAX) keyBytes.set(key, bytes);
  return bytes;
}
