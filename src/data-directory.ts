import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { now } from './clock';
import { createDeadLetterStore, type DeadLetterStore } from './dead-letters/store';
import { type Claim, claimDirectory } from './owner';
import type { OwnerInfo } from './owner-client';
import { createDiskQueue, type DiskQueue, type DiskQueueOptions } from './queue/disk-queue';
import { realFiles } from './queue/files';
import { VERSION } from './version';

/** What lies where below GATEWAY_DATA_DIR. */
export const dataDirectory = (dataDir: string) => ({
  queue: join(dataDir, 'queue'),
  deadLetters: join(dataDir, 'dead-letters'),
});

const random = (bytes: number) => randomBytes(bytes).toString('hex');

/** What the one who takes a data directory tells of itself. */
export const ABOUT: OwnerInfo = { pid: process.pid, startedAt: new Date(now()).toISOString(), version: VERSION };

/** `handler` answers those who ask the owner of the directory for something. */
export const claim = (dataDir: string, handler: RequestListener): Promise<Claim> =>
  claimDirectory({ directory: dataDir, handler, about: ABOUT, randomName: () => random(8) });

/** The letters of a data directory, for whoever only reads or has claimed it. */
export const deadLettersIn = (dataDir: string): DeadLetterStore =>
  createDeadLetterStore({
    files: realFiles,
    directory: dataDirectory(dataDir).deadLetters,
    randomId: () => random(4),
    now,
  });

/** The queue of a data directory, for whoever has claimed it. */
export const queueIn = (
  dataDir: string,
  options: Pick<DiskQueueOptions, 'bytesMax' | 'otherBytes' | 'onEvent'>,
): DiskQueue =>
  createDiskQueue({
    ...options,
    files: realFiles,
    directory: dataDirectory(dataDir).queue,
    randomMark: () => random(8),
    now,
  });
