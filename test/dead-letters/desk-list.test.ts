import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { createDeadLetterDesk, type DeadLetterDesk } from '../../src/dead-letter-desk';
import type { DeadLetterStore } from '../../src/dead-letters/store';
import { QueueRefusal } from '../../src/queue/port';
import { createReplay, type Replayed } from '../../src/replay';
import { eventually } from '../support/eventually';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, spanIdOf, TRACE_ID } from '../support/trace-request';
import { letterOf, NOW_MS, put, storeAt } from './letters';

let directory: string;
let store: DeadLetterStore;
beforeEach(async () => {
  directory = makeTemporary();
  let nowMs = NOW_MS;
  store = storeAt(directory, { now: () => nowMs++ });
  await store.open();
});
afterEach(() => removeTemporary(directory));

const desk = (replay: (id: string) => Promise<Replayed> = async (id) => ({ id, spans: 1 })): DeadLetterDesk =>
  createDeadLetterDesk({ store, replay, underWay: new Set() });
const list = (page: { limit?: number; before?: string } = {}) => desk().list({ limit: 50, before: undefined, ...page });

/** So many letters; ids from the oldest on. */
async function putMany(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push(await put(store));
  return ids;
}

test('none', async () => {
  expect(await list()).toEqual({ deadLetters: [], total: 0, bytes: 0, next: null });
});

test('newest first, as they were written, and how many there are', async () => {
  const [older, newer] = [await put(store), await put(store, undefined, { destination: 'eu', status: null })];
  const { letter, bytes } = letterOf();
  const view = { ...letter, bytes: bytes.length, spanCount: 2 };
  expect(await list()).toEqual({
    deadLetters: [
      { ...view, id: newer, destination: 'eu', status: null },
      { ...view, id: older },
    ],
    ...{ total: 2, bytes: store.stats().bytes, next: null },
  });
});

test('of the spans of a large one the first hundred', async () => {
  await put(store, numberedSpans(150));
  const [letter] = (await list()).deadLetters;
  expect([letter?.spanCount, letter?.spans.length]).toEqual([150, 100]);
  expect(letter?.spans.at(-1)).toEqual({ traceId: TRACE_ID, spanId: spanIdOf('s100') });
});

describe('paging', () => {
  test.each([1, 2, 3, 5, 6])('pages of %i are all', async (limit) => {
    const ids = await putMany(5);
    const found: string[] = [];
    for (let before: string | undefined | null; before !== null; ) {
      const page = await list(before === undefined ? { limit } : { limit, before });
      expect(page.total).toBe(5);
      found.push(...page.deadLetters.map(({ id }) => id));
      before = page.next;
    }
    expect(found).toEqual(ids.toReversed());
  });

  test('goes on where a letter was that is gone', async () => {
    const [oldest, middle, newest] = (await putMany(3)) as [string, string, string];
    await store.remove(middle);
    expect((await list({ before: middle })).deadLetters.map(({ id }) => id)).toEqual([oldest]);
    expect((await list({ before: newest, limit: 1 })).next).toBeNull();
  });

  test.each(['', '0', '../x', '__proto__', '\0', 'zzz'])('before %p no harm is done', async (before) => {
    const [id] = (await putMany(1)) as [string];
    const ids = (await list({ before })).deadLetters.map((letter) => letter.id);
    expect(ids).toEqual(id < before ? [id] : []);
  });
});

test('a damaged one is counted, and hides no other', async () => {
  const [first, damaged, last] = (await putMany(3)) as [string, string, string];
  const file = readdirSync(directory).find((name) => name === `${damaged}.json`)!;
  writeFileSync(join(directory, file), 'not JSON');
  const { deadLetters, total } = await list();
  expect([deadLetters.map(({ id }) => id), total]).toEqual([[last, first], 3]);
});

test('a disk that fails is no empty list', async () => {
  await putMany(1);
  const failing = {
    ...store,
    ids: store.ids.bind(store),
    stats: store.stats.bind(store),
    remove: store.remove.bind(store),
  };
  const letter = () => Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
  const { list: listOf } = createDeadLetterDesk({
    store: { ...failing, letter },
    replay: async (id) => ({ id, spans: 1 }),
    underWay: new Set(),
  });
  await expect(listOf({ limit: 1, before: undefined })).rejects.toThrow('broken');
});

describe('a letter that is being replayed', () => {
  /** A desk in front of a queue that keeps nothing until it is told what becomes of it. */
  function slowDesk() {
    const underWay = new Set<string>();
    const offers: { resolve(): void; reject(error: Error): void }[] = [];
    const offer = () => new Promise<void>((resolve, reject) => offers.push({ resolve, reject }));
    const replay = createReplay({
      ...{ store, underWay, queue: { offer }, isKnown: () => true, onReplayed: () => {} },
      repairs: Object.fromEntries(REPAIRS.map((name) => [name, true])) as Record<RepairName, boolean>,
    });
    const offered = () => eventually(() => expect(offers).toHaveLength(1));
    return { ...createDeadLetterDesk({ store, underWay, replay }), offers, offered };
  }

  test('is not dropped, nor replayed twice: its spans are on their way', async () => {
    const [id, other] = (await putMany(2)) as [string, string];
    const slow = slowDesk();
    const replayed = slow.replay(id);
    await slow.offered();
    expect(await slow.drop(id)).toEqual({ status: 409, body: { id, problem: 'it is being replayed' } });
    expect(await slow.replay(id)).toEqual({ status: 409, body: { id, problem: 'it is being replayed already' } });
    expect(await slow.drop(id)).toMatchObject({ status: 409 });
    expect(await slow.drop(other)).toEqual({ status: 200, body: { id: other } });
    slow.offers[0]?.resolve();
    expect(await replayed).toEqual({ status: 200, body: { id, spans: 2 } });
    expect(await slow.drop(id)).toMatchObject({ status: 404 });
  });

  test('can be dropped after a replay that failed', async () => {
    const [id] = (await putMany(1)) as [string];
    const slow = slowDesk();
    const replayed = slow.replay(id);
    await slow.offered();
    slow.offers[0]?.reject(new QueueRefusal('full', 'full'));
    expect(await replayed).toMatchObject({ status: 409 });
    expect(await slow.drop(id)).toEqual({ status: 200, body: { id } });
  });
});
