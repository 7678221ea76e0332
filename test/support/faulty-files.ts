import { basename, dirname, resolve } from 'node:path';
import type { Files, OpenFile } from '../../src/queue/files';
import { Content } from './faulty-content';
import type { Random } from './random';

export interface FileCall {
  readonly op: keyof Files | keyof OpenFile;
  readonly path: string;
  /** It is the n-th call on this file system, from 1. */
  readonly n: number;
}

/** `short` is for reads and writes; of a write that fails a part may have been written. */
export type Fault = 'ENOSPC' | 'EIO' | 'EROFS' | 'short';

export interface FaultyOptions {
  /** Chooses how long calls take, and so in which order they are answered, and what is left of what fails. */
  random: Random;
  /** Bytes that all files together may have. */
  capacity?: number;
  fault?: (call: FileCall) => Fault | undefined;
  /** The number of the call in which the process dies: before it took effect, after, or half-way. */
  crashAtCall?: number;
}

/** A change of names that is durable when `home` was synced. An entry without content is one that is removed. */
interface Naming {
  readonly home: string;
  readonly names: readonly { readonly path: string; readonly content: Content; readonly isRemoved: boolean }[];
}

/**
 * A file system in memory that keeps what was written apart from what is durable, as a page cache does, and is as unkind
 * as POSIX allows: what was not synced may be gone, whole, in parts, in any order; so may a name whose directory was not
 * synced; a failed sync is not made good by another. When the process has died, no call is ever answered.
 */
export class FaultyFiles implements Files {
  capacity: number;
  fault: (call: FileCall) => Fault | undefined;
  crashAtCall: number | undefined;
  /** Calls until now, and of these how many are not answered yet. */
  calls = 0;
  unanswered = 0;
  isDead = false;
  readonly #random: Random;
  readonly #directories = new Set(['/']);
  #seen = new Map<string, Content>();
  #durable = new Map<string, Content>();
  #naming: Naming[] = [];
  /** Open files whose names are gone still take space. */
  readonly #open = new Set<Content>();

  constructor({ random, capacity = Infinity, fault = () => undefined, crashAtCall }: FaultyOptions) {
    this.#random = random;
    this.capacity = capacity;
    this.fault = fault;
    this.crashAtCall = crashAtCall;
  }

  /** The process dies. What a new one finds: after a loss of power what survived it, after a `kill` all that was done. */
  crash(random: Random, how: 'power' | 'kill' = 'power'): FaultyFiles {
    this.isDead = true;
    const next = new FaultyFiles({ random, capacity: this.capacity });
    for (const directory of this.#directories) next.#directories.add(directory);
    const copies = new Map<Content, Content>();
    const copyOf = (content: Content) => {
      const copy = copies.get(content) ?? (how === 'kill' ? content.copy() : content.afterPowerLoss(random));
      copies.set(content, copy);
      return copy;
    };
    const copied = (names: Map<string, Content>) => new Map([...names].map(([path, one]) => [path, copyOf(one)]));
    if (how === 'kill') {
      next.#seen = copied(this.#seen);
      next.#durable = copied(this.#durable);
      next.#naming = this.#naming.map(({ home, names }) => ({
        home,
        names: names.map(({ content, ...name }) => ({ ...name, content: copyOf(content) })),
      }));
    } else {
      const names = new Map(this.#durable);
      const chance = [0, 0.5, 0.5, 1][Math.floor(random() * 4)] as number;
      for (const naming of this.#naming) if (random() < chance) rename(names, naming);
      next.#durable = copied(names);
      next.#seen = new Map(next.#durable);
    }
    return next;
  }

  /** Flips up to three bits of a byte. `undefined` when all files are empty. */
  flip(random: Random, choose = anywhere): { path: string; at: number } | undefined {
    const files = [...this.#seen].filter(([, { seen }]) => seen.length > 0);
    const [path, content] = files[Math.floor(random() * files.length)] ?? [];
    if (path === undefined || content === undefined) return undefined;
    const at = choose(content.seen, random);
    const bits = new Set([0, 1, 2].map(() => Math.floor(random() * 8)));
    for (const bit of bits) content.flip(at, bit);
    return { path, at };
  }

  /** How many files somebody has open. */
  get openFiles(): number {
    return this.#open.size;
  }

  /** What is to be read, by path. */
  contents(): Map<string, Buffer> {
    return new Map([...this.#seen].map(([path, { seen }]) => [path, seen]));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#call('makeDirectory', path, () => {
      const missing: string[] = [];
      for (let one = resolve(path); !this.#directories.has(one); one = dirname(one)) {
        if (this.#seen.has(one)) throw failure(one === resolve(path) ? 'EEXIST' : 'ENOTDIR', 'makeDirectory', path);
        missing.push(one);
      }
      for (const one of missing) this.#directories.add(one);
    });
  }

  list(directory: string): Promise<string[]> {
    return this.#call('list', directory, () => {
      const below = [...this.#seen.keys(), ...this.#directories].filter((path) => path !== '/');
      return below.filter((path) => dirname(path) === resolve(directory)).map((path) => basename(path));
    });
  }

  create(path: string): Promise<OpenFile> {
    return this.#call('create', path, () => {
      this.#mustBeDirectory(dirname(path), 'create');
      if (this.#seen.has(path) || this.#directories.has(path)) throw failure('EEXIST', 'create', path);
      // A full disk may have room for a name, or not.
      if (this.#used() >= this.capacity && this.#random() < 0.5) throw failure('ENOSPC', 'create', path);
      const content = new Content();
      this.#rename({ home: dirname(path), names: [{ path, content, isRemoved: false }] });
      return this.#opened(path, content, true);
    });
  }

  open(path: string, purpose: 'read' | 'write'): Promise<OpenFile> {
    return this.#call('open', path, (fault) => {
      // What can only be read can still be read.
      if (fault !== undefined && !(fault === 'EROFS' && purpose === 'read')) throw failure(fault, 'open', path);
      return this.#opened(path, this.#contentOf(path, 'open'), purpose === 'write');
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', from, () => {
      this.#mustBeDirectory(dirname(to), 'rename');
      const content = this.#contentOf(from, 'rename');
      if (from === to) return;
      const names = [
        { path: to, content, isRemoved: false },
        { path: from, content, isRemoved: true },
      ];
      this.#rename({ home: dirname(to), names });
    });
  }

  remove(path: string): Promise<void> {
    return this.#call('remove', path, () => {
      if (this.#directories.has(path)) throw failure('ERR_FS_EISDIR', 'remove', path);
      const content = this.#seen.get(path);
      if (content !== undefined) this.#rename({ home: dirname(path), names: [{ path, content, isRemoved: true }] });
    });
  }

  syncDirectory(directory: string): Promise<void> {
    const meant = new Set(this.#naming.filter(({ home }) => home === resolve(directory)));
    return this.#call('syncDirectory', directory, (fault) => {
      this.#mustBeDirectory(directory, 'syncDirectory');
      // As with a file, what a failed sync was to make durable is not tried again.
      if (fault === undefined) for (const naming of this.#naming) if (meant.has(naming)) rename(this.#durable, naming);
      this.#naming = this.#naming.filter((naming) => !meant.has(naming));
      if (fault !== undefined) throw failure(fault, 'syncDirectory', directory);
    });
  }

  space(directory: string): Promise<{ free: number; total: number }> {
    return this.#call('space', directory, () => {
      this.#mustBeDirectory(directory, 'space');
      return { free: Math.max(0, this.capacity - this.#used()), total: this.capacity };
    });
  }

  #opened(path: string, content: Content, canWrite: boolean): OpenFile {
    content.handles++;
    this.#open.add(content);
    let isOpen = true;
    const call = <T>(op: keyof OpenFile, effect: (fault?: Fault) => T, half?: () => unknown) => {
      const onOpen = (fault?: Fault) => {
        if (!isOpen || (op === 'write' && !canWrite)) throw failure('EBADF', op, path);
        if (op === 'truncate' && !canWrite) throw failure('EINVAL', op, path);
        return effect(fault);
      };
      return this.#call(op, path, onOpen, half);
    };
    return {
      size: () => call('size', () => content.seen.length),
      read: (into, position) =>
        call('read', (fault) => content.seen.subarray(position).copy(into, 0, 0, this.#part(into.length, fault))),
      write: (pieces, position) =>
        call(
          'write',
          (fault) => this.#write({ path, content }, Buffer.concat(pieces), position, fault),
          () => this.#write({ path, content }, Buffer.concat(pieces), position, 'short'),
        ),
      truncate: (size) => call('truncate', () => content.change({ truncatedTo: size })),
      sync: () => {
        const meant = new Set(content.pending);
        return call('sync', (fault) => {
          if (fault === undefined) return content.sync(meant);
          content.failSync(meant, this.#random);
          throw failure(fault, 'sync', path);
        });
      },
      close: () =>
        call('close', (fault) => {
          isOpen = false;
          if (--content.handles === 0) this.#open.delete(content);
          if (fault !== undefined) throw failure(fault, 'close', path);
        }),
    };
  }

  #write({ path, content }: { path: string; content: Content }, bytes: Buffer, at: number, fault?: Fault): number {
    const growth = Math.max(0, at + bytes.length - content.seen.length);
    const room = bytes.length - Math.max(0, growth - Math.max(0, this.capacity - this.#used()));
    const hasFailed = fault !== undefined && fault !== 'short';
    const part = hasFailed ? Math.floor(this.#random() * (bytes.length + 1)) : this.#part(bytes.length, fault);
    const written = Math.min(room, part);
    if (written > 0) content.change({ at, bytes: Buffer.from(bytes.subarray(0, written)) });
    if (hasFailed) throw failure(fault, 'write', path);
    if (written <= 0 && bytes.length > 0) throw failure('ENOSPC', 'write', path);
    return written;
  }

  /** One byte at least, of what there is. */
  #part(length: number, fault: Fault | undefined): number {
    return fault === 'short' ? Math.min(length, 1 + Math.floor(this.#random() * length)) : length;
  }

  #contentOf(path: string, op: FileCall['op']): Content {
    if (this.#directories.has(path)) throw failure('EISDIR', op, path);
    const content = this.#seen.get(path);
    if (content === undefined) throw failure('ENOENT', op, path);
    return content;
  }

  #mustBeDirectory(path: string, op: FileCall['op']): void {
    if (!this.#directories.has(resolve(path))) throw failure('ENOENT', op, path);
  }

  #rename(naming: Naming): void {
    rename(this.#seen, naming);
    this.#naming.push(naming);
  }

  #used(): number {
    let used = 0;
    for (const content of new Set([...this.#seen.values(), ...this.#open])) used += content.seen.length;
    return used;
  }

  /** `half` is what it may have done when the process died in it. */
  async #call<T>(op: FileCall['op'], path: string, effect: (fault?: Fault) => T, half?: () => unknown): Promise<T> {
    const n = ++this.calls;
    this.unanswered++;
    const given = this.fault({ op, path, n });
    const fault = given === 'short' && op !== 'read' && op !== 'write' ? undefined : given;
    await this.#turns();
    if (n === this.crashAtCall && !this.isDead) {
      const when = Math.floor(this.#random() * 3);
      if (when > 0) attempt(when === 1 ? effect : (half ?? effect));
      this.isDead = true;
    }
    if (this.isDead) return new Promise(() => {});
    const outcome = attempt(() => {
      if (fault !== undefined && fault !== 'short' && !PARTIAL.has(op)) throw failure(fault, op, path);
      return effect(fault);
    });
    await this.#turns();
    if (this.isDead) return new Promise(() => {});
    this.unanswered--;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #turns(): Promise<void> {
    for (let left = 1 + Math.floor(this.#random() * 3); left > 0; left--)
      await (this.#random() < 0.5 ? undefined : new Promise(setImmediate));
  }
}

const anywhere = ({ length }: Buffer, random: Random) => Math.floor(random() * length);

/** Calls that look at the fault themselves: most have done something when they fail. */
const PARTIAL = new Set<FileCall['op']>(['open', 'write', 'sync', 'syncDirectory', 'close']);

function rename(names: Map<string, Content>, { names: changes }: Naming): void {
  for (const { path, content, isRemoved } of changes) {
    if (!isRemoved) names.set(path, content);
    else if (names.get(path) === content) names.delete(path);
  }
}

function attempt<T>(action: () => T): { value: T } | { error: unknown } {
  try {
    return { value: action() };
  } catch (error) {
    return { error };
  }
}

function failure(code: string, syscall: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}
