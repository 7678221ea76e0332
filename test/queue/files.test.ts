import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { type OpenFile, realFiles, writeAll } from '../../src/queue/files';
import { makeTemporary, removeTemporary } from '../support/temporary';

let folder = '';
let umask = 0;
beforeEach(() => {
  folder = makeTemporary();
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  removeTemporary(folder);
});

const modeOf = (path: string) => statSync(path).mode & 0o777;
const at = (...names: string[]) => join(folder, ...names);

async function created(name = 'file'): Promise<OpenFile> {
  return realFiles.create(at(name));
}

describe('directories', () => {
  test('are made with what leads to them, for their owner alone', async () => {
    await realFiles.makeDirectory(at('one', 'two', 'three'));
    expect([at('one'), at('one', 'two'), at('one', 'two', 'three')].map(modeOf)).toEqual([0o700, 0o700, 0o700]);
    await realFiles.makeDirectory(at('one', 'two', 'three'));
    await realFiles.makeDirectory(at('one', 'other'));
    expect(modeOf(at('one', 'other'))).toBe(0o700);
  });

  test('that are there stay as they are', async () => {
    mkdirSync(at('open'), { mode: 0o755 });
    await realFiles.makeDirectory(at('open'));
    expect(modeOf(at('open'))).toBe(0o755);
  });

  test('are durable: every directory that got a new name is synced, from the lowest up', async () => {
    const synced: string[] = [];
    const { open } = fs;
    const opened = jest.spyOn(fs, 'open').mockImplementation(async (path, ...how) => {
      const handle = await open(path, ...how);
      const sync = handle.sync.bind(handle);
      handle.sync = () => sync().then(() => void synced.push(String(path)));
      return handle;
    });
    try {
      mkdirSync(at('there'));
      await realFiles.makeDirectory(at('there', 'a', 'b', 'c'));
      expect(synced.splice(0)).toEqual([at('there', 'a', 'b'), at('there', 'a'), at('there')]);
      await realFiles.makeDirectory(at('there', 'a', 'b', 'c'));
      expect(synced.splice(0)).toEqual([]);
      await realFiles.makeDirectory(at('there', 'd/'));
      expect(synced).toEqual([at('there')]);
    } finally {
      opened.mockRestore();
    }
  });

  test('are not made where there is a file', async () => {
    writeFileSync(at('file'), '');
    await expect(realFiles.makeDirectory(at('file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(realFiles.makeDirectory(at('file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('are listed by names alone; one that is not there has none', async () => {
    await realFiles.makeDirectory(at('folder'));
    await (await created()).close();
    expect((await realFiles.list(folder)).sort()).toEqual(['file', 'folder']);
    expect(await realFiles.list(at('folder'))).toEqual([]);
    expect(await realFiles.list(at('nowhere'))).toEqual([]);
    await expect(realFiles.list(at('file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  test('are synced, when they are there', async () => {
    await realFiles.syncDirectory(folder);
    await expect(realFiles.syncDirectory(at('nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('tell the space of their file system', async () => {
    const { free, total } = await realFiles.space(folder);
    expect(total).toBeGreaterThan(0);
    expect(free).toBeGreaterThanOrEqual(0);
    expect(free).toBeLessThanOrEqual(total);
    await expect(realFiles.space(at('nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('files', () => {
  test('are created for their owner alone, and once', async () => {
    const file = await created();
    await file.write([Buffer.from('kept')], 0);
    expect(modeOf(at('file'))).toBe(0o600);
    await expect(created()).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(at('file'), 'utf8')).toBe('kept');
    await file.close();
    await expect(realFiles.create(at('nowhere', 'file'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each(['read', 'write'] as const)('that are not there are not opened to %s', async (purpose) => {
    await expect(realFiles.open(at('nothing'), purpose)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await realFiles.list(folder)).toEqual([]);
  });

  test('that are opened are not emptied, and only written to when that was said', async () => {
    writeFileSync(at('file'), '0123456789');
    const writing = await realFiles.open(at('file'), 'write');
    expect(await writing.size()).toBe(10);
    expect(await writing.write([Buffer.from('ab'), Buffer.from('c')], 4)).toBe(3);
    await writing.sync();
    await writing.close();
    const reading = await realFiles.open(at('file'), 'read');
    await expect(reading.write([Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EBADF' });
    await reading.close();
    expect(readFileSync(at('file'), 'utf8')).toBe('0123abc789');
  });

  test('are read from any position, up to their end', async () => {
    const file = await created();
    await file.write([Buffer.from('0123456789')], 0);
    const into = Buffer.alloc(4, '-');
    expect([await file.read(into, 3), into.toString()]).toEqual([4, '3456']);
    expect([await file.read(into, 8), into.toString()]).toEqual([2, '8956']);
    expect(await file.read(into, 10)).toBe(0);
    await file.truncate(5);
    expect([await file.size(), await file.read(into, 3)]).toEqual([5, 2]);
    await file.close();
  });

  test('can be moved over others, and removed when they are there or not', async () => {
    writeFileSync(at('one'), '1');
    writeFileSync(at('two'), '2');
    await realFiles.rename(at('one'), at('two'));
    expect([await realFiles.list(folder), readFileSync(at('two'), 'utf8')]).toEqual([['two'], '1']);
    await realFiles.remove(at('two'));
    await realFiles.remove(at('two'));
    expect(await realFiles.list(folder)).toEqual([]);
  });
});

describe('writeAll', () => {
  const pieces = Array.from({ length: 5000 }, (_, index) => Buffer.from(`piece ${index};`.repeat(index % 3)));

  test('writes more pieces than one call of the system takes', async () => {
    const file = await created();
    const whole = Buffer.concat(pieces);
    await file.write([Buffer.from('before:')], 0);
    expect(await writeAll(file, pieces, 7)).toBe(whole.length);
    await file.close();
    expect(readFileSync(at('file')).equals(Buffer.concat([Buffer.from('before:'), whole]))).toBe(true);
  });

  test('one call takes 1,024 of them', async () => {
    const file = await created();
    const bytes = Array.from({ length: 2000 }, () => Buffer.from('x'));
    expect(await file.write(bytes, 0)).toBe(1024);
    await file.close();
  });

  /** Writes so many bytes of each call. */
  const partial = (written: Buffer, perCall: number): OpenFile => ({
    ...refusing,
    write: async (given, position) => Buffer.concat(given).subarray(0, perCall).copy(written, position),
  });
  const refuse = () => Promise.reject(new Error('not asked for'));
  const refusing = { size: refuse, read: refuse, write: refuse, truncate: refuse, sync: refuse, close: refuse };

  test.each([1, 2, 7, 8, 100])('goes on after a call that wrote %d bytes', async (perCall) => {
    const few = pieces.slice(0, 20);
    const whole = Buffer.concat(few);
    const written = Buffer.alloc(whole.length + 3, '-');
    expect(await writeAll(partial(written, perCall), few, 3)).toBe(whole.length);
    expect(written.toString()).toBe(`---${whole}`);
  });

  test('does not go on for ever when nothing is written', async () => {
    await expect(writeAll(partial(Buffer.alloc(9), 0), [Buffer.from('x')], 0)).rejects.toMatchObject({ code: 'EIO' });
  });

  test('does nothing for nothing', async () => {
    expect(await writeAll(refusing, [Buffer.alloc(0)], 0)).toBe(0);
  });
});
