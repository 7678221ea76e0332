import { type KeptRequest, sizeOf } from './kept-request';
import { type Row, rowsOf } from './row';
import { TraceRows } from './trace-rows';

export interface TraceIndexOptions {
  readonly bytesMax: number;
  /** A span was indexed. */
  readonly onRow?: (row: Row) => void;
  /** A span could not be read; it and the rest of its request are passed over. */
  readonly onUnreadable?: ((error: unknown) => void) | undefined;
}

/** Of what is asked for beside all others: senders are waiting meanwhile. */
const SLICE_MS = 10;

interface Entry {
  readonly request: KeptRequest;
  readonly bytes: number;
  /** Those that were indexed so far. */
  readonly rows: Row[];
}

/**
 * The last requests, and their spans by trace. A request costs nothing but its memory until somebody looks: then its spans
 * are read, once. What does not fit any more goes request by request, the oldest first.
 */
export class TraceIndex {
  readonly #options: TraceIndexOptions;
  /** By trace id, the trace that got a span last being last. */
  readonly #traces = new Map<string, TraceRows>();
  /** Entries from `#first` on, numbered by when they came. */
  readonly #entries = new Map<number, Entry>();
  #first = 0;
  /** The next one to come, and the next one to be indexed. */
  #end = 0;
  #unread = 0;
  #bytes = 0;
  #spans = 0;
  #reading: ReturnType<typeof rowsOf> | undefined;
  #indexing: Promise<void> | undefined;

  constructor(options: TraceIndexOptions) {
    this.#options = options;
  }

  add(request: KeptRequest): void {
    const bytes = sizeOf(request);
    this.#entries.set(this.#end++, { request, bytes, rows: [] });
    this.#bytes += bytes;
    this.#spans += request.spans;
    // One that is larger than all there is room for is kept all the same, alone.
    while (this.#bytes > this.#options.bytesMax && this.#entries.size > 1) this.#forgetOldest();
  }

  /** Resolves when all that came before is indexed, or about that much time was spent on it; to whether nothing is left. */
  async read(budgetMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const end = this.#end;
    // One at a time; who comes meanwhile goes on where that one has stopped.
    while (this.#indexing !== undefined) await this.#indexing;
    this.#indexing = this.#readUpTo(end, budgetMs).finally(() => {
      this.#indexing = undefined;
    });
    await this.#indexing;
    return this.#unread >= this.#end;
  }

  stats(): { traces: number; spans: number; bytes: number } {
    return { traces: this.#traces.size, spans: this.#spans, bytes: this.#bytes };
  }

  trace(traceId: string): TraceRows | undefined {
    return this.#traces.get(traceId);
  }

  /** The one that got a span last comes first. */
  newestFirst(): TraceRows[] {
    return [...this.#traces.values()].reverse();
  }

  async #readUpTo(end: number, budgetMs: number): Promise<void> {
    for (let spentMs = 0; spentMs < budgetMs; ) {
      const fromMs = performance.now();
      if (this.#slice(end, fromMs + SLICE_MS)) return;
      spentMs += performance.now() - fromMs;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** True when all before `end` is indexed. */
  #slice(end: number, untilMs: number): boolean {
    while (this.#unread < end) {
      if (this.#unread < this.#first) {
        // Forgotten before anybody looked.
        this.#unread = this.#first;
        this.#reading = undefined;
        continue;
      }
      const entry = this.#entries.get(this.#unread)!;
      this.#reading ??= rowsOf(entry.request);
      const { done, value } = this.#next(this.#reading);
      if (done) {
        this.#unread++;
        this.#reading = undefined;
      } else this.#place(entry, value);
      if (performance.now() >= untilMs) return this.#unread >= end;
    }
    return true;
  }

  #next(reading: ReturnType<typeof rowsOf>): IteratorResult<Row, void> {
    try {
      return reading.next();
    } catch (error) {
      // What comes behind it must not be hidden by it, nor may a timer of ours end the process.
      this.#options.onUnreadable?.(error);
      return { done: true, value: undefined };
    }
  }

  #place(entry: Entry, row: Row): void {
    const trace = this.#traces.get(row.traceId) ?? new TraceRows(row.traceId);
    this.#traces.delete(row.traceId);
    this.#traces.set(row.traceId, trace);
    trace.add(row);
    entry.rows.push(row);
    this.#options.onRow?.(row);
  }

  #forgetOldest(): void {
    const entry = this.#entries.get(this.#first)!;
    this.#entries.delete(this.#first++);
    this.#bytes -= entry.bytes;
    this.#spans -= entry.request.spans;
    for (const row of entry.rows) {
      const trace = this.#traces.get(row.traceId);
      trace?.remove(row);
      if (trace?.size === 0) this.#traces.delete(row.traceId);
    }
  }
}
