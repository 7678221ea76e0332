import { Delayed } from './delayed';
import {
  type Entry,
  type EntryLabel,
  type Offer,
  type PassOver,
  type QueuePort,
  QueueRefusal,
  type QueueStats,
  sumOf,
} from './port';

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
  readonly #lanes = new Map<string, Lane>();
  #listener: (destination: string) => void = () => {};
  #lastRank = 0;
  #bytes = 0;

  constructor({ bytesMax, now }: MemoryQueueOptions) {
    this.#bytesMax = bytesMax;
    this.#now = now;
  }

  async offer(bytes: Buffer, { isCounted = false, ...label }: Offer): Promise<void> {
    const bytesMax = this.#bytesMax;
    const size = bytes.length + ENTRY_OVERHEAD_BYTES;
    if (size > bytesMax && !isCounted)
      throw new QueueRefusal('too_large', `${size} bytes can never fit a queue of ${bytesMax}`);
    if (this.#bytes + size > bytesMax && !isCounted)
      throw new QueueRefusal('full', `the queue of ${bytesMax} bytes is full`);
    const entry = new MemoryEntry(++this.#lastRank, bytes, label, this.#now());
    const lane = this.#lane(label.destination);
    lane.all.set(entry.id, entry);
    lane.fresh.add(entry);
    lane.items += label.items;
    lane.bytes += size;
    this.#bytes += size;
    this.#listener(label.destination);
  }

  async take(destination: string, passOver?: PassOver): Promise<Entry | undefined> {
    const { fresh, delayed } = this.#lane(destination);
    const due = delayed.takeDue(this.#now(), passOver);
    if (due !== undefined) return due;
    const [entry] = fresh;
    if (entry !== undefined) fresh.delete(entry);
    return entry;
  }

  settle({ id, destination }: Entry, positions: readonly number[]): void {
    const lane = this.#lane(destination);
    const held = lane.all.get(id);
    if (held === undefined) return;
    lane.items -= positions.length;
    held.left -= positions.length;
    if (held.left > 0) {
      for (const position of positions) held.settled.add(position);
      return;
    }
    lane.all.delete(id);
    const size = held.bytes.length + ENTRY_OVERHEAD_BYTES;
    lane.bytes -= size;
    this.#bytes -= size;
  }

  retryAt({ id, destination }: Entry, dueAtMs: number): void {
    const { all, delayed } = this.#lane(destination);
    const held = all.get(id);
    if (held === undefined) return;
    held.attempts++;
    held.dueAtMs = dueAtMs;
    delayed.add(held);
    this.#listener(destination);
  }

  nextDueAtMs(destination: string): number | undefined {
    const { fresh, delayed } = this.#lane(destination);
    return fresh.size > 0 ? this.#now() : delayed.nextDueAtMs();
  }

  onAvailable(listener: (destination: string) => void): void {
    this.#listener = listener;
  }

  stats(destination?: string): QueueStats {
    const lanes = destination === undefined ? [...this.#lanes.values()] : [this.#lanes.get(destination)];
    return sumOf(lanes.map(statsOf));
  }

  destinations(): string[] {
    return [...this.#lanes].filter(([, { all }]) => all.size > 0).map(([destination]) => destination);
  }

  async close(): Promise<void> {}

  #lane(destination: string): Lane {
    const known = this.#lanes.get(destination);
    if (known !== undefined) return known;
    const lane = {
      all: new Map(),
      fresh: new Set<MemoryEntry>(),
      delayed: new Delayed<MemoryEntry>(),
      items: 0,
      bytes: 0,
    };
    this.#lanes.set(destination, lane);
    return lane;
  }
}

/** The entries of one destination. What was tried before is older than what is fresh. */
interface Lane {
  /** In order of arrival. Maps and Sets keep that order and delete in constant time. */
  readonly all: Map<string, MemoryEntry>;
  readonly fresh: Set<MemoryEntry>;
  readonly delayed: Delayed<MemoryEntry>;
  items: number;
  bytes: number;
}

function statsOf(lane: Lane | undefined): QueueStats | undefined {
  const [oldest] = lane?.all.values() ?? [];
  return lane && { items: lane.items, bytes: lane.bytes, oldestOfferedAtMs: oldest?.offeredAtMs };
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
