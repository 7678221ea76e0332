import { Delayed } from './delayed';
import { type Entry, type EntryLabel, type QueuePort, QueueRefusal, type QueueStats } from './port';

export interface MemoryQueueOptions {
  bytesMax: number;
  now: () => number;
}

/**
 * What an entry takes beside its bytes: objects, places in the queue's order. Measured as heap per entry with a million
 * entries of 80 bytes; without it the bound on bytes would be none on memory.
 */
export const ENTRY_OVERHEAD_BYTES = 512;

/** A queue that is gone with its process: `GATEWAY_QUEUE=memory`. */
export function createMemoryQueue(options: MemoryQueueOptions): QueuePort {
  return new MemoryQueue(options);
}

class MemoryQueue implements QueuePort {
  readonly #bytesMax: number;
  readonly #now: () => number;
  /** In order of arrival, over all destinations; Maps and Sets keep that order and delete in constant time. */
  readonly #entries = new Map<string, MemoryEntry>();
  readonly #lanes = new Map<string, Lane>();
  #listener: (destination: string) => void = () => {};
  #lastSequence = 0;
  #bytes = 0;
  #items = 0;

  constructor({ bytesMax, now }: MemoryQueueOptions) {
    this.#bytesMax = bytesMax;
    this.#now = now;
  }

  async offer(bytes: Buffer, label: EntryLabel): Promise<void> {
    const bytesMax = this.#bytesMax;
    const size = bytes.length + ENTRY_OVERHEAD_BYTES;
    if (size > bytesMax) throw new QueueRefusal('too_large', `${size} bytes can never fit a queue of ${bytesMax}`);
    if (this.#bytes + size > bytesMax) throw new QueueRefusal('full', `the queue of ${bytesMax} bytes is full`);
    const entry = new MemoryEntry(++this.#lastSequence, bytes, label, this.#now());
    this.#entries.set(entry.id, entry);
    this.#lane(label.destination).fresh.add(entry);
    this.#bytes += size;
    this.#items += label.items;
    this.#listener(label.destination);
  }

  async take(destination: string): Promise<Entry | undefined> {
    const { fresh, delayed } = this.#lane(destination);
    const due = delayed.takeDue(this.#now());
    if (due !== undefined) return due;
    const [entry] = fresh;
    if (entry !== undefined) fresh.delete(entry);
    return entry;
  }

  settle({ id }: Entry, positions: readonly number[]): void {
    const held = this.#entries.get(id);
    if (held === undefined) return;
    this.#items -= positions.length;
    held.left -= positions.length;
    if (held.left > 0) {
      for (const position of positions) held.settled.add(position);
      return;
    }
    this.#entries.delete(id);
    this.#bytes -= held.bytes.length + ENTRY_OVERHEAD_BYTES;
  }

  retryAt({ id }: Entry, dueAtMs: number): void {
    const held = this.#entries.get(id);
    if (held === undefined) return;
    held.attempts++;
    held.dueAtMs = dueAtMs;
    this.#lane(held.destination).delayed.add(held);
    this.#listener(held.destination);
  }

  nextDueAtMs(destination: string): number | undefined {
    const { fresh, delayed } = this.#lane(destination);
    return fresh.size > 0 ? this.#now() : delayed.nextDueAtMs();
  }

  onAvailable(listener: (destination: string) => void): void {
    this.#listener = listener;
  }

  stats(destination?: string): QueueStats {
    if (destination === undefined) {
      const [oldest] = this.#entries.values();
      return { items: this.#items, bytes: this.#bytes, oldestOfferedAtMs: oldest?.offeredAtMs };
    }
    const stats: QueueStats = { items: 0, bytes: 0, oldestOfferedAtMs: undefined };
    for (const entry of this.#entries.values()) {
      if (entry.destination !== destination) continue;
      stats.items += entry.left;
      stats.bytes += entry.bytes.length + ENTRY_OVERHEAD_BYTES;
      stats.oldestOfferedAtMs ??= entry.offeredAtMs;
    }
    return stats;
  }

  destinations(): string[] {
    return [...new Set([...this.#entries.values()].map(({ destination }) => destination))];
  }

  async close(): Promise<void> {}

  #lane(destination: string): Lane {
    const known = this.#lanes.get(destination);
    if (known !== undefined) return known;
    const lane = { fresh: new Set<MemoryEntry>(), delayed: new Delayed<MemoryEntry>() };
    this.#lanes.set(destination, lane);
    return lane;
  }
}

/** The entries of one destination that wait. What was tried before is older than what is fresh. */
interface Lane {
  readonly fresh: Set<MemoryEntry>;
  readonly delayed: Delayed<MemoryEntry>;
}

class MemoryEntry implements Entry {
  readonly destination: string;
  readonly items: number;
  readonly settled = new Set<number>();
  left: number;
  attempts = 0;
  dueAtMs = 0;

  readonly id: string;

  constructor(
    readonly rank: number,
    readonly bytes: Buffer,
    label: EntryLabel,
    readonly offeredAtMs: number,
  ) {
    this.id = String(rank);
    this.destination = label.destination;
    this.items = label.items;
    this.left = label.items;
  }

  isSettled(position: number): boolean {
    return this.settled.has(position);
  }
}
