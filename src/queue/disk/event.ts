/** What a disk does, told to whoever keeps the log and the counts. */
export type DiskQueueEvent =
  /**
   * A record that cannot be read. `items`: of entries that were counted in `stats` before. `isAside`: its bytes are in the
   * folder `damaged`; else they stay where they are until the next start.
   */
  | { kind: 'damaged'; destination: string; bytes: number; items: number; isAside: boolean }
  /** The end of what was being written when a process ended. It was never confirmed. */
  | { kind: 'torn'; destination: string; bytes: number }
  /** A file whose rest the disk does not give back. It stays, and is tried again at the next start. */
  | { kind: 'skipped'; destination: string; file: string; code: string }
  | { kind: 'sick'; code: string }
  | { kind: 'well' };
