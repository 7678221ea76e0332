export interface TraceMemoryLimits {
  /** Of all destinations together. */
  readonly maxTraces: number;
  /** A trace is forgotten when it was last used longer ago than that. */
  readonly windowMs: number;
  /** What the records take, by the two constants below. */
  readonly bytesMax: number;
}

/** The record itself, not a copy: it is to be read before the memory is told more. */
export interface RememberedTrace {
  /** Encoded attribute fields (latin1 strings of protobuf bytes), by position in the table of trace attributes. */
  readonly values: readonly (string | undefined)[];
  /** Which of them came from a root span: bit per position. */
  readonly fromRoot: number;
  /** Trace id (latin1 of its 16 bytes) into which spans of this trace are moved. */
  readonly adoptedInto: string | undefined;
}

/**
 * What a record takes beside its texts, and a text beside its characters. Measured as heap per trace with 65,000 to 132,000
 * traces on Node 20, up to eight values of 1 to 4096 characters each, fresh and after a million traces had passed through;
 * these are the highest. Without them the bound on bytes would be none on memory.
 */
export const TRACE_OVERHEAD_BYTES = 224;
export const TEXT_OVERHEAD_BYTES = 32;

/** A longer value is not remembered: nobody looks for a session of that name, and few of them would push out all others. */
export const REMEMBERED_VALUE_MAX = 4096;

/** As many as there are bits in `fromRoot`. */
const POSITIONS = 31;

/** As a call adds one record at most, what is over is gone soon, and no call has much to do. */
const FORGOTTEN_PER_CALL = 2;

/**
 * What is known of the traces of late, by destination and trace id: one project's users never reach another's spans. The
 * trace that was used longest ago makes room for a new one. Times are milliseconds; time that goes back stands still.
 *
 * A text that is remembered must be one of its own, as `Buffer.latin1Slice` makes it: a part of a greater one would keep
 * all of that alive.
 */
export class TraceMemory {
  readonly #limits: TraceMemoryLimits;
  readonly #lanes = new Map<string, Lane>();
  /** Between the youngest and the oldest, in a ring. */
  readonly #ends = new Trace({ destination: '', traces: new Map(), adoptions: 0 }, '', 0);
  #nowMs = 0;
  #size = 0;
  #bytes = 0;

  constructor(limits: TraceMemoryLimits) {
    this.#limits = limits;
  }

  /** Traces that are remembered. */
  get size(): number {
    return this.#size;
  }

  /** What they take, at most `bytesMax`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What is known of a trace; makes it the youngest. */
  recall(destination: string, traceId: string, nowMs: number): RememberedTrace | undefined {
    this.#forgetOld(nowMs);
    return this.#find(destination, traceId);
  }

  /**
   * The first value that is told stays, until a root tells one: then that one does. A value longer than
   * `REMEMBERED_VALUE_MAX` has no effect at all.
   */
  rememberValue(
    destination: string,
    traceId: string,
    position: number,
    value: string,
    isRoot: boolean,
    nowMs: number,
  ): void {
    if (position < 0 || position >= POSITIONS) throw new RangeError(`position ${position} is not below ${POSITIONS}`);
    if (value.length > REMEMBERED_VALUE_MAX) return;
    this.#forgetOld(nowMs);
    const trace = this.#find(destination, traceId) ?? this.#begin(destination, traceId);
    const known = trace.values[position];
    const bit = 1 << position;
    if (known === undefined || (isRoot && (trace.fromRoot & bit) === 0)) {
      trace.setValue(position, value);
      this.#bytes += cost(value) - cost(known);
    }
    if (isRoot) trace.fromRoot |= bit;
    this.#makeRoom();
  }

  /** Spans of the trace are moved `into` another one from now on. */
  rememberAdoption(destination: string, traceId: string, into: string, nowMs: number): void {
    this.#forgetOld(nowMs);
    const trace = this.#find(destination, traceId) ?? this.#begin(destination, traceId);
    if (trace.adoptedInto === undefined) trace.lane.adoptions++;
    this.#bytes += cost(into) - cost(trace.adoptedInto);
    trace.adoptedInto = into;
    this.#makeRoom();
  }

  /** Whether a trace of the destination was moved and is still remembered; so cheap that callers may skip their lookups. */
  hasAdoptions(destination: string): boolean {
    return (this.#lanes.get(destination)?.adoptions ?? 0) > 0;
  }

  #find(destination: string, traceId: string): Trace | undefined {
    const trace = this.#lanes.get(destination)?.traces.get(traceId);
    if (trace === undefined) return undefined;
    if (this.#isOver(trace)) {
      this.#forget(trace);
      return undefined;
    }
    trace.usedAtMs = this.#nowMs;
    if (trace.younger !== this.#ends) {
      trace.leave();
      trace.enterBehind(this.#ends.older);
    }
    return trace;
  }

  #begin(destination: string, traceId: string): Trace {
    const lane = this.#lanes.get(destination) ?? { destination, traces: new Map(), adoptions: 0 };
    if (lane.traces.size === 0) this.#lanes.set(destination, lane);
    const trace = new Trace(lane, traceId, this.#nowMs);
    lane.traces.set(traceId, trace);
    trace.enterBehind(this.#ends.older);
    this.#size++;
    this.#bytes += TRACE_OVERHEAD_BYTES + cost(traceId);
    return trace;
  }

  #forgetOld(nowMs: number): void {
    if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    for (let left = FORGOTTEN_PER_CALL; left > 0; left--) {
      const oldest = this.#ends.younger;
      if (oldest === this.#ends || !this.#isOver(oldest)) return;
      this.#forget(oldest);
    }
  }

  /** Rounds are few: a value of the greatest length takes the place of some twenty records. */
  #makeRoom(): void {
    const { maxTraces, bytesMax } = this.#limits;
    while (this.#size > maxTraces || this.#bytes > bytesMax) this.#forget(this.#ends.younger);
  }

  #isOver({ usedAtMs }: Trace): boolean {
    return this.#nowMs - usedAtMs > this.#limits.windowMs;
  }

  #forget(trace: Trace): void {
    const { lane, traceId, adoptedInto } = trace;
    trace.leave();
    lane.traces.delete(traceId);
    if (adoptedInto !== undefined) lane.adoptions--;
    if (lane.traces.size === 0) this.#lanes.delete(lane.destination);
    this.#size--;
    this.#bytes -= TRACE_OVERHEAD_BYTES + cost(traceId) + cost(adoptedInto);
    for (const value of trace.values) this.#bytes -= cost(value);
  }
}

/** The traces of a destination. */
interface Lane {
  readonly destination: string;
  readonly traces: Map<string, Trace>;
  /** How many of them were moved. */
  adoptions: number;
}

const NO_VALUES: (string | undefined)[] = [];

/** A record in the order of use. A list, for a Map that is read from its front steps over all that was deleted there. */
class Trace implements RememberedTrace {
  values = NO_VALUES;
  fromRoot = 0;
  adoptedInto: string | undefined = undefined;
  older: Trace = this;
  younger: Trace = this;

  constructor(
    readonly lane: Lane,
    readonly traceId: string,
    public usedAtMs: number,
  ) {}

  /** An array that grows by itself makes room for sixteen more. */
  setValue(position: number, value: string): void {
    if (position >= this.values.length) {
      const grown = new Array<string | undefined>(position + 1).fill(undefined);
      for (const [at, known] of this.values.entries()) grown[at] = known;
      this.values = grown;
    }
    this.values[position] = value;
  }

  leave(): void {
    this.older.younger = this.younger;
    this.younger.older = this.older;
  }

  enterBehind(older: Trace): void {
    this.older = older;
    this.younger = older.younger;
    older.younger.older = this;
    older.younger = this;
  }
}

const cost = (text: string | undefined): number => (text === undefined ? 0 : text.length + TEXT_OVERHEAD_BYTES);
