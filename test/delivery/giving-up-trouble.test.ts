import type { DeliverySpan } from '../../src/delivery/attempt';
import type { DispatcherOptions } from '../../src/delivery/dispatcher';
import type { Outcome } from '../../src/delivery/outcome';
import { lettersOf, storeAt } from '../dead-letters/letters';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { FaultyFiles } from '../support/faulty-files';
import { createRandom } from '../support/random';
import { numberedSpans, spanIdOf, TRACE_ID } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const REFUSED: Outcome = { kind: 'refused', reason: 'refused', status: 400 };
const TOO_LARGE: Outcome = { kind: 'refused', reason: 'too_large', status: 413 };
const BROKEN = Buffer.from([0x0a, 0xff]);
const names = (spans: readonly DeliverySpan[]) => spans.map(({ name }) => name);
const idsOf = (...named: string[]) => named.map((name) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) }));
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

let running: RunningDispatcher;
// The files of a disk in memory answer in real turns of the event loop.
beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

/** A dispatcher whose dead letters go to a store on a disk that takes no more than `capacity` bytes. */
async function startOnDisk(options: Partial<DispatcherOptions> = {}) {
  const files = new FaultyFiles({ random: createRandom(1), capacity: 0 });
  const now = () => Date.now();
  const store = storeAt('/data/dead-letters', { files, now });
  await store.open();
  running = await startDispatcher({ writeDeadLetter: (letter, bytes) => store.write(letter, bytes), ...options });
  return { files, store };
}

describe('a letter that cannot be written', () => {
  test('keeps its spans in the queue, not to be tried for 30 s, uncounted; then there is one letter', async () => {
    const { files, store } = await startOnDisk();
    await running.offer(numberedSpans(3, { attributes: { prompt: 'dear diary' } }));
    await advance(0);
    const spans = running.taken();
    running.report([spans[1]!], DELIVERED);
    running.report([spans[0]!, spans[2]!], REFUSED);
    await running.dispatcher.idle();
    expect([running.counted, await store.ids(), store.stats()]).toEqual([[], [], { letters: 0, bytes: 0 }]);
    expect(running.queue.stats().items).toBe(2);
    expect(running.logs.filter(({ level }) => level === 50)).toMatchObject([
      { destination: 'main', err: { code: 'ENOSPC' } },
    ]);
    expect(JSON.stringify(running.logs)).not.toContain('dear diary');

    await advance(29_999);
    expect(names(running.taken())).toEqual([]);
    await advance(1);
    const again = running.taken();
    expect(names(again)).toEqual(['s1', 's3']);
    files.capacity = Infinity;
    running.report(again, REFUSED);
    await running.dispatcher.idle();
    expect(await lettersOf(store)).toMatchObject([{ reason: 'refused', attempts: 2, spans: idsOf('s1', 's3') }]);
    expect([running.delivered, running.counted, running.queue.stats().items]).toEqual([['s2'], [[2, 'refused']], 0]);
    await advance(120_000);
    expect([names(running.taken()), await store.ids()]).toMatchObject([[], { length: 1 }]);
  });

  test('keeps nothing else waiting: not the other letter of its entry, not what was delivered, not other entries', async () => {
    const { files, store } = await startOnDisk();
    files.capacity = Infinity;
    // The first letter's first file is the first that is made after opening.
    let isFirst = true;
    files.fault = ({ op }) => {
      if (op !== 'create' || !isFirst) return undefined;
      isFirst = false;
      return 'EIO';
    };
    await running.offer(numberedSpans(3));
    await advance(0);
    const [first, second, third] = running.taken();
    running.report([first!], REFUSED);
    running.report([second!], TOO_LARGE);
    running.report([third!], DELIVERED);
    await running.dispatcher.idle();
    expect(await lettersOf(store)).toMatchObject([{ reason: 'too_large', spans: idsOf('s2') }]);
    expect([running.counted, running.queue.stats().items]).toEqual([[[1, 'too_large']], 1]);
    await running.offer(numberedSpans(1, { from: 4 }));
    await advance(0);
    running.report(running.taken(), DELIVERED);
    expect([running.delivered, running.queue.stats().items]).toEqual([['s3', 's4'], 1]);
    await advance(30_000);
    running.report(running.taken(), DELIVERED);
    expect([running.delivered, running.queue.stats().items]).toEqual([['s3', 's4', 's1'], 0]);
    expect(await store.ids()).toHaveLength(1);
  });

  test('of spans that are too old as well: they are offered again, and given up when it can be', async () => {
    const { files, store } = await startOnDisk({ retryMaxAgeMs: 0 });
    const down: Outcome = { kind: 'retry', reason: 'http_503' };
    await running.offer(numberedSpans(1));
    await advance(0);
    running.report(running.taken(), down);
    await advance(1_000);
    running.report(running.taken(), down);
    await running.dispatcher.idle();
    expect([await store.ids(), running.counted, running.queue.stats().items]).toEqual([[], [], 1]);
    files.capacity = Infinity;
    await advance(30_000);
    running.report(running.taken(), down);
    await running.dispatcher.idle();
    expect(await lettersOf(store)).toMatchObject([{ reason: 'expired', status: 503, attempts: 3 }]);
    expect([running.counted, running.queue.stats().items]).toEqual([[[1, 'expired']], 0]);
  });
});

describe('an entry that is no OTLP request', () => {
  const offerBroken = () => running.queue.offer(BROKEN, { destination: 'main', items: 16_384 });

  test('becomes a letter with its bytes, and others go on', async () => {
    running = await startDispatcher();
    await offerBroken();
    await running.offer(numberedSpans(1));
    await advance(0);
    expect(names(running.taken())).toEqual(['s1']);
    const now = new Date().toISOString();
    expect(running.letters).toEqual([
      {
        letter: {
          ...{ destination: 'main', reason: 'unreadable', status: null, attempts: 1 },
          ...{ firstAt: now, lastAt: now, spans: [] },
        },
        bytes: BROKEN,
      },
    ]);
    expect([running.counted, running.queue.stats().items]).toEqual([[[16_384, 'unreadable']], 1]);
    await advance(1_000);
    expect(running.logs).toMatchObject([
      { level: 50, destination: 'main', msg: 'a queue entry is no OTLP request' },
      { level: 50, count: 16_384, reasons: { unreadable: 16_384 }, statuses: [], spans: [] },
    ]);
  });

  test('stays while its letter cannot be written, others go on, and it becomes one letter', async () => {
    const { files, store } = await startOnDisk();
    await offerBroken();
    await advance(0);
    await running.dispatcher.idle();
    await running.offer(numberedSpans(1));
    await advance(1);
    running.report(running.taken(), DELIVERED);
    expect([await store.ids(), running.counted, running.delivered]).toEqual([[], [], ['s1']]);
    expect(running.queue.stats().items).toBe(16_384);
    files.capacity = Infinity;
    await advance(29_998);
    await running.dispatcher.idle();
    expect(await store.ids()).toEqual([]);
    await advance(1);
    await running.dispatcher.idle();
    await advance(60_000);
    const [letter, ...others] = await lettersOf(store);
    expect(letter).toMatchObject({ reason: 'unreadable', attempts: 2, spans: [], bytes: BROKEN.length });
    expect(others).toEqual([]);
    expect((await store.read(letter!.id))?.bytes).toEqual(BROKEN);
    expect([running.counted, running.queue.stats()]).toMatchObject([[[16_384, 'unreadable']], { items: 0, bytes: 0 }]);
  });
});

describe('without a place for letters', () => {
  test('what is given up is crossed out, counted and said to be dropped', async () => {
    running = await startDispatcher({ writeDeadLetter: undefined });
    await running.offer(numberedSpans(3));
    await running.queue.offer(BROKEN, { destination: 'main', items: 2 });
    await advance(0);
    const spans = running.taken();
    running.report(spans.slice(0, 2), REFUSED);
    running.report(spans.slice(2), DELIVERED);
    await running.dispatcher.idle();
    expect(running.counted.toSorted()).toEqual([
      [2, 'refused'],
      [2, 'unreadable'],
    ]);
    expect(running.queue.stats()).toMatchObject({ items: 0, bytes: 0 });
    expect(running.logs.at(-1)).toMatchObject({
      count: 4,
      spans: idsOf('s1', 's2'),
      msg: expect.stringMatching(
        /^4 span\(s\) cannot be delivered to main .* are dropped: a queue in memory keeps no dead letters$/,
      ),
    });
  });
});
