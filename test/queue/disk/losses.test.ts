import { damaged, failure, LANE, offer, settleAll, TestDisk, take, takeAll, textsOf, turns } from './test-disk';

/** Nothing comes from memory. */
const READING = { cacheBytes: 0 };
const RECORD = 36 + 10;
const texts = ['0123456789', 'abcdefghij', 'ABCDEFGHIJ'] as const;

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

async function filled(options = {}) {
  const queue = await disk.open({ ...READING, ...options });
  for (const [at, text] of texts.entries()) {
    disk.clock.ms += 1000;
    await offer(queue, text, { items: at + 2 });
  }
  const [log = ''] = disk.paths('.log');
  return { queue, log };
}

const putAside = () => disk.paths().filter((path) => path.startsWith(`${LANE}/damaged/`));

describe('damage found while the queue is open', () => {
  test('in the bytes: its items are told and no longer counted', async () => {
    const { queue, log } = await filled();
    await disk.flip(log, RECORD + 40);
    const lost = Buffer.from(disk.content(log).subarray(RECORD, 2 * RECORD));
    const entries = await takeAll(queue);
    expect(textsOf(entries)).toEqual([texts[0], texts[2]]);
    expect(disk.events).toEqual([damaged(RECORD, 3)]);
    expect(putAside().map((path) => disk.content(path))).toEqual([lost]);
    expect(queue.stats().items).toBe(2 + 4);
    settleAll(queue, entries);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
    expect(disk.paths('.log')).toEqual([]);
  });

  test('is not found again by the next process', async () => {
    const { queue, log } = await filled();
    await disk.flip(log, RECORD + 40);
    await takeAll(queue);
    await queue.close();
    const next = await disk.open();
    expect(textsOf(await takeAll(next))).toEqual([texts[0], texts[2]]);
    expect(disk.events).toHaveLength(1);
    await next.close();
  });

  test('in a header: its items are missed at the end of the segment', async () => {
    const { queue, log } = await filled({ segmentBytes: 3 * RECORD });
    await disk.flip(log, RECORD + 9);
    await offer(queue, 'behind');
    expect((await take(queue)).bytes.toString()).toBe(texts[0]);
    expect((await take(queue)).bytes.toString()).toBe(texts[2]);
    expect(disk.events).toEqual([damaged(RECORD, 0)]);
    expect(queue.stats().items).toBe(2 + 3 + 4 + 1);
    expect((await take(queue)).bytes.toString()).toBe('behind');
    expect(disk.events.slice(1)).toEqual([damaged(0, 3, { isAside: false })]);
    expect(queue.stats().items).toBe(2 + 4 + 1);
    expect(putAside().map((path) => disk.content(path).length)).toEqual([RECORD]);
    await queue.close();
  });

  test('in all headers: the segment goes', async () => {
    const { queue, log } = await filled({ segmentBytes: 3 * RECORD });
    for (const at of [0, 1, 2]) await disk.flip(log, at * RECORD + 9);
    await offer(queue, 'behind');
    const entries = await takeAll(queue);
    expect(textsOf(entries)).toEqual(['behind']);
    expect(disk.events).toMatchObject([{ bytes: 3 * RECORD, items: 0 }, { items: 2 + 3 + 4 }]);
    expect(queue.stats().items).toBe(1);
    await queue.maintain();
    expect(disk.paths('.log')).not.toContain(log);
    settleAll(queue, entries);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
  });

  test('in an entry that waits for a retry: what is left of it is told, and the next one comes', async () => {
    const { queue, log } = await filled();
    const [first, second] = [await take(queue), await take(queue)];
    queue.settle(first, [0]);
    queue.settle(second, [2]);
    for (const entry of [first, second]) queue.retryAt(entry, disk.clock.ms);
    await disk.flip(log, 36);
    const again = await take(queue);
    expect(again.bytes.toString()).toBe(texts[1]);
    expect(disk.events).toEqual([damaged(RECORD, 1)]);
    expect(queue.stats().items).toBe(2 + 4);
    settleAll(queue, [again, ...(await takeAll(queue))]);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
  });

  test('in an entry that an earlier process has settled in parts: what was left of it is told', async () => {
    const { queue, log } = await filled();
    queue.settle(await take(queue), [0]);
    await queue.close();
    const next = await disk.open(READING);
    await disk.flip(log, 36);
    expect(next.stats().items).toBe(1 + 3 + 4);
    expect(textsOf(await takeAll(next))).toEqual([texts[1], texts[2]]);
    expect(disk.events).toEqual([damaged(RECORD, 1)]);
    expect(next.stats().items).toBe(3 + 4);
    await next.close();
  });

  test('a segment that somebody has cut short', async () => {
    const { queue, log } = await filled({ segmentBytes: 3 * RECORD });
    await disk.cut(log, RECORD + 20);
    await offer(queue, 'behind');
    const entries = await takeAll(queue);
    expect(textsOf(entries)).toEqual([texts[0], 'behind']);
    expect(queue.stats().items).toBe(2 + 1);
    const told = disk.events.reduce((sum, event) => sum + (event.kind === 'damaged' ? event.items : 0), 0);
    expect(told).toBe(3 + 4);
    settleAll(queue, entries);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
  });

  describe('a segment that somebody has removed', () => {
    const gone = { items: 0, bytes: 0, oldestOfferedAtMs: undefined };

    test('before it was read: what lay in it is told as lost once, and what is behind it is given', async () => {
      const { queue, log } = await filled({ segmentBytes: 3 * RECORD });
      await offer(queue, 'behind');
      await disk.memory.remove(log);
      const entries = await takeAll(queue);
      expect(textsOf(entries)).toEqual(['behind']);
      expect(disk.events).toEqual([damaged(0, 2 + 3 + 4, { isAside: false })]);
      settleAll(queue, entries);
      await queue.maintain();
      expect(await queue.take('main')).toBeUndefined();
      expect(queue.stats()).toEqual(gone);
      await queue.close();
      await (await disk.open()).close();
      expect(disk.events).toHaveLength(1);
      expect(disk.paths()).toEqual([]);
    });

    test('that was still written to: it is told when another one has begun', async () => {
      const { queue, log } = await filled();
      await disk.memory.remove(log);
      expect(await queue.take('main')).toBeUndefined();
      await queue.maintain();
      await offer(queue, 'behind');
      const entries = await takeAll(queue);
      expect(textsOf(entries)).toEqual(['behind']);
      expect(disk.events).toEqual([damaged(0, 2 + 3 + 4, { isAside: false })]);
      settleAll(queue, entries);
      expect(queue.stats()).toEqual(gone);
      expect(queue.nextDueAtMs('main')).toBeUndefined();
      await queue.close();
    });

    test('while its entries wait for a retry: what was left of each is told once', async () => {
      const { queue, log } = await filled({ segmentBytes: 3 * RECORD });
      await offer(queue, 'behind');
      const [first, second, third, behind] = await takeAll(queue);
      queue.settle(third!, [0, 1, 2, 3]);
      queue.settle(second!, [1]);
      for (const entry of [first!, second!, behind!]) queue.retryAt(entry, disk.clock.ms);
      await disk.memory.remove(log);
      const entries = await takeAll(queue);
      expect(textsOf(entries)).toEqual(['behind']);
      expect(disk.events).toEqual([damaged(RECORD, 2, { isAside: false }), damaged(RECORD, 2, { isAside: false })]);
      settleAll(queue, entries);
      expect(queue.stats()).toEqual(gone);
      disk.clock.ms += 3_600_000;
      expect(await queue.take('main')).toBeUndefined();
      expect(queue.nextDueAtMs('main')).toBeUndefined();
      await queue.close();
      await (await disk.open()).close();
      expect(disk.events).toHaveLength(2);
    });
  });

  test('a waiting entry that the disk does not give back holds up none that wait behind it', async () => {
    const { queue } = await filled();
    const [first, ...others] = await takeAll(queue);
    for (const entry of [first!, ...others]) queue.retryAt(entry, disk.clock.ms);
    disk.meet = ({ op, at }) => {
      if (op === 'read' && at < RECORD) throw failure('EIO');
    };
    await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
    expect(textsOf(await takeAll(queue))).toEqual([texts[1], texts[2]]);
    expect(queue.nextDueAtMs('main')).toBe(disk.clock.ms + 30_000);
    disk.clock.ms += 30_000;
    await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
    disk.meet = () => {};
    disk.clock.ms += 29_999;
    expect(await queue.take('main')).toBeUndefined();
    disk.clock.ms += 1;
    expect(await take(queue)).toMatchObject({ id: first!.id, attempts: 1 });
    expect(disk.events).toEqual([]);
    expect(queue.stats().items).toBe(2 + 3 + 4);
    await queue.close();
  });

  test('a disk that cannot be read is no damage: the entry comes when it can', async () => {
    const { queue } = await filled();
    disk.memory.fault = ({ op }) => (op === 'read' ? 'EIO' : undefined);
    await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
    expect(queue.stats().items).toBe(9);
    disk.memory.fault = () => undefined;
    const first = await take(queue);
    expect(first.bytes.toString()).toBe(texts[0]);
    queue.retryAt(first, disk.clock.ms);
    disk.memory.fault = ({ op }) => (op === 'open' ? 'EIO' : undefined);
    await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
    disk.memory.fault = () => undefined;
    // It does not stand in the way of the others meanwhile.
    expect((await take(queue)).bytes.toString()).toBe(texts[1]);
    disk.clock.ms += 30_000;
    expect(await take(queue)).toMatchObject({ id: first.id, attempts: 1 });
    expect(disk.events).toEqual([]);
    await queue.close();
    await turns();
    expect(disk.memory.openFiles).toBe(0);
  });

  describe('a bad sector', () => {
    const large = ['a', 'b', 'c'].map((text) => text.repeat(10_000));
    const spoil = (path: string, sector = 14_900) => {
      disk.meet = (call) => {
        if (call.op === 'read' && call.path === path && call.at < sector + 100 && call.at + call.bytes > sector)
          throw failure('EIO');
      };
    };

    async function spoilt() {
      const queue = await disk.open({ ...READING, segmentBytes: 25_000 });
      for (const text of large) await offer(queue, text, { items: 2 });
      const [log = ''] = disk.paths('.log');
      spoil(log);
      const file = log.slice(LANE.length + 1);
      return { queue, log, skipped: { kind: 'skipped', destination: 'main', file, code: 'EIO' } };
    }

    test('is tried for a while; then its segment is passed over, and stays for the next start', async () => {
      const { queue, log, skipped } = await spoilt();
      for (const waitedMs of [0, 10_000]) {
        disk.clock.ms += waitedMs;
        await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      }
      expect(disk.events).toEqual([]);
      disk.clock.ms += 60_000;
      const entries = await takeAll(queue);
      expect(textsOf(entries)).toEqual([large[2]]);
      expect(disk.events).toEqual([skipped]);
      settleAll(queue, entries);
      expect(queue.stats().items).toBe(4);
      expect(queue.nextDueAtMs('main')).toBeUndefined();
      await queue.close();
      expect(disk.paths('.log')).toEqual([log]);
      disk.meet = () => {};
      const next = await disk.open();
      expect(textsOf(await takeAll(next))).toEqual([large[0], large[1]]);
      expect(disk.events).toHaveLength(1);
      await next.close();
    });

    test('that is well again while it is tried costs nothing', async () => {
      const { queue } = await spoilt();
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      disk.meet = () => {};
      expect(textsOf(await takeAll(queue))).toEqual(large);
      expect(disk.events).toEqual([]);
      await queue.close();
    });

    test('is tried for as long again when something was read in between', async () => {
      const { queue } = await spoilt();
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      disk.meet = () => {};
      expect(textsOf([await take(queue), await take(queue)])).toEqual([large[0], large[1]]);
      const [, behind = ''] = disk.paths('.log');
      spoil(behind, 0);
      disk.clock.ms += 3_600_000;
      for (const waitedMs of [0, 1, 59_998]) {
        disk.clock.ms += waitedMs;
        await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      }
      expect(disk.events).toEqual([]);
      disk.clock.ms += 1;
      expect(await queue.take('main')).toBeUndefined();
      expect(disk.events).toMatchObject([{ kind: 'skipped', code: 'EIO' }]);
      await queue.close();
    });

    test('is tried for as long again when nothing but damage was found in between', async () => {
      const { queue, log } = await spoilt();
      const [, behind = ''] = disk.paths('.log');
      await disk.flip(log, 9);
      await disk.flip(log, 10_036 + 9);
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      disk.meet = ({ op, path }) => {
        if (op === 'read' && path === behind) throw failure('EIO');
      };
      disk.clock.ms += 3_600_000;
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      expect(disk.events).toMatchObject([{ bytes: 20_072 }, { items: 4 }]);
      disk.meet = () => {};
      expect(textsOf(await takeAll(queue))).toEqual([large[2]]);
      await queue.close();
    });

    test('is tried for as long again when the file was removed in between', async () => {
      const { queue, log } = await spoilt();
      const [, behind = ''] = disk.paths('.log');
      disk.meet = ({ op, path }) => {
        if (op === 'open' || (op === 'read' && path === behind)) throw failure('EIO');
      };
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      await disk.memory.remove(log);
      disk.meet = ({ op, path }) => {
        if (op === 'read' && path === behind) throw failure('EIO');
      };
      disk.clock.ms += 3_600_000;
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      disk.meet = () => {};
      expect(textsOf(await takeAll(queue))).toEqual([large[2]]);
      expect(disk.events).toMatchObject([{ kind: 'damaged', items: 4 }]);
      await queue.close();
    });

    test('keeps what it has counted: items, bytes and the age of the oldest', async () => {
      const { queue } = await spoilt();
      const before = queue.stats();
      await expect(queue.take('main')).rejects.toMatchObject({ code: 'EIO' });
      disk.clock.ms += 60_000;
      settleAll(queue, await takeAll(queue));
      const bytes = disk.sizes('.log')[0]!;
      expect(queue.stats()).toEqual({ items: 4, bytes, oldestOfferedAtMs: before.oldestOfferedAtMs });
      await offer(queue, 'more');
      expect(queue.stats().oldestOfferedAtMs).toBe(before.oldestOfferedAtMs);
      settleAll(queue, await takeAll(queue));
      expect(queue.stats().oldestOfferedAtMs).toBe(before.oldestOfferedAtMs);
      expect(queue.nextDueAtMs('main')).toBeUndefined();
      await queue.close();
    });

    test('found at the start stops nothing: what is behind it is delivered, and the file stays', async () => {
      const { queue, log, skipped } = await spoilt();
      await queue.close();
      const next = await disk.open();
      expect(disk.events).toEqual([skipped]);
      settleAll(next, await takeAll(next));
      await next.close();
      expect(disk.paths('.log')).toEqual([log]);
      disk.meet = () => {};
      const last = await disk.open();
      expect(textsOf(await takeAll(last))).toEqual([large[0], large[1]]);
      await last.close();
    });
  });

  test('what cannot be put aside stays for the next start', async () => {
    const { queue, log } = await filled();
    await disk.flip(log, RECORD + 40);
    disk.memory.fault = ({ op, path }) => (op === 'create' && path.includes('damaged') ? 'ENOSPC' : undefined);
    settleAll(queue, await takeAll(queue));
    expect(disk.events).toEqual([damaged(RECORD, 3, { isAside: false })]);
    expect(queue.stats()).toMatchObject({ items: 0 });
    await queue.close();
    expect(disk.paths('.log')).toEqual([log]);
    disk.memory.fault = () => undefined;
    await (await disk.open()).close();
    expect(disk.events.slice(1)).toEqual([damaged(RECORD, 0)]);
    expect(putAside().map((path) => disk.content(path).length)).toEqual([RECORD]);
    expect(disk.paths('.log')).toEqual([]);
  });

  test('in a header: the segment is not written to any more', async () => {
    const { queue, log } = await filled();
    await disk.flip(log, RECORD + 9);
    expect(textsOf(await takeAll(queue))).toEqual([texts[0], texts[2]]);
    await offer(queue, 'behind');
    expect(disk.paths('.log')).toHaveLength(2);
    expect(textsOf(await takeAll(queue))).toEqual(['behind']);
    expect(queue.stats().items).toBe(2 + 4 + 1);
    await queue.close();
  });
});
