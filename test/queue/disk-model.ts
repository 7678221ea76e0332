import type { Entry, QueueStats } from '../../src/queue/port';

/** How a process ended, as far as what it leaves differs. */
export type End = 'closed' | 'kill' | 'power';

export interface Offered {
  readonly bytes: Buffer;
  readonly destination: string;
  readonly items: number;
  /** No two have the same: it is how an entry is known. */
  readonly offeredAtMs: number;
  answer: 'none' | 'kept' | 'refused';
  presence: 'there' | 'absent' | 'maybe';
  /** It was not found when the queue was opened last. */
  wasAbsent: boolean;
  /** It lay where bits were flipped. */
  isLost: boolean;
  /** All positions that were ever crossed out. */
  readonly crossed: Set<number>;
  /** Those of them that have to stay crossed out, unless there is a loss of power. */
  readonly firm: Set<number>;
  /** Those that are in this life. */
  settled: Set<number>;
  /** While it is taken. */
  entry: Entry | undefined;
  attempts: number;
  dueAtMs: number;
  /** It was put back, at any time and in this life: then it may be written anew elsewhere. */
  wasRetried: boolean;
  isRetried: boolean;
  /** Something has happened that may leave it in both places. */
  mayBeTwo: boolean;
}

/** What was found when a queue was opened. */
export interface Found {
  entries: readonly Entry[];
  /** How many entries may be missing because bits were flipped. */
  lossesMax: number;
  stats: QueueStats;
}

/** What has to be in a disk queue, what may be, and what must not. Every method throws where the queue is at fault. */
export class DiskModel {
  readonly #known = new Map<number, Offered>();
  /** Of this life: some calls have failed, so that what was crossed out may not be written down. */
  hasFailed = false;

  offered(label: Pick<Offered, 'bytes' | 'destination' | 'items' | 'offeredAtMs'>): Offered {
    const offered: Offered = {
      ...label,
      answer: 'none',
      presence: 'maybe',
      wasAbsent: false,
      isLost: false,
      crossed: new Set(),
      firm: new Set(),
      settled: new Set(),
      entry: undefined,
      attempts: 0,
      dueAtMs: 0,
      wasRetried: false,
      isRetried: false,
      mayBeTwo: false,
    };
    this.#known.set(label.offeredAtMs, offered);
    return offered;
  }

  kept(offered: Offered): void {
    offered.answer = 'kept';
    if (offered.settled.size < offered.items) offered.presence = 'there';
  }

  refused(offered: Offered): void {
    must(offered.entry === undefined, `${nameOf(offered)} was given and then refused`);
    offered.answer = 'refused';
    offered.presence = 'absent';
  }

  there(): Offered[] {
    return [...this.#known.values()].filter(({ presence }) => presence === 'there');
  }

  taken(): Offered[] {
    return this.there().filter(({ entry }) => entry !== undefined);
  }

  due(destination: string, nowMs: number): Offered[] {
    return this.there().filter(
      (one) => one.destination === destination && one.entry === undefined && one.dueAtMs <= nowMs,
    );
  }

  items(offered: readonly Offered[]): number {
    return offered.reduce((sum, { items, settled }) => sum + items - settled.size, 0);
  }

  took(entry: Entry, nowMs: number): Offered {
    const offered = this.#recognised(entry);
    const name = nameOf(offered);
    // An offer may be answered after somebody has taken its entry.
    must(offered.presence !== 'absent', `${name} was ${offered.answer} or settled, and is given`);
    must(offered.entry === undefined, `${name} is given twice`);
    must(offered.dueAtMs <= nowMs, `${name} is given before it is due`);
    must(offered.attempts === entry.attempts, `${name} says ${entry.attempts} attempts, not ${offered.attempts}`);
    const settled = settledOf(entry);
    must(equal(settled, offered.settled), `${name} says ${list(settled)} are settled, not ${list(offered.settled)}`);
    offered.entry = entry;
    return offered;
  }

  settled(offered: Offered, positions: readonly number[]): void {
    for (const position of positions) {
      offered.settled.add(position);
      offered.crossed.add(position);
    }
    if (offered.settled.size < offered.items) return;
    offered.presence = 'absent';
    offered.entry = undefined;
  }

  retried(offered: Offered, dueAtMs: number): void {
    offered.entry = undefined;
    offered.dueAtMs = dueAtMs;
    offered.attempts++;
    offered.wasRetried = true;
    offered.isRetried = true;
  }

  /** Nothing is under way: what was crossed out until now is written down, if the disk is well. */
  quiet(): void {
    if (this.hasFailed) return;
    for (const { settled, firm } of this.#known.values()) for (const position of settled) firm.add(position);
  }

  ended(end: End): void {
    for (const one of this.#known.values()) {
      if (end === 'power' || this.hasFailed) one.firm.clear();
      const isOwed = one.answer === 'kept' && one.crossed.size < one.items && !one.isLost;
      const isGone = one.presence === 'absent' && (one.wasAbsent || one.firm.size === one.items);
      // What is back for a damaged side file may be gone again: the rest of that file is still true.
      const isThere = one.presence === 'there' && one.crossed.size < one.items;
      const isSure = end !== 'power' && !this.hasFailed && (isThere || isGone);
      if (isOwed) one.presence = 'there';
      else if (!isSure) one.presence = 'maybe';
      const wasMoving = one.isRetried && (end === 'kill' || this.hasFailed);
      one.mayBeTwo ||= wasMoving || (one.wasRetried && end === 'power');
      one.isRetried = false;
      one.entry = undefined;
      one.dueAtMs = 0;
    }
    this.hasFailed = false;
  }

  /** Bits were flipped: where they hit a side file, what was crossed out is not. */
  flipped(): void {
    for (const one of this.#known.values()) {
      one.firm.clear();
      if (one.presence === 'absent') one.presence = 'maybe';
      one.mayBeTwo ||= one.wasRetried;
    }
  }

  /** Compares what a queue that was just opened has given. Returns those that are there a second time. */
  found({ entries, lossesMax, stats }: Found): Entry[] {
    const seen = new Set<Offered>();
    const doubles: Entry[] = [];
    for (const entry of entries) {
      const offered = this.#recognised(entry);
      if (seen.has(offered)) doubles.push(this.#double(offered, entry));
      else {
        seen.add(offered);
        this.#seen(offered, entry);
      }
    }
    const missing = this.there().filter((one) => !seen.has(one));
    must(missing.length <= lossesMax, `LOST: ${missing.map(nameOf).join(', ')}`);
    for (const one of missing) one.isLost = true;
    for (const one of this.#known.values()) {
      one.wasAbsent = !seen.has(one);
      if (one.wasAbsent) one.presence = 'absent';
    }
    const items = entries.reduce((sum, entry) => sum + entry.items - settledOf(entry).size, 0);
    must(stats.items === items, `stats said ${stats.items} items, and there are ${items}`);
    return doubles;
  }

  #seen(offered: Offered, entry: Entry): void {
    const name = nameOf(offered);
    must(
      offered.presence !== 'absent',
      `${name} is back: it was ${offered.answer}, of ${list(offered.crossed)} settled`,
    );
    const settled = settledOf(entry);
    const wrong = [...settled].filter((position) => !offered.crossed.has(position));
    must(wrong.length === 0, `LOST: ${name} says ${wrong.join()} are settled, and they were not`);
    const back = [...offered.firm].filter((position) => !settled.has(position));
    must(back.length === 0 || offered.mayBeTwo, `${name}: ${back.join()} are back`);
    must(settled.size < offered.items, `${name} is given with nothing left`);
    offered.presence = 'there';
    offered.settled = settled;
    offered.attempts = entry.attempts;
    offered.entry = entry;
  }

  #double(offered: Offered, entry: Entry): Entry {
    must(offered.mayBeTwo, `${nameOf(offered)} is there twice`);
    const wrong = [...settledOf(entry)].filter((position) => !offered.crossed.has(position));
    must(wrong.length === 0, `LOST: a double of ${nameOf(offered)} says ${wrong.join()} are settled`);
    return entry;
  }

  #recognised(entry: Entry): Offered {
    const { offeredAtMs, destination, items, bytes } = entry;
    const offered = this.#known.get(offeredAtMs);
    const isSame = offered?.destination === destination && offered.items === items && offered.bytes.equals(bytes);
    must(isSame, `INVENTED: ${items} items, ${bytes.length} bytes for ${destination} at ${offeredAtMs}`);
    return offered as Offered;
  }
}

export function must(isRight: boolean, otherwise: string): asserts isRight {
  if (!isRight) throw new Error(otherwise);
}

export const nameOf = ({ offeredAtMs, bytes, items, destination }: Offered) =>
  `#${offeredAtMs} (${items} items, ${bytes.length} bytes for ${destination})`;

const settledOf = (entry: Entry) =>
  new Set([...Array(entry.items).keys()].filter((position) => entry.isSettled(position)));

const equal = (one: ReadonlySet<number>, other: ReadonlySet<number>) =>
  one.size === other.size && [...one].every((position) => other.has(position));

const list = (positions: ReadonlySet<number>) => `[${[...positions].join()}]`;
