import fc from 'fast-check';
import type { Entry, QueuePort } from '../../src/queue/port';
import { eventually } from '../support/eventually';
import { runs } from '../support/random';
import { boundsContract, statsContract } from './contract-bounds';
import { retriesContract, settlingContract } from './contract-retries';
import { QueueModel, queueSteps } from './model';

export interface QueueOptions {
  bytesMax: number;
  now: () => number;
}

/**
 * What every queue has to do, whatever it keeps its entries in. `create` makes an empty one each time, and the clock is the
 * test's. Nothing is expected to have happened before it was awaited, and sizes are compared only as far as a queue with an
 * overhead of its own can promise them.
 */
export function queueContract(name: string, create: (options: QueueOptions) => QueuePort | Promise<QueuePort>): void {
  describe(`the ${name} queue`, () => {
    const clock = { ms: 0 };
    let queue: QueuePort;

    beforeEach(async () => {
      clock.ms = 1_700_000_000_000;
      queue = await create({ bytesMax: 100_000, now: () => clock.ms });
    });
    afterEach(() => queue.close());

    const suite: Suite = {
      clock,
      queue: () => queue,
      offer: (text, label = {}) => queue.offer(Buffer.from(text), { destination: 'main', items: 1, ...label }),
      take: async (destination = 'main') => {
        const entry = await queue.take(destination);
        if (entry === undefined) throw new Error(`nothing to take for ${destination}`);
        return entry;
      },
      texts: (destination = 'main') => drain(queue, destination),
    };
    entriesContract(suite);
    settlingContract(suite);
    retriesContract(suite);
    boundsContract(suite);
    statsContract(suite);

    test('loses nothing and gives nothing twice, whatever happens in whatever order', async () => {
      await fc.assert(
        fc.asyncProperty(queueSteps, async (steps) => {
          const own = await create({ bytesMax: 100_000, now: () => clock.ms });
          const model = new QueueModel(clock);
          for (const step of steps) await model.run(step, own);
          expect(own.stats().items).toBe(model.items());
          await model.finish(own);
          expect(own.stats()).toMatchObject({ items: 0, bytes: 0 });
          await own.close();
        }),
        runs(100),
      );
    });
  });
}

export interface Suite {
  clock: { ms: number };
  queue(): QueuePort;
  offer(text: string, label?: { destination?: string; items?: number }): Promise<void>;
  /** Throws where there is nothing. */
  take(destination?: string): Promise<Entry>;
  /** Takes all that is due. */
  texts(destination?: string): Promise<string[]>;
}

function entriesContract({ clock, queue, offer, take, texts }: Suite): void {
  test('is empty at first', async () => {
    expect(await queue().take('main')).toBeUndefined();
    expect(queue().nextDueAtMs('main')).toBeUndefined();
    expect(queue().stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
  });

  test('gives an entry as it was offered', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 0]);
    await queue().offer(bytes, { destination: 'main', items: 3 });
    const offeredAtMs = clock.ms;
    clock.ms += 5;
    const entry = await take();
    expect(Buffer.from(entry.bytes).equals(bytes)).toBe(true);
    expect(entry).toMatchObject({ destination: 'main', items: 3, offeredAtMs, attempts: 0 });
    expect([0, 1, 2].map((position) => entry.isSettled(position))).toEqual([false, false, false]);
  });

  test('gives each entry once, in the order they were offered', async () => {
    for (const text of ['a', 'b', 'c']) await offer(text);
    expect(await texts()).toEqual(['a', 'b', 'c']);
    expect(await queue().take('main')).toBeUndefined();
  });

  test('gives different entries to those who take at once', async () => {
    await Promise.all(['a', 'b', 'c'].map((text) => offer(text)));
    const taken = await Promise.all([1, 2, 3, 4].map(() => queue().take('main')));
    expect(taken.map((entry) => entry?.bytes.toString() ?? 'none').sort()).toEqual(['a', 'b', 'c', 'none']);
    expect(new Set(taken.flatMap((entry) => entry?.id ?? [])).size).toBe(3);
  });

  test('keeps destinations apart', async () => {
    await offer('for main');
    await offer('for other', { destination: 'other' });
    expect(await queue().take('unheard of')).toBeUndefined();
    expect(await texts('other')).toEqual(['for other']);
    expect(await texts()).toEqual(['for main']);
  });

  test('takes entries of no bytes and of many', async () => {
    const large = 'x'.repeat(60_000);
    await offer('');
    await offer(large);
    expect(await texts()).toEqual(['', large]);
  });

  test('tells of what may be taken, by the time the offer is kept', async () => {
    const told: string[] = [];
    queue().onAvailable((destination) => told.push(destination));
    await offer('a');
    await offer('b', { destination: 'other' });
    await eventually(() => expect(told).toEqual(expect.arrayContaining(['main', 'other'])));
    const entry = await take();
    told.length = 0;
    queue().retryAt(entry, clock.ms);
    await eventually(() => expect(told).toContain('main'));
    expect((await take()).bytes.toString()).toBe('a');
  });
}

async function drain(queue: QueuePort, destination: string): Promise<string[]> {
  const texts: string[] = [];
  // Bounded, so that a queue that gives an entry twice fails the test and does not fill the memory.
  while (texts.length < 1000) {
    const entry = await queue.take(destination);
    if (entry === undefined) return texts;
    texts.push(entry.bytes.toString());
  }
  throw new Error('the queue gives without end');
}
