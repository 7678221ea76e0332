import type { DiskQueue } from '../../../src/queue/disk-queue';
import type { Entry } from '../../../src/queue/port';
import { eventually } from '../../support/eventually';
import { offer, settleAll, TestDisk, take, takeAll, textsOf, turns } from './test-disk';

const SEGMENTS = 5;
const LATER_MS = 60_000;

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

/** Segments of ten entries each, all settled but for one that is tried again and again. */
async function poisoned(options = {}): Promise<{ queue: DiskQueue; bad: Entry[] }> {
  const queue = await disk.open({ segmentBytes: 1000, ...options });
  for (let segment = 0; segment < SEGMENTS; segment++) {
    for (let at = 0; at < 10; at++) {
      disk.clock.ms += 1;
      const text = at === 4 ? `bad ${segment}` : `good ${segment}.${at}`;
      await offer(queue, text.padEnd(64), { items: 3 });
    }
  }
  const entries = await takeAll(queue);
  expect(disk.sizes('.log')).toEqual([1000, 1000, 1000, 1000, 1000]);
  const bad = entries.filter(({ bytes }) => bytes.toString().startsWith('bad'));
  settleAll(
    queue,
    entries.filter((entry) => !bad.includes(entry)),
  );
  return { queue, bad };
}

const putBack = (queue: DiskQueue, bad: readonly Entry[]) => {
  for (const [at, entry] of bad.entries()) {
    queue.settle(entry, [at % 3]);
    // The youngest is due first.
    queue.retryAt(entry, disk.clock.ms + LATER_MS - at);
  }
};

const moved = () => eventually(() => expect(disk.paths('.log')).toHaveLength(1));
const bare = (entries: readonly Entry[]) => textsOf(entries).map((text) => text.trim());
const isSettled = (entry: Entry) => [0, 1, 2].map((at) => entry.isSettled(at));

describe('one entry in each segment that is tried for long', () => {
  test('does not keep the segments: the entries are written to the newest one', async () => {
    const { queue, bad } = await poisoned();
    putBack(queue, bad);
    await moved();
    expect(disk.sizes('.log')).toEqual([500]);
    // The outcomes of what was deleted go last.
    await queue.maintain();
    await turns();
    expect(queue.stats()).toMatchObject({ items: 10, bytes: disk.bytes('.log') + disk.bytes('.ack') });
    await queue.close();
  });

  test('stays itself: its id, its place, what was settled of it and its attempts', async () => {
    const { queue, bad } = await poisoned();
    const before = queue.stats();
    putBack(queue, bad);
    await moved();
    expect(queue.nextDueAtMs('main')).toBe(disk.clock.ms + LATER_MS - 4);
    expect(await queue.take('main')).toBeUndefined();
    await offer(queue, 'behind');
    disk.clock.ms += LATER_MS;
    const again = await takeAll(queue);
    expect(bare(again)).toEqual(['bad 0', 'bad 1', 'bad 2', 'bad 3', 'bad 4', 'behind']);
    expect(again.slice(0, 5).map(({ id }) => id)).toEqual(bad.map(({ id }) => id));
    expect(again.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1, 0]);
    expect(again.slice(0, 5).map(isSettled)).toEqual([0, 1, 2, 0, 1].map((at) => [0, 1, 2].map((one) => one === at)));
    expect(again.slice(0, 5).map(({ offeredAtMs }) => offeredAtMs)).toEqual(bad.map(({ offeredAtMs }) => offeredAtMs));
    expect(new Set(again.map(({ id }) => id)).size).toBe(6);
    expect(queue.stats().oldestOfferedAtMs).toBe(bad[0]!.offeredAtMs);
    expect(before.items).toBe(15);
    settleAll(queue, again);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
    expect(disk.paths()).toEqual([]);
  });

  test('is the same for the next process, and there once', async () => {
    const { queue, bad } = await poisoned();
    putBack(queue, bad);
    await moved();
    await queue.close();
    const next = await disk.open();
    expect(next.stats()).toMatchObject({ items: 10, oldestOfferedAtMs: bad[0]!.offeredAtMs });
    const again = await takeAll(next);
    expect(bare(again).sort()).toEqual(['bad 0', 'bad 1', 'bad 2', 'bad 3', 'bad 4']);
    const byText = [...again].sort((one, other) => one.offeredAtMs - other.offeredAtMs);
    expect(byText.map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1, 1]);
    expect(byText.map(isSettled)).toEqual([0, 1, 2, 0, 1].map((at) => [0, 1, 2].map((one) => one === at)));
    expect(byText.map(({ offeredAtMs }) => offeredAtMs)).toEqual(bad.map(({ offeredAtMs }) => offeredAtMs));
    await next.close();
  });

  test('leaves no doubt which is the oldest, for the next process either', async () => {
    const { queue, bad } = await poisoned();
    disk.clock.ms += 1000;
    // It lies before those that are moved, and is younger.
    await offer(queue, 'young');
    putBack(queue, bad);
    await moved();
    await queue.close();
    const next = await disk.open();
    const oldest = () => next.stats().oldestOfferedAtMs;
    expect(oldest()).toBe(bad[0]!.offeredAtMs);
    const young = await take(next);
    expect(bare([young])).toEqual(['young']);
    expect(oldest()).toBe(bad[0]!.offeredAtMs);
    const again = (await takeAll(next)).sort((one, other) => one.offeredAtMs - other.offeredAtMs);
    expect(again.map(({ offeredAtMs }) => offeredAtMs)).toEqual(bad.map(({ offeredAtMs }) => offeredAtMs));
    const seen: unknown[] = [];
    for (const entry of again) {
      seen.push(oldest());
      settleAll(next, [entry]);
    }
    expect(seen).toEqual(bad.map(({ offeredAtMs }) => offeredAtMs));
    expect(oldest()).toBe(young.offeredAtMs);
    settleAll(next, [young]);
    expect(oldest()).toBeUndefined();
    await next.close();
  });

  test('does not keep a segment for a large record that was lost', async () => {
    const queue = await disk.open({ segmentBytes: 10_000, cacheBytes: 0 });
    await offer(queue, 'bad'.padEnd(64));
    await offer(queue, 'x'.repeat(8_000), { items: 2 });
    const [log = ''] = disk.paths('.log');
    // Nobody can tell any more what it was, or how large.
    await disk.flip(log, 100 + 9);
    queue.retryAt(await take(queue), disk.clock.ms + LATER_MS);
    await offer(queue, 'y'.repeat(8_000));
    const [behind] = await takeAll(queue);
    expect(disk.events).toMatchObject([{ bytes: 8_036 }, { items: 2 }]);
    await eventually(() => expect(disk.paths('.log')).not.toContain(log));
    expect(disk.sizes('.log')).toEqual([8_036 + 100]);
    disk.clock.ms += LATER_MS;
    const [bad] = await takeAll(queue);
    expect(bare([bad!])).toEqual(['bad']);
    settleAll(queue, [behind!, bad!]);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
  });

  test('can be settled after it was moved', async () => {
    const { queue, bad } = await poisoned();
    putBack(queue, bad);
    await moved();
    disk.clock.ms += LATER_MS;
    settleAll(queue, (await takeAll(queue)).slice(0, 4));
    expect(queue.stats().items).toBe(2);
    await queue.close();
    const next = await disk.open();
    expect(bare(await takeAll(next))).toEqual(['bad 4']);
    await next.close();
  });

  test('that is due while it is moved comes once, whole', async () => {
    const { queue, bad } = await poisoned();
    for (const entry of bad) queue.retryAt(entry, disk.clock.ms);
    const again = await takeAll(queue);
    expect(bare(again)).toEqual(['bad 0', 'bad 1', 'bad 2', 'bad 3', 'bad 4']);
    settleAll(queue, again);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
    expect(disk.paths()).toEqual([]);
  });

  test('stays where it is when it cannot be written, and is moved after its next attempt', async () => {
    const { queue, bad } = await poisoned();
    disk.memory.fault = ({ op, path }) => (op === 'write' && path.endsWith('.log') ? 'ENOSPC' : undefined);
    putBack(queue, bad);
    await turns();
    disk.clock.ms += LATER_MS;
    const again = await takeAll(queue);
    expect(bare(again)).toEqual(['bad 0', 'bad 1', 'bad 2', 'bad 3', 'bad 4']);
    expect(disk.paths('.log')).toHaveLength(SEGMENTS);
    disk.memory.fault = () => undefined;
    for (const entry of again) queue.retryAt(entry, disk.clock.ms + LATER_MS);
    await eventually(() => expect(disk.paths('.log')).toHaveLength(1));
    await queue.close();
    const next = await disk.open();
    expect((await takeAll(next)).map(({ attempts }) => attempts)).toEqual([2, 2, 2, 2, 2]);
    await next.close();
  });

  test('is not moved while an entry of its segment is in somebody’s hands or was never taken', async () => {
    const queue = await disk.open({ segmentBytes: 1000 });
    for (let at = 0; at < 11; at++) await offer(queue, `${at}`.padEnd(64));
    const bad = await take(queue);
    const inHands = await take(queue);
    for (let at = 2; at < 9; at++) queue.settle(await take(queue), [0]);
    queue.retryAt(bad, disk.clock.ms + LATER_MS);
    await queue.maintain();
    const unread = await take(queue);
    queue.settle(unread, [0]);
    await queue.maintain();
    expect(disk.sizes('.log')).toEqual([1000, 100]);
    queue.settle(inHands, [0]);
    await eventually(() => expect(disk.sizes('.log')).toEqual([200]));
    await queue.close();
  });

  test('is there once for the next process, also when another one keeps the segment', async () => {
    const queue = await disk.open({ segmentBytes: 1000, cacheBytes: 0 });
    for (let at = 0; at < 11; at++) await offer(queue, `${at}`.padEnd(64));
    const [first, second, ...others] = await takeAll(queue);
    settleAll(queue, others.slice(0, 8));
    const [log = ''] = disk.paths('.log');
    // It cannot be read, so it stays where it is.
    await disk.flip(log, 100 + 50);
    for (const entry of [first, second]) queue.retryAt(entry!, disk.clock.ms + LATER_MS);
    await eventually(() => expect(disk.sizes('.log')).toEqual([1000, 200]));
    await queue.close();
    const next = await disk.open();
    expect(bare(await takeAll(next)).sort()).toEqual(['0', '10']);
    await next.close();
  });

  test('is not moved at the end of the process', async () => {
    const queue = await disk.open();
    for (let at = 0; at < 10; at++) await offer(queue, `${at}`);
    const [bad, ...good] = await takeAll(queue);
    settleAll(queue, good);
    queue.retryAt(bad!, disk.clock.ms + LATER_MS);
    await turns();
    disk.calls.length = 0;
    await queue.close();
    const atEnd = disk.calls.length;
    await turns();
    expect(disk.calls).toHaveLength(atEnd);
    expect(disk.calls.filter(({ op }) => op === 'read' || op === 'write')).toEqual([]);
    expect(disk.sizes('.log')).toEqual([370]);
    expect(disk.memory.openFiles).toBe(0);
  });

  test('may have been the last of its segment when the cursor had not come to where it was moved', async () => {
    const { queue, bad } = await poisoned({ cacheBytes: 0 });
    putBack(queue, bad);
    await moved();
    disk.clock.ms += LATER_MS;
    // The five are in the newest segment, known, and not behind the cursor.
    for (let time = 0; time < 5; time++) settleAll(queue, [await take(queue)]);
    for (let at = 0; at < 10; at++) await offer(queue, `new ${at}`.padEnd(64));
    expect(bare(await takeAll(queue))).toEqual([...Array(10).keys()].map((at) => `new ${at}`));
    expect(disk.events).toEqual([]);
    await queue.close();
  });
});
