import { Delayed } from '../delayed';
import type { DiskQueueEvent } from '../disk-queue';
import type { Files } from '../files';
import type { Entry, QueueStats } from '../port';
import { Appender } from './appender';
import { Cursor, type Read } from './cursor';
import type { Fresh } from './fresh';
import { Held } from './held';
import { Mover } from './mover';
import { OutcomeLog } from './outcome-log';
import { type RecordHeader, recordBytes } from './record';
import { recover } from './recovery';
import type { Damage } from './scanner';
import type { Segment } from './segment';
import { setAside } from './set-aside';
import { Shelf } from './shelf';

export interface LaneOptions {
  files: Files;
  directory: string;
  destination: string;
  randomMark: () => string;
  segmentBytes: number;
  fresh: Fresh;
  now: () => number;
  onEvent: (event: DiskQueueEvent) => void;
}

/** So many entries wait for their next attempt at most before new ones are left where they are: these are in memory. */
const DELAYED_MAX = 50_000;

/** The entries of one destination: segments that are appended to at one end and read at the other. */
export class Lane {
  readonly #options: LaneOptions;
  /** In the order they were first taken. */
  readonly #held = new Map<string, Held>();
  readonly #delayed = new Delayed<Held>();
  readonly #cursor: Cursor;
  readonly #outcomes: OutcomeLog;
  readonly #shelf: Shelf;
  readonly #mover: Mover;
  #appender: Appender | undefined;
  #items = 0;
  #unread = 0;
  /** When the oldest of what was not read was offered, or earlier. */
  #headOfferedAtMs = Infinity;
  #ranks = 0;
  #taking: Promise<unknown> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.#options = options;
    const { files, fresh } = options;
    const outcomes = new OutcomeLog(files, (segment) => this.#shelf.weigh(segment));
    const onSparse = (segment: Segment) => {
      for (const held of this.#held.values()) if (held.segment === segment) this.#mover.move(held);
    };
    const shelf = new Shelf({ files, outcomes, onSparse });
    const cursor = new Cursor({
      files,
      fresh,
      segmentAfter: (number) => shelf.after(number),
      onDamage: (segment, damage) => this.#damaged(segment, damage),
      onEnd: (segment) => this.#missed(segment),
    });
    this.#mover = new Mover({ cursor, shelf, outcomes, appender: () => this.#appender! });
    this.#outcomes = outcomes;
    this.#shelf = shelf;
    this.#cursor = cursor;
  }

  async open(): Promise<void> {
    const { files, directory, randomMark, segmentBytes } = this.#options;
    await files.makeDirectory(directory);
    const onDamage = (segment: Segment, damage: Damage) => this.#tell(segment, damage, 0);
    const segments = await recover({ files, directory, onDamage });
    for (const segment of segments) {
      this.#shelf.add(segment);
      this.#items += segment.unread.items;
      this.#unread += segment.unread.entries;
      this.#headOfferedAtMs = Math.min(this.#headOfferedAtMs, segment.oldestOfferedAtMs);
    }
    for (const segment of segments) this.#shelf.tidy(segment);
    this.#appender = new Appender({
      ...{ files, directory, randomMark, segmentBytes },
      firstNumber: (segments.at(-1)?.number ?? 0) + 1,
      onBegun: (segment) => this.#shelf.add(segment),
      onSealed: (segment) => this.#shelf.tidy(segment),
    });
  }

  /** Resolves when the entry is on disk. Rejects with what the file system said. */
  offer(bytes: Buffer, { items, offeredAtMs }: { items: number; offeredAtMs: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      const committed = (segment: Segment, header: RecordHeader) => {
        this.#shelf.put(segment, header);
        segment.unread.entries++;
        segment.unread.items += items;
        if (this.#unread === 0) this.#headOfferedAtMs = offeredAtMs;
        this.#unread++;
        this.#items += items;
        this.#options.fresh.add(segment, header, bytes);
        resolve();
      };
      this.#appender!.append({ bytes, items, offeredAtMs, committed, failed: reject });
    });
  }

  take(): Promise<Entry | undefined> {
    const taken = this.#taking.then(() => this.#take());
    this.#taking = taken.catch(() => {});
    return taken;
  }

  settle({ id }: Entry, positions: readonly number[]): void {
    const held = this.#held.get(id);
    if (held === undefined || positions.length === 0) return;
    this.#items -= positions.length;
    held.settle(positions);
    const { ordinal } = held.header;
    if (held.left > 0) this.#outcomes.add(held.segment, { kind: 'positions', ordinal, positions });
    else this.#gone(held);
  }

  retryAt({ id }: Entry, dueAtMs: number): void {
    const held = this.#held.get(id);
    if (held === undefined || !held.isTaken) return;
    held.attempts++;
    held.dueAtMs = dueAtMs;
    this.#putBack(held);
    const { segment, attempts, header } = held;
    this.#outcomes.add(segment, { kind: 'attempt', ordinal: header.ordinal, attempts, dueAtMs });
    this.#shelf.tidy(segment);
  }

  nextDueAtMs(): number | undefined {
    if (this.#unread > 0 && this.#delayed.size < DELAYED_MAX) return this.#options.now();
    return this.#delayed.nextDueAtMs();
  }

  stats(): QueueStats {
    const [oldest] = this.#held.values();
    const offeredAtMs = Math.min(oldest?.header.offeredAtMs ?? Infinity, this.#headOfferedAtMs);
    const oldestOfferedAtMs = offeredAtMs === Infinity ? undefined : offeredAtMs;
    return { items: this.#items, bytes: this.#shelf.bytes, oldestOfferedAtMs };
  }

  /** Tries again what has failed. */
  async maintain(): Promise<void> {
    await this.#outcomes.flush();
    await this.#shelf.settled({ again: true });
  }

  async close(): Promise<void> {
    await this.#taking;
    await this.#mover.done();
    await this.#appender?.close();
    await this.#outcomes.close();
    await this.#shelf.settled({ again: false });
    await this.#cursor.close();
  }

  async #take(): Promise<Entry | undefined> {
    const { destination, now } = this.#options;
    for (let due = this.#delayed.takeDue(now()); due !== undefined; due = this.#delayed.takeDue(now())) {
      const bytes = await this.#readAgain(due);
      if (bytes !== undefined) return due.entry(destination, bytes);
    }
    if (this.#delayed.size >= DELAYED_MAX) return undefined;
    const read = await this.#cursor.next();
    return read && this.#hold(read).entry(destination, read.bytes);
  }

  #hold({ segment, header }: Read): Held {
    const held = new Held(this.#ranks++, segment, header, segment.noted.get(header.ordinal));
    segment.noted.delete(header.ordinal);
    this.#held.set(held.id, held);
    segment.taken++;
    segment.unread.entries--;
    segment.unread.items -= held.left;
    this.#unread--;
    this.#headOfferedAtMs = this.#unread === 0 ? Infinity : header.offeredAtMs;
    return held;
  }

  /** `undefined` when it cannot be read any more; then it is gone. */
  async #readAgain(held: Held): Promise<Buffer | undefined> {
    while (held.moving !== undefined) await held.moving;
    held.isTaken = true;
    held.segment.taken++;
    try {
      const bytes = await this.#cursor.again(held.segment, held.header);
      if (bytes === undefined) await this.#spoilt(held);
      return bytes;
    } catch (error) {
      this.#putBack(held);
      throw error;
    }
  }

  #putBack(held: Held): void {
    held.isTaken = false;
    held.segment.taken--;
    this.#delayed.add(held);
  }

  #gone(held: Held): void {
    this.#outcomes.add(held.segment, { kind: 'settled', ordinal: held.header.ordinal });
    this.#held.delete(held.id);
    held.segment.taken--;
    this.#shelf.remove(held.segment, held.header);
  }

  /** The cursor has come to something that was whole before. */
  async #damaged(segment: Segment, damage: Damage): Promise<void> {
    if (segment.damage.has(damage.start)) return;
    segment.damage.add(damage.start);
    const { header } = damage;
    const left = header === undefined ? 0 : header.items - (segment.noted.get(header.ordinal)?.settled.size ?? 0);
    await this.#tell(segment, damage, left);
    if (header === undefined) return;
    this.#lost(segment, { entries: 1, items: left });
    this.#outcomes.add(segment, { kind: 'settled', ordinal: header.ordinal });
    this.#shelf.remove(segment, header);
  }

  /** Read to its end, a segment has entries that were not found: they lay in what could not be read. */
  #missed(segment: Segment): void {
    const lost = { ...segment.unread };
    if (lost.entries === 0) return;
    this.#lost(segment, lost);
    segment.live.entries -= lost.entries;
    this.#options.onEvent({ kind: 'damaged', destination: this.#options.destination, bytes: 0, items: lost.items });
    this.#shelf.weigh(segment);
    this.#shelf.tidy(segment);
  }

  /** Of what was not read. */
  #lost(segment: Segment, { entries, items }: { entries: number; items: number }): void {
    segment.unread.entries -= entries;
    segment.unread.items -= items;
    this.#items -= items;
    this.#unread -= entries;
    if (this.#unread === 0) this.#headOfferedAtMs = Infinity;
  }

  /** An entry that was taken before cannot be read any more. */
  async #spoilt(held: Held): Promise<void> {
    const { segment, header, left } = held;
    const end = header.offset + recordBytes(header);
    await this.#tell(segment, { kind: 'damage', start: header.offset, end, header }, left);
    this.#items -= left;
    this.#gone(held);
  }

  async #tell(segment: Segment, damage: Damage, items: number): Promise<void> {
    const { files, directory, destination, onEvent } = this.#options;
    const bytes = damage.end - damage.start;
    if (damage.kind === 'torn') {
      // It was never confirmed: there is nothing to keep of it.
      onEvent({ kind: 'torn', destination, bytes });
      return;
    }
    await setAside(segment, damage, { files, directory }).catch(() => {});
    onEvent({ kind: 'damaged', destination, bytes, items });
  }
}
