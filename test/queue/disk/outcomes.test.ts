import { type Outcome, readOutcomes, writeOutcome } from '../../../src/queue/disk/outcomes';
import { Window } from '../../../src/queue/disk/window';
import { attemptBody, type HandOutcome, outcomeByHand, outcomesByHand, recordByHand, runsBody } from './by-hand';
import { LANE, offer, TestDisk, take, takeAll, turns } from './test-disk';

const MARK = '7b290823bbe871e6';
const mark = Buffer.from(MARK, 'hex');
const DUE_AT_MS = 1_763_636_123_123.25;

const CASES: [string, Outcome, HandOutcome][] = [
  ['settled', { kind: 'settled', ordinal: 258 }, { kind: 1, ordinal: 258, body: Buffer.alloc(0) }],
  [
    'positions',
    { kind: 'positions', ordinal: 3, positions: [9, 2, 0, 1, 10] },
    { kind: 2, ordinal: 3, body: runsBody([0, 3], [9, 2]) },
  ],
  [
    'attempt',
    { kind: 'attempt', ordinal: 4, attempts: 12, dueAtMs: DUE_AT_MS },
    { kind: 3, ordinal: 4, body: attemptBody(12, DUE_AT_MS) },
  ],
];

/** What is read of a file, and where reading ended. */
async function read(bytes: Buffer, size = bytes.length): Promise<{ outcomes: Outcome[]; end: number }> {
  const disk = new TestDisk();
  await disk.memory.makeDirectory('/data');
  await disk.put('/data/ack', bytes);
  const window = new Window(await disk.memory.open('/data/ack', 'read'), () => size);
  const outcomes: Outcome[] = [];
  const end = await readOutcomes(window, { mark, size, onOutcome: (outcome) => outcomes.push(outcome) });
  return { outcomes, end };
}

describe('an outcome', () => {
  test.each(CASES)('%s is written as it is drawn', (_, outcome, byHand) => {
    const written = writeOutcome(outcome, { mark, offset: 77 });
    expect(written.toString('hex')).toBe(outcomeByHand(MARK, 77, byHand).toString('hex'));
  });

  test.each(CASES)('%s is read as it is drawn', async (_, outcome, byHand) => {
    const bytes = outcomeByHand(MARK, 0, byHand);
    const sorted = 'positions' in outcome ? { ...outcome, positions: [0, 1, 2, 9, 10] } : outcome;
    expect(await read(bytes)).toEqual({ outcomes: [sorted], end: bytes.length });
  });

  test('one after the other, up to the first that is not whole', async () => {
    const all = CASES.map(([, , byHand]) => byHand);
    let file = Buffer.alloc(0);
    const ends = [0];
    for (const outcome of all) {
      file = Buffer.concat([file, outcomeByHand(MARK, file.length, outcome)]);
      ends.push(file.length);
    }
    for (let size = 0; size <= file.length; size++) {
      const whole = ends.filter((end) => end > 0 && end <= size).length;
      const { outcomes, end } = await read(file.subarray(0, size));
      expect({ size, read: outcomes.length, end }).toEqual({ size, read: whole, end: ends[whole] });
    }
  });

  test('that is damaged, of another kind, with another mark or at another place ends the reading', async () => {
    const settled = { kind: 1, ordinal: 0, body: Buffer.alloc(0) };
    const first = outcomeByHand(MARK, 0, settled);
    const nothingMore = { outcomes: [{ kind: 'settled', ordinal: 0 }], end: 13 };
    expect(await read(Buffer.concat([first, first]))).toEqual(nothingMore);
    expect(await read(Buffer.concat([first, outcomeByHand('7b290823bbe871e7', 13, settled)]))).toEqual(nothingMore);
    expect(await read(Buffer.concat([first, outcomeByHand(MARK, 13, { ...settled, kind: 4 })]))).toEqual(nothingMore);
    expect(await read(Buffer.concat([first, Buffer.alloc(40)]))).toEqual(nothingMore);
    for (let bit = 0; bit < 13 * 8; bit++) {
      const flipped = Buffer.from(first);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect({ bit, ...(await read(flipped)) }).toEqual({ bit, outcomes: [], end: 0 });
    }
  });
});

describe('a queue', () => {
  test('notes what is drawn, beside the segment', async () => {
    const disk = new TestDisk();
    const queue = await disk.open();
    for (const items of [1, 4, 1]) await offer(queue, 'x', { items });
    const [first, second, third] = [await take(queue), await take(queue), await take(queue)];
    queue.settle(first, [0]);
    queue.settle(second, [3, 0, 1]);
    queue.retryAt(third, DUE_AT_MS);
    await turns();
    const [path = ''] = disk.paths('.ack');
    expect(path).toBe(disk.paths('.log')[0]!.replace(/log$/, 'ack'));
    expect(outcomesByHand(/-([0-9a-f]{16})\.v1/.exec(path)![1]!, disk.content(path))).toEqual([
      { kind: 1, ordinal: 0, body: Buffer.alloc(0) },
      { kind: 2, ordinal: 1, body: runsBody([0, 2], [3, 1]) },
      { kind: 3, ordinal: 2, body: attemptBody(1, DUE_AT_MS) },
    ]);
    await queue.close();
  });

  test('reads what was noted by hand; what is due later begins with an attempt', async () => {
    const disk = new TestDisk();
    await disk.memory.makeDirectory(LANE);
    const records = [1, 5, 2].reduce(
      (segment, items, ordinal) =>
        Buffer.concat([
          segment,
          recordByHand(MARK, {
            offset: segment.length,
            ...{ ordinal, items, offeredAtMs: ordinal + 10 },
            bytes: Buffer.from(`entry ${ordinal}`),
          }),
        ]),
      Buffer.alloc(0),
    );
    const notes = [
      { kind: 1, ordinal: 0, body: Buffer.alloc(0) },
      { kind: 2, ordinal: 1, body: runsBody([1, 2]) },
      { kind: 3, ordinal: 1, body: attemptBody(3, Number.MAX_SAFE_INTEGER) },
      { kind: 2, ordinal: 1, body: runsBody([4, 1]) },
    ].reduce((file, outcome) => Buffer.concat([file, outcomeByHand(MARK, file.length, outcome)]), Buffer.alloc(0));
    await disk.put(`${LANE}/000000000001-${MARK}.v1.log`, records);
    await disk.put(`${LANE}/000000000001-${MARK}.v1.ack`, notes);
    const queue = await disk.open();
    expect(queue.stats()).toMatchObject({ items: 4, oldestOfferedAtMs: 11, bytes: records.length + notes.length });
    const [partly, fresh, ...none] = await takeAll(queue);
    expect(none).toEqual([]);
    expect(partly).toMatchObject({ items: 5, attempts: 3, bytes: Buffer.from('entry 1') });
    expect([0, 1, 2, 3, 4].map((at) => partly!.isSettled(at))).toEqual([false, true, true, false, true]);
    expect(fresh).toMatchObject({ items: 2, attempts: 0, bytes: Buffer.from('entry 2') });
    await queue.close();
  });

  test('goes on where the last whole outcome ends', async () => {
    const disk = new TestDisk();
    const first = await disk.open();
    for (const text of ['a', 'b', 'c']) await offer(first, text);
    first.settle(await take(first), [0]);
    await first.close();
    const [path = ''] = disk.paths('.ack');
    await disk.put(path, Buffer.from('torn while it was written'), 13);
    const second = await disk.open();
    second.settle(await take(second), [0]);
    await second.close();
    const third = await disk.open();
    expect((await takeAll(third)).map(({ bytes }) => bytes.toString())).toEqual(['c']);
    await third.close();
  });
});
