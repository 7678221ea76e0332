import fc from 'fast-check';
import { destinationOf, laneName } from '../../../src/queue/disk/lane-name';
import { runs } from '../../support/random';
import { DIRECTORY, offer, TestDisk, takeAll, textsOf } from './test-disk';

test.each([
  ['main', 'main'],
  ['a-b_c-0', 'a-b_c-0'],
  ['a', 'a'],
  ['A', '%41'],
  ['%41', '%2541'],
  ['..', '%2e%2e'],
  ['.', '%2e'],
  ['a.b', 'a%2eb'],
  ['a/b', 'a%2fb'],
  ['ü', '%c3%bc'],
  ['damaged', 'damaged'],
])('%j has the folder %s', (destination, folder) => {
  expect(laneName(destination)).toBe(folder);
  expect(destinationOf(folder)).toBe(destination);
});

test('64 characters have a folder that every file system can name', () => {
  for (const letter of ['a', 'A', '.', '-']) {
    const folder = laneName(letter.repeat(64));
    expect(folder.length).toBeLessThanOrEqual(255);
    expect(destinationOf(folder)).toBe(letter.repeat(64));
  }
});

test.each(['', 'A', 'a.b', '.hidden', 'README.md', '%', '%4', '%zz', '%C3%BC', '%ff', '%c3', 'a b'])(
  '%j is no destination’s folder',
  (name) => {
    expect(destinationOf(name)).toBeUndefined();
  },
);

/** What the configuration allows, and more. */
const letters = '.-_%/abzABZ019 ~\\:*üßñ漢字';
const destinations = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 64 });

test('every name has a folder of its own that leads back to it', () => {
  fc.assert(
    fc.property(destinations, (destination) => {
      const folder = laneName(destination);
      expect(folder).toMatch(/^[a-z0-9_%-]+$/);
      expect(destinationOf(folder)).toBe(destination);
    }),
    runs(500),
  );
});

test('names that differ have folders that differ, also where case is not seen', () => {
  fc.assert(
    fc.property(destinations, destinations, (one, other) => {
      expect(laneName(one).toLowerCase() === laneName(other).toLowerCase()).toBe(one === other);
    }),
    runs(500),
  );
});

test('a queue keeps such destinations apart, and finds them again', async () => {
  const names = ['a', 'A', '..', '.', '%41', 'x'.repeat(64), 'X'.repeat(64), 'damaged'];
  const disk = new TestDisk();
  const queue = await disk.open();
  for (const destination of names) await offer(queue, `for ${destination}`, { destination });
  expect(new Set(disk.paths('.log').map((path) => path.slice(DIRECTORY.length + 1).split('/')[0])).size).toBe(8);
  expect(disk.paths().every((path) => path.startsWith(`${DIRECTORY}/`))).toBe(true);
  await queue.close();
  const next = await disk.open();
  expect(next.destinations().sort()).toEqual([...names].sort());
  for (const destination of names) expect(textsOf(await takeAll(next, destination))).toEqual([`for ${destination}`]);
  await next.close();
});
