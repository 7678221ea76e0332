export interface WatchersOptions {
  /** Reads what came, for about so long; resolves to true when nothing is left unread. */
  readonly read: (budgetMs: number) => Promise<boolean>;
  /** Absent: what came is read for those who watch only. */
  readonly onTrace: ((traceId: string) => void) | undefined;
}

export type Watch = (changed: { readonly traceIds: readonly string[]; readonly isCut: boolean }) => void;

const TICK_MS = 500;
/** The first news comes sooner. */
const FIRST_MS = 50;
/** Of each tick: who looks must not hold up who sends. */
const BUDGET_MS = 20;
const TOLD_MAX = 100;

/** Those who want to hear of traces that change. While there are some, what comes is read as it comes. */
export class Watchers {
  readonly #options: WatchersOptions;
  readonly #watches = new Set<Watch>();
  /** The latest one last. */
  readonly #changed = new Set<string>();
  #isCut = false;
  /** Set from when it is to run until it has run. */
  #timer: NodeJS.Timeout | undefined;
  /** Something came while it ran. */
  #isWoken = false;
  #isClosed = false;
  #lastTickMs = 0;

  constructor(options: WatchersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Call what it returns to hear no more. */
  add(watch: Watch): () => void {
    this.#watches.add(watch);
    this.wake();
    return () => this.#watches.delete(watch);
  }

  /** Something may have come. */
  wake(): void {
    const { onTrace } = this.#options;
    if (this.#isClosed || (this.#watches.size === 0 && onTrace === undefined)) return;
    this.#isWoken = true;
    if (this.#timer !== undefined) return;
    const sinceMs = performance.now() - this.#lastTickMs;
    this.#timer = setTimeout(() => void this.#tick(), Math.max(FIRST_MS, TICK_MS - sinceMs)).unref();
  }

  /** A span of the trace was read. */
  changed(traceId: string): void {
    this.#options.onTrace?.(traceId);
    if (this.#watches.size === 0) return;
    this.#changed.delete(traceId);
    this.#changed.add(traceId);
    if (this.#changed.size <= TOLD_MAX) return;
    this.#isCut = true;
    for (const oldest of this.#changed) {
      this.#changed.delete(oldest);
      return;
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#watches.clear();
  }

  async #tick(): Promise<void> {
    this.#isWoken = false;
    const isAllRead = await this.#options.read(BUDGET_MS);
    this.#lastTickMs = performance.now();
    this.#timer = undefined;
    if (this.#changed.size > 0) {
      const news = { traceIds: [...this.#changed].reverse(), isCut: this.#isCut };
      this.#changed.clear();
      this.#isCut = false;
      for (const watch of this.#watches) watch(news);
    }
    if (!isAllRead || this.#isWoken) this.wake();
  }
}
