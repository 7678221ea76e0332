import type { DeliverySpan } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { numberedSpans } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const DOWN: Outcome = { kind: 'retry', reason: 'http_503' };
const REFUSED: Outcome = { kind: 'refused', reason: 'refused', status: 400 };
const names = (spans: readonly DeliverySpan[]) => spans.map(({ name }) => name);
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

test('spans are prepared, then given to the processor, in order', async () => {
  const steps: string[] = [];
  running = await startDispatcher({
    prepare: (span) => steps.push(`prepare ${span.name}`),
    processor: { onEnd: (span) => steps.push(`process ${span.name}`) },
  });
  await running.offer(numberedSpans(2));
  await advance(0);
  expect(steps).toEqual(['prepare s1', 'process s1', 'prepare s2', 'process s2']);
});

test('delivered spans leave the queue, the entry with its last span', async () => {
  running = await startDispatcher();
  await running.offer(numberedSpans(3));
  await advance(0);
  const [first, ...rest] = running.taken();
  running.report([first!], DELIVERED);
  expect(running.queue.stats()).toMatchObject({ items: 2 });
  expect(running.queue.stats().bytes).toBeGreaterThan(0);
  running.report(rest, DELIVERED);
  expect(running.queue.stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
  expect(running.delivered).toEqual(['s1', 's2', 's3']);
});

test('only what was not delivered is tried again, read afresh', async () => {
  running = await startDispatcher();
  await running.offer(numberedSpans(4, { attributes: { color: 'red' } }));
  await advance(0);
  const spans = running.taken();
  for (const span of spans) span.attributes.color = 'masked';
  running.report([spans[0]!], DELIVERED);
  running.report([spans[2]!], REFUSED);
  running.report([spans[1]!, spans[3]!], DOWN);
  await advance(1_000);
  const again = running.taken();
  expect(names(again)).toEqual(['s2', 's4']);
  expect(again.map(({ attributes }) => attributes.color)).toEqual(['red', 'red']);
  running.report(again, DELIVERED);
  expect(running.delivered).toEqual(['s1', 's2', 's4']);
  expect(running.deadLettered).toEqual([['s3', 'refused']]);
  expect(running.queue.stats().items).toBe(0);
});

test('what the processor swallows is tried again after the deadline; what it handed on waits for its answer', async () => {
  const given: DeliverySpan[] = [];
  running = await startDispatcher({
    processor: {
      onEnd: (span) => {
        given.push(span as DeliverySpan);
        (span as DeliverySpan).arrived = given.length !== 2;
      },
    },
  });
  await running.offer(numberedSpans(3));
  await advance(29_999);
  expect(running.logs).toEqual([]);
  await advance(1);
  expect(running.logs).toMatchObject([{ reason: 'no_receipt', destination: 'main' }]);
  // The attempt goes on until the others have their answer.
  await advance(29_000);
  expect(names(given)).toEqual(['s1', 's2', 's3']);
  running.report([given[0]!, given[2]!], DELIVERED);
  await advance(1_000);
  expect(names(given)).toEqual(['s1', 's2', 's3', 's2']);
  // The swallowed one comes out after all: its attempt is over, nothing is counted twice.
  running.report([given[1]!], DELIVERED);
  running.report([given[3]!], DELIVERED);
  expect(running.delivered).toEqual(['s1', 's3', 's2']);
  expect(running.queue.stats().items).toBe(0);
});

test('a processor that throws costs a retry, not a span', async () => {
  const given: DeliverySpan[] = [];
  running = await startDispatcher({
    processor: {
      onEnd: (span) => {
        given.push(span as DeliverySpan);
        if (given.length === 2) throw new Error('not this one');
        (span as DeliverySpan).arrived = true;
      },
    },
  });
  await running.offer(numberedSpans(3));
  await advance(0);
  running.report(given.slice(0, 1), DELIVERED);
  await running.offer(numberedSpans(1, { from: 9 }));
  await advance(0);
  expect(names(given)).toEqual(['s1', 's2', 's3', 's9']);
  running.report(given.slice(2), DELIVERED);
  await advance(60_000);
  running.report(given.slice(4), DELIVERED);
  expect(running.delivered.toSorted()).toEqual(['s1', 's2', 's3', 's9']);
  expect(running.queue.stats().items).toBe(0);
});

test('what could not be delivered in the longest time is a dead letter, after one more attempt', async () => {
  running = await startDispatcher({ retryMaxAgeMs: 5_000 });
  await running.offer(numberedSpans(2));
  for (const pauseMs of [0, 1_000, 2_000]) {
    await advance(pauseMs);
    running.report(running.taken(), DOWN);
  }
  expect(running.deadLettered).toEqual([]);
  await advance(4_000);
  running.report(running.taken(), DOWN);
  expect(running.deadLettered).toEqual([
    ['s1', 'expired'],
    ['s2', 'expired'],
  ]);
  await advance(0);
  expect(running.queue.stats()).toMatchObject({ items: 0, bytes: 0 });
});

test('an entry is tried once, whatever its age', async () => {
  running = await startDispatcher({ retryMaxAgeMs: 0 });
  await running.offer(numberedSpans(1));
  await advance(0);
  running.report(running.taken(), DOWN);
  expect(running.deadLettered).toEqual([]);
  await advance(1_000);
  running.report(running.taken(), DOWN);
  expect(running.deadLettered).toEqual([['s1', 'expired']]);
});

test('what the end breaks off is no dead letter, whatever its age: the next start tries it again', async () => {
  running = await startDispatcher({ retryMaxAgeMs: 0 });
  await running.offer(numberedSpans(3));
  await advance(0);
  running.report(running.taken(), DOWN);
  await advance(1_000);
  const [first, second, third] = running.taken();
  // The end came between them.
  running.report([first!], DOWN);
  running.dispatcher.stop();
  running.report([second!], DOWN);
  running.report([third!], { kind: 'retry', reason: 'network' });
  await running.dispatcher.idle();
  expect([running.deadLettered, running.counted]).toEqual([[['s1', 'expired']], [[1, 'expired']]]);
  expect(running.queue.stats().items).toBe(2);
  running.dispatcher.start();
  await advance(60_000);
  const again = running.taken();
  expect(names(again)).toEqual(['s2', 's3']);
  running.report(again, DELIVERED);
  expect(running.delivered).toEqual(['s2', 's3']);
});

test('what is under way is bounded; the rest is taken as there is room', async () => {
  running = await startDispatcher();
  for (let entry = 0; entry < 20; entry++) await running.offer(numberedSpans(1_000, { from: entry * 1_000 }));
  // Spans are handed over in slices, a slice of each entry in a turn of the event loop.
  for (let turn = 0; turn < 10; turn++) await advance(1);
  const first = running.taken();
  expect(names(first)).toHaveLength(17_000);
  running.report(
    first.filter(({ attempt }) => attempt === first[0]!.attempt),
    DELIVERED,
  );
  for (let turn = 0; turn < 10; turn++) await advance(1);
  expect(names(running.taken())).toHaveLength(1_000);
});

test('what is being taken while it is stopped is not attempted: it stays in the queue, and no timer stays', async () => {
  running = await startDispatcher();
  const { queue } = running;
  const take = queue.take.bind(queue);
  let read = () => {};
  const slow = new Promise<void>((resolve) => {
    read = resolve;
  });
  queue.take = async (destination) => {
    await slow;
    return take(destination);
  };
  await running.offer(numberedSpans(1));
  await advance(0);
  running.dispatcher.stop();
  read();
  await advance(0);
  expect([names(running.taken()), running.dispatcher.isIdle(), jest.getTimerCount()]).toEqual([[], true, 0]);
  expect(queue.stats().items).toBe(1);
});

test('stopped it takes nothing more, and is idle when what is under way has its outcome', async () => {
  running = await startDispatcher();
  const idle = jest.fn();
  await running.offer(numberedSpans(1));
  await advance(0);
  running.dispatcher.stop();
  void running.dispatcher.idle().then(idle);
  await running.offer(numberedSpans(1, { from: 2 }));
  await advance(60_000);
  const spans = running.taken();
  expect(names(spans)).toEqual(['s1']);
  expect(idle).not.toHaveBeenCalled();
  running.report(spans, DOWN);
  await advance(60_000);
  expect(idle).toHaveBeenCalledTimes(1);
  expect(names(running.taken())).toEqual([]);
  expect(running.queue.stats().items).toBe(2);
  await running.dispatcher.idle();
});
