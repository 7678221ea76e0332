import type { DiskQueue } from '../../../src/queue/disk-queue';
import { type Call, DIRECTORY, failure, LANE, MEBIBYTE, offer, TestDisk, takeAll, textsOf, turns } from './test-disk';

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

const isLog = ({ name }: Call) => name.endsWith('.log');
const logCalls = (...ops: Call['op'][]) => disk.calls.filter((call) => isLog(call) && ops.includes(call.op));
const offerMany = (queue: DiskQueue, times: number, bytes: string | Buffer = 'x') =>
  Promise.all(Array.from({ length: times }, () => offer(queue, bytes)));

/** The next sync of a segment waits until it is told to go on. */
function holdSync(): { release: () => void; begun: () => boolean } {
  let release = () => {};
  let isBegun = false;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  disk.meet = async (call) => {
    if (!isLog(call) || call.op !== 'sync' || isBegun) return;
    isBegun = true;
    await released;
  };
  return { release: () => release(), begun: () => isBegun };
}

describe('offers share', () => {
  test.each([1, 2, 500])('one write and one sync when %d are made in one turn', async (times) => {
    const queue = await disk.open();
    await offerMany(queue, times);
    expect(logCalls('create', 'write', 'sync').map(({ op }) => op)).toEqual(['create', 'write', 'sync']);
    expect(queue.stats().items).toBe(times);
    await queue.close();
  });

  test('the next sync when they are made during one', async () => {
    const queue = await disk.open();
    await offer(queue, 'first');
    const { release, begun } = holdSync();
    const answered: string[] = [];
    const during = async (text: string) => offer(queue, text).then(() => answered.push(text));
    const all = [during('second')];
    await turns();
    expect(begun()).toBe(true);
    for (const text of ['third', 'fourth', 'fifth']) {
      all.push(during(text));
      await turns();
    }
    expect(answered).toEqual([]);
    expect(logCalls('sync')).toHaveLength(2);
    release();
    await Promise.all(all);
    expect(answered).toEqual(['second', 'third', 'fourth', 'fifth']);
    expect(logCalls('sync')).toHaveLength(3);
    await queue.close();
  });

  test('16 MiB at most, unless one is larger', async () => {
    const queue = await disk.open({ segmentBytes: 256 * MEBIBYTE });
    await Promise.all([
      ...[6, 6, 6].map((mebibytes) => offer(queue, Buffer.alloc(mebibytes * MEBIBYTE, 'a'))),
      ...[17, 1, 1].map((mebibytes) => offer(queue, Buffer.alloc(mebibytes * MEBIBYTE, 'b'))),
    ]);
    const sizes = logCalls('write').map(({ bytes }) => Math.round(bytes / MEBIBYTE));
    expect(sizes).toEqual([12, 6, 17, 2]);
    expect(logCalls('sync')).toHaveLength(4);
    await queue.close();
  });

  test('a segment up to its bound; one that is larger than a segment has its own', async () => {
    const queue = await disk.open({ segmentBytes: 1000 });
    await offerMany(queue, 10, Buffer.alloc(200));
    expect(disk.sizes('.log')).toEqual([944, 944, 472]);
    await Promise.all([offer(queue, Buffer.alloc(3000)), offerMany(queue, 2, Buffer.alloc(200))]);
    expect(disk.sizes('.log')).toEqual([944, 944, 472, 3036, 472]);
    // Up to the last byte.
    await offer(queue, Buffer.alloc(1000 - 472 - 36));
    await offer(queue, '');
    expect(disk.sizes('.log')).toEqual([944, 944, 472, 3036, 1000, 36]);
    expect(await takeAll(queue)).toHaveLength(15);
    await queue.close();
  });
});

describe('an offer is answered', () => {
  test('after its sync, and the first of a segment after that of the directory', async () => {
    const queue = await disk.open();
    await offer(queue, 'opens the lane');
    await queue.close();
    const next = await disk.open();
    disk.calls.length = 0;
    await offer(next, 'first');
    const [path] = disk.paths('.log').slice(-1);
    const calls = () => disk.calls.map((call) => `${call.op} ${call.path}`);
    expect(calls()).toEqual([
      `makeDirectory ${LANE}`,
      `create ${path}`,
      `syncDirectory ${LANE}`,
      `write ${path}`,
      `sync ${path}`,
    ]);
    disk.calls.length = 0;
    await offer(next, 'second');
    expect(calls()).toEqual([`write ${path}`, `sync ${path}`]);
    await next.close();
  });

  test('after the names of its directories are durable, whoever has made them', async () => {
    await disk.memory.makeDirectory(LANE);
    const queue = await disk.open();
    await offer(queue, 'x');
    const synced = disk.calls.filter(({ op }) => op === 'syncDirectory').map(({ path }) => path);
    expect(synced).toEqual(['/data', DIRECTORY, LANE]);
    await queue.close();
  });

  test.each<Call['op']>(['syncDirectory', 'write', 'sync'])('not before %s has', async (op) => {
    const queue = await disk.open();
    let release = () => {};
    disk.meet = async (call) => {
      const isMeant = call.op === op && (isLog(call) || call.path === LANE);
      if (isMeant) await new Promise<void>((resolve) => (release = resolve));
    };
    let isAnswered = false;
    const offered = offer(queue, 'x').then(() => {
      isAnswered = true;
    });
    await turns();
    expect(isAnswered).toBe(false);
    expect(await queue.take('main')).toBeUndefined();
    expect(queue.stats().items).toBe(0);
    release();
    await offered;
    expect(queue.stats().items).toBe(1);
    await queue.close();
  });

  test('is written in as many calls as the system takes', async () => {
    const queue = await disk.open();
    disk.memory.fault = ({ op }) => (op === 'write' ? 'short' : undefined);
    const texts = Array.from({ length: 20 }, (_, at) => `entry ${at} ${'x'.repeat(at * 7)}`);
    await Promise.all(texts.map((text) => offer(queue, text)));
    expect(logCalls('write').length).toBeGreaterThan(1);
    expect(logCalls('sync')).toHaveLength(1);
    await queue.close();
    const next = await disk.open();
    expect(textsOf(await takeAll(next))).toEqual(texts);
    await next.close();
  });
});

describe('what fails', () => {
  const CODES = [
    ['ENOSPC', 'full'],
    ['EDQUOT', 'full'],
    ['EFBIG', 'full'],
    ['EIO', 'sick'],
    ['EROFS', 'sick'],
    ['EACCES', 'sick'],
  ] as const;
  const STEPS = ['makeDirectory', 'create', 'syncDirectory', 'write', 'sync'] as const;
  const cases = STEPS.flatMap((op) => CODES.map(([code, reason]) => ({ op, code, reason })));

  /** The next call of that kind that has to do with a segment. */
  function failOnce(op: Call['op'], code: string): void {
    disk.meet = (call) => {
      if (call.op !== op || !(isLog(call) || call.path === LANE)) return;
      disk.meet = () => {};
      throw failure(code);
    };
  }

  test.each(cases)('$op with $code refuses that offer as $reason, and nothing else is lost', async (one) => {
    const { op, code, reason } = one;
    // Each entry has its own segment, so that each step is taken.
    const queue = await disk.open({ segmentBytes: 40 });
    await offer(queue, 'before');
    const stats = queue.stats();
    failOnce(op, code);
    await expect(offer(queue, 'refused')).rejects.toMatchObject({ name: 'QueueRefusal', reason });
    expect(queue.stats()).toEqual(stats);
    await queue.maintain();
    expect(queue.sick()).toBeUndefined();
    await offer(queue, 'after');
    expect(textsOf(await takeAll(queue))).toEqual(['before', 'after']);
    await queue.close();
    const next = await disk.open();
    expect(textsOf(await takeAll(next))).toEqual(['before', 'after']);
    await next.close();
    expect(disk.memory.openFiles).toBe(0);
  });

  test.each([
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
    ['sync', 'EIO'],
  ] as const)('a segment whose %s failed (%s) is cut back, left, and never synced again', async (op, code) => {
    const queue = await disk.open();
    await offer(queue, 'before');
    const [path = ''] = disk.paths('.log');
    const whole = Buffer.from(disk.content(path));
    // A part of a write may have been written, and a failed sync counts as done.
    disk.memory.fault = (call) => (call.op === op && call.path === path ? code : undefined);
    const lost = await Promise.allSettled(['x', 'y', 'z'].map((text) => offer(queue, text.repeat(1000))));
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    disk.memory.fault = () => undefined;
    expect(disk.content(path)).toEqual(whole);
    disk.calls.length = 0;
    await queue.maintain();
    await offer(queue, 'after');
    const touched = disk.calls.filter((call) => call.path === path).map((call) => call.op);
    expect(touched).toEqual([]);
    expect(disk.paths('.log')).toHaveLength(2);
    await queue.close();
    expect(disk.calls.some((call) => call.path === path && call.op === 'sync')).toBe(false);
  });

  test('also the cut: then what was not confirmed is not given in this life', async () => {
    const queue = await disk.open({ cacheBytes: 0 });
    await offer(queue, 'before');
    disk.meet = ({ op }) => {
      if (op === 'sync' || op === 'truncate') throw failure('EIO');
    };
    await expect(offer(queue, 'refused')).rejects.toMatchObject({ reason: 'sick' });
    disk.meet = () => {};
    await queue.maintain();
    await offer(queue, 'after');
    expect(textsOf(await takeAll(queue))).toEqual(['before', 'after']);
    await queue.close();
  });

  test('refuses all that were to be written together, and those that come later are kept', async () => {
    const queue = await disk.open();
    const { release } = holdSync();
    const first = Promise.allSettled([offer(queue, 'a'), offer(queue, 'b')]);
    await turns();
    const second = offer(queue, 'c');
    const [failing] = disk.paths('.log');
    disk.memory.fault = ({ op, path }) => (op === 'sync' && path === failing ? 'ENOSPC' : undefined);
    release();
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await second;
    expect(textsOf(await takeAll(queue))).toEqual(['c']);
    await queue.close();
  });

  test('is also a file whose name somebody has removed while it was written to', async () => {
    const queue = await disk.open();
    await offer(queue, 'a');
    const { release } = holdSync();
    const written = offer(queue, 'b');
    await turns();
    await disk.memory.remove(disk.paths('.log')[0]!);
    await queue.maintain();
    const behind = offer(queue, 'c');
    release();
    await Promise.all([written, behind]);
    expect(disk.sizes('.log')).toEqual([37]);
    await queue.close();
    const next = await disk.open();
    expect(textsOf(await takeAll(next))).toEqual(['c']);
    await next.close();
  });

  test('to begin a segment refuses all that wait', async () => {
    const queue = await disk.open();
    disk.memory.fault = ({ op, path }) => (op === 'create' && path.startsWith(LANE) ? 'ENOSPC' : undefined);
    const offered = await Promise.allSettled([offer(queue, 'a'), offer(queue, 'b')]);
    expect(offered).toMatchObject([{ reason: { reason: 'full' } }, { reason: { reason: 'full' } }]);
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
  });
});
