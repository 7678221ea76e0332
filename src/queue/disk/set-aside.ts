import { join } from 'node:path';
import { type Files, writeAll } from '../files';
import type { Damage } from './scanner';
import type { Segment } from './segment';
import { Window } from './window';

const STEP_BYTES = 1024 * 1024;

/** Copies what cannot be read into the lane's folder `damaged`, for whoever wants to look at it. */
export async function setAside(
  segment: Segment,
  { start, end }: Damage,
  { files, directory }: { files: Files; directory: string },
): Promise<void> {
  const folder = join(directory, 'damaged');
  await files.makeDirectory(folder);
  const path = join(folder, `${segment.name}-${start}`);
  // From an earlier start, which may have been cut short.
  await files.remove(path);
  const from = await files.open(segment.path, 'read');
  const to = await files.create(path).catch(async (error) => {
    await from.close();
    throw error;
  });
  try {
    const window = new Window(from, () => end);
    for (let at = start; at < end; ) {
      const bytes = await window.at(at, STEP_BYTES);
      if (bytes.length === 0) break;
      await writeAll(to, [bytes], at - start);
      at += bytes.length;
    }
    await to.sync();
    await files.syncDirectory(folder);
  } finally {
    await from.close();
    await to.close();
  }
}
