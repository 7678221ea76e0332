import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskQueueEvent } from '../../../src/queue/disk/event';
import { createDiskQueue, type DiskQueueOptions } from '../../../src/queue/disk-queue';
import { realFiles } from '../../../src/queue/files';
import { makeTemporary, removeTemporary } from '../../support/temporary';
import {
  type Call,
  DIRECTORY,
  failure,
  LANE,
  MEBIBYTE,
  offer,
  settleAll,
  TestDisk,
  take,
  takeAll,
  textsOf,
} from './test-disk';

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

const WRITING = new Set<Call['op']>([
  'makeDirectory',
  'create',
  'write',
  'truncate',
  'sync',
  'remove',
  'syncDirectory',
]);
const failWriting = (code: string) => {
  disk.meet = ({ op }) => {
    if (WRITING.has(op)) throw failure(code);
  };
};

describe('a disk that fails', () => {
  test.each(['EIO', 'EROFS', 'EACCES'])(
    '(%s) refuses at once, is tried by maintain(), and is well again',
    async (code) => {
      const queue = await disk.open();
      await offer(queue, 'before');
      expect(queue.sick()).toBeUndefined();
      failWriting(code);
      disk.clock.ms += 5000;
      const sinceMs = disk.clock.ms;
      await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
      expect(queue.sick()).toEqual({ sinceMs, code });

      disk.calls.length = 0;
      for (let time = 0; time < 20; time++) {
        disk.clock.ms += 100;
        await expect(offer(queue, 'x')).rejects.toMatchObject({
          reason: 'sick',
          message: expect.stringContaining(code),
        });
      }
      expect(disk.calls).toEqual([]);

      for (let time = 0; time < 3; time++) await queue.maintain();
      expect(disk.calls.length).toBeGreaterThan(0);
      expect(queue.sick()).toEqual({ sinceMs, code });
      expect(disk.events).toEqual([{ kind: 'sick', code }]);
      // What is there can be taken.
      expect((await take(queue)).bytes.toString()).toBe('before');

      disk.meet = () => {};
      await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
      for (let time = 0; time < 3; time++) await queue.maintain();
      expect(queue.sick()).toBeUndefined();
      expect(disk.events).toEqual([{ kind: 'sick', code }, { kind: 'well' }]);
      await offer(queue, 'after');
      expect((await take(queue)).bytes.toString()).toBe('after');
      await queue.close();
      expect(disk.paths().filter((path) => !path.startsWith(LANE))).toEqual([]);
    },
  );

  test('is sick once, and says the latest code', async () => {
    const queue = await disk.open();
    failWriting('EIO');
    const offered = await Promise.allSettled(['a', 'b', 'c'].map((text) => offer(queue, text)));
    expect(offered.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    const sinceMs = disk.clock.ms;
    disk.clock.ms += 1000;
    failWriting('EROFS');
    await queue.maintain();
    expect(queue.sick()).toEqual({ sinceMs, code: 'EROFS' });
    expect(disk.events).toEqual([{ kind: 'sick', code: 'EIO' }]);
    await queue.close();
  });

  test('is tried by writing and syncing, and nothing is left of that', async () => {
    const queue = await disk.open();
    for (const broken of ['create', 'write', 'sync'] as const) {
      disk.meet = ({ op }) => {
        if (op === broken) throw failure('EIO');
      };
      await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
      await queue.maintain();
      expect({ broken, code: queue.sick()?.code }).toEqual({ broken, code: 'EIO' });
      disk.meet = () => {};
      await queue.maintain();
      expect(queue.sick()).toBeUndefined();
    }
    await queue.close();
    expect(disk.paths()).toEqual([]);
    expect(disk.memory.openFiles).toBe(0);
  });

  test('is tried in spite of what an earlier process has left, and of a destination with any name', async () => {
    await disk.memory.makeDirectory(DIRECTORY);
    await disk.put(`${DIRECTORY}/.probe`, Buffer.from('left behind'));
    const queue = await disk.open();
    await offer(queue, 'x', { destination: 'probe' });
    await offer(queue, 'x', { destination: '.probe' });
    failWriting('EIO');
    await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
    disk.meet = () => {};
    await queue.maintain();
    expect(queue.sick()).toBeUndefined();
    expect(queue.destinations().sort()).toEqual(['.probe', 'probe']);
    expect(disk.paths('.probe')).toEqual([]);
    await queue.close();
  });

  test('without a code is sick all the same', async () => {
    const queue = await disk.open();
    disk.meet = ({ op }) => {
      if (op === 'sync') throw new Error('something else');
    };
    await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
    expect(queue.sick()?.code).toBe('unknown');
    await queue.close();
  });
});

test('a disk that has become read-only gives what waits, and learns what became of it when it is well', async () => {
  const queue = await disk.open({ cacheBytes: 0, segmentBytes: 100 });
  for (const text of ['a', 'b', 'c', 'd', 'e']) await offer(queue, text.repeat(20), { items: 2 });
  const before = new Map(disk.memory.contents());
  // What is opened to be read can be.
  disk.memory.fault = ({ op }) => (WRITING.has(op) || op === 'open' ? 'EROFS' : undefined);
  const entries = await takeAll(queue);
  expect(textsOf(entries)).toEqual(['a', 'b', 'c', 'd', 'e'].map((text) => text.repeat(20)));
  settleAll(queue, entries.slice(0, 2));
  queue.settle(entries[2]!, [1]);
  for (const entry of entries.slice(2, 4)) queue.retryAt(entry, disk.clock.ms);
  const again = await takeAll(queue);
  expect(again.map(({ id, attempts }) => [id, attempts])).toEqual([
    [entries[2]!.id, 1],
    [entries[3]!.id, 1],
  ]);
  await expect(offer(queue, 'x'.repeat(20))).rejects.toMatchObject({ reason: 'sick' });
  await queue.maintain();
  expect(queue.sick()).toMatchObject({ code: 'EROFS' });
  expect(disk.memory.contents()).toEqual(before);
  expect(queue.stats().items).toBe(1 + 2 + 2);
  disk.memory.fault = () => undefined;
  await queue.maintain();
  await queue.close();
  const next = await disk.open();
  const left = await takeAll(next);
  expect(left.map((entry) => [entry.bytes.toString()[0], entry.attempts, entry.isSettled(1)])).toEqual([
    ['c', 1, true],
    ['d', 1, false],
    ['e', 0, false],
  ]);
  await next.close();
});

describe('a disk that is full', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EFBIG'])('(%s) is not sick, and every offer finds out anew', async (code) => {
    const queue = await disk.open();
    failWriting(code);
    for (let time = 0; time < 5; time++) {
      await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'full' });
      await queue.maintain();
    }
    expect(queue.sick()).toBeUndefined();
    expect(disk.events).toEqual([]);
    disk.meet = () => {};
    await offer(queue, 'x');
    await queue.close();
  });

  test('while it was sick is well', async () => {
    const queue = await disk.open();
    failWriting('EIO');
    await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'sick' });
    failWriting('ENOSPC');
    await queue.maintain();
    expect(queue.sick()).toBeUndefined();
    await expect(offer(queue, 'x')).rejects.toMatchObject({ reason: 'full' });
    expect(disk.events).toEqual([{ kind: 'sick', code: 'EIO' }, { kind: 'well' }]);
    await queue.close();
  });
});

describe('the floor of free space', () => {
  test('is a twentieth of a small disk: what would go below it is refused, without a try', async () => {
    disk.memory.capacity = MEBIBYTE;
    const queue = await disk.open();
    const large = Buffer.alloc(100_000);
    // 1,048,576 bytes less nine times 100,036 leave 148,252: one more would leave less than 52,428.8.
    for (let time = 0; time < 9; time++) await offer(queue, large);
    disk.calls.length = 0;
    await expect(offer(queue, large)).rejects.toMatchObject({ reason: 'full' });
    expect(disk.calls).toEqual([]);
    expect(queue.sick()).toBeUndefined();
    await offer(queue, Buffer.alloc(90_000));
    settleAll(queue, await takeAll(queue));
    await queue.maintain();
    await queue.maintain();
    await offer(queue, large);
    await queue.close();
  });

  test.each([
    [64 * MEBIBYTE + 1000, 'kept'],
    [64 * MEBIBYTE + 999, 'full'],
  ])('is 64 MiB of a large one: with %d bytes free an entry of 1,000 is %s', async (free, outcome) => {
    const space = async () => ({ free, total: 1e12 });
    const queue = await disk.open({ files: { ...disk.files, space } });
    const refusal = await offer(queue, Buffer.alloc(964)).then(
      () => 'kept',
      ({ reason }) => reason,
    );
    expect(refusal).toBe(outcome);
    await queue.close();
  });

  test('counts what is being written', async () => {
    disk.memory.capacity = MEBIBYTE;
    const queue = await disk.open();
    const offered = await Promise.allSettled(Array.from({ length: 12 }, () => offer(queue, Buffer.alloc(100_000))));
    expect(offered.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    await queue.close();
  });

  test('is not known where the system does not tell: writing will', async () => {
    const space = () => Promise.reject(failure('ENOSYS'));
    const queue = await disk.open({ files: { ...disk.files, space } });
    await offer(queue, 'x');
    await queue.maintain();
    await offer(queue, 'y');
    expect(textsOf(await takeAll(queue))).toEqual(['x', 'y']);
    await queue.close();
  });
});

describe('on this machine', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) removeTemporary(folder);
  });

  async function open(options: Partial<DiskQueueOptions> = {}) {
    const folder = makeTemporary();
    folders.push(folder);
    const events: DiskQueueEvent[] = [];
    let marks = 0;
    const directory = join(folder, 'queue');
    const queue = createDiskQueue({
      ...{ files: realFiles, directory, bytesMax: 1_000_000, segmentBytes: 100, now: () => 1000 },
      randomMark: () => String(++marks).padStart(16, '0'),
      onEvent: (event) => events.push(event),
      ...options,
    });
    await queue.open();
    return { queue, directory, events };
  }

  test('a directory in whose place there is a file is sick, and well when it is back', async () => {
    const { queue, directory, events } = await open();
    await offer(queue, 'before'.repeat(10));
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, '');
    // The next one begins a segment.
    await expect(offer(queue, 'refused'.repeat(10))).rejects.toMatchObject({ reason: 'sick' });
    await queue.maintain();
    const code = queue.sick()?.code;
    expect(['ENOTDIR', 'EEXIST']).toContain(code);
    rmSync(directory);
    renameSync(`${directory}.away`, directory);
    await queue.maintain();
    expect(queue.sick()).toBeUndefined();
    expect(events.map(({ kind }) => kind)).toEqual(['sick', 'well']);
    await offer(queue, 'after'.repeat(10));
    expect(textsOf(await takeAll(queue))).toEqual(['before'.repeat(10), 'after'.repeat(10)]);
    await queue.close();
  });

  test('a directory that was removed is made again, and what is offered then is kept', async () => {
    const { queue, directory } = await open();
    await offer(queue, 'before');
    rmSync(directory, { recursive: true });
    // The open file has no name any more, and would take what is written to it along.
    await queue.maintain();
    await offer(queue, 'after');
    expect(queue.sick()).toBeUndefined();
    await queue.close();
    const next = createDiskQueue({
      ...{ files: realFiles, directory, bytesMax: 1_000_000, now: () => 1000, randomMark: () => 'f'.repeat(16) },
    });
    await next.open();
    expect(textsOf(await takeAll(next))).toEqual(['after']);
    await next.close();
  });

  test('a segment that was removed costs its own entries, which are told as lost', async () => {
    const { queue, directory, events } = await open({ cacheBytes: 0 });
    for (const text of ['a', 'b', 'c']) await offer(queue, text.repeat(60));
    const [first = ''] = readdirSync(join(directory, 'main')).sort();
    rmSync(join(directory, 'main', first));
    expect(textsOf(await takeAll(queue))).toEqual(['b'.repeat(60), 'c'.repeat(60)]);
    expect(events).toMatchObject([{ kind: 'damaged', items: 1 }]);
    expect(queue.stats().items).toBe(2);
    await queue.close();
  });
});
