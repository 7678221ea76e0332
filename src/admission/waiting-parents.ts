import { SPAN_ID_BYTES, TRACE_ID_BYTES } from '../otlp/ids';
import { CHAIN_MAX, placesFor, type SpanHash } from './span-hash';

/** A parent that did not come. Ids in hex. */
export interface Orphan {
  readonly traceId: string;
  /** Of the first child. */
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Children that miss this parent; those that come after it was told are told in another one. */
  readonly spans: number;
}

/** Slot 0 is nobody's: the end of a chain, and both ends of the list. */
const NONE = 0;

const SPAN_ID_AT = TRACE_ID_BYTES;
const PARENT_ID_AT = SPAN_ID_AT + SPAN_ID_BYTES;
const IDS_BYTES = PARENT_ID_AT + SPAN_ID_BYTES;

/**
 * Parents that are missing, in slots: chained by place, and listed by the time when the first child missed them. Two are the
 * same when the 64 bits of their hashes are. No chain is longer than `CHAIN_MAX`.
 */
export class WaitingParents {
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #older: Int32Array;
  readonly #younger: Int32Array;
  readonly #places: Int32Array;
  readonly #prints: Int32Array;
  readonly #timesMs: Float64Array;
  readonly #spans: Int32Array;
  /** Trace id, id of the first child, parent id. */
  readonly #ids: Buffer;
  /** Free slots are a chain too. */
  #free = NONE;

  constructor(max: number) {
    const slots = max + 1;
    this.#first = new Int32Array(placesFor(max));
    this.#next = new Int32Array(slots);
    this.#older = new Int32Array(slots);
    this.#younger = new Int32Array(slots);
    this.#places = new Int32Array(slots);
    this.#prints = new Int32Array(slots);
    this.#timesMs = new Float64Array(slots);
    this.#spans = new Int32Array(slots);
    this.#ids = Buffer.alloc(slots * IDS_BYTES);
    for (let slot = max; slot > NONE; slot--) this.#setFree(slot);
  }

  /** The span came; those that miss it since before `sinceMs` miss it for good. */
  release(parent: SpanHash, sinceMs: number): void {
    const slot = this.#find(parent, sinceMs);
    if (slot !== NONE) this.#remove(slot);
  }

  /** Whether it is waited for already, since `sinceMs` at most; then one more child does. */
  isOneMore(parent: SpanHash, sinceMs: number): boolean {
    const slot = this.#find(parent, sinceMs);
    if (slot === NONE) return false;
    this.#spans[slot] = this.#spans[slot]! + 1;
    return true;
  }

  /** Waits for a parent from now on, where there is room for it. */
  begin(
    { place, print }: SpanHash,
    nowMs: number,
    bytes: Buffer,
    traceIdAt: number,
    spanIdAt: number,
    parentIdAt: number,
  ): void {
    const slot = this.#free;
    const bucket = this.#bucket(place);
    if (slot === NONE || this.#isLong(bucket)) return;
    this.#free = this.#next[slot]!;
    this.#next[slot] = this.#first[bucket]!;
    this.#first[bucket] = slot;
    this.#link(this.#older[NONE]!, slot);
    this.#link(slot, NONE);
    this.#places[slot] = place;
    this.#prints[slot] = print;
    this.#timesMs[slot] = nowMs;
    this.#spans[slot] = 1;
    const at = slot * IDS_BYTES;
    bytes.copy(this.#ids, at, traceIdAt, traceIdAt + TRACE_ID_BYTES);
    bytes.copy(this.#ids, at + SPAN_ID_AT, spanIdAt, spanIdAt + SPAN_ID_BYTES);
    bytes.copy(this.#ids, at + PARENT_ID_AT, parentIdAt, parentIdAt + SPAN_ID_BYTES);
  }

  /** Those that are waited for since before that, the oldest first. */
  takeBefore(sinceMs: number): Orphan[] {
    const taken: Orphan[] = [];
    for (;;) {
      const slot = this.#younger[NONE]!;
      if (slot === NONE || this.#timesMs[slot]! >= sinceMs) return taken;
      taken.push(this.#orphan(slot));
      this.#remove(slot);
    }
  }

  #orphan(slot: number): Orphan {
    const hex = (from: number, to: number) => this.#ids.toString('hex', slot * IDS_BYTES + from, slot * IDS_BYTES + to);
    return {
      traceId: hex(0, SPAN_ID_AT),
      spanId: hex(SPAN_ID_AT, PARENT_ID_AT),
      parentSpanId: hex(PARENT_ID_AT, IDS_BYTES),
      spans: this.#spans[slot]!,
    };
  }

  #find({ place, print }: SpanHash, sinceMs: number): number {
    for (let slot = this.#first[this.#bucket(place)]!; slot !== NONE; slot = this.#next[slot]!) {
      if (this.#places[slot] !== place || this.#prints[slot] !== print) continue;
      // The newest of that hash comes first.
      return this.#timesMs[slot]! < sinceMs ? NONE : slot;
    }
    return NONE;
  }

  #isLong(bucket: number): boolean {
    let length = 0;
    for (let slot = this.#first[bucket]!; slot !== NONE; slot = this.#next[slot]!) length++;
    return length >= CHAIN_MAX;
  }

  #remove(slot: number): void {
    const bucket = this.#bucket(this.#places[slot]!);
    let before = NONE;
    for (let at = this.#first[bucket]!; at !== slot; at = this.#next[at]!) before = at;
    if (before === NONE) this.#first[bucket] = this.#next[slot]!;
    else this.#next[before] = this.#next[slot]!;
    this.#link(this.#older[slot]!, this.#younger[slot]!);
    this.#setFree(slot);
  }

  #link(older: number, younger: number): void {
    this.#younger[older] = younger;
    this.#older[younger] = older;
  }

  #setFree(slot: number): void {
    this.#next[slot] = this.#free;
    this.#free = slot;
  }

  #bucket(place: number): number {
    return place & (this.#first.length - 1);
  }
}
