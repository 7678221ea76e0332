import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { now } from './clock';
import type { Config } from './config';
import { ABOUT, claim, deadLettersIn, queueIn } from './data-directory';
import type { DeadLetterStore } from './dead-letters/store';
import type { DiskQueueEvent } from './queue/disk/event';
import type { DiskQueue } from './queue/disk-queue';
import { createMemoryQueue } from './queue/memory-queue';
import type { QueuePort } from './queue/port';

/** Where spans are kept until they are delivered, and those that cannot be. */
export interface Storage {
  /** Reads what is there. Until it has resolved there is nothing, and nothing is kept. */
  open(): Promise<void>;
  readonly queue: QueuePort;
  /** What is in the queue outlives the process. */
  readonly isDurable: boolean;
  /** Absent with a queue in memory, which keeps nothing. */
  readonly deadLetters: DeadLetterStore | undefined;
  stats(): StorageStats;
  /** Set while the disk fails. */
  sick(): { sinceMs: number; code: string } | undefined;
  /** Tells others who look at the data directory where the admin listener is. */
  publish(adminUrl: string): Promise<void>;
  close(): Promise<void>;
}

export interface StorageStats {
  /** What counts against `bytesMax`, beside the queue's own bytes. */
  readonly deadLetters: { readonly letters: number; readonly bytes: number };
  /** Since start. */
  readonly expiredLetters: number;
  readonly damagedRecords: number;
}

export interface StorageOptions {
  queue: Config['queue'];
  /** What the owner of the data directory does for others; asked from before the queue is open. */
  control: RequestListener;
  /** Spans that were counted as queued and cannot be read any more. */
  onLost: (destination: string, spans: number) => void;
  log: Logger;
}

const MAINTAIN_MS = 1_000;
const LETTERS_MS = 60_000;

/**
 * Takes the data directory.
 *
 * @throws DirectoryHeldError when another gateway has it; an error for operators when it cannot be used.
 */
export async function claimStorage(options: StorageOptions): Promise<Storage> {
  const { queue: config } = options;
  if (config.kind === 'disk') return claimDisk(options);
  const queue = createMemoryQueue({ bytesMax: config.maxBytes, now });
  const stats = { deadLetters: { letters: 0, bytes: 0 }, expiredLetters: 0, damagedRecords: 0 };
  return {
    open: async () => {},
    queue,
    isDurable: false,
    deadLetters: undefined,
    stats: () => stats,
    sick: () => undefined,
    publish: async () => {},
    close: () => queue.close(),
  };
}

async function claimDisk(options: StorageOptions): Promise<Storage> {
  const { queue: config, control } = options;
  const claimed = await claim(config.dataDir, control);
  const counts = { expiredLetters: 0, damagedRecords: 0 };
  const deadLetters = deadLettersIn(config.dataDir);
  const queue = queueIn(config.dataDir, {
    bytesMax: config.maxBytes,
    otherBytes: () => deadLetters.stats().bytes,
    onEvent: (event) => {
      if (event.kind === 'damaged') counts.damagedRecords++;
      tell(event, options);
    },
  });
  const onExpired = (letters: number) => {
    counts.expiredLetters += letters;
  };
  let stopMaintaining = async () => {};
  return {
    async open() {
      await deadLetters.open();
      await queue.open();
      stopMaintaining = maintain({ queue, deadLetters, onExpired }, options);
    },
    ...{ queue, deadLetters, isDurable: true },
    stats: () => ({ ...counts, deadLetters: deadLetters.stats() }),
    sick: () => queue.sick(),
    publish: (adminUrl) => claimed.publish({ ...ABOUT, adminUrl }),
    async close() {
      await stopMaintaining();
      await queue.close();
      await claimed.release();
    },
  };
}

function tell(event: DiskQueueEvent, { onLost, log }: StorageOptions): void {
  if (event.kind === 'sick')
    log.error({ code: event.code }, `the disk of the queue fails (${event.code}): new spans are refused`);
  else if (event.kind === 'well') log.info('the disk of the queue works again: new spans are taken');
  else if (event.kind === 'skipped') {
    const { kind, ...fields } = event;
    log.error(
      fields,
      `${event.file} of the queue cannot be read (${event.code}): what is left of it stays for the next start`,
    );
  } else if (event.kind === 'torn') {
    const { kind, ...fields } = event;
    log.warn(fields, 'the queue ended in a record that was cut short and never confirmed');
  } else tellDamage(event, { onLost, log });
}

function tellDamage(
  { destination, bytes, items, isAside }: Extract<DiskQueueEvent, { kind: 'damaged' }>,
  { onLost, log }: Pick<StorageOptions, 'onLost' | 'log'>,
): void {
  const where = isAside
    ? 'a copy is in the folder damaged'
    : 'their file stays, and is looked at again at the next start';
  if (bytes > 0) log.error({ destination, bytes }, `${bytes} bytes of the queue are not what they were; ${where}`);
  if (items === 0) return;
  log.error(
    { destination, spans: items },
    `${items} span(s) were in bytes that are not what they were: counted as damaged`,
  );
  onLost(destination, items);
}

/** Looks after both from time to time, one thing after the other. */
function maintain(
  {
    queue,
    deadLetters,
    onExpired,
  }: { queue: DiskQueue; deadLetters: DeadLetterStore; onExpired: (letters: number) => void },
  { queue: { deadLetterMaxAgeS }, log }: StorageOptions,
): () => Promise<void> {
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let lookedAtMs = -Infinity;
  const once = async () => {
    await queue.maintain();
    if (now() - lookedAtMs < LETTERS_MS) return;
    lookedAtMs = now();
    await deadLetters.recount();
    if (deadLetterMaxAgeS === undefined) return;
    const letters = await deadLetters.expire(deadLetterMaxAgeS * 1000);
    if (letters === 0) return;
    onExpired(letters);
    log.warn({ letters }, `${letters} dead letter(s) were older than queue.deadLetterMaxAgeS and are removed`);
  };
  const run = () => once().catch((error) => log.error({ err: error }, 'looking after the data directory failed'));
  const schedule = () => {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = run().then(schedule);
    }, MAINTAIN_MS);
  };
  let running: Promise<void> = Promise.resolve();
  schedule();
  return async () => {
    isStopped = true;
    clearTimeout(timer);
    await running;
  };
}
