import fc from 'fast-check';
import { reportOutcome } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { startAttempt } from '../support/attempts';
import { encodeSpans, numberedSpans, spanIdOf } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const RETRY: Outcome = { kind: 'retry', reason: 'http_503' };
const names = (spans: readonly { name: string }[]) => spans.map(({ name }) => name);
const attemptOf = (count: number) => startAttempt(encodeSpans(numberedSpans(count)));

test('a span knows its position and who it is', () => {
  const { spans } = attemptOf(3);
  expect(spans.map(({ position }) => position)).toEqual([0, 1, 2]);
  expect(spans.map((span) => span.spanContext().spanId)).toEqual(['s1', 's2', 's3'].map(spanIdOf));
});

test('the first outcome counts, the attempt is done with the last span, and nothing is heard twice', () => {
  const { attempt, spans, heard, done } = attemptOf(3);
  attempt.report(spans.slice(0, 2), DELIVERED);
  attempt.report(spans.slice(0, 1), RETRY);
  expect(done()).toBe(0);
  attempt.report(spans, RETRY);
  expect(done()).toBe(1);
  attempt.report(spans, DELIVERED);
  expect(done()).toBe(1);
  expect([...heard.values()]).toEqual([[DELIVERED], [DELIVERED], [RETRY]]);
});

describe('with a clock', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('of what is watched, what was not seen again and has no outcome is tried again', () => {
    const { attempt, spans, heard } = attemptOf(4);
    const [first, second] = spans;
    attempt.watch(spans.slice(0, 3), 30_000);
    first!.arrived = true;
    attempt.report([second!], DELIVERED);
    jest.advanceTimersByTime(29_999);
    expect([...heard.values()]).toEqual([[], [DELIVERED], [], []]);
    jest.advanceTimersByTime(1);
    expect([...heard.values()]).toEqual([[], [DELIVERED], [{ kind: 'retry', reason: 'no_receipt' }], []]);
  });

  test('no clock runs for what is done', () => {
    const { attempt, spans } = attemptOf(2);
    attempt.watch(spans, 30_000);
    attempt.watch(spans.slice(1), 30_000);
    attempt.report(spans, DELIVERED);
    expect(jest.getTimerCount()).toBe(0);
  });
});

test('it says when all that is left of it is held, and when that is over', () => {
  const { attempt, spans, held, done } = attemptOf(5);
  const [first, second, third, fourth, fifth] = spans;
  attempt.hold([first!, second!, third!]);
  // Held ones may have their outcome too.
  attempt.report([third!], RETRY);
  attempt.report([fourth!], RETRY);
  expect(held).toEqual([]);
  attempt.report([fifth!], DELIVERED);
  expect(held).toEqual([true]);
  attempt.release(first!);
  expect(held).toEqual([true, false]);
  attempt.report([first!], DELIVERED);
  expect(held).toEqual([true, false, true]);
  attempt.report([second!], RETRY);
  // Its outcome came first.
  attempt.release(second!);
  expect([held, done()]).toEqual([[true, false, true], 1]);
});

test('whatever is reported in whatever order, over several attempts: each span hears its first outcome, once', () => {
  const reports = fc.array(
    fc.record({
      // Which spans of all attempts, by number; the same one may be named twice.
      named: fc.array(fc.nat({ max: 11 }), { maxLength: 12 }),
      outcome: fc.constantFrom<Outcome>(DELIVERED, RETRY, { kind: 'refused', reason: 'refused' }),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(reports, (made) => {
      const attempts = [attemptOf(3), attemptOf(4), attemptOf(5)];
      const all = attempts.flatMap(({ spans }) => spans);
      const expected = new Map<unknown, Outcome>();
      for (const { named, outcome } of made) {
        for (const number of named) if (!expected.has(all[number])) expected.set(all[number], outcome);
        reportOutcome(
          named.map((number) => all[number]!),
          outcome,
        );
      }
      for (const { attempt, spans, heard, done } of attempts) {
        expect([...heard.values()]).toEqual(spans.map((span) => (expected.has(span) ? [expected.get(span)] : [])));
        expect(done()).toBe(spans.every((span) => expected.has(span)) ? 1 : 0);
        expect(names(attempt.spans.filter(({ isSettled }) => !isSettled))).toEqual(
          names(spans.filter((span) => !expected.has(span))),
        );
      }
    }),
  );
});
