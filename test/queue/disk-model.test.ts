import fc from 'fast-check';
import type { Files, OpenFile } from '../../src/queue/files';
import { runs } from '../support/random';
import { type Play, play } from './disk-model-play';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
/** Long enough for as many runs as somebody wants. */
const PATIENCE_MS = 24 * 60 * 60_000;

/** No seed is smaller than another, so that there is nothing to shrink. */
const plays = (options: Play, inSuite: number) =>
  fc.assert(
    fc.asyncProperty(seeds, (seed) => play(seed, options)),
    { ...runs(inSuite), endOnFailure: true },
  );

describe('a disk queue keeps what it has confirmed', () => {
  test.each<[string, Play, number]>([
    ['when its process is closed and opened again', { ends: ['closed'] }, 200],
    ['when its process is killed at any call', { ends: ['closed', 'kill'] }, 600],
    ['when the power is lost at any call', { ends: ['closed', 'power', 'power'] }, 900],
    ['when the disk has bad spells', { ends: ['closed', 'kill', 'power'], faults: true }, 900],
    ['when bits flip, but for those entries', { ends: ['closed', 'kill', 'power'], flips: true }, 400],
  ])('%s', (_, options, inSuite) => plays(options, inSuite), PATIENCE_MS);
});

describe('the same play finds what is lost', () => {
  const onOpened = (files: Files, change: (file: OpenFile) => OpenFile): Files => ({
    ...bound(files),
    create: async (path) => change(await files.create(path)),
    open: async (path, purpose) => change(await files.open(path, purpose)),
  });

  test.each<[string, (files: Files) => Files]>([
    ['without a sync of files', (files) => onOpened(files, (file) => ({ ...file, sync: async () => {} }))],
    ['without a sync of directories', (files) => ({ ...bound(files), syncDirectory: async () => {} })],
  ])('%s', async (_, through) => {
    const broken: string[] = [];
    for (let seed = 0; seed < 200; seed++)
      await play(seed, { ends: ['power'], through }).catch(({ message }: Error) => broken.push(message));
    expect(broken.filter((message) => message.includes('LOST')).length).toBeGreaterThan(10);
  });

  /** An object of its own, whose methods can be replaced. */
  function bound(files: Files): Files {
    return {
      makeDirectory: (path) => files.makeDirectory(path),
      list: (directory) => files.list(directory),
      create: (path) => files.create(path),
      open: (path, purpose) => files.open(path, purpose),
      rename: (from, to) => files.rename(from, to),
      remove: (path) => files.remove(path),
      syncDirectory: (directory) => files.syncDirectory(directory),
      space: (directory) => files.space(directory),
    };
  }
});
