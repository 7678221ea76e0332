import type { Attributes } from '@opentelemetry/api';
import { BufferReader } from 'protobufjs/minimal';
import { emptyRecord, readAnyValue, type Value } from './any-value';

/** Property names asked for so far, as bytes. Langfuse's processor asks every span for the same six. */
const keyBytes = new Map<string, Buffer>();
const KEY_BYTES_MAX = 1000;

const NO_CHANGES: ReadonlyMap<string, unknown> = new Map();

/** Numbers per attribute in `ranges`: key start, key end, value start, value end. */
export const RANGE_SIZE = 4;

/**
 * A span's attributes as a plain mutable object whose values are decoded when they are read: most spans pass without
 * anybody looking at most of their attributes, and decoding them all would be half of the gateway's cost per span.
 *
 * It is the handler of a Proxy. Whoever enumerates, defines or deletes gets everything decoded first; from then on the
 * target is an ordinary object. `changes` remembers what was set to something else, so that the rest can leave as it came.
 */
export class LazyAttributes implements ProxyHandler<Record<string, Value>> {
  readonly proxy: Attributes;
  readonly #target = emptyRecord();
  #changed: Set<string> | undefined;
  readonly #source: Buffer;
  readonly #ranges: readonly number[];
  readonly #from: number;
  readonly #to: number;
  #complete = false;

  /**
   * From `from` to `to`, `ranges` holds RANGE_SIZE offsets into `source` per KeyValue, in wire order. An absent value is an
   * empty range.
   */
  constructor(source: Buffer, { ranges, from, to }: { ranges: readonly number[]; from: number; to: number }) {
    this.#source = source;
    this.#ranges = ranges;
    this.#from = from;
    this.#to = to;
    this.proxy = new Proxy(this.#target, this) as Attributes;
  }

  /** What differs from the wire: key and new value; a value of `undefined` means the attribute was deleted. */
  changes(): ReadonlyMap<string, unknown> {
    if (this.#changed === undefined) return NO_CHANGES;
    return new Map([...this.#changed].map((key) => [key, this.#target[key]]));
  }

  has(_target: object, key: string | symbol): boolean {
    if (typeof key === 'symbol') return false;
    return key in this.#target || (!this.#complete && this.#find(key) !== -1);
  }

  get(_target: object, key: string | symbol): unknown {
    return typeof key === 'symbol' ? undefined : this.#read(key);
  }

  set(_target: object, key: string | symbol, value: unknown): boolean {
    if (typeof key === 'symbol') return false;
    const known = this.has(this.#target, key);
    if (known && Object.is(this.#read(key), value)) return true;
    this.#noteChange(key);
    this.#target[key] = value as Value;
    return true;
  }

  deleteProperty(target: Record<string, Value>, key: string | symbol): boolean {
    this.#readAll();
    if (typeof key === 'string' && key in target) this.#noteChange(key);
    return Reflect.deleteProperty(target, key);
  }

  defineProperty(target: Record<string, Value>, key: string | symbol, descriptor: PropertyDescriptor): boolean {
    this.#readAll();
    if (typeof key === 'string') this.#noteChange(key);
    return Reflect.defineProperty(target, key, descriptor);
  }

  ownKeys(target: Record<string, Value>): (string | symbol)[] {
    this.#readAll();
    return Reflect.ownKeys(target);
  }

  getOwnPropertyDescriptor(target: Record<string, Value>, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === 'string') this.#read(key);
    return Reflect.getOwnPropertyDescriptor(target, key);
  }

  #noteChange(key: string): void {
    this.#changed ??= new Set();
    this.#changed.add(key);
  }

  #read(key: string): Value | undefined {
    if (this.#complete || key in this.#target) return this.#target[key];
    const at = this.#find(key);
    if (at === -1) return undefined;
    const value = this.#valueAt(at);
    this.#target[key] = value;
    return value;
  }

  #readAll(): void {
    if (this.#complete) return;
    this.#complete = true;
    const decoded = this.#target;
    for (let at = this.#from; at < this.#to; at += RANGE_SIZE) {
      const key = this.#source.toString('utf8', this.#ranges[at], this.#ranges[at + 1]);
      // A value already read or set stays: the last duplicate won there too.
      if (!(key in decoded)) decoded[key] = this.#valueAt(this.#find(key));
    }
  }

  /** The last attribute of that key, as an index into the ranges, or -1. */
  #find(key: string): number {
    const wanted = bytesOf(key);
    const { length } = wanted;
    for (let at = this.#to - RANGE_SIZE; at >= this.#from; at -= RANGE_SIZE) {
      const start = this.#ranges[at]!;
      if (this.#ranges[at + 1]! - start === length && isAt(this.#source, start, wanted)) return at;
    }
    return -1;
  }

  #valueAt(at: number): Value {
    const end = this.#ranges[at + 3]!;
    const reader = new BufferReader(this.#source);
    reader.pos = this.#ranges[at + 2]!;
    return readAnyValue(reader, end);
  }
}

/** From the end, where keys of one family differ; a call into native code would cost more than the loop. */
function isAt(source: Buffer, start: number, wanted: Buffer): boolean {
  for (let at = wanted.length - 1; at >= 0; at--) if (source[start + at] !== wanted[at]) return false;
  return true;
}

function bytesOf(key: string): Buffer {
  const known = keyBytes.get(key);
  if (known !== undefined) return known;
  const bytes = Buffer.from(key, 'utf8');
  // Keys may come from whoever reads a span, so the table does not grow without end.
  if (keyBytes.size < KEY_BYTES_MAX) keyBytes.set(key, bytes);
  return bytes;
}
