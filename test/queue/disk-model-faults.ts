import type { Fault, FaultyFiles, FileCall } from '../support/faulty-files';
import { oneOf, type Random } from '../support/random';

interface Spell {
  readonly fault: Fault;
  readonly ops: ReadonlySet<FileCall['op']>;
  readonly chance: number;
}

const WRITING: FileCall['op'][] = ['write', 'create', 'open', 'truncate', 'rename', 'remove', 'makeDirectory', 'sync'];
const SPELLS: { fault: Fault; ops: FileCall['op'][] }[] = [
  { fault: 'ENOSPC', ops: ['write', 'create', 'makeDirectory'] },
  { fault: 'ENOSPC', ops: ['sync'] },
  { fault: 'EIO', ops: ['sync'] },
  { fault: 'EIO', ops: ['syncDirectory'] },
  { fault: 'EIO', ops: ['write', 'truncate'] },
  { fault: 'EIO', ops: ['read', 'open', 'size', 'list'] },
  { fault: 'EIO', ops: ['read', 'write', 'sync', 'syncDirectory', 'create', 'open', 'truncate', 'remove', 'close'] },
  { fault: 'EROFS', ops: [...WRITING, 'syncDirectory'] },
];

/** The bad spells of a disk, and calls that do a part of what was asked, at any time. */
export class BadDisk {
  /** Calls that have failed. */
  failures = 0;
  #spell: Spell | undefined;
  #isFull = false;

  constructor(private readonly random: Random) {}

  get isBad(): boolean {
    return this.#spell !== undefined || this.#isFull;
  }

  /** Faults come from here from now on. */
  attach(files: FaultyFiles, shortChance: number): void {
    files.fault = ({ op }) => {
      const { fault, ops, chance } = this.#spell ?? {};
      if (ops?.has(op) && this.random() < (chance ?? 0)) {
        this.failures++;
        return fault;
      }
      return this.random() < shortChance ? 'short' : undefined;
    };
  }

  begin(files: FaultyFiles): string {
    if (this.random() < 0.2) return this.#fill(files);
    const { fault, ops } = oneOf(this.random, SPELLS);
    const chance = oneOf(this.random, [0.2, 0.6, 1]);
    this.#spell = { fault, ops: new Set(ops), chance };
    return `${fault} on ${ops.join()} (${chance})`;
  }

  end(files: FaultyFiles, capacity: number): void {
    this.#spell = undefined;
    this.#isFull = false;
    files.capacity = capacity;
  }

  /** Leaves little room, or none. Whether a call has failed for it is not known. */
  #fill(files: FaultyFiles): string {
    const used = [...files.contents().values()].reduce((sum, { length }) => sum + length, 0);
    const room = Math.floor(this.random() * this.random() * 3000);
    files.capacity = used + room;
    this.#isFull = true;
    this.failures++;
    return `a disk with room for ${room} bytes`;
  }
}
