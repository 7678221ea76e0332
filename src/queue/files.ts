import { type FileHandle, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, resolve } from 'node:path';

/**
 * The file system, as far as durable files need it. An argument of whoever writes such files, so that a test can let it
 * fail and crash at every step. What is written is durable when `sync` has resolved; a name that was made, moved or
 * removed is when `syncDirectory` has.
 */
export interface Files {
  /** Makes it, and what leads to it, readable by its owner alone. Fine when it is there. Durable when resolved. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, in no order; none when there is no such directory. */
  list(directory: string): Promise<string[]>;
  /** A new, empty file. Rejects with EEXIST. */
  create(path: string): Promise<OpenFile>;
  /** Rejects with ENOENT. A disk that has become read-only can still be read. */
  open(path: string, purpose: 'read' | 'write'): Promise<OpenFile>;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Fine when it is not there. */
  remove(path: string): Promise<void>;
  syncDirectory(directory: string): Promise<void>;
  /** Bytes of the file system that `directory` is on: left for programs like this one, and in all. */
  space(directory: string): Promise<{ free: number; total: number }>;
}

export interface OpenFile {
  size(): Promise<number>;
  /** Resolves to how many bytes were read, fewer than asked for at the end of the file and perhaps elsewhere. */
  read(into: Buffer, position: number): Promise<number>;
  /** Resolves to how many bytes were written, perhaps fewer than given. */
  write(pieces: readonly Buffer[], position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** The most buffers that one call of the system takes (IOV_MAX of Linux and macOS). */
const PIECES_MAX = 1024;

/** The file system of this machine. */
export const realFiles: Files = {
  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
    if (first === undefined) return;
    // Each new name stands in the directory above it.
    const top = dirname(resolve(first));
    for (let above = dirname(resolve(path)); ; above = dirname(above)) {
      await realFiles.syncDirectory(above);
      if (above === top || above === dirname(above)) return;
    }
  },
  async list(directory) {
    try {
      return await readdir(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  create: async (path) => new RealFile(await open(path, 'wx+', FILE_MODE)),
  open: async (path, purpose) => new RealFile(await open(path, purpose === 'read' ? 'r' : 'r+')),
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncDirectory(directory) {
    // Windows has no such call; its file systems keep names in a journal.
    if (platform() === 'win32') return;
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async space(directory) {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

class RealFile implements OpenFile {
  constructor(private readonly handle: FileHandle) {}

  async size(): Promise<number> {
    return (await this.handle.stat()).size;
  }

  async read(into: Buffer, position: number): Promise<number> {
    return (await this.handle.read(into, 0, into.length, position)).bytesRead;
  }

  async write(pieces: readonly Buffer[], position: number): Promise<number> {
    return (await this.handle.writev(pieces.slice(0, PIECES_MAX), position)).bytesWritten;
  }

  truncate(size: number): Promise<void> {
    return this.handle.truncate(size);
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Writes all of it, in as many calls as that takes. Resolves to the number of bytes. */
export async function writeAll(file: OpenFile, pieces: readonly Buffer[], position: number): Promise<number> {
  let rest = pieces.filter(({ length }) => length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = await file.write(rest, at);
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    at += written;
    let whole = 0;
    for (; whole < rest.length && written >= rest[whole]!.length; whole++) written -= rest[whole]!.length;
    rest = rest.slice(whole);
    if (written > 0) rest[0] = rest[0]!.subarray(written);
  }
  return at - position;
}
