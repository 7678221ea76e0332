import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDiskQueue } from '../../src/queue/disk-queue';
import { realFiles } from '../../src/queue/files';
import { queueContract } from './contract';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'disk-queue-'));
  directories.push(directory);
  return directory;
}

queueContract('disk', async (options) => {
  const randomMark = () => randomBytes(8).toString('hex');
  const queue = createDiskQueue({ ...options, files: realFiles, directory: newDirectory(), randomMark });
  await queue.open();
  return queue;
});
