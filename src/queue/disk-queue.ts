import { dirname, join } from 'node:path';
import type { DiskQueueEvent } from './disk/event';
import { Fresh } from './disk/fresh';
import { Health } from './disk/health';
import { Lane } from './disk/lane';
import { destinationOf, laneName } from './disk/lane-name';
import { HEADER_BYTES } from './disk/record';
import type { Files } from './files';
import { type Entry, type Offer, type PassOver, type QueuePort, QueueRefusal, type QueueStats, sumOf } from './port';

export interface DiskQueueOptions {
  files: Files;
  /** Where its files are; made when it is not there. */
  directory: string;
  /** Of its files together with `otherBytes`. */
  bytesMax: number;
  /** What else takes of `bytesMax`: dead letters. */
  otherBytes?: () => number;
  now: () => number;
  /** 16 hexadecimal digits that nobody can guess. */
  randomMark: () => string;
  /** Beyond it a new segment begins. */
  segmentBytes?: number;
  /** Of offered entries, kept until they are taken so that they need not be read. */
  cacheBytes?: number;
  onEvent?: (event: DiskQueueEvent) => void;
}

export interface DiskQueue extends QueuePort {
  /** Reads what is there. Until it has resolved the queue is empty and refuses. */
  open(): Promise<void>;
  /** To be called about once a second: looks whether a sick disk is well again, and how much space is left. */
  maintain(): Promise<void>;
  /** Set while the disk fails: since when, and the system's code (EIO, EROFS). */
  sick(): { sinceMs: number; code: string } | undefined;
}

const SEGMENT_BYTES_MAX = 32 * 1024 * 1024;
const SEGMENT_BYTES_MIN = 64 * 1024;
/** A small quota is not one segment. */
const SEGMENTS_MIN = 16;
const CACHE_BYTES = 16 * 1024 * 1024;

/** A queue that outlives its process: `GATEWAY_QUEUE=disk`. Its format is drawn in docs/queue-format.md. */
export function createDiskQueue(options: DiskQueueOptions): DiskQueue {
  return new SegmentedQueue(options);
}

class SegmentedQueue implements DiskQueue {
  readonly #options: DiskQueueOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #opening = new Map<string, Promise<Lane>>();
  readonly #fresh: Fresh;
  readonly #health: Health;
  #listener: (destination: string) => void = () => {};
  /** Offered, and not yet part of a lane. */
  #pendingBytes = 0;
  #isOpen = false;
  /** All of it, from the end of opening on: a part is no answer to how much there is. */
  #isRead = false;
  #maintaining: Promise<void> = Promise.resolve();

  constructor(options: DiskQueueOptions) {
    this.#options = options;
    this.#fresh = new Fresh(options.cacheBytes ?? CACHE_BYTES);
    this.#health = new Health(options);
  }

  async open(): Promise<void> {
    const { files, directory } = this.#options;
    await files.makeDirectory(directory);
    await files.syncDirectory(dirname(directory));
    for (const name of (await files.list(directory)).sort()) {
      const destination = destinationOf(name);
      if (destination === undefined) continue;
      await this.#lane(destination).catch((error) => {
        // A file of that name is nobody's lane.
        if (error.code !== 'EEXIST') throw error;
      });
    }
    await this.#health.look();
    this.#isOpen = true;
    this.#isRead = true;
  }

  async offer(bytes: Buffer, { destination, items, isCounted = false }: Offer): Promise<void> {
    const { now } = this.#options;
    const size = HEADER_BYTES + bytes.length;
    this.#check(size, isCounted);
    this.#pendingBytes += size;
    try {
      const offeredAtMs = now();
      const lane = this.#lanes.get(destination) ?? (await this.#lane(destination));
      await lane.offer(bytes, { items, offeredAtMs });
      this.#health.worked(size);
    } catch (error) {
      throw this.#health.refusal(error);
    } finally {
      this.#pendingBytes -= size;
    }
    this.#listener(destination);
  }

  async take(destination: string, passOver?: PassOver): Promise<Entry | undefined> {
    return this.#lanes.get(destination)?.take(passOver);
  }

  settle(entry: Entry, positions: readonly number[]): void {
    this.#lanes.get(entry.destination)?.settle(entry, positions);
  }

  retryAt(entry: Entry, dueAtMs: number): void {
    this.#lanes.get(entry.destination)?.retryAt(entry, dueAtMs);
    this.#listener(entry.destination);
  }

  nextDueAtMs(destination: string): number | undefined {
    return this.#lanes.get(destination)?.nextDueAtMs();
  }

  onAvailable(listener: (destination: string) => void): void {
    this.#listener = listener;
  }

  stats(destination?: string): QueueStats {
    if (!this.#isRead) return sumOf([]);
    const lanes = destination === undefined ? [...this.#lanes.values()] : [this.#lanes.get(destination)];
    return sumOf(lanes.map((lane) => lane?.stats()));
  }

  destinations(): string[] {
    return [...this.#lanes].filter(([, lane]) => lane.stats().items > 0).map(([destination]) => destination);
  }

  async maintain(): Promise<void> {
    const maintained = this.#maintaining.then(() => this.#maintain());
    this.#maintaining = maintained.catch(() => {});
    await maintained;
  }

  sick(): { sinceMs: number; code: string } | undefined {
    return this.#health.sick;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#maintaining;
    await Promise.allSettled(this.#opening.values());
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  async #maintain(): Promise<void> {
    if (!this.#isOpen) return;
    await this.#health.look();
    for (const lane of this.#lanes.values()) await lane.maintain({ isShort: this.#health.isShort });
  }

  /** Throws where the entry cannot be kept. */
  #check(size: number, isCounted: boolean): void {
    const { bytesMax, otherBytes = () => 0 } = this.#options;
    if (!this.#isOpen) throw new QueueRefusal('sick', 'the queue is not open');
    if (!isCounted) {
      if (size > bytesMax) throw new QueueRefusal('too_large', `${size} bytes can never fit a queue of ${bytesMax}`);
      if (this.stats().bytes + otherBytes() + this.#pendingBytes + size > bytesMax)
        throw new QueueRefusal('full', `the queue of ${bytesMax} bytes is full`);
    }
    this.#health.check(this.#pendingBytes + size);
  }

  /** Opened once, when it is first needed. */
  #lane(destination: string): Promise<Lane> {
    const opening = this.#opening.get(destination) ?? this.#openLane(destination);
    this.#opening.set(destination, opening);
    // The next offer tries again.
    opening.catch(() => this.#opening.delete(destination));
    return opening;
  }

  async #openLane(destination: string): Promise<Lane> {
    const { files, directory, bytesMax, randomMark, now, onEvent = () => {}, segmentBytes } = this.#options;
    const share = Math.floor(bytesMax / SEGMENTS_MIN);
    const lane = new Lane({
      ...{ files, destination, randomMark, now, onEvent, fresh: this.#fresh },
      directory: join(directory, laneName(destination)),
      segmentBytes: segmentBytes ?? Math.max(SEGMENT_BYTES_MIN, Math.min(SEGMENT_BYTES_MAX, share)),
    });
    await lane.open();
    this.#lanes.set(destination, lane);
    return lane;
  }
}
