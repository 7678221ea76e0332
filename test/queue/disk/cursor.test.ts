import { MEBIBYTE, offer, settleAll, TestDisk, take, takeAll, textsOf } from './test-disk';

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

const reads = () => disk.count('read', '.log');

/** More than an entry of 100 bytes takes of the cache, and less than two. */
const KEPT = 700;

describe('what was offered lately', () => {
  test('is not read from the disk', async () => {
    const queue = await disk.open();
    const texts = Array.from({ length: 200 }, (_, at) => `entry ${at}`);
    for (const text of texts.slice(0, 100)) await offer(queue, text);
    await Promise.all(texts.slice(100).map((text) => offer(queue, text)));
    expect(textsOf(await takeAll(queue))).toEqual(texts);
    expect([reads(), disk.count('open', '.log')]).toEqual([0, 0]);
    await queue.close();
  });

  test('is, beyond the cache: the oldest ones make room', async () => {
    const queue = await disk.open({ cacheBytes: 5 * KEPT });
    const texts = Array.from({ length: 20 }, (_, at) => String(at).padEnd(100, '.'));
    for (const text of texts) await offer(queue, text);
    expect(textsOf(await takeSome(queue, 15))).toEqual(texts.slice(0, 15));
    const readSoFar = reads();
    expect(readSoFar).toBeGreaterThan(0);
    expect(textsOf(await takeAll(queue))).toEqual(texts.slice(15));
    expect(reads()).toBe(readSoFar);
    await queue.close();
  });

  test('is read when it is larger than the cache, without costing the others their place', async () => {
    const queue = await disk.open({ cacheBytes: 2 * KEPT });
    for (const text of ['a', 'b'.repeat(2 * KEPT), 'c']) await offer(queue, text);
    expect((await take(queue)).bytes.toString()).toBe('a');
    expect(reads()).toBe(0);
    expect((await take(queue)).bytes.length).toBe(2 * KEPT);
    const readSoFar = reads();
    expect(readSoFar).toBeGreaterThan(0);
    expect((await take(queue)).bytes.toString()).toBe('c');
    expect(reads()).toBe(readSoFar);
    await queue.close();
  });

  test('is one cache for all destinations, and what was taken makes room in it', async () => {
    const queue = await disk.open({ cacheBytes: 2 * KEPT });
    for (let round = 0; round < 10; round++) {
      await offer(queue, 'a'.repeat(50), { destination: 'one' });
      await offer(queue, 'b'.repeat(50), { destination: 'other' });
      await take(queue, 'one');
      await take(queue, 'other');
    }
    expect(reads()).toBe(0);
    for (const destination of ['one', 'other', 'one']) await offer(queue, destination.padEnd(50), { destination });
    expect(textsOf(await takeAll(queue, 'one')).map((text) => text.trim())).toEqual(['one', 'one']);
    expect(reads()).toBeGreaterThan(0);
    await queue.close();
  });

  async function takeSome(queue: Parameters<typeof take>[0], times: number) {
    const entries = [];
    for (let time = 0; time < times; time++) entries.push(await take(queue));
    return entries;
  }
});

describe('what is read', () => {
  const ON_DISK = { cacheBytes: 0 };

  test('comes many entries at a time', async () => {
    const queue = await disk.open(ON_DISK);
    const texts = Array.from({ length: 2000 }, (_, at) => String(at).padEnd(100, '.'));
    await Promise.all(texts.map((text) => offer(queue, text)));
    expect(textsOf(await takeAll(queue))).toEqual(texts);
    // 272,000 bytes in pieces of 262,144.
    expect(reads()).toBe(2);
    expect(disk.count('open', '.log')).toBe(1);
    await queue.close();
  });

  test('keeps no more in memory than itself, in whose hands it may be', async () => {
    const queue = await disk.open(ON_DISK);
    await Promise.all(Array.from({ length: 1000 }, () => offer(queue, 'x'.repeat(100))));
    const first = await takeAll(queue);
    for (const entry of first) queue.retryAt(entry, disk.clock.ms);
    const entries = [...first, ...(await takeAll(queue))];
    expect(entries).toHaveLength(2000);
    // Node cuts small buffers from pools of some kilobytes.
    const kept = Math.max(...entries.map(({ bytes }) => bytes.buffer.byteLength));
    expect(kept).toBeLessThan(100_000);
    await queue.close();
  });

  test('may be larger than what is read at once, and lie across its border', async () => {
    const queue = await disk.open(ON_DISK);
    const sizes = [600_000, 10, 262_144 - 36, 262_144, 262_143, 0, 200_000, 200_000, 3 * MEBIBYTE, 1];
    const all = sizes.map((size, at) => Buffer.alloc(size, `${at} large `));
    await Promise.all(all.map((bytes) => offer(queue, bytes)));
    const entries = await takeAll(queue);
    expect(entries.map(({ bytes }, at) => bytes.equals(all[at]!))).toEqual(sizes.map(() => true));
    // What was given stays as it was, though the next ones were read.
    for (const entry of entries) queue.retryAt(entry, disk.clock.ms);
    const again = await takeAll(queue);
    expect(again.map(({ bytes }, at) => bytes.equals(all[at]!))).toEqual(sizes.map(() => true));
    await queue.close();
  });

  test('is right while more is written', async () => {
    const queue = await disk.open({ ...ON_DISK, segmentBytes: 2000 });
    const texts: string[] = [];
    const given: string[] = [];
    for (let round = 0; round < 60; round++) {
      const batch = Array.from(
        { length: 1 + (round % 4) },
        (_, at) => `${round}.${at} ${'x'.repeat((round * 37) % 300)}`,
      );
      texts.push(...batch);
      const offered = Promise.all(batch.map((text) => offer(queue, text)));
      // Reading runs ahead of writing in some rounds, and behind it in others.
      const entry = await queue.take('main');
      given.push(...(entry === undefined ? [] : [entry.bytes.toString()]));
      await offered;
    }
    given.push(...textsOf(await takeAll(queue)));
    expect(given).toEqual(texts);
    await queue.close();
  });

  test('is right when calls give only a part', async () => {
    const queue = await disk.open({ ...ON_DISK, segmentBytes: 5000 });
    const texts = Array.from({ length: 50 }, (_, at) => `${at} ${'y'.repeat(at * 20)}`);
    for (const text of texts) await offer(queue, text);
    disk.memory.fault = ({ op }) => (op === 'read' ? 'short' : undefined);
    expect(textsOf(await takeAll(queue))).toEqual(texts);
    expect(disk.events).toEqual([]);
    await queue.close();
  });

  test('comes in the order of segments, and passes over what is gone', async () => {
    const first = await disk.open({ segmentBytes: 200 });
    for (let at = 0; at < 20; at++) await offer(first, `entry ${at}`);
    const entries = await takeAll(first);
    settleAll(
      first,
      entries.filter((_, at) => at % 3 !== 0),
    );
    await first.close();
    const queue = await disk.open();
    expect(textsOf(await takeAll(queue))).toEqual([0, 3, 6, 9, 12, 15, 18].map((at) => `entry ${at}`));
    await queue.close();
  });

  test('is tried again from the same place after a disk that could not be read', async () => {
    const queue = await disk.open({ ...ON_DISK, segmentBytes: 100 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) await offer(queue, text.repeat(20));
    const given: string[] = [];
    let calls = 0;
    disk.memory.fault = ({ op }) => ((op === 'read' || op === 'open') && ++calls % 2 === 1 ? 'EIO' : undefined);
    let failures = 0;
    for (let tries = 0; tries < 40 && given.length < 5; tries++) {
      const entry = await queue.take('main').catch(() => {
        failures++;
      });
      given.push(...(entry === undefined ? [] : [entry.bytes.toString()[0]!]));
    }
    expect(given).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(failures).toBeGreaterThan(0);
    expect(disk.events).toEqual([]);
    await queue.close();
    expect(disk.memory.openFiles).toBe(0);
  });
});

test('an entry that waits for a retry is read again from where it lies', async () => {
  const queue = await disk.open();
  const bytes = Buffer.alloc(100_000, 'again ');
  await offer(queue, bytes);
  queue.retryAt(await take(queue), disk.clock.ms);
  expect((await take(queue)).bytes.equals(bytes)).toBe(true);
  expect(reads()).toBe(1);
  await queue.close();
});

test('while 50,000 entries wait for a retry no new ones are taken: these would be in memory', async () => {
  const DELAYED_MAX = 50_000;
  const queue = await disk.open();
  await Promise.all(Array.from({ length: DELAYED_MAX + 2 }, () => offer(queue, 'x')));
  const taken = [];
  for (let time = 0; time < DELAYED_MAX; time++) taken.push(await take(queue));
  const firstDueAtMs = disk.clock.ms + 1_000;
  for (const [at, entry] of taken.slice(1).entries()) queue.retryAt(entry, firstDueAtMs + at);
  expect(queue.nextDueAtMs('main')).toBe(disk.clock.ms);
  const beyond = await take(queue);
  expect(beyond.attempts).toBe(0);
  queue.retryAt(beyond, firstDueAtMs + 60_000);
  // One is left that was never taken.
  expect(await queue.take('main')).toBeUndefined();
  expect(queue.nextDueAtMs('main')).toBe(firstDueAtMs);
  disk.clock.ms = firstDueAtMs;
  expect(await take(queue)).toMatchObject({ id: taken[1]!.id, attempts: 1 });
  expect(await take(queue)).toMatchObject({ attempts: 0 });
  expect(queue.nextDueAtMs('main')).toBe(firstDueAtMs + 1);
  await queue.close();
});
