import { basename } from 'node:path';
import type { DiskQueueEvent } from '../../../src/queue/disk/event';
import { createDiskQueue, type DiskQueue, type DiskQueueOptions } from '../../../src/queue/disk-queue';
import type { Files, OpenFile } from '../../../src/queue/files';
import type { Entry, QueuePort } from '../../../src/queue/port';
import { FaultyFiles, type FileCall } from '../../support/faulty-files';
import { createRandom } from '../../support/random';

export const DIRECTORY = '/data/queue';
export const LANE = `${DIRECTORY}/main`;
export const MEBIBYTE = 1024 * 1024;

export interface Call extends Omit<FileCall, 'n'> {
  /** The path's last part. */
  name: string;
  /** Of a read or a write: how many were asked for, and where. */
  bytes: number;
  at: number;
}

/** A file system in memory with a note of every call, and a queue that can be opened on it again and again. */
export class TestDisk {
  readonly memory = new FaultyFiles({ random: createRandom(1) });
  readonly clock = { ms: 1_700_000_000_000 };
  readonly calls: Call[] = [];
  readonly events: DiskQueueEvent[] = [];
  /** Comes before every call: what it throws is what the call rejects with. */
  meet: (call: Call) => void | Promise<void> = () => {};
  readonly files: Files;
  #marks = 0;

  constructor() {
    this.files = watched(this.memory, async (call) => {
      this.calls.push(call);
      await this.meet(call);
    });
  }

  async open(options: Partial<DiskQueueOptions> = {}): Promise<DiskQueue> {
    const queue = createDiskQueue({
      ...{ files: this.files, directory: DIRECTORY, bytesMax: 2 ** 30, now: () => this.clock.ms },
      randomMark: () => `c0ffee${String(++this.#marks).padStart(10, '0')}`,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    await queue.open();
    return queue;
  }

  /** Of files, in order. */
  paths(suffix = ''): string[] {
    return [...this.memory.contents().keys()].filter((path) => path.endsWith(suffix)).sort();
  }

  content(path: string): Buffer {
    const content = this.memory.contents().get(path);
    if (content === undefined) throw new Error(`there is no ${path}`);
    return content;
  }

  /** How long such files are, in the order of their names. */
  sizes(suffix: string): number[] {
    return this.paths(suffix).map((path) => this.content(path).length);
  }

  /** How long they are together. */
  bytes(suffix: string): number {
    return this.sizes(suffix).reduce((sum, size) => sum + size, 0);
  }

  count(op: Call['op'], suffix = ''): number {
    return this.calls.filter((call) => call.op === op && call.path.endsWith(suffix)).length;
  }

  /** Somebody writes to a file, which is made when it is not there. */
  async put(path: string, bytes: Buffer, at = 0): Promise<void> {
    const file = await this.memory.open(path, 'write').catch(() => this.memory.create(path));
    await file.write([bytes], at);
    await file.close();
  }

  async flip(path: string, at: number): Promise<void> {
    await this.put(path, Buffer.from([this.content(path)[at]! ^ 0x10]), at);
  }

  async cut(path: string, size: number): Promise<void> {
    const file = await this.memory.open(path, 'write');
    await file.truncate(size);
    await file.close();
  }
}

export const damaged = (bytes: number, items: number, { isAside = true } = {}) =>
  ({ kind: 'damaged', destination: 'main', bytes, items, isAside }) as const;

export const failure = (code: string) => Object.assign(new Error(code), { code });

/** Several at once are one turn's. */
export const offer = (queue: QueuePort, bytes: string | Buffer, { destination = 'main', items = 1 } = {}) =>
  queue.offer(Buffer.from(bytes), { destination, items });

/** Throws where there is nothing. */
export async function take(queue: QueuePort, destination = 'main'): Promise<Entry> {
  const entry = await queue.take(destination);
  if (entry === undefined) throw new Error(`nothing to take for ${destination}`);
  return entry;
}

/** All that can be taken, bounded so that a queue that gives without end fails the test. */
export async function takeAll(queue: QueuePort, destination = 'main'): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let entry = await queue.take(destination); entry !== undefined; entry = await queue.take(destination)) {
    entries.push(entry);
    if (entries.length > 5000) throw new Error('the queue gives without end');
  }
  return entries;
}

export const textsOf = (entries: readonly Entry[]) => entries.map(({ bytes }) => bytes.toString());

export const settleAll = (queue: QueuePort, entries: readonly Entry[]) => {
  for (const entry of entries) {
    const positions = [...Array(entry.items).keys()].filter((position) => !entry.isSettled(position));
    queue.settle(entry, positions);
  }
};

/** Lets everything happen that waits for nobody. */
export async function turns(): Promise<void> {
  for (let left = 0; left < 200; left++) await new Promise(setImmediate);
}

function watched(files: Files, meet: (call: Call) => Promise<void>): Files {
  const then = async <T>(op: Call['op'], path: string, call: () => Promise<T>, bytes = 0, at = 0): Promise<T> => {
    await meet({ op, path, name: basename(path), bytes, at });
    return call();
  };
  const opened = (path: string, file: OpenFile): OpenFile => ({
    size: () => then('size', path, () => file.size()),
    read: (into, position) => then('read', path, () => file.read(into, position), into.length, position),
    write: (pieces, position) =>
      then('write', path, () => file.write(pieces, position), Buffer.concat(pieces).length, position),
    truncate: (size) => then('truncate', path, () => file.truncate(size)),
    sync: () => then('sync', path, () => file.sync()),
    close: () => then('close', path, () => file.close()),
  });
  return {
    makeDirectory: (path) => then('makeDirectory', path, () => files.makeDirectory(path)),
    list: (path) => then('list', path, () => files.list(path)),
    create: (path) => then('create', path, async () => opened(path, await files.create(path))),
    open: (path, purpose) => then('open', path, async () => opened(path, await files.open(path, purpose))),
    rename: (from, to) => then('rename', from, () => files.rename(from, to)),
    remove: (path) => then('remove', path, () => files.remove(path)),
    syncDirectory: (path) => then('syncDirectory', path, () => files.syncDirectory(path)),
    space: (path) => then('space', path, () => files.space(path)),
  };
}
