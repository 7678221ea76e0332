import { type Files, writeAll } from '../queue/files';

/** Writes a file that is not there yet, from its first byte to its last, and waits for the disk. */
export async function writeWhole(files: Files, path: string, pieces: readonly Buffer[]): Promise<void> {
  const file = await files.create(path);
  try {
    await writeAll(file, pieces, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `undefined` when it is not there. */
export async function readWhole(files: Files, path: string): Promise<Buffer | undefined> {
  return withFile(files, path, async (file) => {
    const bytes = Buffer.alloc(await file.size());
    let length = 0;
    while (length < bytes.length) {
      const read = await file.read(bytes.subarray(length), length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  });
}

/** In bytes; `undefined` when it is not there. */
export async function sizeOf(files: Files, path: string): Promise<number | undefined> {
  return withFile(files, path, (file) => file.size());
}

type File = Awaited<ReturnType<Files['open']>>;

async function withFile<T>(files: Files, path: string, use: (file: File) => Promise<T>): Promise<T | undefined> {
  let file: File;
  try {
    file = await files.open(path, 'read');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
