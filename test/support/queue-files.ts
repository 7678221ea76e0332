import { readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files below `<dataDir>/queue`, newest last. */
export function queueFiles(dataDir: string): string[] {
  const folder = join(dataDir, 'queue');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
}

/** Those that entries lie in, newest last. */
export const segmentFiles = (dataDir: string): string[] => queueFiles(dataDir).filter((file) => file.endsWith('.log'));

/** Nothing can be read or written below that directory: it has another name, and a file has its own. */
export function putAway(directory: string): void {
  renameSync(directory, `${directory}.away`);
  writeFileSync(directory, '');
}

export function putBack(directory: string): void {
  rmSync(directory);
  renameSync(`${directory}.away`, directory);
}
