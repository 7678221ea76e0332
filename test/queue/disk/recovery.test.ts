import { recordByHand } from './by-hand';
import { DIRECTORY, damaged, LANE, offer, settleAll, TestDisk, take, takeAll, textsOf } from './test-disk';

const MARK = '7b290823bbe871e6';

/** A segment of these entries, of one item each. */
function segment(...texts: string[]): Buffer {
  return texts.reduce((bytes, text, ordinal) => {
    const rest = { ordinal, items: 1, offeredAtMs: 1000 + ordinal, bytes: Buffer.from(text) };
    return Buffer.concat([bytes, recordByHand(MARK, { offset: bytes.length, ...rest })]);
  }, Buffer.alloc(0));
}

const NAME = `000000000001-${MARK}.v1`;
const LOG = `${LANE}/${NAME}.log`;
const [A, B, C] = ['the first', 'the second', 'the third'];
const whole = segment(A, B, C);
const atB = 36 + A.length;
const atC = atB + 36 + B.length;

let disk: TestDisk;
beforeEach(async () => {
  disk = new TestDisk();
  await disk.memory.makeDirectory(LANE);
});

describe('names', () => {
  test('of another version stop the start, and nothing is touched', async () => {
    await disk.put(`${LANE}/000000000002-${MARK}.v2.log`, whole);
    await disk.put(`${LANE}/000000000002-${MARK}.v2.ack`, Buffer.from('of version 2'));
    await disk.put(LOG, whole);
    const before = new Map(disk.memory.contents());
    await expect(disk.open()).rejects.toThrow(`000000000002-${MARK}.v2.log has format version 2`);
    expect(disk.memory.contents()).toEqual(before);
  });

  test('that are nobody’s are left alone', async () => {
    const foreign = [
      ...[`${LANE}/notes.txt`, `${LANE}/.hidden`, `${LANE}/${NAME}.log.bak`, `${LANE}/1-${MARK}.v1.log`],
      ...[`${LANE}/mine.ack`, `${LANE}/notes.v1.ack`, `${LANE}/000000000007-${MARK}.v2.ack`],
      ...[`${LANE}/000000000001-${MARK.toUpperCase()}.v1.log`, `${DIRECTORY}/README.md`, `${DIRECTORY}/.DS_Store`],
    ];
    for (const path of foreign) await disk.put(path, Buffer.from('not ours'));
    await disk.put(LOG, whole);
    const queue = await disk.open();
    const entries = await takeAll(queue);
    expect(textsOf(entries)).toEqual([A, B, C]);
    settleAll(queue, entries);
    await queue.close();
    expect(disk.paths()).toEqual([...foreign].sort());
    expect(foreign.every((path) => disk.content(path).equals(Buffer.from('not ours')))).toBe(true);
    expect(disk.events).toEqual([]);
  });

  test('that could be a destination’s, but are a file’s, do not stop the start', async () => {
    await disk.put(`${DIRECTORY}/aaa`, Buffer.from('not ours'));
    await disk.put(`${DIRECTORY}/notes`, Buffer.from('not ours'));
    await disk.put(LOG, whole);
    const queue = await disk.open();
    expect(queue.destinations()).toEqual(['main']);
    expect(textsOf(await takeAll(queue))).toEqual([A, B, C]);
    await offer(queue, 'new');
    await queue.close();
    for (const name of ['aaa', 'notes']) expect(disk.content(`${DIRECTORY}/${name}`).toString()).toBe('not ours');
  });

  test('of outcomes without a segment go', async () => {
    await disk.put(LOG, whole);
    await disk.put(`${LANE}/${NAME}.ack`, Buffer.alloc(0));
    await disk.put(`${LANE}/000000000007-0123456789abcdef.v1.ack`, Buffer.from('its segment is gone'));
    await (await disk.open()).close();
    expect(disk.paths()).toEqual([`${LANE}/${NAME}.ack`, LOG]);
  });

  test('tell the order of segments, and the next number', async () => {
    const one = (text: string) =>
      recordByHand(MARK, { offset: 0, ordinal: 0, items: 1, offeredAtMs: 1, bytes: Buffer.from(text) });
    for (const number of [10, 9, 100])
      await disk.put(`${LANE}/${String(number).padStart(12, '0')}-${MARK}.v1.log`, one(`${number}`));
    const queue = await disk.open();
    await offer(queue, 'new');
    expect(textsOf(await takeAll(queue))).toEqual(['9', '10', '100', 'new']);
    expect(disk.paths('.log').map((path) => Number(path.slice(LANE.length + 1, LANE.length + 13)))).toEqual([
      9, 10, 100, 101,
    ]);
    await queue.close();
  });
});

test('two segments of one number, as a power cut can leave them, are both read', async () => {
  const other = '0000000000000001';
  const one = (mark: string, text: string) => {
    const bytes = Buffer.from(text);
    return recordByHand(mark, { offset: 0, ordinal: 0, items: 1, offeredAtMs: 1, bytes });
  };
  await disk.put(`${LANE}/000000000001-${other}.v1.log`, one(other, 'a'));
  await disk.put(`${LANE}/000000000001-${MARK}.v1.log`, one(MARK, 'b'));
  await disk.put(`${LANE}/000000000002-${MARK}.v1.log`, one(MARK, 'c'));
  const queue = await disk.open();
  await offer(queue, 'd');
  expect(
    Number(
      disk
        .paths('.log')
        .at(-1)!
        .slice(LANE.length + 1, LANE.length + 13),
    ),
  ).toBeGreaterThan(2);
  const entries = await takeAll(queue);
  expect(textsOf(entries)).toEqual(['a', 'b', 'c', 'd']);
  expect(new Set(entries.map(({ id }) => id)).size).toBe(4);
  settleAll(queue, entries.slice(0, 3));
  await queue.close();
  expect(disk.paths('.log')).toHaveLength(1);
  const next = await disk.open();
  expect(textsOf(await takeAll(next))).toEqual(['d']);
  await next.close();
});

describe('damage found at the start', () => {
  const pathOf = (start: number) => `${LANE}/damaged/${NAME}-${start}`;
  const written = (at: number, bytes: Buffer) => {
    const copy = Buffer.from(whole);
    bytes.copy(copy, at);
    return copy;
  };

  test.each<[string, Buffer, start: number, end: number, texts: string[]]>([
    ['in a header', written(atB + 9, Buffer.from('!')), atB, atC, [A, C]],
    ['in the bytes', written(atB + 40, Buffer.from('!')), atB, atC, [A, C]],
    ['of the first', written(0, Buffer.from('!')), 0, atB, [B, C]],
    ['of the last', written(whole.length - 1, Buffer.from('!')), atC, whole.length, [A, B]],
    ['of two headers', written(20, Buffer.alloc(60, 0xee)), 0, atC, [C]],
    ['behind the last', Buffer.concat([whole, Buffer.from('!?')]), whole.length, whole.length + 2, [A, B, C]],
  ])('%s is put aside as it lay there, and the others are delivered', async (_, bytes, start, end, texts) => {
    await disk.put(LOG, bytes);
    const queue = await disk.open();
    expect(disk.events).toEqual([damaged(end - start, 0)]);
    expect(disk.paths().filter((path) => path.includes('/damaged/'))).toEqual([pathOf(start)]);
    expect(disk.content(pathOf(start))).toEqual(bytes.subarray(start, end));
    expect(queue.stats().items).toBe(texts.length);
    expect(textsOf(await takeAll(queue))).toEqual(texts);
    expect(queue.stats().items).toBe(texts.length);
    // The cursor has come to it again.
    expect(disk.events).toHaveLength(1);
    await queue.close();
  });

  test('is told once in each life, and put aside once', async () => {
    await disk.put(LOG, written(atB, Buffer.from('!')));
    for (let life = 1; life <= 3; life++) {
      const queue = await disk.open();
      await takeAll(queue);
      await queue.close();
      expect(disk.events).toHaveLength(life);
    }
    expect(disk.paths().filter((path) => path.includes('/damaged/'))).toEqual([pathOf(atB)]);
    expect(disk.content(pathOf(atB))).toHaveLength(atC - atB);
  });

  test('of more than one record is told one by one', async () => {
    await disk.put(LOG, written(whole.length - 1, Buffer.from('!')));
    await disk.flip(LOG, 36);
    const queue = await disk.open();
    expect(disk.events).toMatchObject([{ bytes: atB }, { bytes: whole.length - atC }]);
    expect(textsOf(await takeAll(queue))).toEqual([B]);
    await queue.close();
  });

  test('that takes all of a segment leaves what was put aside', async () => {
    const bytes = Buffer.from('this was a segment once');
    await disk.put(LOG, bytes);
    const queue = await disk.open();
    expect(queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    await queue.close();
    expect(disk.paths()).toEqual([pathOf(0)]);
    expect(disk.content(pathOf(0))).toEqual(bytes);
  });

  test('of more than is copied in one step is put aside whole', async () => {
    const bytes = Buffer.alloc(2_500_000, 'no record ');
    await disk.put(LOG, Buffer.concat([whole, bytes]));
    await (await disk.open()).close();
    expect(disk.content(pathOf(whole.length)).equals(bytes)).toBe(true);
  });

  test('in an entry that was settled is nobody’s loss', async () => {
    await disk.put(LOG, whole);
    const first = await disk.open();
    const [, second] = await takeAll(first);
    first.settle(second!, [0]);
    await first.close();
    await disk.flip(LOG, atB + 40);
    const queue = await disk.open();
    expect(textsOf(await takeAll(queue))).toEqual([A, C]);
    expect(disk.events).toEqual([]);
    await queue.close();
  });

  test('that cannot be put aside is told, and stays where it is for the next start', async () => {
    await disk.put(LOG, written(atB, Buffer.from('!')));
    disk.memory.fault = ({ op, path }) => (op === 'create' && path.includes('damaged') ? 'ENOSPC' : undefined);
    const queue = await disk.open();
    expect(disk.events).toEqual([damaged(atC - atB, 0, { isAside: false })]);
    const entries = await takeAll(queue);
    expect(textsOf(entries)).toEqual([A, C]);
    settleAll(queue, entries);
    await queue.close();
    expect(disk.memory.openFiles).toBe(0);
    expect(disk.paths('.log')).toEqual([LOG]);
    disk.memory.fault = () => undefined;
    await (await disk.open()).close();
    expect(disk.events.slice(1)).toEqual([damaged(atC - atB, 0)]);
    expect(disk.paths()).toEqual([pathOf(atB)]);
  });
});

describe('an end that was not written', () => {
  test.each([1, 8, 35, 36, 40])('is cut off: %d bytes of a record', async (length) => {
    await disk.put(LOG, whole.subarray(0, atC + length));
    const queue = await disk.open();
    expect(disk.events).toEqual([{ kind: 'torn', destination: 'main', bytes: length }]);
    expect(disk.content(LOG)).toEqual(whole.subarray(0, atC));
    expect(disk.paths()).toEqual([LOG]);
    expect(textsOf(await takeAll(queue))).toEqual([A, B]);
    await queue.close();
    await (await disk.open()).close();
    expect(disk.events).toHaveLength(1);
  });

  test('is cut off: zeros', async () => {
    await disk.put(LOG, Buffer.concat([whole, Buffer.alloc(5000)]));
    const queue = await disk.open();
    expect(disk.events).toEqual([{ kind: 'torn', destination: 'main', bytes: 5000 }]);
    expect(disk.content(LOG)).toEqual(whole);
    expect((await take(queue)).bytes.toString()).toBe(A);
    await queue.close();
  });
});

test('a segment is never written to by another process than that which began it', async () => {
  for (const text of ['a', 'b', 'c']) {
    const queue = await disk.open();
    await offer(queue, text);
    await queue.close();
  }
  expect(disk.sizes('.log')).toEqual([37, 37, 37]);
  const queue = await disk.open();
  expect(textsOf(await takeAll(queue))).toEqual(['a', 'b', 'c']);
  await queue.close();
});
