import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder of the system's temporary ones, by its path. Whoever makes one removes it. */
export const makeTemporary = (): string => mkdtempSync(join(tmpdir(), 'gateway-test-'));

/** Fine when it is not there any more. */
export function removeTemporary(folder: string): void {
  // A process that was killed a moment ago may still have added a file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
