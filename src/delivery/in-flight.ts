import type { Entry } from '../queue/port';

/** What may be under way at once; it bounds the memory that delivery takes, however much is queued. */
const BYTES_MAX = 16 * 1024 * 1024;
const SPANS_MAX = 16_384;

/** Entries whose spans are on their way. */
export interface InFlight {
  add(entry: Entry): void;
  /** While all that is left of it waits for media it is counted there and not here. */
  hold(entry: Entry, isHeld: boolean): void;
  remove(entry: Entry): void;
  hasRoom(): boolean;
  /** All of them are held. */
  isHeld(): boolean;
  /** Held ones included. */
  isEmpty(): boolean;
  /** Resolves when it is. */
  empty(): Promise<void>;
}

export function createInFlight(): InFlight {
  const entries = new Set<Entry>();
  const held = new Set<Entry>();
  const waiting: (() => void)[] = [];
  let bytes = 0;
  let spans = 0;
  const count = (entry: Entry, sign: 1 | -1) => {
    bytes += sign * entry.bytes.length;
    spans += sign * entry.items;
  };
  return {
    add(entry) {
      entries.add(entry);
      count(entry, 1);
    },
    hold(entry, isHeld) {
      if (isHeld === held.has(entry)) return;
      count(entry, isHeld ? -1 : 1);
      if (isHeld) held.add(entry);
      else held.delete(entry);
    },
    remove(entry) {
      entries.delete(entry);
      if (!held.delete(entry)) count(entry, -1);
      if (entries.size === 0) for (const resolve of waiting.splice(0)) resolve();
    },
    hasRoom: () => bytes < BYTES_MAX && spans < SPANS_MAX,
    isHeld: () => held.size === entries.size,
    isEmpty: () => entries.size === 0,
    async empty() {
      if (entries.size > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
