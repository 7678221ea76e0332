import { dirname } from 'node:path';
import { Delayed } from '../delayed';
import type { Files } from '../files';
import type { Entry, PassOver, QueueStats } from '../port';
import { Appender } from './appender';
import { Cursor, type Read } from './cursor';
import type { DiskQueueEvent } from './event';
import type { Fresh } from './fresh';
import { Held } from './held';
import { Losses } from './losses';
import { Mover } from './mover';
import { OutcomeLog } from './outcome-log';
import type { RecordHeader } from './record';
import { recover } from './recovery';
import type { Damage } from './scanner';
import type { Segment } from './segment';
import { Shelf } from './shelf';
import { Tally } from './tally';

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
/** An entry that the disk does not give back is not asked for again at once. */
const READ_AGAIN_MS = 30_000;

/** The entries of one destination: segments that are appended to at one end and read at the other. */
export class Lane {
  readonly #options: LaneOptions;
  /** In the order they were first taken. */
  readonly #held = new Map<string, Held>();
  /** Those of them that were offered before others that were taken earlier: an earlier process had moved them. */
  readonly #elders = new Set<Held>();
  readonly #delayed = new Delayed<Held>();
  readonly #cursor: Cursor;
  readonly #outcomes: OutcomeLog;
  readonly #shelf: Shelf;
  readonly #mover: Mover;
  readonly #losses: Losses;
  readonly #tally = new Tally();
  #appender: Appender | undefined;
  #ranks = 0;
  #newestOfferedAtMs = 0;
  #isClosing = false;
  #isClosed = false;
  #taking: Promise<unknown> = Promise.resolve();

  constructor(options: LaneOptions) {
    this.#options = options;
    const { files, fresh, directory, destination, onEvent } = options;
    const tally = this.#tally;
    this.#outcomes = new OutcomeLog(files, (segment) => this.#shelf.weigh(segment));
    const outcomes = this.#outcomes;
    const shelf = new Shelf({ files, outcomes, onSparse: (segment) => this.#moveAll(segment) });
    this.#shelf = shelf;
    const onSpoilt = async (segment: Segment) => this.#appender?.giveUp(segment);
    this.#losses = new Losses({ files, directory, destination, shelf, outcomes, tally, onSpoilt, onEvent });
    this.#cursor = new Cursor({
      ...{ files, fresh },
      segmentAfter: (number) => shelf.after(number),
      onDamage: (segment, damage) => this.#losses.met(segment, damage),
      onEnd: (segment) => this.#losses.missed(segment),
      onSkipped: (segment, code) => {
        tally.skipped(segment);
        this.#losses.skipped(segment, code);
      },
      now: options.now,
    });
    const appender = () => this.#appender!;
    this.#mover = new Mover({ cursor: this.#cursor, shelf, outcomes, appender, now: options.now });
  }

  async open(): Promise<void> {
    const { files, directory, randomMark, segmentBytes } = this.#options;
    await files.makeDirectory(directory);
    // It may be there without its name being durable: whoever made it may not have come to its sync.
    await files.syncDirectory(dirname(directory));
    const onDamage = (segment: Segment, damage: Damage) => this.#losses.found(segment, damage);
    const onSkipped = (segment: Segment, code: string) => this.#losses.skipped(segment, code);
    const segments = await recover({ files, directory, onDamage, onSkipped });
    for (const segment of segments) {
      this.#shelf.add(segment);
      this.#tally.found(segment);
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
        this.#tally.added(segment, header);
        this.#options.fresh.add(segment, header, bytes);
        resolve();
      };
      this.#appender!.append({ bytes, items, offeredAtMs, committed, failed: reject });
    });
  }

  take(passOver?: PassOver): Promise<Entry | undefined> {
    const taken = this.#taking.then(() => this.#take(passOver));
    this.#taking = taken.catch(() => {});
    return taken;
  }

  settle({ id }: Entry, positions: readonly number[]): void {
    const held = this.#held.get(id);
    // After the end its files are somebody else's.
    if (held === undefined || positions.length === 0 || this.#isClosed) return;
    this.#tally.items -= positions.length;
    held.settle(positions);
    const { ordinal } = held.header;
    if (held.left > 0) this.#outcomes.add(held.segment, { kind: 'positions', ordinal, positions });
    else this.#gone(held);
  }

  retryAt({ id }: Entry, dueAtMs: number): void {
    const held = this.#held.get(id);
    if (held === undefined || !held.isTaken || this.#isClosed) return;
    held.attempts++;
    held.dueAtMs = dueAtMs;
    this.#putBack(held);
    const { segment, attempts, header } = held;
    this.#outcomes.add(segment, { kind: 'attempt', ordinal: header.ordinal, attempts, dueAtMs });
    this.#shelf.tidy(segment);
  }

  nextDueAtMs(): number | undefined {
    if (this.#tally.hasUnread && this.#delayed.size < DELAYED_MAX) return this.#options.now();
    return this.#delayed.nextDueAtMs();
  }

  stats(): QueueStats {
    const [oldest] = this.#held.values();
    let offeredAtMs = Math.min(oldest?.header.offeredAtMs ?? Infinity, this.#tally.headOfferedAtMs);
    for (const { header } of this.#elders) offeredAtMs = Math.min(offeredAtMs, header.offeredAtMs);
    const oldestOfferedAtMs = offeredAtMs === Infinity ? undefined : offeredAtMs;
    return { items: this.#tally.items, bytes: this.#shelf.bytes, oldestOfferedAtMs };
  }

  /** Tries again what has failed. `isShort`: space is wanted. */
  async maintain({ isShort }: { isShort: boolean }): Promise<void> {
    void this.#outcomes.flush();
    // Where it cannot be told, writing will.
    await this.#appender?.look().catch(() => {});
    if (isShort) await this.#appender?.makeRoom();
    await this.#shelf.settled({ again: true });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#taking;
    await this.#mover.done();
    await this.#appender?.close();
    await this.#outcomes.close();
    this.#isClosed = true;
    await this.#shelf.settled({ again: false });
    await this.#cursor.close();
  }

  async #take(passOver?: PassOver): Promise<Entry | undefined> {
    const { destination, now } = this.#options;
    const nextDue = () => this.#delayed.takeDue(now(), passOver);
    for (let due = nextDue(); due !== undefined; due = nextDue()) {
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
    if (header.offeredAtMs < this.#newestOfferedAtMs) this.#elders.add(held);
    else this.#newestOfferedAtMs = header.offeredAtMs;
    segment.taken++;
    this.#tally.read(segment, header, held.left);
    return held;
  }

  /** `undefined` when it cannot be read any more; then it is gone. */
  async #readAgain(held: Held): Promise<Buffer | undefined> {
    while (held.moving !== undefined) await held.moving;
    held.isTaken = true;
    held.segment.taken++;
    try {
      const bytes = await this.#cursor.again(held.segment, held.header);
      if (bytes !== undefined) return bytes;
      this.#forget(held);
      await this.#losses.spoilt(held);
      return undefined;
    } catch (error) {
      // As the oldest it would be the next again, and those behind it would never be.
      held.dueAtMs = this.#options.now() + READ_AGAIN_MS;
      this.#putBack(held);
      throw error;
    }
  }

  #putBack(held: Held): void {
    held.isTaken = false;
    held.segment.taken--;
    this.#delayed.add(held);
  }

  #moveAll(segment: Segment): void {
    if (this.#isClosing || segment.isMoving) return;
    this.#mover.move(
      segment,
      [...this.#held.values()].filter((held) => held.segment === segment),
    );
  }

  #forget(held: Held): void {
    this.#held.delete(held.id);
    this.#elders.delete(held);
    held.segment.taken--;
  }

  #gone(held: Held): void {
    this.#outcomes.add(held.segment, { kind: 'settled', ordinal: held.header.ordinal });
    this.#forget(held);
    this.#shelf.remove(held.segment, held.header);
  }
}
