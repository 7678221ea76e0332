import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Files, type OpenFile, realFiles } from '../../src/queue/files';
import { FaultyFiles, type FaultyOptions } from './faulty-files';
import { createRandom, oneOf, type Random } from './random';

const PATH = '/data/log';
const SEEDS = [...Array(300).keys()];

async function created(options: Partial<FaultyOptions> = {}): Promise<{ files: FaultyFiles; file: OpenFile }> {
  const files = new FaultyFiles({ random: createRandom(1), ...options });
  await files.makeDirectory('/data');
  return { files, file: await files.create(PATH) };
}

/** The same, with the name and the bytes `old` durable. */
async function kept(options: Partial<FaultyOptions> = {}): Promise<{ files: FaultyFiles; file: OpenFile }> {
  const { files, file } = await created(options);
  await files.syncDirectory('/data');
  await write(file, 'old', 0);
  await file.sync();
  return { files, file };
}

const write = (file: OpenFile, text: string, position: number) => file.write([Buffer.from(text)], position);
const seen = (files: FaultyFiles, path = PATH) => files.contents().get(path)?.toString('latin1');
/** What could be left of a file if there were a loss of power now. */
function leftOf(files: FaultyFiles, path = PATH): Set<string | undefined> {
  const left = new Set(SEEDS.map((seed) => seen(files.crash(createRandom(seed)), path)));
  files.isDead = false;
  return left;
}

describe('what is durable', () => {
  test('is what was synced, with its name', async () => {
    const { files } = await kept();
    expect(leftOf(files)).toEqual(new Set(['old']));
  });

  test('is not what was written since: it may be there, in parts, or zeros', async () => {
    const { files, file } = await kept();
    await write(file, 'new!', 3);
    const left = leftOf(files);
    expect([...left]).toEqual(expect.arrayContaining(['old', 'oldnew!', 'oldne', 'old\0\0\0\0', 'old\0ew!']));
    expect([...left].every((text) => /^old[n\0]?[e\0]?[w\0]?[!\0]?$/.test(text as string))).toBe(true);
  });

  test('is any of several writes without those before it', async () => {
    const { files, file } = await kept();
    await write(file, 'AA', 3);
    await write(file, 'BB', 5);
    expect([...leftOf(files)]).toEqual(expect.arrayContaining(['oldAA', 'old\0\0BB', 'oldAABB', 'old']));
  });

  test('is not what is written while a sync runs', async () => {
    const { files, file } = await kept();
    const synced = file.sync();
    await Promise.all([synced, write(file, 'new', 3)]);
    expect(leftOf(files)).toContain('old');
  });

  test('is a file before or after it was truncated', async () => {
    const { files, file } = await kept();
    await file.truncate(1);
    expect(leftOf(files)).toEqual(new Set(['old', 'o']));
    await file.sync();
    expect(leftOf(files)).toEqual(new Set(['o']));
  });

  test('is no name that was not synced, though the file was', async () => {
    const { files, file } = await created();
    await write(file, 'new', 0);
    await file.sync();
    expect(leftOf(files)).toEqual(new Set(['new', undefined]));
    await files.syncDirectory('/data');
    expect(leftOf(files)).toEqual(new Set(['new']));
  });

  test('is a name that was removed, until its directory is synced', async () => {
    const { files } = await kept();
    await files.remove(PATH);
    expect(seen(files)).toBeUndefined();
    expect(leftOf(files)).toEqual(new Set(['old', undefined]));
    await files.syncDirectory('/data');
    expect(leftOf(files)).toEqual(new Set([undefined]));
  });

  test('is one name of two, when a file is moved', async () => {
    const { files } = await kept();
    await files.rename(PATH, '/data/other');
    const left = SEEDS.map((seed) => [...files.crash(createRandom(seed)).contents().keys()].join());
    expect(new Set(left)).toEqual(new Set([PATH, '/data/other']));
    files.isDead = false;
    await files.syncDirectory('/data');
    expect(leftOf(files, '/data/other')).toEqual(new Set(['old']));
  });

  test('is all that was done, after a kill, and no more after a loss of power that follows', async () => {
    const { files, file } = await created();
    await write(file, 'new', 0);
    await write(file, '!', 3);
    const killed = files.crash(createRandom(1), 'kill');
    expect(seen(killed)).toBe('new!');
    expect([...leftOf(killed)]).toEqual(expect.arrayContaining([undefined, '', 'new', 'new!']));
  });
});

describe('a failed sync', () => {
  test('is not made good by another', async () => {
    const { files, file } = await kept();
    await write(file, 'new', 3);
    files.fault = ({ op }) => (op === 'sync' ? 'EIO' : undefined);
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    files.fault = () => undefined;
    await file.sync();
    expect(seen(files)).toBe('oldnew');
    expect(leftOf(files).size).toBe(1);
    expect(leftOf(files)).not.toContain('oldnew');
  });

  test('of a directory is not made good by another', async () => {
    const { files, file } = await created();
    await file.sync();
    files.fault = ({ op }) => (op === 'syncDirectory' ? 'EIO' : undefined);
    await expect(files.syncDirectory('/data')).rejects.toMatchObject({ code: 'EIO' });
    files.fault = () => undefined;
    await files.syncDirectory('/data');
    expect(leftOf(files)).toEqual(new Set([undefined]));
  });
});

describe('a crash at a call', () => {
  const TEXT = '0123456789';

  test('comes before it took effect, after, or half-way, and nothing is answered any more', async () => {
    const left = new Set<string | undefined>();
    for (const seed of SEEDS) {
      const { files, file } = await created({ random: createRandom(seed) });
      files.crashAtCall = files.calls + 1;
      const answers: string[] = [];
      const call = (made: Promise<unknown>) =>
        made.then(
          () => answers.push('yes'),
          () => answers.push('no'),
        );
      void call(write(file, TEXT, 0));
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      void call(files.open('/data/none', 'read'));
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      expect({ answers, isDead: files.isDead }).toEqual({ answers: [], isDead: true });
      left.add(seen(files.crash(createRandom(seed), 'kill')));
    }
    expect([...left]).toEqual(expect.arrayContaining(['', TEXT, TEXT.slice(0, 4)]));
    expect([...left].every((text) => TEXT.startsWith(text as string))).toBe(true);
  });
});

describe('faults', () => {
  test('are what the test says, for the call it says', async () => {
    const told: string[] = [];
    const { files, file } = await created({
      fault: ({ op, path, n }) => {
        told.push(`${n} ${op} ${path}`);
        return op === 'truncate' ? 'EROFS' : undefined;
      },
    });
    await expect(file.truncate(1)).rejects.toMatchObject({ code: 'EROFS' });
    expect(told).toEqual(['1 makeDirectory /data', '2 create /data/log', '3 truncate /data/log']);
    expect(files.calls).toBe(3);
  });

  test('cut reads and writes short', async () => {
    const lengths = new Set<number>();
    for (const seed of SEEDS) {
      const { files, file } = await created({ random: createRandom(seed), fault: () => 'short' });
      const length = await write(file, '01234', 0);
      lengths.add(length);
      expect(seen(files)).toBe('01234'.slice(0, length));
      const into = Buffer.alloc(length);
      expect(await file.read(into, 0)).toBeGreaterThan(0);
    }
    expect([...lengths].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  test('leave a part of what was to be written', async () => {
    const left = new Set<string | undefined>();
    for (const seed of SEEDS) {
      const fault: FaultyOptions['fault'] = ({ op }) => (op === 'write' ? 'ENOSPC' : undefined);
      const { files, file } = await created({ random: createRandom(seed), fault });
      await expect(write(file, '012', 0)).rejects.toMatchObject({ code: 'ENOSPC' });
      left.add(seen(files));
    }
    expect([...left].sort()).toEqual(['', '0', '01', '012']);
  });

  test('are those of a full disk, until something is removed', async () => {
    const { files, file } = await created({ capacity: 10 });
    expect(await write(file, '01234567', 0)).toBe(8);
    expect(await files.space('/data')).toEqual({ free: 2, total: 10 });
    expect(await write(file, 'abcd', 7)).toBe(3);
    await expect(write(file, 'x', 10)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await write(file, 'over', 0)).toBe(4);
    await files.remove(PATH);
    expect(await files.space('/data')).toEqual({ free: 0, total: 10 });
    await file.close();
    expect(await files.space('/data')).toEqual({ free: 10, total: 10 });
  });

  test('flip bits of a byte, in what is seen and in what is durable', async () => {
    const { files, file } = await kept();
    await write(file, 'x'.repeat(100), 0);
    await file.sync();
    const { path, at } = files.flip(createRandom(3)) as { path: string; at: number };
    const bytes = [...(files.contents().get(path) as Buffer)];
    expect(bytes.flatMap((byte, index) => (byte === 'x'.charCodeAt(0) ? [] : [index]))).toEqual([at]);
    expect(leftOf(files)).toEqual(new Set([seen(files)]));
  });
});

test('calls are answered in any order', async () => {
  const orders = new Set<string>();
  for (const seed of SEEDS) {
    const { file } = await created({ random: createRandom(seed) });
    const order: string[] = [];
    await Promise.all(['a', 'b', 'c'].map((name) => file.size().then(() => order.push(name))));
    orders.add(order.join(''));
  }
  expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
});

describe('without faults it does what the file system of this machine does', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'files-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  test.each([...Array(20).keys()])('seed %i', async (seed) => {
    const faulty = new FaultyFiles({ random: createRandom(seed) });
    const of = (files: Files, root: string) => played(files, root, createRandom(seed));
    expect(await of(faulty, '/data')).toEqual(await of(realFiles, join(directory, 'data')));
  });

  test('also where a file is in the way of a directory, or a directory in that of a file', async () => {
    const codes = async (files: Files, root: string) => {
      await files.makeDirectory(join(root, 'sub'));
      await (await files.create(join(root, 'file'))).close();
      const calls = [
        files.makeDirectory(join(root, 'sub')),
        files.makeDirectory(join(root, 'file')),
        files.makeDirectory(join(root, 'file', 'below')),
        files.remove(join(root, 'sub')),
        files.create(join(root, 'sub')),
        files.open(join(root, 'sub'), 'write'),
      ];
      return Promise.all(calls.map((call) => call.then(() => 'done').catch(({ code }) => code)));
    };
    const faulty = new FaultyFiles({ random: createRandom(1) });
    expect(await codes(faulty, '/data')).toEqual(await codes(realFiles, join(directory, 'data')));
  });

  /** What a sequence of calls answers: values, or codes of errors. */
  async function played(files: Files, root: string, random: Random): Promise<unknown[]> {
    const answers: unknown[] = [];
    const handles: OpenFile[] = [];
    const attempt = async (call: () => Promise<unknown>) =>
      answers.push(
        await call().then(
          (value) => value ?? 'done',
          (error) => error.code,
        ),
      );
    const path = () => join(root, oneOf(random, ['a', 'b', 'c', 'sub/a', 'none/a']));
    const opened = async (file: Promise<OpenFile>) => handles.push(await file);
    const onHandle = (act: (file: OpenFile) => Promise<unknown>) => async () => {
      const file = handles[Math.floor(random() * handles.length)];
      return file === undefined ? 'none' : act(file);
    };
    await files.makeDirectory(join(root, 'sub'));
    for (let step = 0; step < 60; step++) {
      const [one, other, at] = [path(), path(), Math.floor(random() * 20)];
      const acts: (() => Promise<unknown>)[] = [
        () => opened(files.create(one)),
        () => opened(files.open(one, oneOf(random, ['read', 'write'] as const))),
        () => files.rename(one, other),
        () => files.remove(one),
        () => files.syncDirectory(root),
        async () => (await files.list(oneOf(random, [root, join(root, 'none')]))).sort().join(),
        onHandle((file) => file.write([Buffer.from('ab'), Buffer.alloc(0), Buffer.from(String(step))], at)),
        onHandle((file) => file.truncate(at)),
        onHandle((file) => file.size()),
        onHandle((file) => file.sync()),
        onHandle(async (file) => {
          const into = Buffer.alloc(30);
          return into.toString('latin1', 0, await file.read(into, at));
        }),
      ];
      await attempt(oneOf(random, acts));
    }
    await Promise.all(handles.map((file) => file.close()));
    return answers;
  }
});
