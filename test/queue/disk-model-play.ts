import type { DiskQueueEvent } from '../../src/queue/disk/event';
import { createDiskQueue, type DiskQueue } from '../../src/queue/disk-queue';
import type { Files } from '../../src/queue/files';
import { type Entry, QueueRefusal } from '../../src/queue/port';
import { FaultyFiles } from '../support/faulty-files';
import { createRandom, oneOf, type Random } from '../support/random';
import { DiskModel, type End, must, nameOf, type Offered } from './disk-model';
import { BadDisk } from './disk-model-faults';
import { flipAt, payload } from './disk-model-payloads';

export interface Play {
  /** How processes may end. */
  ends: readonly End[];
  /** Whether the disk has bad spells. */
  faults?: boolean;
  /** Whether bits flip between two processes. */
  flips?: boolean;
  /** What the queue is given instead of the file system. */
  through?: (files: Files) => Files;
}

/** The queue's own. */
const READ_AGAIN_MS = 30_000;
const DIRECTORY = '/data/queue';
/** Names that are no names of files, too. */
const DESTINATIONS = ['main', 'Other/ü', '..'] as const;
const ROOM = 1_000_000_000;
/** More turns of the event loop than anything takes that ends. */
const TURNS_MAX = 20_000;

/** Plays the lives of several processes with one disk, and rejects when a queue breaks a promise. */
export async function play(seed: number, options: Play): Promise<void> {
  const player = new Player(createRandom(seed), options);
  try {
    await player.play();
  } catch (error) {
    const { message, stack } = error as Error;
    throw new Error(`seed ${seed}: ${message}\n${player.trace.slice(-60).join('\n')}\n${stack}`);
  }
}

/** The process is dead. */
class Died extends Error {}

class Player {
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #options: Play;
  readonly #clock = { ms: 1_700_000_000_000 };
  readonly #model = new DiskModel();
  readonly #disk: BadDisk;
  readonly #marks: string[] = [];
  readonly #segmentBytes: number;
  readonly #cacheBytes: number;
  readonly #bytesMax: number;
  readonly #shortChance: number;
  #files: FaultyFiles;
  #queue!: DiskQueue;
  /** Calls of the queue that were not answered. */
  readonly #waiting = new Set<string>();
  #watched = 0;
  #violation: unknown;
  #isClosing = false;
  #failuresBefore = 0;
  /** Files that were left open by queues that did not open. */
  #openBefore = 0;
  /** What lies before and behind the bits that were flipped since the last look at everything: one is of the same record. */
  /** By destination: an entry that the disk did not give back is not asked for again at once. */
  readonly #withheldUntilMs = new Map<string, number>();
  #flips: [Buffer, Buffer][] = [];
  #toldDamage = false;
  #hasSkipped = false;
  #calls = 0;

  constructor(random: Random, options: Play) {
    this.#random = random;
    this.#options = options;
    this.#segmentBytes = oneOf(random, [512, 1024, 2048, 4096]);
    this.#cacheBytes = oneOf(random, [0, 500, 5_000, 1_000_000]);
    this.#bytesMax = oneOf(random, [ROOM, ROOM, 8_000, 40_000]);
    this.#shortChance = oneOf(random, [0, 0, 0.1, 0.5]);
    this.#files = new FaultyFiles({ random, capacity: ROOM });
    this.#disk = new BadDisk(random);
    this.trace.push(`segments of ${this.#segmentBytes}, cache ${this.#cacheBytes}, at most ${this.#bytesMax}`);
  }

  async play(): Promise<void> {
    for (let left = Math.floor(this.#random() * 4); left > 0; left--) {
      const end = await this.#life();
      this.trace.push(`--- ${end}`);
      this.#end(end);
      if (this.#options.flips === true && this.#random() < 0.5) this.#flip();
    }
    this.#files.crashAtCall = undefined;
    await this.#open();
    await this.#steps();
    await this.#mend();
    await this.#empty();
    await this.#close();
    this.#end('closed');
    await this.#open();
    await this.#close();
  }

  /** Resolves to how it ended. */
  async #life(): Promise<End> {
    const crash = oneOf(this.#random, this.#options.ends);
    if (crash !== 'closed' && this.#random() < 0.7)
      this.#files.crashAtCall = this.#files.calls + 1 + Math.floor(this.#random() * this.#random() * 200);
    try {
      await this.#open();
      await this.#steps();
      if (crash !== 'closed' && this.#random() < 0.5) return crash;
      await this.#close();
      // The machine may lose its power when the process has gone.
      return crash === 'power' && this.#random() < 0.5 ? 'power' : 'closed';
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      return crash;
    }
  }

  #end(end: End): void {
    this.#model.hasFailed ||= this.#disk.failures > this.#failuresBefore;
    this.#model.ended(end);
    this.#waiting.clear();
    const { capacity } = this.#files;
    this.#files = this.#files.crash(this.#random, end === 'power' ? 'power' : 'kill');
    this.#files.capacity = capacity;
  }

  #flip(): void {
    for (let left = 1 + Math.floor(this.#random() * 2); left > 0; left--) {
      const flipped = this.#files.flip(this.#random, (content) => flipAt(this.#random, content, this.#marks));
      if (flipped === undefined) return;
      const { path, at } = flipped;
      this.#model.flipped();
      const content = this.#files.contents().get(path) as Buffer;
      this.#flips.push([content.subarray(Math.max(0, at - 7), at + 1), content.subarray(at, at + 8)]);
      this.trace.push(`--- flipped ${path} at ${at}`);
    }
  }

  async #open(): Promise<void> {
    this.#failuresBefore = this.#disk.failures;
    this.#disk.attach(this.#files, this.#shortChance);
    // What it measures when it opens may be what it refuses for later.
    if (this.#disk.isBad) this.#disk.failures++;
    this.#isClosing = false;
    this.#openBefore = 0;
    for (;;) {
      this.#queue = this.#create();
      const before = this.#disk.failures;
      this.#hasSkipped = false;
      const opened = await this.#answer('open', this.#queue.open());
      if (!('error' in opened) && !this.#hasSkipped) break;
      const how = 'error' in opened ? opened.error : 'skipped what cannot be read';
      must(this.#disk.failures > before, `open: ${how}`);
      if (this.#hasSkipped) await this.#answer('close', this.#queue.close());
      // The process ends, and leaves no file open. The next one is to get by with the same disk, which is well by now.
      this.#openBefore = this.#files.openFiles;
      this.trace.push(`open: ${how}`);
      this.#disk.end(this.#files, ROOM);
    }
    this.#disk.end(this.#files, ROOM);
    await this.#lookAtAll();
  }

  #create(): DiskQueue {
    const { through = (files) => files } = this.#options;
    return createDiskQueue({
      files: through(this.#files),
      directory: DIRECTORY,
      bytesMax: this.#bytesMax,
      now: () => this.#clock.ms,
      randomMark: () => this.#mark(),
      segmentBytes: this.#segmentBytes,
      cacheBytes: this.#cacheBytes,
      onEvent: (event) => this.#told(event),
    });
  }

  #mark(): string {
    const mark = Array.from({ length: 16 }, () => Math.floor(this.#random() * 16).toString(16)).join('');
    this.#marks.push(mark);
    return mark;
  }

  #told(event: DiskQueueEvent): void {
    this.trace.push(`event ${JSON.stringify(event)}`);
    this.#hasSkipped ||= event.kind === 'skipped';
    this.#toldDamage ||= event.kind === 'damaged' || event.kind === 'torn';
    if (event.kind === 'damaged' && event.items > 0 && this.#options.flips !== true)
      this.#violation ??= new Error(`LOST: damaged, ${event.items} items`);
  }

  /** Takes all there is, compares, and puts most of it back. */
  async #lookAtAll(): Promise<void> {
    const stats = this.#queue.stats();
    this.#clock.ms += 1_000_000;
    const entries: Entry[] = [];
    for (const destination of DESTINATIONS) {
      for (let entry = await this.#taken(destination); entry !== undefined; entry = await this.#taken(destination)) {
        entries.push(entry);
        must(entries.length < 5_000, 'it gives without end');
      }
    }
    this.trace.push(`found ${entries.map(({ offeredAtMs, items }) => `#${offeredAtMs} (${items})`).join(', ')}`);
    const owed = this.#model.there();
    const doubles = this.#model.found({ entries, lossesMax: this.#flips.length, stats });
    const lost = owed.filter(({ isLost, wasAbsent }) => isLost && wasAbsent);
    this.#mustBeAside(lost);
    for (const double of doubles) this.#queue.settle(double, unsettled(double));
    for (const offered of this.#model.taken()) if (this.#random() < 0.7) this.#retry(offered, this.#clock.ms);
    this.#flips = [];
    this.#toldDamage = false;
    await this.#quiet();
  }

  async #taken(destination: string): Promise<Entry | undefined> {
    const taken = await this.#answer('take', this.#queue.take(destination));
    if ('error' in taken) throw taken.error;
    return taken.value;
  }

  /** What was lost to flipped bits was told of, and the damaged bytes are still somewhere. */
  #mustBeAside(lost: readonly Offered[]): void {
    if (lost.length === 0) return;
    must(this.#toldDamage, `LOST in silence: ${lost.map(nameOf).join(', ')}`);
    const contents = [...this.#files.contents().values()];
    const kept = this.#flips.filter((sides) => contents.some((one) => sides.some((side) => one.includes(side))));
    must(kept.length >= lost.length, `not put aside: ${lost.map(nameOf).join(', ')}`);
  }

  async #steps(): Promise<void> {
    for (let left = Math.floor(this.#random() * 30); left > 0; left--) {
      this.#step();
      const pause = this.#random();
      if (pause < 0.1) await this.#quiet();
      else if (pause < 0.2) await this.#takeQuietly();
      else for (let turns = Math.floor(this.#random() * 6); turns > 0; turns--) await this.#turn();
    }
  }

  #step(): void {
    const kind = this.#random();
    const taken = this.#model.taken();
    if (kind < 0.3) for (let count = 1 + Math.floor(this.#random() * 3); count > 0; count--) this.#offer();
    else if (kind < 0.55) this.#take(oneOf(this.#random, DESTINATIONS));
    else if (kind < 0.78 && taken.length > 0) this.#settle(oneOf(this.#random, taken));
    else if (kind < 0.87 && taken.length > 0)
      this.#retry(oneOf(this.#random, taken), this.#clock.ms + Math.floor(this.#random() * 60) - 20);
    else if (kind < 0.91) this.#clock.ms += Math.floor(this.#random() * 50);
    else if (kind < 0.95) this.#maintain();
    else if (this.#options.faults === true && !this.#disk.isBad) this.trace.push(this.#disk.begin(this.#files));
    else this.#disk.end(this.#files, ROOM);
  }

  #offer(): void {
    const destination = oneOf(this.#random, DESTINATIONS);
    const items = 1 + Math.floor(this.#random() * 4);
    const bytes = payload(this.#random, this.#segmentBytes, { files: this.#files, marks: this.#marks });
    const offered = this.#model.offered({ bytes, destination, items, offeredAtMs: ++this.#clock.ms });
    const refused = (error: unknown) => {
      must(error instanceof QueueRefusal, `offer rejects with ${error}`);
      must(this.#mayRefuse(error, bytes), `refused for no reason: ${error.reason} (${error.message})`);
      this.trace.push(`refused ${nameOf(offered)}: ${error.reason}`);
      this.#model.refused(offered);
    };
    const kept = () => {
      this.trace.push(`kept ${nameOf(offered)}`);
      this.#model.kept(offered);
    };
    this.#watch(`offer ${nameOf(offered)}`, this.#queue.offer(bytes, { destination, items }), kept, refused);
  }

  #mayRefuse({ reason }: QueueRefusal, { length }: Buffer): boolean {
    const isDisk = this.#disk.failures > this.#failuresBefore || this.#isClosing;
    if (reason === 'too_large') return length + 100 > this.#bytesMax;
    return isDisk || (reason === 'full' && this.#bytesMax < ROOM);
  }

  #maintain(): void {
    this.trace.push('maintain');
    this.#watch('maintain', this.#queue.maintain(), () => this.trace.push('maintained'));
  }

  #take(destination: string): void {
    const took = (entry: Entry | undefined) => {
      this.trace.push(`took ${entry === undefined ? 'nothing' : `#${entry.offeredAtMs}`}`);
      if (entry !== undefined) this.#model.took(entry, this.#clock.ms);
    };
    const before = this.#failuresBefore;
    this.#watch(`take ${destination}`, this.#queue.take(destination), took, (error) => {
      must(this.#disk.failures > before, `take: ${error}`);
      this.#readFailed(destination);
    });
  }

  /** An entry that could not be read is not due before this. */
  #readFailed(destination: string): void {
    this.#withheldUntilMs.set(destination, this.#clock.ms + READ_AGAIN_MS);
  }

  /** Nothing else is under way, so that it is known whether there is something. */
  async #takeQuietly(): Promise<void> {
    await this.#quiet();
    const destination = oneOf(this.#random, DESTINATIONS);
    const due = this.#model.due(destination, this.#clock.ms).map(nameOf);
    const taken = await this.#answer('take', this.#queue.take(destination));
    if ('error' in taken) {
      must(this.#disk.failures > this.#failuresBefore, `take: ${taken.error}`);
      return this.#readFailed(destination);
    }
    const isWithheld = taken.value === undefined && this.#clock.ms < (this.#withheldUntilMs.get(destination) ?? 0);
    must(
      (taken.value === undefined) === (due.length === 0) || isWithheld,
      `gives ${taken.value?.id} where ${due.join()} is due`,
    );
    if (taken.value !== undefined) this.#model.took(taken.value, this.#clock.ms);
  }

  #settle(offered: Offered): void {
    const { items, settled, entry } = offered;
    const left = [...Array(items).keys()].filter((position) => !settled.has(position));
    const positions = this.#random() < 0.6 ? left : left.filter(() => this.#random() < 0.5);
    this.trace.push(`settle ${nameOf(offered)}: ${positions.join()}`);
    this.#queue.settle(entry as Entry, positions);
    this.#model.settled(offered, positions);
  }

  #retry(offered: Offered, dueAtMs: number): void {
    this.trace.push(`retry ${nameOf(offered)} at ${dueAtMs}`);
    this.#queue.retryAt(offered.entry as Entry, dueAtMs);
    this.#model.retried(offered, dueAtMs);
  }

  /** The disk is well from now on: so is the queue, when it has looked. */
  async #mend(): Promise<void> {
    this.trace.push('--- mend');
    await this.#quiet();
    this.#disk.end(this.#files, ROOM);
    for (let time = 0; time < 3; time++) {
      this.#clock.ms += 1_000;
      await this.#sure('maintain', this.#queue.maintain());
    }
    must(this.#queue.sick() === undefined, `still sick: ${JSON.stringify(this.#queue.sick())}`);
    await this.#quiet();
  }

  /** All is settled, so that all room is there again. */
  async #empty(): Promise<void> {
    this.#clock.ms += 1_000_000;
    await this.#drain();
    for (const destination of DESTINATIONS) {
      const offered = this.#model.offered({
        bytes: Buffer.from('last'),
        destination,
        items: 1,
        offeredAtMs: ++this.#clock.ms,
      });
      await this.#sure('offer', this.#queue.offer(offered.bytes, { destination, items: 1 }));
      this.#model.kept(offered);
    }
    await this.#drain();
    await this.#sure('maintain', this.#queue.maintain());
    await this.#quiet();
    const stats = this.#queue.stats();
    must(stats.items === 0 && stats.bytes === 0, `empty, and it says ${JSON.stringify(stats)}`);
    const used = [...this.#files.contents()].filter(([path]) => !path.includes('/damaged/'));
    const bytes = used.reduce((sum, [, { length }]) => sum + length, 0);
    must(bytes <= DESTINATIONS.length * (2 * this.#segmentBytes + 2_000), `empty, and ${bytes} bytes are used`);
  }

  async #drain(): Promise<void> {
    for (const offered of this.#model.taken()) this.#settleAll(offered);
    for (const destination of DESTINATIONS) {
      for (let entry = await this.#taken(destination); entry !== undefined; entry = await this.#taken(destination))
        this.#settleAll(this.#model.took(entry, this.#clock.ms));
    }
    await this.#quiet();
    must(this.#model.there().length === 0, `not given: ${this.#model.there().map(nameOf).join()}`);
  }

  #settleAll(offered: Offered): void {
    const positions = unsettled(offered.entry as Entry);
    this.#queue.settle(offered.entry as Entry, positions);
    this.#model.settled(offered, positions);
  }

  async #close(): Promise<void> {
    if (this.#random() < 0.8) await this.#quiet();
    this.#isClosing = true;
    const closed = await this.#answer('close', this.#queue.close());
    const hasFailed = this.#disk.failures > this.#failuresBefore;
    must(!('error' in closed) || hasFailed, `close: ${'error' in closed && closed.error}`);
    const { calls } = this.#files;
    await this.#still();
    must(this.#files.calls === calls, 'it goes on when it is closed');
    must(this.#files.openFiles === this.#openBefore, `${this.#files.openFiles} files are open`);
    this.#model.hasFailed ||= hasFailed;
    this.#model.quiet();
  }

  /** Waits until nothing is under way, and compares what the queue says of itself. */
  async #quiet(): Promise<void> {
    await this.#still();
    this.#model.hasFailed ||= this.#disk.failures > this.#failuresBefore;
    this.#model.quiet();
    const there = this.#model.there();
    this.#compareStats(undefined, there);
    for (const one of DESTINATIONS)
      this.#compareStats(
        one,
        there.filter(({ destination }) => destination === one),
      );
    const said = this.#queue.destinations().sort().join();
    const destinations = [...new Set(there.map(({ destination }) => destination))].sort().join();
    must(said === destinations, `it says it has entries for ${said}, not for ${destinations}`);
  }

  #compareStats(destination: string | undefined, there: readonly Offered[]): void {
    const { items, oldestOfferedAtMs: oldest } = this.#queue.stats(destination);
    const expected = this.#model.items(there);
    must(items === expected, `stats(${destination}) say ${items} items, not ${expected}`);
    const first = Math.min(...there.map(({ offeredAtMs }) => offeredAtMs));
    // An entry that was put back may have been written anew behind younger ones.
    const isOrdered = there.every(({ wasRetried }) => !wasRetried);
    const isRight = there.length === 0 ? oldest === undefined : oldest !== undefined && (oldest <= first || !isOrdered);
    must(isRight, `stats(${destination}) say ${oldest} is the oldest, not ${first}`);
  }

  /** Until no call of the file system is under way: then nothing can happen any more by itself. */
  async #still(): Promise<void> {
    for (let turns = 0, still = 0; still < 3; turns++) {
      must(turns < TURNS_MAX, 'it never rests');
      await this.#turn();
      still = this.#files.unanswered === 0 && this.#calls === this.#files.calls ? still + 1 : 0;
      this.#calls = this.#files.calls;
    }
    must(this.#waiting.size === 0, `never answered: ${[...this.#waiting].join('; ')}`);
  }

  async #turn(): Promise<void> {
    await new Promise(setImmediate);
    if (this.#violation !== undefined) throw this.#violation;
    if (this.#files.isDead) throw new Died();
  }

  async #answer<T>(name: string, call: Promise<T>): Promise<{ value: T } | { error: unknown }> {
    let outcome: { value: T } | { error: unknown } | undefined;
    this.#watch(
      name,
      call,
      (value) => {
        outcome = { value };
      },
      (error) => {
        outcome = { error };
      },
    );
    for (let turns = 0; outcome === undefined; turns++) {
      must(turns < TURNS_MAX, `${name} is never answered`);
      await this.#turn();
    }
    return outcome;
  }

  async #sure<T>(name: string, call: Promise<T>): Promise<T> {
    const answer = await this.#answer(name, call);
    if ('error' in answer) throw new Error(`${name}: ${answer.error}`);
    return answer.value;
  }

  /** What an answer breaks is thrown at the next turn. */
  #watch<T>(name: string, call: Promise<T>, onValue: (value: T) => void, onError?: (error: unknown) => void): void {
    const own = `${name} (call ${++this.#watched})`;
    this.#waiting.add(own);
    const files = this.#files;
    const guarded =
      <A>(act: (answer: A) => void) =>
      (answer: A) => {
        // What a dead process says is not heard.
        if (files.isDead) return;
        this.#waiting.delete(own);
        try {
          act(answer);
        } catch (error) {
          this.#violation ??= error;
        }
      };
    call.then(
      guarded(onValue),
      guarded((error: unknown) => {
        if (onError !== undefined) onError(error);
        else must(this.#disk.failures > this.#failuresBefore, `${name}: ${error}`);
      }),
    );
  }
}

const unsettled = (entry: Entry) => [...Array(entry.items).keys()].filter((position) => !entry.isSettled(position));
