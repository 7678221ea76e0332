import fc from 'fast-check';
import { createBatchExporter } from '../../src/delivery/batch-exporter';
import type { Verdict } from '../../src/delivery/langfuse-answer';
import { startAttempt } from '../support/attempts';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeSpans, numberedSpans } from '../support/trace-request';

const ACCEPTED: Verdict = { kind: 'accepted', rejected: 0 };
const LIMITS = { bytesTarget: 1_000_000, spansMax: 512, bytesMax: 4_000_000, lingerMs: 1, postsMax: 8 };

/** Sends `count` spans as one batch; `answer` is asked for each post. Resolves when every span has its outcome. */
async function deliver(count: number, answer: (names: string[]) => Verdict) {
  const posts: string[][] = [];
  const exporter = createBatchExporter({
    post: async (pieces) => {
      const names = canonicalFromProtobuf(Buffer.concat(pieces)).map(({ name }) => name);
      posts.push(names);
      return answer(names);
    },
    onVerdict: () => {},
    limits: LIMITS,
  });
  const { spans, heard, done } = startAttempt(encodeSpans(numberedSpans(count)));
  exporter.export([...spans], () => {});
  await exporter.forceFlush();
  return { posts, heard, done: done() };
}

test.each<[string, Verdict, object]>([
  ['accepted', ACCEPTED, { kind: 'delivered' }],
  ['down', { kind: 'retry', reason: 'http_503' }, { kind: 'retry', reason: 'http_503' }],
  [
    'asked to wait',
    { kind: 'retry', reason: 'http_429', afterMs: 9_000 },
    { kind: 'retry', reason: 'http_429', afterMs: 9_000 },
  ],
  [
    'shut out',
    { kind: 'retry', reason: 'http_401', configuration: true },
    { kind: 'retry', reason: 'http_401', configuration: true },
  ],
  ['refused', { kind: 'refused', status: 400 }, { kind: 'refused', reason: 'refused', status: 400 }],
  ['too large', { kind: 'refused', status: 413 }, { kind: 'refused', reason: 'too_large', status: 413 }],
])('%s: every span hears it once', async (_, verdict, outcome) => {
  const { heard, done } = await deliver(3, () => verdict);
  expect([...heard.values()]).toEqual([[outcome], [outcome], [outcome]]);
  expect(done).toBe(1);
});

test.each([
  ['one of five', 1, 4],
  ['all five', 5, 0],
  ['more than there are', 9, 0],
])(
  'a partial success that rejects %s: that number is refused, and nothing is sent again',
  async (_, rejected, left) => {
    const { posts, heard } = await deliver(5, () => ({ kind: 'accepted', rejected }));
    const kinds = [...heard.values()].flat().map((outcome) => ('reason' in outcome ? outcome.reason : outcome.kind));
    expect(kinds.filter((kind) => kind === 'delivered')).toHaveLength(left);
    expect(kinds.filter((kind) => kind === 'partial_success')).toHaveLength(5 - left);
    expect(posts).toHaveLength(1);
  },
);

test('halving finds exactly the guilty spans, whichever they are', async () => {
  const batches = fc.integer({ min: 1, max: 60 }).chain((count) =>
    fc.record({
      count: fc.constant(count),
      guilty: fc.subarray(numberedSpans(count).map(({ name }) => name)),
      status: fc.constantFrom(400, 413),
    }),
  );
  await fc.assert(
    fc.asyncProperty(batches, async ({ count, guilty, status }) => {
      const { posts, heard, done } = await deliver(count, (names) =>
        names.some((name) => guilty.includes(name)) ? { kind: 'refused', status } : ACCEPTED,
      );
      for (const [name, outcomes] of heard) {
        expect([name, outcomes]).toEqual([
          name,
          guilty.includes(name)
            ? [{ kind: 'refused', reason: status === 413 ? 'too_large' : 'refused', status }]
            : [{ kind: 'delivered' }],
        ]);
      }
      expect(done).toBe(1);
      // A guilty span costs two posts per level at most, and no innocent one is accepted twice.
      expect(posts.length).toBeLessThanOrEqual(1 + 2 * guilty.length * Math.ceil(Math.log2(count)));
      const accepted = posts.filter((names) => !names.some((name) => guilty.includes(name))).flat();
      expect(accepted.toSorted()).toEqual([...heard.keys()].filter((name) => !guilty.includes(name)).toSorted());
    }),
    { numRuns: 60 },
  );
});

test('a limit in bytes: halves pass as soon as they fit', async () => {
  const { posts, heard } = await deliver(16, (names) =>
    names.length > 4 ? { kind: 'refused', status: 413 } : ACCEPTED,
  );
  expect(posts.map((names) => names.length).toSorted((a, b) => a - b)).toEqual([4, 4, 4, 4, 8, 8, 16]);
  expect([...heard.values()].flat()).toEqual(Array(16).fill({ kind: 'delivered' }));
});

test('halves that meet a server gone down are kept for later, the refused span is not', async () => {
  let posts = 0;
  const { heard } = await deliver(4, (names) => {
    posts++;
    if (posts === 1 || names.length === 1) return { kind: 'refused', status: 400 };
    return names.includes('s1') ? { kind: 'refused', status: 400 } : { kind: 'retry', reason: 'http_503' };
  });
  expect([...heard.values()].map(([outcome]) => outcome?.kind)).toEqual(['refused', 'refused', 'retry', 'retry']);
});

test.each<[string, Verdict]>([
  ['down', { kind: 'retry', reason: 'http_503' }],
  ['asked to wait', { kind: 'retry', reason: 'http_429', afterMs: 9_000 }],
  ['out of reach', { kind: 'retry', reason: 'timeout' }],
  ['shut out', { kind: 'retry', reason: 'http_401', configuration: true }],
])('%s: what waits is not posted, what is under way goes on', async (_, verdict) => {
  const waiting: ((verdict: Verdict) => void)[] = [];
  const exporter = createBatchExporter({
    post: () => new Promise((resolve) => waiting.push(resolve)),
    onVerdict: () => {},
    limits: { ...LIMITS, spansMax: 1, postsMax: 2 },
  });
  const { spans, heard } = startAttempt(encodeSpans(numberedSpans(5)));
  exporter.export([...spans], () => {});
  waiting[0]?.(verdict);
  await new Promise((resolve) => setImmediate(resolve));
  const unsent = [{ ...verdict, unsent: true }];
  expect([...heard.values()]).toEqual([[verdict], [], unsent, unsent, unsent]);
  waiting[1]?.(ACCEPTED);
  await exporter.forceFlush();
  expect(heard.get('s2')).toEqual([{ kind: 'delivered' }]);
  expect(waiting).toHaveLength(2);
});
