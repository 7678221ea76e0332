import type { DeadLetterStore } from '../../src/dead-letters/store';
import { type Fault, FaultyFiles } from '../support/faulty-files';
import { createRandom } from '../support/random';
import { letterOf, lettersOf, put, storeAt } from './letters';

const DIRECTORY = '/data/dead-letters';
/** More than any operation below takes. */
const CALLS_MAX = 60;
const SEEDS = 8;

const { letter, bytes } = letterOf();
const write = (store: DeadLetterStore) => store.write(letter, [bytes]);
const remove = async (store: DeadLetterStore) => {
  for (const id of await store.ids()) await store.remove(id);
};

/** A directory with so many letters, on a disk that does nothing of its own accord. */
async function prepared(letters: number, seed: number) {
  const files = new FaultyFiles({ random: createRandom(seed) });
  const store = storeAt(DIRECTORY, { files });
  await store.open();
  for (let count = 0; count < letters; count++) await put(store);
  files.calls = 0;
  return { files, store };
}

/** What a process finds that comes after. */
async function found(files: FaultyFiles) {
  const store = storeAt(DIRECTORY, { files });
  await store.open();
  const contents = [];
  for (const { id } of await lettersOf(store)) contents.push((await store.read(id))?.bytes);
  return { contents, files: files.contents().size, stats: store.stats() };
}

const NOTHING = { contents: [], files: 0, stats: { letters: 0, bytes: 0 } };
const WHOLE = { contents: [bytes], files: 2, stats: { letters: 1, bytes: expect.any(Number) } };

/** Resolves to whether the operation was confirmed before the process died in the call of that number. */
async function confirmedBefore(call: number, files: FaultyFiles, operation: () => Promise<unknown>): Promise<boolean> {
  files.crashAtCall = call;
  let confirmed = false;
  const done = operation().then(() => {
    confirmed = true;
  });
  const died = (async () => {
    while (!files.isDead && !confirmed) await new Promise(setImmediate);
  })();
  await Promise.race([done, died]);
  return confirmed;
}

/** The outcomes of crashes in each call of an operation, of every kind that may follow; by seed and call. */
async function crashes(how: 'power' | 'kill', letters: number, operation: typeof write | typeof remove) {
  const outcomes: { where: string; outcome: Awaited<ReturnType<typeof found>> }[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (let call = 1; call <= CALLS_MAX; call++) {
      const { files, store } = await prepared(letters, seed);
      const confirmed = await confirmedBefore(call, files, () => operation(store));
      const next = files.crash(createRandom(seed * 1_000 + call), how);
      if (confirmed) {
        outcomes.push({ where: `seed ${seed}, confirmed`, outcome: await found(next) });
        break;
      }
      outcomes.push({ where: `seed ${seed}, call ${call}`, outcome: await found(next) });
    }
  }
  return outcomes;
}

describe.each(['power', 'kill'] as const)('a crash (%s)', (how) => {
  test.each([
    ['writing', 0, write, WHOLE],
    ['removing', 1, remove, NOTHING],
  ] as const)('in any call of %s leaves a whole letter or nothing, and what was confirmed is so', async (...row) => {
    const [, letters, operation, expected] = row;
    const outcomes = await crashes(how, letters, operation);
    for (const { where, outcome } of outcomes) {
      expect({ where, ...outcome }).toEqual({ where, ...(outcome.files === 0 ? NOTHING : WHOLE) });
    }
    const confirmed = outcomes.filter(({ where }) => where.endsWith('confirmed'));
    expect(confirmed.map(({ outcome }) => outcome)).toEqual(Array.from({ length: SEEDS }, () => expected));
    // Both were seen, or nothing was shown.
    expect(new Set(outcomes.map(({ outcome }) => outcome.files))).toEqual(new Set([0, 2]));
  });
});

/** Does an operation once for each of its calls, in which the disk fails. */
async function failures(letters: number, operation: typeof write | typeof remove, fault: Fault) {
  const outcomes = [];
  for (let call = 1; call <= CALLS_MAX; call++) {
    const { files, store } = await prepared(letters, 1);
    files.fault = ({ n }) => (n === call ? fault : undefined);
    const outcome = await operation(store).then(
      () => 'done',
      ({ code }: NodeJS.ErrnoException) => code,
    );
    if (outcome === 'done') return outcomes;
    outcomes.push({ call, outcome, files, store });
  }
  throw new Error(`more than ${CALLS_MAX} calls`);
}

test.each(['ENOSPC', 'EIO'] as const)('%s in any call of write: it rejects and leaves nothing', async (fault) => {
  const outcomes = await failures(0, write, fault);
  expect(outcomes.length).toBe(11);
  for (const { call, outcome, files, store } of outcomes) {
    expect([call, outcome, [...files.contents().keys()], store.stats()]).toEqual([
      ...[call, fault, []],
      { letters: 0, bytes: 0 },
    ]);
    // The disk is well again.
    await write(store);
    expect(await found(files)).toEqual(WHOLE);
  }
});

test('a failure in any call of remove: what is counted is what is there', async () => {
  const outcomes = await failures(1, remove, 'EIO');
  expect(outcomes.length).toBe(10);
  for (const { call, outcome, files, store } of outcomes) {
    const size = [...files.contents().values()].reduce((sum, { length }) => sum + length, 0);
    expect([call, outcome, store.stats()]).toEqual([call, 'EIO', { letters: (await store.ids()).length, bytes: size }]);
  }
});

test('a disk that writes and reads in parts', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { files, store } = await prepared(0, seed);
    files.fault = () => 'short';
    const pieces = [bytes.subarray(0, 3), bytes.subarray(3, 4), Buffer.alloc(0), bytes.subarray(4)];
    const id = await store.write(letter, pieces);
    expect((await store.read(id))?.bytes).toEqual(bytes);
  }
});

test('a full disk: whole letters and no others, and room again when one is removed', async () => {
  const { files, store } = await prepared(0, 1);
  files.capacity = 2_000;
  const written: string[] = [];
  for (let count = 0; count < 10; count++)
    await write(store).then(
      (id) => written.push(id),
      () => {},
    );
  expect(written.length).toBeGreaterThan(1);
  expect(written.length).toBeLessThan(10);
  expect([await store.ids(), files.contents().size]).toEqual([written, written.length * 2]);
  await store.remove(written[0]!);
  await write(store);
  expect(await store.ids()).toHaveLength(written.length);
});

test('written in this order: both files to the disk, then both names', async () => {
  const { files, store } = await prepared(0, 1);
  const calls: string[] = [];
  files.fault = ({ op, path }) => {
    calls.push(`${op} ${path.slice(path.indexOf('-letters/') + 9)}`);
    return undefined;
  };
  const id = await write(store);
  const file = (end: string) => ['create', 'write', 'sync', 'close'].map((call) => `${call} ${id}${end}.tmp`);
  expect(calls.slice(0, -1)).toEqual([
    ...[...file('.otlp'), ...file('.json')],
    ...[`rename ${id}.otlp.tmp`, `rename ${id}.json.tmp`],
  ]);
  expect(calls.at(-1)).toMatch(/^syncDirectory /);
});
