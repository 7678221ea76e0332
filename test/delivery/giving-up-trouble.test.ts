import type { DeliverySpan } from '../../src/delivery/attempt';
import type { DispatcherOptions } from '../../src/delivery/dispatcher';
import type { Outcome } from '../../src/delivery/outcome';
import { lettersOf, storeAt } from '../dead-letters/letters';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { FaultyFiles } from '../support/faulty-files';
import { createRandom } from '../support/random';
import { encodeSpans, numberedSpans, spanIdOf, TRACE_ID } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const REFUSED: Outcome = { kind: 'refused', reason: 'refused', status: 400 };
const TOO_LARGE: Outcome = { kind: 'refused', reason: 'too_large', status: 413 };
const BROKEN = Buffer.from([0x0a, 0xff]);
const names = (spans: readonly DeliverySpan[]) => spans.map(({ name }) => name);
const idsOf = (...named: string[]) => named.map((name) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) }));
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers());
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
    jest.useRealTimers();
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
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
});
