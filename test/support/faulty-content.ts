import type { Random } from './random';

/** What was done to a file and is not durable yet. */
type Change = { readonly at: number; readonly bytes: Buffer } | { readonly truncatedTo: number };

/** A file without its name: what a reader sees, and what a loss of power leaves of it. */
export class Content {
  /** Of those who have it open. */
  handles = 0;
  #pending: Change[] = [];

  constructor(
    public seen: Buffer = Buffer.alloc(0),
    private durable: Buffer = seen,
  ) {}

  /** What a sync that begins now makes durable: what is written while it runs waits for the next one. */
  get pending(): readonly Change[] {
    return this.#pending;
  }

  change(change: Change): void {
    this.seen = applied(this.seen, change);
    this.#pending.push(change);
  }

  sync(meant: ReadonlySet<Change>): void {
    this.#settle(meant, applied);
  }

  /** What a failed sync leaves: a part was written, all of it counts as written, and no later sync will try again. */
  failSync(meant: ReadonlySet<Change>, random: Random): void {
    this.#settle(meant, (content, change) => torn(content, change, random));
  }

  #settle(meant: ReadonlySet<Change>, apply: (content: Buffer, change: Change) => Buffer): void {
    for (const change of this.#pending) if (meant.has(change)) this.durable = apply(this.durable, change);
    this.#pending = this.#pending.filter((change) => !meant.has(change));
  }

  copy(): Content {
    const copy = new Content(this.seen, this.durable);
    copy.#pending = [...this.#pending];
    return copy;
  }

  afterPowerLoss(random: Random): Content {
    return new Content(surviving(this.durable, this.#pending, random));
  }

  flip(at: number, bit: number): void {
    this.seen = flipped(this.seen, at, bit);
    this.durable = flipped(this.durable, at, bit);
  }
}

function applied(content: Buffer, change: Change): Buffer {
  if ('truncatedTo' in change) return resized(content, change.truncatedTo);
  const next = resized(content, Math.max(content.length, change.at + change.bytes.length));
  change.bytes.copy(next, change.at);
  return next;
}

/** A copy that is cut or goes on with zeros. */
function resized(content: Buffer, size: number): Buffer {
  const next = Buffer.alloc(size);
  content.copy(next);
  return next;
}

/** Nothing, everything and a clean cut are as likely as chaos: the boundaries are where mistakes are. */
function surviving(durable: Buffer, pending: readonly Change[], random: Random): Buffer {
  const all = (changes: readonly Change[], apply: typeof torn) =>
    changes.reduce((content, change) => apply(content, change, random), durable);
  const kind = random();
  if (kind < 0.2) return durable;
  if (kind < 0.4) return all(pending, applied);
  if (kind < 0.6) {
    const whole = Math.floor(random() * pending.length);
    return all(pending.slice(0, whole + 1), (content, change) =>
      change === pending[whole] ? torn(content, change, random) : applied(content, change),
    );
  }
  return all(shuffled(pending, random), torn);
}

/** A change that happened or not, or a write of which only parts reached the disk. */
function torn(content: Buffer, change: Change, random: Random): Buffer {
  const kind = random();
  if (kind < 0.25) return content;
  if (kind < 0.5 || 'truncatedTo' in change) return applied(content, change);
  const { at, bytes } = change;
  if (kind < 0.75) return applied(content, { at, bytes: bytes.subarray(0, Math.floor(random() * (bytes.length + 1))) });
  return withHoles(content, { at, bytes }, random);
}

/** The file has its new size, and some of its sectors, or stretches of any size, are as they were before, or zeros. */
function withHoles(content: Buffer, { at, bytes }: { at: number; bytes: Buffer }, random: Random): Buffer {
  const end = at + bytes.length;
  const next = resized(content, Math.max(content.length, end));
  const step = random() < 0.5 ? 512 : 1 + Math.floor(random() * (random() < 0.5 ? 4 : 100));
  for (let start = at; start < end; ) {
    const stop = Math.min(end, start - (start % step) + step);
    if (random() < 0.5) bytes.copy(next, start, start - at, stop - at);
    start = stop;
  }
  return next;
}

function flipped(content: Buffer, at: number, bit: number): Buffer {
  const next = Buffer.from(content);
  if (at < next.length) next[at]! ^= 1 << bit;
  return next;
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const next = [...list];
  for (let left = next.length - 1; left > 0; left--) {
    const other = Math.floor(random() * (left + 1));
    [next[left], next[other]] = [next[other] as T, next[left] as T];
  }
  return next;
}
