import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DamagedLetter } from '../../src/dead-letters/letter';
import type { DeadLetterStore } from '../../src/dead-letters/store';
import { createDiskQueue } from '../../src/queue/disk-queue';
import { realFiles } from '../../src/queue/files';
import { FaultyFiles } from '../support/faulty-files';
import { createRandom } from '../support/random';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans } from '../support/trace-request';
import { letterOf, lettersOf, NOW_MS, put, storeAt } from './letters';

let folder: string;
let directory: string;
beforeEach(() => {
  folder = makeTemporary();
  directory = join(folder, 'data', 'dead-letters');
});
afterEach(() => removeTemporary(folder));

async function opened(options: Parameters<typeof storeAt>[1] = {}) {
  const store = storeAt(directory, options);
  await store.open();
  return store;
}

const sizes = () => readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);

describe('write', () => {
  test('an OTLP request beside its reason, for their owner alone', async () => {
    const store = await opened();
    const { letter, bytes } = letterOf(numberedSpans(2));
    const id = await store.write(letter, [bytes.subarray(0, 10), Buffer.alloc(0), bytes.subarray(10)]);
    expect(id).toBe('20261120T105533123Z-00000001');
    expect(readdirSync(directory).sort()).toEqual([`${id}.json`, `${id}.otlp`]);
    expect(readFileSync(join(directory, `${id}.otlp`))).toEqual(bytes);
    expect(readFileSync(join(directory, `${id}.json`), 'utf8')).toBe(
      `${JSON.stringify({
        id,
        ...{ destination: 'main', reason: 'refused', status: 400, attempts: 3 },
        ...{ firstAt: '2026-11-20T10:54:33.123Z', lastAt: '2026-11-20T10:55:33.123Z', bytes: bytes.length },
        spans: [
          { traceId: '5b8efff798038103d269b633813fc60c', spanId: '0000000000000002' },
          { traceId: '5b8efff798038103d269b633813fc60c', spanId: '0000000000000003' },
        ],
      })}\n`,
    );
    const modes = [directory, ...readdirSync(directory).map((file) => join(directory, file))].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test('what is written is read', async () => {
    const store = await opened();
    const { letter, bytes } = letterOf(numberedSpans(1), { status: null });
    const id = await store.write(letter, [bytes]);
    expect(await store.read(id)).toEqual({ letter: { id, ...letter, bytes: bytes.length }, bytes });
    expect(await lettersOf(store)).toEqual([{ id, ...letter, bytes: bytes.length }]);
  });

  test('in more pieces than the system takes at once', async () => {
    const store = await opened();
    const { letter, bytes } = letterOf(numberedSpans(40));
    const pieces = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    expect(pieces.length).toBeGreaterThan(2_048);
    expect((await store.read(await store.write(letter, pieces)))?.bytes).toEqual(bytes);
  });

  test('10,000 spans', async () => {
    const store = await opened();
    const { letter, bytes } = letterOf(numberedSpans(10_000));
    const id = await store.write(letter, [bytes]);
    const found = await store.read(id);
    expect(found?.letter.spans).toEqual(letter.spans);
    expect(found?.bytes.equals(bytes)).toBe(true);
  });

  test('many at once: none replaces another', async () => {
    const store = await opened();
    const { letter, bytes } = letterOf();
    const ids = await Promise.all(Array.from({ length: 50 }, () => store.write(letter, [bytes])));
    expect(new Set(ids).size).toBe(50);
    expect(store.stats()).toEqual({ letters: 50, bytes: sizes() });
  });
});

test('listed as they were written, though the clock stands still and goes back', async () => {
  const clock = { nowMs: NOW_MS };
  const store = await opened({ now: () => clock.nowMs });
  const ids = [];
  for (const nowMs of [NOW_MS, NOW_MS, NOW_MS - 5_000, NOW_MS + 1, NOW_MS + 60_000]) {
    clock.nowMs = nowMs;
    ids.push(await put(store));
  }
  expect((await lettersOf(store)).map(({ id }) => id)).toEqual(ids);
  expect(await store.ids()).toEqual(ids);
});

describe('beside a process that writes and removes', () => {
  test('no directory: nothing is listed, and it is not made', async () => {
    const store = storeAt(directory);
    expect(await lettersOf(store)).toEqual([]);
    expect(await store.read('20261120T105533123Z-00000001')).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what vanishes while it is listed is passed over', async () => {
    const store = await opened();
    const [first, second, third] = [await put(store), await put(store), await put(store)];
    const listed = [];
    for await (const { id } of storeAt(directory).list(() => {})) {
      listed.push(id);
      await store.remove(second);
    }
    expect(listed).toEqual([first, third]);
  });

  test('what vanishes while it is read is not there', async () => {
    const store = await opened();
    const id = await put(store);
    const open: typeof realFiles.open = (path, purpose) => {
      if (path.endsWith('.otlp')) for (const end of ['.json', '.otlp']) rmSync(join(directory, id + end));
      return realFiles.open(path, purpose);
    };
    expect(await storeAt(directory, { files: { ...realFiles, open } }).read(id)).toBeUndefined();
  });

  test('what is being written is not there', async () => {
    const store = await opened();
    const seen: string[][] = [];
    const rename: typeof realFiles.rename = async (from, to) => {
      seen.push(await store.ids());
      await realFiles.rename(from, to);
    };
    await put(storeAt(directory, { files: { ...realFiles, rename } }));
    expect(seen).toEqual([[], []]);
    expect(await store.ids()).toHaveLength(1);
  });
});

describe('an ID that is none never becomes a path', () => {
  test.each([
    ...['', '.', '..', '../x', '../../etc/passwd', '/etc/passwd', 'x', '*', '-rf', '\0', '__proto__'],
    ...['20261120T105533123Z-00000001.json', '20261120T105533123Z-00000001/../x', '../20261120T105533123Z-00000001'],
    ...['20261120T105533123Z-00000001\n', ' 20261120T105533123Z-00000001', '20261120t105533123z-00000001'],
    ...['20261120T105533123Z-0000000G', '20261120T105533123Z-0000000A', '20261120T105533123Z-0000001'],
    ...['２０261120T105533123Z-00000001', '20261120T105533123Z\\00000001', '2026-11-20T10:55:33.123Z-00000001'],
  ])('%j', async (id) => {
    const files = new FaultyFiles({ random: createRandom(1) });
    const store = storeAt('/data/dead-letters', { files });
    expect([await store.read(id), await store.remove(id), files.calls]).toEqual([undefined, false, 0]);
  });
});

describe('damaged', () => {
  const ID = '20261120T105533123Z-00000001';
  const good = { id: ID, ...letterOf().letter, bytes: letterOf().bytes.length };

  test.each<[string, unknown]>([
    ['is no JSON', '{"id":'],
    ['is no JSON', ''],
    ['does not describe', null],
    ['does not describe', []],
    ['does not describe', { id: ID }],
    ['does not describe', { ...good, status: undefined }],
    ['does not describe', { ...good, status: '400' }],
    ['does not describe', { ...good, attempts: '3' }],
    ['does not describe', { ...good, bytes: null }],
    ['does not describe', { ...good, lastAt: 'yesterday' }],
    ['does not describe', { ...good, firstAt: 5 }],
    ['does not describe', { ...good, destination: 1 }],
    ['does not describe', { ...good, spans: {} }],
    ['does not describe', { ...good, spans: [null] }],
    ['does not describe', { ...good, spans: [{ traceId: '5b8efff798038103d269b633813fc60c' }] }],
    ['describes another one', { ...good, id: '20261120T105533123Z-00000002' }],
  ])('%s: %j', async (problem, json) => {
    const store = await opened();
    const [id, other] = [await put(store), await put(store)];
    writeFileSync(join(directory, `${id}.json`), typeof json === 'string' ? json : JSON.stringify(json));
    const damaged: DamagedLetter[] = [];
    const listed = [];
    for await (const letter of store.list((one) => damaged.push(one))) listed.push(letter.id);
    expect(listed).toEqual([other]);
    expect(damaged.map((one) => [one.id, one.problem])).toEqual([[id, expect.stringContaining(problem)]]);
    await expect(store.read(id)).rejects.toThrow(DamagedLetter);
    // Its spans are there all the same, until somebody drops them.
    expect(await store.remove(id)).toBe(true);
  });

  test('spans cut off', async () => {
    const store = await opened();
    const id = await put(store);
    truncateSync(join(directory, `${id}.otlp`), 20);
    await expect(store.read(id)).rejects.toThrow(`${id}.otlp has 20 bytes instead of ${good.bytes}`);
  });

  test('what a later version has added is not passed on', async () => {
    const store = await opened();
    const id = await put(store);
    writeFileSync(join(directory, `${id}.json`), JSON.stringify({ more: 1, ...good }));
    expect(await lettersOf(store)).toEqual([good]);
    expect((await lettersOf(store)).map(Object.keys)).toEqual([
      ['id', 'destination', 'reason', 'status', 'attempts', 'firstAt', 'lastAt', 'bytes', 'spans'],
    ]);
  });

  test('a disk that fails is no damage', async () => {
    await put(await opened());
    const open = () => Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
    const store = storeAt(directory, { files: { ...realFiles, open } });
    await expect(lettersOf(store)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('remove', () => {
  test('once, and counted', async () => {
    const store = await opened();
    const [one, other] = [await put(store), await put(store)];
    expect(await store.remove(one)).toBe(true);
    expect(await store.remove(one)).toBe(false);
    expect(await store.ids()).toEqual([other]);
    expect(store.stats()).toEqual({ letters: 1, bytes: sizes() });
  });

  test('by two at once: one has done it', async () => {
    const store = await opened();
    const id = await put(store);
    expect(await Promise.all([store.remove(id), store.remove(id)])).toEqual([true, false]);
    expect(store.stats()).toEqual({ letters: 0, bytes: 0 });
  });
});

describe('open', () => {
  test('counts what is there', async () => {
    const before = await opened();
    for (const count of [1, 5, 100]) await put(before, numberedSpans(count));
    expect(before.stats()).toEqual({ letters: 3, bytes: sizes() });
    expect((await opened()).stats()).toEqual(before.stats());
  });

  test('removes halves, whichever was lost, and nothing that is not its own', async () => {
    const kept = await put(await opened());
    const half = '20261120T105533123Z-0000000';
    const foreign = ['README.md', 'x.tmp', `${half}7.txt`, `${half}8.otlp.gz`, 'notes', `x${half}9.json`];
    const halves = [`${half}2.otlp`, `${half}3.json`, `${half}4.otlp.tmp`, `${half}5.json.tmp`, `${kept}.json.tmp`];
    for (const file of [...foreign, ...halves, `${half}6.otlp`, `${half}6.json.tmp`]) {
      writeFileSync(join(directory, file), 'x');
    }
    mkdirSync(join(directory, 'folder'));
    const store = await opened();
    expect(readdirSync(directory).sort()).toEqual([`${kept}.json`, `${kept}.otlp`, 'folder', ...foreign].sort());
    expect(store.stats().letters).toBe(1);
    expect(await store.ids()).toEqual([kept]);
  });
});

describe('expire', () => {
  test('those given up longer ago, and no others', async () => {
    const clock = { nowMs: NOW_MS };
    const store = await opened({ now: () => clock.nowMs });
    const ids = [];
    for (const ageS of [30, 20, 10, 0]) {
      clock.nowMs = NOW_MS - ageS * 1_000;
      ids.push(await put(store, numberedSpans(1), { atMs: clock.nowMs }));
    }
    expect(await store.expire(30_000)).toBe(0);
    expect(await store.expire(10_000)).toBe(2);
    expect(await store.ids()).toEqual(ids.slice(2));
    expect(store.stats()).toEqual({ letters: 2, bytes: sizes() });
    expect(await store.expire(-1)).toBe(2);
    expect(await store.expire(-1)).toBe(0);
  });

  test('of many that are younger it reads one', async () => {
    const store = await opened();
    for (let count = 0; count < 20; count++) await put(store);
    const read: string[] = [];
    const open: typeof realFiles.open = (path, purpose) => {
      read.push(path);
      return realFiles.open(path, purpose);
    };
    expect(await storeAt(directory, { files: { ...realFiles, open } }).expire(1_000)).toBe(0);
    expect(read).toHaveLength(1);
  });
});

describe('letters that somebody has removed by hand', () => {
  const removeByHand = (id: string) => {
    for (const end of ['.json', '.otlp']) rmSync(join(directory, id + end));
  };

  test('are no longer counted after a recount, and their room is the queue’s', async () => {
    const store = await opened();
    const ids = [];
    for (const count of [1, 50, 5]) ids.push(await put(store, numberedSpans(count)));
    const queue = createDiskQueue({
      ...{ files: realFiles, directory: join(folder, 'data', 'queue'), bytesMax: sizes() },
      ...{ otherBytes: () => store.stats().bytes, now: () => NOW_MS, randomMark: () => '0123456789abcdef' },
    });
    await queue.open();
    const offer = () => queue.offer(Buffer.alloc(500), { destination: 'main', items: 1 });
    await expect(offer()).rejects.toMatchObject({ reason: 'full' });
    removeByHand(ids[1]!);
    await expect(offer()).rejects.toMatchObject({ reason: 'full' });
    await store.recount();
    expect(store.stats()).toEqual({ letters: 2, bytes: sizes() });
    await offer();
    await queue.close();
  });

  test('all of them, and then the folder too', async () => {
    const store = await opened();
    for (let count = 0; count < 3; count++) await put(store);
    rmSync(directory, { recursive: true });
    await store.recount();
    expect(store.stats()).toEqual({ letters: 0, bytes: 0 });
  });

  test('cost a recount one look at the folder while none is missing', async () => {
    const calls: string[] = [];
    const open: typeof realFiles.open = (path, purpose) => {
      calls.push(path);
      return realFiles.open(path, purpose);
    };
    const store = await opened({ files: { ...realFiles, open } });
    for (let count = 0; count < 20; count++) await put(store);
    calls.length = 0;
    await store.recount();
    expect([calls, store.stats().letters]).toEqual([[], 20]);
  });

  test.each<[string, (store: DeadLetterStore, second: string) => Promise<unknown>]>([
    ['one is written', (store) => put(store, numberedSpans(7))],
    ['one is removed', (store, second) => store.remove(second)],
  ])('are counted by the next recount when %s meanwhile', async (_, change) => {
    let during: (() => Promise<unknown>) | undefined;
    const open: typeof realFiles.open = async (path, purpose) => {
      const [once, file] = [during, await realFiles.open(path, purpose)];
      during = undefined;
      await once?.();
      return file;
    };
    const store = await opened({ files: { ...realFiles, open } });
    const [first, second] = [await put(store), await put(store), await put(store, numberedSpans(9))];
    const before = store.stats();
    removeByHand(first);
    const left = sizes();
    during = () => change(store, second);
    await store.recount();
    const grown = sizes() - left;
    expect(grown).not.toBe(0);
    expect(store.stats()).toEqual({ letters: before.letters + Math.sign(grown), bytes: before.bytes + grown });
    await store.recount();
    expect(store.stats()).toEqual({ letters: 2 + Math.sign(grown), bytes: sizes() });
  });

  test('are counted rightly though all of the recount falls into the removal of another', async () => {
    let during: (() => Promise<unknown>) | undefined;
    const remove: typeof realFiles.remove = async (path) => {
      await realFiles.remove(path);
      if (path.endsWith('.otlp')) await during?.();
    };
    const store = await opened({ files: { ...realFiles, remove } });
    const [first, second] = [await put(store), await put(store), await put(store, numberedSpans(9))];
    removeByHand(first);
    during = () => store.recount();
    await store.remove(second);
    await store.recount();
    expect(store.stats()).toEqual({ letters: 1, bytes: sizes() });
  });

  test('are counted rightly though all of the recount falls into the writing of another', async () => {
    let during: (() => Promise<unknown>) | undefined;
    const syncDirectory: typeof realFiles.syncDirectory = async (path) => {
      await during?.();
      await realFiles.syncDirectory(path);
    };
    const store = await opened({ files: { ...realFiles, syncDirectory } });
    const [first, second] = [await put(store), await put(store), await put(store, numberedSpans(9))];
    const before = store.stats();
    for (const id of [first, second]) removeByHand(id);
    const left = sizes();
    during = () => store.recount();
    await put(store, numberedSpans(7));
    expect(store.stats()).toEqual({ letters: before.letters + 1, bytes: before.bytes + sizes() - left });
    await store.recount();
    expect(store.stats()).toEqual({ letters: 2, bytes: sizes() });
  });
});
