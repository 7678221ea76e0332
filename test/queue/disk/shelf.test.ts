import type { DiskQueue } from '../../../src/queue/disk-queue';
import { eventually } from '../../support/eventually';
import { failure, LANE, MEBIBYTE, offer, settleAll, TestDisk, take, takeAll, textsOf, turns } from './test-disk';

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

const inFiles = () => disk.bytes('.log') + disk.bytes('.ack');

describe('a segment of which nothing is left', () => {
  test('is deleted, its outcomes last', async () => {
    const queue = await disk.open({ segmentBytes: 100 });
    for (const bytes of ['a', 'b', 'c']) await offer(queue, bytes.repeat(50));
    const [first = '', ...others] = disk.paths('.log');
    disk.calls.length = 0;
    queue.settle(await take(queue), [0]);
    await queue.maintain();
    const names = disk.calls.filter(({ op }) => op === 'remove' || op === 'syncDirectory');
    // Outcomes that are gone while the entries come back would be entries delivered twice.
    expect(names.map(({ op, path }) => `${op} ${path}`)).toEqual([
      `remove ${first}`,
      `syncDirectory ${LANE}`,
      `remove ${first.replace(/log$/, 'ack')}`,
    ]);
    expect(disk.paths('.log')).toEqual(others);
    await queue.close();
  });

  test('goes when the last of its items does, and not before', async () => {
    const queue = await disk.open({ segmentBytes: 100 });
    await Promise.all([offer(queue, 'a', { items: 2 }), offer(queue, 'b')]);
    await offer(queue, 'x'.repeat(100));
    const [first, second] = [await take(queue), await take(queue)];
    queue.settle(second, [0]);
    queue.settle(first, [1]);
    await queue.maintain();
    expect(disk.paths('.log')).toHaveLength(2);
    queue.settle(first, [0]);
    await queue.maintain();
    expect(disk.paths('.log')).toHaveLength(1);
    await queue.close();
  });

  test('is given up by the next offer when it is a quarter full', async () => {
    const queue = await disk.open({ segmentBytes: 1000 });
    await offer(queue, 'x'.repeat(214));
    settleAll(queue, await takeAll(queue));
    await offer(queue, '');
    // 250 bytes and 36 more: only now it is more than a quarter.
    expect(disk.sizes('.log')).toEqual([286]);
    settleAll(queue, await takeAll(queue));
    const [path] = disk.paths('.log');
    await offer(queue, 'y');
    await queue.maintain();
    expect(disk.paths('.log')).not.toContain(path);
    expect(disk.sizes('.log')).toEqual([37]);
    expect(textsOf(await takeAll(queue))).toEqual(['y']);
    await queue.close();
  });

  test('is not given up while something of it is left', async () => {
    const queue = await disk.open({ segmentBytes: 1000 });
    await offer(queue, 'x'.repeat(400));
    await takeAll(queue);
    await offer(queue, 'y');
    expect(disk.sizes('.log')).toEqual([473]);
    await queue.close();
  });

  test('goes at the end of the process', async () => {
    const queue = await disk.open();
    await offer(queue, 'x');
    settleAll(queue, await takeAll(queue));
    expect(disk.paths('.log')).toHaveLength(1);
    await queue.close();
    expect(disk.paths()).toEqual([]);
  });

  test('goes at the start', async () => {
    const queue = await disk.open();
    await offer(queue, 'x');
    disk.memory.fault = ({ op }) => (op === 'remove' ? 'EIO' : undefined);
    settleAll(queue, await takeAll(queue));
    await queue.close();
    expect(disk.paths()).toHaveLength(2);
    disk.memory.fault = () => undefined;
    const next = await disk.open();
    await next.maintain();
    expect(disk.paths()).toEqual([]);
    await next.close();
  });

  test('is given up by maintain() when the disk is short, and only then', async () => {
    const queue = await disk.open();
    await offer(queue, 'x');
    settleAll(queue, await takeAll(queue));
    await queue.maintain();
    expect(disk.paths('.log')).toHaveLength(1);
    disk.memory.capacity = 50 * MEBIBYTE;
    await queue.maintain();
    expect(disk.paths()).toEqual([]);
    await offer(queue, 'y');
    expect(textsOf(await takeAll(queue))).toEqual(['y']);
    await queue.maintain();
    expect(disk.sizes('.log')).toEqual([37]);
    await queue.close();
  });

  test('that cannot be deleted is by a later maintain(), without its entries coming back', async () => {
    const queue = await disk.open({ segmentBytes: 40 });
    for (const text of ['a', 'b', 'c']) await offer(queue, text);
    disk.meet = ({ op, name }) => {
      if (op === 'remove' && name.endsWith('.log')) throw failure('EROFS');
    };
    settleAll(queue, await takeAll(queue));
    await queue.maintain();
    expect(disk.paths('.log')).toHaveLength(3);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    disk.meet = () => {};
    await queue.maintain();
    // The last one is still written to.
    expect(disk.paths('.log')).toHaveLength(1);
    await queue.close();
    expect(disk.paths()).toEqual([]);
  });

  test('that cannot be deleted before the end does not bring its entries back', async () => {
    const queue = await disk.open({ segmentBytes: 40 });
    for (const text of ['a', 'b', 'c']) await offer(queue, text);
    disk.meet = ({ op, name }) => {
      if (op === 'remove' && name.endsWith('.log')) throw failure('EROFS');
    };
    settleAll(queue, await takeAll(queue));
    await queue.close();
    expect(disk.paths('.log')).toHaveLength(3);
    disk.meet = () => {};
    const next = await disk.open();
    expect(next.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    expect(await takeAll(next)).toEqual([]);
    await next.close();
    expect(disk.paths()).toEqual([]);
  });
});

describe('the quota', () => {
  const fill = async (queue: DiskQueue) => {
    for (let kept = 0; kept < 1000; kept++) {
      const refusal = await offer(queue, 'x'.repeat(64)).catch((error: unknown) => error);
      if (refusal !== undefined) return { kept, refusal };
    }
    throw new Error('more was kept than fits');
  };

  test('counts what lies in files, outcomes included', async () => {
    const queue = await disk.open({ segmentBytes: 1000 });
    for (let time = 0; time < 30; time++) await offer(queue, 'x'.repeat(64), { items: 2 });
    expect(queue.stats().bytes).toBe(3000);
    expect(inFiles()).toBe(3000);
    for (const entry of (await takeAll(queue)).slice(0, 15)) queue.settle(entry, [0]);
    await turns();
    expect(disk.bytes('.ack')).toBe(15 * 21);
    expect(queue.stats().bytes).toBe(inFiles());
    await queue.close();
    const next = await disk.open();
    expect(next.stats().bytes).toBe(inFiles());
    await next.close();
  });

  test('is reached to the byte, and room comes back with a segment', async () => {
    const queue = await disk.open({ bytesMax: 3000, segmentBytes: 1000 });
    expect(await fill(queue)).toMatchObject({ kept: 30, refusal: { reason: 'full' } });
    expect(inFiles()).toBe(3000);
    const entries = await takeAll(queue);
    settleAll(queue, entries.slice(0, 10));
    await queue.maintain();
    expect(disk.sizes('.log')).toEqual([1000, 1000]);
    expect(await fill(queue)).toMatchObject({ kept: 10, refusal: { reason: 'full' } });
    await queue.close();
  });

  test('is shared with other bytes, and between destinations', async () => {
    let otherBytes = 1000;
    const queue = await disk.open({ bytesMax: 3000, segmentBytes: 1000, otherBytes: () => otherBytes });
    for (let time = 0; time < 5; time++) await offer(queue, 'x'.repeat(64), { destination: 'other' });
    expect(await fill(queue)).toMatchObject({ kept: 15, refusal: { reason: 'full' } });
    otherBytes = 900;
    expect(await fill(queue)).toMatchObject({ kept: 1 });
    otherBytes = 5000;
    expect(await fill(queue)).toMatchObject({ kept: 0, refusal: { reason: 'full' } });
    await queue.close();
  });

  test('counts what is being written', async () => {
    const queue = await disk.open({ bytesMax: 3000 });
    const offered = await Promise.allSettled(Array.from({ length: 50 }, () => offer(queue, 'x'.repeat(64))));
    expect(offered.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    await queue.close();
  });

  test('does not count what was refused', async () => {
    const queue = await disk.open({ bytesMax: 3000 });
    disk.memory.fault = ({ op, path }) => (op === 'write' && path.startsWith(LANE) ? 'ENOSPC' : undefined);
    for (let time = 0; time < 40; time++)
      await expect(offer(queue, 'x'.repeat(64))).rejects.toMatchObject({ reason: 'full' });
    disk.memory.fault = () => undefined;
    expect(await fill(queue)).toMatchObject({ kept: 30 });
    await queue.close();
  });

  test('is too small for what can never fit', async () => {
    const queue = await disk.open({ bytesMax: 3000 });
    await expect(offer(queue, 'x'.repeat(2965))).rejects.toMatchObject({ reason: 'too_large' });
    await offer(queue, 'x'.repeat(2964));
    await queue.close();
  });
});

test('a handle of a deleted segment keeps no space', async () => {
  const queue = await disk.open({ segmentBytes: 100, cacheBytes: 0 });
  for (const text of ['a', 'b', 'c', 'd']) await offer(queue, text.repeat(60));
  settleAll(queue, await takeAll(queue));
  await queue.maintain();
  await eventually(() => expect(disk.paths('.log')).toHaveLength(1));
  // The segment that is written to, and its outcomes.
  expect(disk.memory.openFiles).toBe(2);
  await queue.close();
  expect(disk.memory.openFiles).toBe(0);
});
