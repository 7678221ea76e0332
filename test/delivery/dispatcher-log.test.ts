import type { DeliverySpan } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { numberedSpans, spanIdOf, TRACE_ID } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const REFUSED: Outcome = { kind: 'refused', reason: 'refused', status: 400 };
const names = (spans: readonly DeliverySpan[]) => spans.map(({ name }) => name);
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

test.each([
  ['kept as dead letters: langfuse-otlp-gateway dead-letters list', {}],
  ['dropped: a queue in memory keeps no dead letters', { writeDeadLetter: undefined }],
])(
  'refused spans share a line in the log, named, ten at most, without anything they say: %s',
  async (fate, options) => {
    running = await startDispatcher(options);
    await running.offer(numberedSpans(12, { attributes: { prompt: 'dear diary' } }));
    await advance(0);
    for (const span of running.taken()) running.report([span], REFUSED);
    await advance(999);
    expect(running.logs).toEqual([]);
    await advance(1);
    const spans = numberedSpans(10).map(({ name }) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) }));
    expect(running.logs).toEqual([
      expect.objectContaining({
        level: 50,
        ...{ destination: 'main', count: 12, reasons: { refused: 12 }, statuses: [400], spans },
        msg: `12 span(s) cannot be delivered to main (refused) and are ${fate}`,
      }),
    ]);
    expect(JSON.stringify(running.logs)).not.toContain('dear diary');
  },
);

test('a queue that cannot be read is said and does not stop it', async () => {
  running = await startDispatcher();
  const { queue } = running;
  const take = queue.take.bind(queue);
  queue.take = async () => {
    throw new Error('disk on fire');
  };
  await running.offer(numberedSpans(1));
  await advance(1);
  queue.take = take;
  await advance(1_000);
  expect(names(running.taken())).toEqual(['s1']);
  expect(running.logs[0]).toMatchObject({ level: 50, destination: 'main', msg: 'the queue could not be read' });
});

test('a queue that cannot say what is due next does not stop it either', async () => {
  running = await startDispatcher();
  const { queue } = running;
  const nextDueAtMs = queue.nextDueAtMs.bind(queue);
  queue.nextDueAtMs = () => {
    throw new Error('disk on fire');
  };
  running.dispatcher.wake();
  await advance(0);
  queue.nextDueAtMs = nextDueAtMs;
  await running.offer(numberedSpans(1));
  await advance(1_000);
  expect(names(running.taken())).toEqual(['s1']);
});

test('the first delivery is said, and the second is not', async () => {
  running = await startDispatcher();
  for (const from of [1, 2]) {
    await running.offer(numberedSpans(1, { from }));
    await advance(0);
    running.report(running.taken(), DELIVERED);
  }
  expect(running.logs).toMatchObject([{ level: 30, destination: 'main', msg: 'main: first spans delivered' }]);
});

test.each<[string, (dispatcher: RunningDispatcher['dispatcher']) => unknown]>([
  ['stopped', (dispatcher) => dispatcher.stop()],
  ['idle', (dispatcher) => dispatcher.idle()],
])('refused spans that have not been said are said when it is %s', async (_, end) => {
  running = await startDispatcher();
  await running.offer(numberedSpans(1));
  await advance(0);
  running.report(running.taken(), REFUSED);
  await end(running.dispatcher);
  // Not before they are written down, and no later: there may be no other second.
  await advance(0);
  expect(running.logs).toMatchObject([{ level: 50, count: 1, reasons: { refused: 1 } }]);
});
