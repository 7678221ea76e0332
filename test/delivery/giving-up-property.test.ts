import fc from 'fast-check';
import type { DeliverySpan } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { lettersOf, storeAt } from '../dead-letters/letters';
import { canonicalFromProtobuf } from '../support/canonical';
import { startDispatcher } from '../support/dispatcher';
import { FaultyFiles } from '../support/faulty-files';
import { createRandom, runs } from '../support/random';
import { encodeSpans, type SpanToSend, spanIdOf } from '../support/trace-request';

beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate'] }));
afterEach(() => jest.useRealTimers());

const OUTCOMES: Record<string, Outcome> = {
  delivered: { kind: 'delivered' },
  refused: { kind: 'refused', reason: 'refused', status: 400 },
  unprocessable: { kind: 'refused', reason: 'refused', status: 422 },
  tooLarge: { kind: 'refused', reason: 'too_large', status: 413 },
  partial: { kind: 'refused', reason: 'partial_success' },
  down: { kind: 'retry', reason: 'http_503' },
  timeout: { kind: 'retry', reason: 'timeout' },
};

/** What Langfuse says of a span in one attempt after the other; the last holds for all that follow. */
const fate = fc.array(fc.constantFrom(...Object.keys(OUTCOMES)), { minLength: 1, maxLength: 3 });
const run = fc.record({
  entries: fc.array(fc.array(fate, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
  /** 0: what fails once more is given up. */
  retryMaxAgeMs: fc.constantFrom(0, 600_000),
  /** Of the calls to the disk, which ones fail. What cannot be removed either stays, as a second copy. */
  failing: fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
  seed: fc.nat(),
});

/** Minutes of the clock, and turns of the event loop in each: more than any run takes. */
const STEPS_MAX = 200;
const TURNS_MAX = 1_000;

/** Each span in its own trace, so that no two could be taken for one another. */
const spanOf = (entry: number, index: number): SpanToSend => {
  const number = entry * 10 + index;
  return { name: `s${number}`, traceId: spanIdOf(`t${number}`).repeat(2), attributes: { text: `text ${number}` } };
};

test('whatever is refused, and whatever fails: each span is delivered or in one letter, as it came', async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ entries, retryMaxAgeMs, failing, seed }) => {
      const random = createRandom(seed);
      const files = new FaultyFiles({ random });
      const store = storeAt('/letters', { files, now: () => Date.now() });
      await store.open();
      const before = files.calls;
      files.fault = ({ op, n }) => (op !== 'remove' && failing.includes(n - before) ? 'EIO' : undefined);
      const running = await startDispatcher({
        ...{ retryMaxAgeMs, writeDeadLetter: (letter, bytes) => store.write(letter, bytes) },
      });
      const fates = new Map<string, readonly string[]>();
      const attempts = new Map<string, number>();
      const offered: SpanToSend[] = [];
      for (const [entry, spans] of entries.entries()) {
        const given = spans.map((_, index) => spanOf(entry, index));
        for (const [index, { name }] of given.entries()) fates.set(name, spans[index]!);
        offered.push(...given);
        await running.offer(given);
      }
      const answer = (span: DeliverySpan) => {
        const known = fates.get(span.name)!;
        const attempt = attempts.get(span.name) ?? 0;
        attempts.set(span.name, attempt + 1);
        running.report([span], OUTCOMES[known[Math.min(attempt, known.length - 1)]!]!);
      };
      for (let step = 0; step < STEPS_MAX && running.queue.stats().items > 0; step++) {
        await jest.advanceTimersByTimeAsync(60_000);
        for (let turn = 0; turn < TURNS_MAX && !running.dispatcher.isIdle(); turn++) {
          for (const span of shuffled(running.taken(), random)) answer(span);
          await new Promise(setImmediate);
        }
        const settled = running.delivered.length + sum(running.counted.map(([count]) => count));
        expect(settled + running.queue.stats().items).toBe(offered.length);
      }
      running.dispatcher.stop();

      files.fault = () => undefined;
      const letters = await lettersOf(store);
      const stored = await Promise.all(letters.map(({ id }) => store.read(id)));
      const given = stored.flatMap((read) => canonicalFromProtobuf(read!.bytes));
      expect([...running.delivered, ...given.map(({ name }) => name)].toSorted()).toEqual(
        offered.map(({ name }) => name).toSorted(),
      );
      const sent = new Map(canonicalFromProtobuf(encodeSpans(offered)).map((span) => [span.name, span]));
      for (const span of given) expect(span).toEqual(sent.get(span.name));
      expect(running.counted.toSorted()).toEqual(letters.map(({ reason, spans }) => [spans.length, reason]).toSorted());
      for (const [at, { spans }] of letters.entries()) {
        const inBytes = canonicalFromProtobuf(stored[at]!.bytes).map(({ traceId, spanId }) => ({ traceId, spanId }));
        expect(spans).toEqual(inBytes);
      }
      expect(running.queue.stats()).toMatchObject({ items: 0, bytes: 0 });
    }),
    runs(60),
  );
});

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
