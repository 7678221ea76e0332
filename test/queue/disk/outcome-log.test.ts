import { type Call, failure, offer, settleAll, TestDisk, take, takeAll, textsOf, turns } from './test-disk';

let disk: TestDisk;
beforeEach(() => {
  disk = new TestDisk();
});

const isAck = ({ name }: Call) => name.endsWith('.ack');
const ackCalls = (...ops: Call['op'][]) => disk.calls.filter((call) => isAck(call) && ops.includes(call.op));
const failOutcomes = () => {
  disk.meet = (call) => {
    if (isAck(call) && (call.op === 'write' || call.op === 'create' || call.op === 'open')) throw failure('EIO');
  };
};

async function filled(texts: readonly string[], options = {}) {
  const queue = await disk.open(options);
  await Promise.all(texts.map((text) => offer(queue, text, { items: 3 })));
  return queue;
}

const TEXTS = ['a', 'b', 'c', 'd', 'e'];

/** What the next process finds. */
async function reopened() {
  const next = await disk.open();
  const entries = await takeAll(next);
  await next.close();
  return entries;
}

describe('outcomes', () => {
  test('are never synced, nor is their directory for them', async () => {
    const queue = await filled(TEXTS);
    disk.calls.length = 0;
    const entries = await takeAll(queue);
    for (const entry of entries.slice(0, 4)) {
      queue.settle(entry, [0]);
      queue.retryAt(entry, disk.clock.ms + 1);
      await turns();
    }
    await queue.maintain();
    await queue.close();
    expect(ackCalls('write').length).toBeGreaterThan(0);
    expect(disk.calls.filter(({ op }) => op === 'sync' || op === 'syncDirectory')).toEqual([]);
  });

  test('of one turn are written at once, and those that come during a write by the next', async () => {
    const queue = await filled([...TEXTS, ...TEXTS, ...TEXTS, ...TEXTS]);
    const entries = await takeAll(queue);
    for (const entry of entries.slice(0, 10)) queue.settle(entry, [0]);
    await turns();
    expect(ackCalls('write').map(({ bytes }) => bytes)).toEqual([10 * 21]);
    let release = () => {};
    disk.meet = async (call) => {
      if (isAck(call) && call.op === 'write') await new Promise<void>((resolve) => (release = resolve));
    };
    queue.settle(entries[10]!, [0]);
    await turns();
    for (const entry of entries.slice(11)) {
      queue.settle(entry, [1]);
      await turns();
    }
    disk.meet = () => {};
    release();
    await turns();
    expect(ackCalls('write').map(({ bytes }) => bytes)).toEqual([10 * 21, 21, 9 * 21]);
    expect(disk.bytes('.ack')).toBe(20 * 21);
    expect(ackCalls('create')).toHaveLength(1);
    await queue.close();
    const again = await reopened();
    expect(again.map((entry) => entry.isSettled(0))).toEqual([...Array(20).keys()].map((at) => at < 11));
  });

  test('of an entry that is gone: it stays gone', async () => {
    const queue = await filled(TEXTS);
    const entries = await takeAll(queue);
    settleAll(queue, entries.slice(1, 3));
    await queue.close();
    expect(textsOf(await reopened())).toEqual(['a', 'd', 'e']);
  });

  test('of several segments go beside each of them', async () => {
    const queue = await disk.open({ segmentBytes: 40 });
    for (const text of TEXTS) await offer(queue, text, { items: 2 });
    const entries = await takeAll(queue);
    for (const entry of entries) queue.settle(entry, [0]);
    for (const entry of entries) queue.retryAt(entry, disk.clock.ms + 1000);
    await turns();
    expect(disk.sizes('.ack')).toEqual([46, 46, 46, 46, 46]);
    await queue.close();
    const again = await reopened();
    expect(again.map((entry) => [entry.isSettled(0), entry.isSettled(1), entry.attempts])).toEqual(
      TEXTS.map(() => [true, false, 1]),
    );
  });

  test('that cannot be written lose nothing in this life, and are written by a later maintain()', async () => {
    const queue = await filled(TEXTS);
    const entries = await takeAll(queue);
    failOutcomes();
    settleAll(queue, entries.slice(0, 2));
    queue.settle(entries[2]!, [1]);
    queue.retryAt(entries[3]!, disk.clock.ms + 5);
    await turns();
    expect(queue.stats().items).toBe(2 + 3 + 3);
    expect(queue.nextDueAtMs('main')).toBe(disk.clock.ms + 5);
    expect(await queue.take('main')).toBeUndefined();
    await queue.maintain();
    await turns();
    expect(disk.paths('.ack')).toEqual([]);
    // An offer needs none of them.
    await offer(queue, 'f');
    disk.meet = () => {};
    await queue.maintain();
    await turns();
    expect(disk.bytes('.ack')).toBe(2 * 13 + 21 + 25);
    await queue.close();
    const again = await reopened();
    expect(textsOf(again)).toEqual(['c', 'd', 'e', 'f']);
    expect(again.map(({ attempts }) => attempts)).toEqual([0, 1, 0, 0]);
    expect(again[0]!.isSettled(1)).toBe(true);
  });

  test('that were written in parts are written whole', async () => {
    const queue = await filled(TEXTS);
    const entries = await takeAll(queue);
    queue.settle(entries[0]!, [0]);
    await turns();
    disk.memory.fault = ({ op, path }) => (op === 'write' && path.endsWith('.ack') ? 'ENOSPC' : undefined);
    for (const entry of entries.slice(1)) queue.settle(entry, [2]);
    await turns();
    disk.memory.fault = () => undefined;
    queue.settle(entries[0]!, [1]);
    await turns();
    expect(disk.bytes('.ack')).toBe(6 * 21);
    await queue.close();
    const again = await reopened();
    expect(again.map((entry) => [0, 1, 2].filter((at) => entry.isSettled(at)))).toEqual([[0, 1], [2], [2], [2], [2]]);
  });

  test('of a segment that is deleted need not be written', async () => {
    const queue = await disk.open({ segmentBytes: 40 });
    for (const text of TEXTS) await offer(queue, text);
    failOutcomes();
    settleAll(queue, (await takeAll(queue)).slice(0, 4));
    await queue.maintain();
    disk.meet = () => {};
    disk.calls.length = 0;
    await queue.maintain();
    expect(ackCalls('create', 'write')).toEqual([]);
    await queue.close();
    expect(textsOf(await reopened())).toEqual(['e']);
  });
});

describe('after close()', () => {
  test('nothing is written any more', async () => {
    const queue = await filled(TEXTS);
    const [first, second, third, fourth] = await takeAll(queue);
    queue.settle(first!, [0, 1, 2]);
    await queue.close();
    disk.calls.length = 0;
    const before = new Map(disk.memory.contents());
    queue.settle(second!, [0, 1, 2]);
    queue.settle(third!, [0]);
    queue.retryAt(fourth!, disk.clock.ms);
    await expect(offer(queue, 'late')).rejects.toMatchObject({ reason: 'sick' });
    await queue.maintain();
    await turns();
    expect(disk.calls).toEqual([]);
    expect(disk.memory.contents()).toEqual(before);
    expect(disk.events).toEqual([]);
    expect(textsOf(await reopened())).toEqual(['b', 'c', 'd', 'e']);
  });

  test('a segment of which the last is settled stays', async () => {
    const queue = await disk.open({ segmentBytes: 40 });
    for (const text of TEXTS) await offer(queue, text);
    const entries = await takeAll(queue);
    await queue.close();
    const before = new Map(disk.memory.contents());
    settleAll(queue, entries);
    await turns();
    expect(disk.memory.contents()).toEqual(before);
    expect(textsOf(await reopened())).toEqual(TEXTS);
  });

  test('what is left in a segment is not written anew', async () => {
    const queue = await disk.open({ segmentBytes: 400 });
    for (const text of TEXTS) await offer(queue, text);
    const [first, ...others] = await takeAll(queue);
    await offer(queue, 'x'.repeat(400));
    settleAll(queue, others);
    await queue.close();
    disk.calls.length = 0;
    queue.retryAt(first!, disk.clock.ms);
    await turns();
    expect(disk.calls).toEqual([]);
  });

  test('what was settled before it is written', async () => {
    const queue = await filled(TEXTS);
    const entries = await takeAll(queue);
    settleAll(queue, entries.slice(0, 3));
    queue.retryAt(entries[3]!, disk.clock.ms + 1e9);
    await queue.close();
    expect((await reopened()).map(({ bytes, attempts }) => [bytes.toString(), attempts])).toEqual([
      ['d', 1],
      ['e', 0],
    ]);
  });
});

describe('the next process', () => {
  test('knows the attempts, and begins with one whenever it was due', async () => {
    const queue = await filled(['a', 'b']);
    for (const pauseMs of [0, 0, 1e9]) queue.retryAt(await take(queue), disk.clock.ms + pauseMs);
    await queue.close();
    const next = await disk.open();
    expect(next.nextDueAtMs('main')).toBe(disk.clock.ms);
    expect((await takeAll(next)).map(({ bytes, attempts }) => [bytes.toString(), attempts])).toEqual([
      ['a', 3],
      ['b', 0],
    ]);
    await next.close();
  });

  test('does not count being taken as an attempt', async () => {
    const queue = await filled(['a']);
    await take(queue);
    await queue.close();
    expect(await reopened()).toMatchObject([{ attempts: 0 }]);
  });
});
