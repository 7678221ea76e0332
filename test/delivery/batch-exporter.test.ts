import { ExportResultCode } from '@opentelemetry/core';
import { type BatchExporterOptions, type BatchLimits, createBatchExporter } from '../../src/delivery/batch-exporter';
import type { Verdict } from '../../src/delivery/langfuse-answer';
import { startAttempt } from '../support/attempts';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeGroups, encodeSpans, numberedSpans } from '../support/trace-request';

const ACCEPTED: Verdict = { kind: 'accepted', rejected: 0 };
const LIMITS: BatchLimits = { bytesTarget: 10_000, spansMax: 5, bytesMax: 20_000, lingerMs: 20, postsMax: 8 };

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** An exporter whose posts are answered by `answer`; `posts` are the names of the spans of each. */
function start({
  answer = async () => ACCEPTED,
  limits = {},
}: {
  answer?: Answer;
  limits?: Partial<BatchLimits>;
} = {}) {
  const posts: string[][] = [];
  const bodies: Buffer[] = [];
  const verdicts: Verdict[] = [];
  const exporter = createBatchExporter({
    post: (pieces) => {
      const body = Buffer.concat(pieces);
      bodies.push(body);
      posts.push(canonicalFromProtobuf(body).map(({ name }) => name));
      return answer(posts.at(-1)!);
    },
    onVerdict: (verdict) => verdicts.push(verdict),
    limits: { ...LIMITS, ...limits },
  });
  return { exporter, posts, bodies, verdicts };
}
type Answer = (names: string[]) => ReturnType<BatchExporterOptions['post']>;

/** Hands spans over as the processor does, one by one. */
function handOver(exporter: ReturnType<typeof start>['exporter'], bytes: Buffer) {
  const started = startAttempt(bytes);
  for (const span of started.spans) exporter.export([span], () => {});
  return started;
}

const padded = (bytes: number) => ({ attributes: { padding: 'x'.repeat(bytes) } });
const settle = () => jest.advanceTimersByTimeAsync(LIMITS.lingerMs);

test('spans of several entries leave together when the batch has waited long enough, and not before', async () => {
  const { exporter, posts, verdicts } = start();
  const first = handOver(exporter, encodeSpans(numberedSpans(1)));
  const second = handOver(exporter, encodeSpans(numberedSpans(2, { from: 2 })));
  await jest.advanceTimersByTimeAsync(19);
  expect(posts).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(posts).toEqual([['s1', 's2', 's3']]);
  expect(verdicts).toEqual([ACCEPTED]);
  expect([...first.heard, ...second.heard].map(([name, outcomes]) => [name, outcomes])).toEqual(
    ['s1', 's2', 's3'].map((name) => [name, [{ kind: 'delivered' }]]),
  );
  expect([first.done(), second.done()]).toEqual([1, 1]);
});

test('the wait is counted from the first span of a batch, whatever came before and after', async () => {
  const { exporter, posts } = start();
  for (const [number, waitMs] of [5, 1, 14, 1].entries()) {
    handOver(exporter, encodeSpans(numberedSpans(1, { from: number })));
    await jest.advanceTimersByTimeAsync(waitMs);
  }
  expect(posts).toEqual([['s0', 's1', 's2']]);
  await jest.advanceTimersByTimeAsync(18);
  expect(posts).toHaveLength(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(posts).toEqual([['s0', 's1', 's2'], ['s3']]);
});

test('a batch that has its number of spans leaves at once', async () => {
  const { exporter, posts } = start();
  handOver(exporter, encodeSpans(numberedSpans(11)));
  expect(posts.map((names) => names.length)).toEqual([5, 5]);
  await settle();
  expect(posts.map((names) => names.length)).toEqual([5, 5, 1]);
});

test('a batch that has its bytes leaves at once', () => {
  const { exporter, posts } = start({ limits: { spansMax: 1000 } });
  handOver(exporter, encodeSpans(numberedSpans(9, padded(3_000))));
  expect(posts).toEqual([
    ['s1', 's2', 's3', 's4'],
    ['s5', 's6', 's7', 's8'],
  ]);
});

test('a span that would make the batch too large begins the next one', async () => {
  const { exporter, posts } = start();
  handOver(
    exporter,
    encodeSpans([...numberedSpans(2, padded(4_000)), ...numberedSpans(1, { from: 3, ...padded(19_000) })]),
  );
  await settle();
  expect(posts).toEqual([['s1', 's2'], ['s3']]);
});

test('a span larger than any batch goes alone', async () => {
  const { exporter, posts } = start();
  const [small, large] = [numberedSpans(1), numberedSpans(1, { from: 2, ...padded(50_000) })];
  handOver(exporter, encodeSpans([...small, ...large, ...numberedSpans(1, { from: 3 })]));
  await settle();
  expect(posts).toEqual([['s1'], ['s2'], ['s3']]);
});

test('what stands around the spans counts: no post of several spans is larger than the limit', async () => {
  const { exporter, bodies } = start({ limits: { spansMax: 512 } });
  const groups = numberedSpans(40).map((span) => ({ resource: { padding: 'r'.repeat(3_000) }, spans: [span] }));
  handOver(exporter, encodeGroups(groups));
  await settle();
  expect(Math.max(...bodies.map(({ length }) => length))).toBeLessThanOrEqual(LIMITS.bytesMax);
});

test('untouched spans leave byte for byte', async () => {
  const { exporter, bodies } = start();
  const bytes = encodeSpans(numberedSpans(3, padded(100)), { resource: { 'service.name': 'shop' } });
  handOver(exporter, bytes);
  await settle();
  expect(bodies).toEqual([bytes]);
});

test('an attribute set by the processor leaves with its span, the others as they came', async () => {
  const { exporter, bodies } = start();
  const bytes = encodeSpans(numberedSpans(2, { attributes: { 'gen_ai.system': 'openai' } }));
  const { spans } = startAttempt(bytes);
  spans[0]!.attributes['langfuse.environment'] = 'production';
  for (const span of spans) exporter.export([span], () => {});
  await settle();
  const [first, second] = canonicalFromProtobuf(bodies[0]!);
  const [, untouched] = canonicalFromProtobuf(bytes);
  expect(first?.attributes).toEqual([
    { key: 'gen_ai.system', value: { string: 'openai' } },
    { key: 'langfuse.environment', value: { string: 'production' } },
  ]);
  expect(second).toEqual(untouched);
});

test('the processor hears at once that the span was taken', () => {
  const { exporter } = start({ answer: () => new Promise(() => {}) });
  const [span] = startAttempt(encodeSpans(numberedSpans(1))).spans;
  const done = jest.fn();
  exporter.export([span!], done);
  expect(done.mock.calls).toEqual([[{ code: ExportResultCode.SUCCESS }]]);
  expect(span?.arrived).toBe(true);
});

test('a span that its attempt has given up meanwhile is not sent', async () => {
  const { exporter, posts } = start();
  const { attempt, spans } = startAttempt(encodeSpans(numberedSpans(2)));
  attempt.report([spans[0]!], { kind: 'retry', reason: 'no_receipt' });
  for (const span of spans) exporter.export([span], () => {});
  await settle();
  expect(posts).toEqual([['s2']]);
});

test('a span that is handed over twice is sent and settled once', async () => {
  const { exporter, posts } = start();
  const { spans, heard, done } = startAttempt(encodeSpans(numberedSpans(2)));
  exporter.export([spans[0]!], () => {});
  exporter.export([spans[0]!], () => {});
  await settle();
  expect(posts).toEqual([['s1']]);
  expect(heard).toEqual(
    new Map([
      ['s1', [{ kind: 'delivered' }]],
      ['s2', []],
    ]),
  );
  expect(done()).toBe(0);
});

test('at most eight posts are under way, and the next leaves when one is answered', async () => {
  const waiting: ((verdict: Verdict) => void)[] = [];
  const { exporter, posts } = start({ answer: () => new Promise((resolve) => waiting.push(resolve)) });
  const { done } = handOver(exporter, encodeSpans(numberedSpans(20 * LIMITS.spansMax)));
  expect(posts).toHaveLength(8);
  for (let answered = 1; answered <= 20; answered++) {
    waiting.shift()?.(ACCEPTED);
    await jest.advanceTimersByTimeAsync(0);
    expect(posts).toHaveLength(Math.min(20, 8 + answered));
    expect(waiting).toHaveLength(Math.min(8, 20 - answered));
  }
  expect(done()).toBe(1);
});

test('flushing sends what waits and is over when all that came has its outcome', async () => {
  const waiting: ((verdict: Verdict) => void)[] = [];
  const { exporter, posts } = start({ answer: () => new Promise((resolve) => waiting.push(resolve)) });
  const flushed = jest.fn();
  const { done } = handOver(exporter, encodeSpans(numberedSpans(2)));
  void exporter.forceFlush().then(flushed);
  await jest.advanceTimersByTimeAsync(0);
  expect(posts).toEqual([['s1', 's2']]);
  waiting.shift()?.({ kind: 'refused', status: 400 });
  await jest.advanceTimersByTimeAsync(0);
  expect(flushed).not.toHaveBeenCalled();
  for (const resolve of waiting.splice(0)) resolve(ACCEPTED);
  await jest.advanceTimersByTimeAsync(0);
  expect(flushed).toHaveBeenCalledTimes(1);
  expect(done()).toBe(1);
  await start().exporter.forceFlush();
});

test('a post that throws is a failure of ours: tried again', async () => {
  const { exporter } = start({ answer: async () => Promise.reject(new Error('no')) });
  const { heard } = handOver(exporter, encodeSpans(numberedSpans(1)));
  await settle();
  expect(heard.get('s1')).toEqual([{ kind: 'retry', reason: 'internal' }]);
});

test('a shutdown sends nothing more, and tells what waits that it has to come again', async () => {
  const { exporter, posts } = start();
  const { heard, done } = handOver(exporter, encodeSpans(numberedSpans(1)));
  await exporter.shutdown();
  await settle();
  expect(posts).toEqual([]);
  expect(heard.get('s1')).toMatchObject([{ kind: 'retry' }]);
  expect(done()).toBe(1);
});
