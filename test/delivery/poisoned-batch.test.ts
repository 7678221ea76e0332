import { createBatchExporter } from '../../src/delivery/batch-exporter';
import { canonicalFromProtobuf } from '../support/canonical';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { numberedSpans } from '../support/trace-request';

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers());
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

test.each(['http_500', 'timeout', 'network'])(
  'a batch that keeps failing (%s) while others pass: one bad span costs one span',
  async (reason) => {
    const exporter = createBatchExporter({
      post: async (pieces) => {
        const names = canonicalFromProtobuf(Buffer.concat(pieces)).map(({ name }) => name);
        return names.includes('s7') ? { kind: 'retry', reason } : { kind: 'accepted', rejected: 0 };
      },
      onVerdict: () => {},
    });
    running = await startDispatcher({
      processor: { onEnd: (span) => exporter.export([span], () => {}) },
      retryMaxAgeMs: 3_600_000,
    });
    await running.offer(numberedSpans(20));
    for (let minute = 0; minute < 65; minute++) {
      await running.offer(numberedSpans(1, { from: 100 + minute }));
      await jest.advanceTimersByTimeAsync(60_000);
    }
    const expected = [...numberedSpans(20), ...numberedSpans(65, { from: 100 })].map(({ name }) => name);
    expect(running.delivered.toSorted()).toEqual(expected.filter((name) => name !== 's7').toSorted());
    expect(running.deadLettered).toEqual([['s7', 'expired']]);
  },
);
