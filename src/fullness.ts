import type { Logger } from 'pino';
import { type QueuePort, QueueRefusal } from './queue/port';

/** How long after a refusal bodies are refused unread, and how long the gateway calls its queue full. */
const FULL_MS = 1_000;
const FULL_MEMORY_MS = 10_000;

export interface Fullness {
  /** The queue's own, remembered. */
  offer: QueuePort['offer'];
  /**
   * Why reading a body would be in vain: the disk fails, or the queue has no room, as it said within 1 s, and nothing was
   * delivered since.
   */
  trouble(): string | undefined;
  /** True within 10 s of a refusal, or while not a byte is free. */
  wasFull(): boolean;
  /** What was full when that was last refused. */
  what(): string;
}

/** Why spans cannot be kept for now, for senders and operators. */
export const troubleOf = ({ reason, isDisk }: Pick<QueueRefusal, 'reason' | 'isDisk'>): string =>
  reason === 'sick'
    ? 'the disk of the queue fails'
    : isDisk
      ? 'the disk of the queue is full or almost full'
      : 'the queue is full';

/** Remembers when the queue had no room, and logs when that begins and when it is over. */
export function createFullness(options: {
  queue: Pick<QueuePort, 'offer'>;
  /** What counts against `bytesMax`. */
  usedBytes: () => number;
  bytesMax: number;
  isSick: () => boolean;
  now: () => number;
  log: Logger;
}): Fullness {
  const { queue, usedBytes, bytesMax, isSick, now, log } = options;
  let refused = { atMs: -Infinity, bytes: 0, what: troubleOf({ reason: 'full', isDisk: false }) };
  let isRefusing = false;
  const isWithin = (ms: number) => now() - refused.atMs < ms;
  const wasFull = () => isWithin(FULL_MEMORY_MS) || usedBytes() >= bytesMax;
  const begin = () => {
    if (!isRefusing) log.warn(`${refused.what}: new spans are refused`);
    isRefusing = true;
  };
  return {
    wasFull,
    what: () => refused.what,
    trouble() {
      if (isSick()) return troubleOf({ reason: 'sick', isDisk: true });
      const bytes = usedBytes();
      if (bytes < bytesMax && !(isWithin(FULL_MS) && bytes >= refused.bytes)) return undefined;
      begin();
      return refused.what;
    },
    async offer(bytes, label) {
      try {
        await queue.offer(bytes, label);
      } catch (error) {
        if (error instanceof QueueRefusal && error.reason === 'full') {
          refused = { atMs: now(), bytes: usedBytes(), what: troubleOf(error) };
          begin();
        }
        throw error;
      }
      // Near its bound a queue takes small requests and refuses larger ones: that is one spell, not many.
      if (isRefusing && !wasFull()) {
        isRefusing = false;
        log.info('the queue has room again: new spans are taken');
      }
    },
  };
}
