import type { Outcome } from '../../src/delivery/outcome';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { numberedSpans } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const DOWN: Outcome = { kind: 'retry', reason: 'http_503' };
const SHUT_OUT: Outcome = { kind: 'retry', reason: 'http_401', configuration: true };
const askedToWait = (afterMs: number): Outcome => ({ kind: 'retry', reason: 'http_429', afterMs });
const names = (spans: readonly { name: string }[]) => spans.map(({ name }) => name);
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** The jitter's random number is 1 here: every pause is the longest of its step. */
let running: RunningDispatcher;
beforeEach(async () => {
  jest.useFakeTimers();
  running = await startDispatcher();
});
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

/** Offers one span and takes it at once. */
async function underWay(name: string) {
  await running.offer([{ name }]);
  await advance(0);
  return running.taken();
}

/** How long from now nothing is sent, watching up to `longestMs`. */
async function silenceMs(longestMs: number): Promise<number> {
  const from = Date.now();
  const sent: string[] = [];
  while (sent.length === 0 && Date.now() - from < longestMs) {
    await advance(50);
    sent.push(...names(running.taken()));
  }
  return Date.now() - from;
}

test.each<[string, Outcome, number[], number]>([
  ['down', DOWN, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000], 40],
  ['shut out', SHUT_OUT, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000], 50],
])('%s: the pauses grow to their longest', async (_, outcome, pausesMs, level) => {
  let spans = await underWay('s1');
  for (const pauseMs of pausesMs) {
    running.report(spans, outcome);
    await advance(pauseMs - 1);
    expect(names(running.taken())).toEqual([]);
    await advance(1);
    spans = running.taken();
    expect(names(spans)).toHaveLength(1);
  }
  expect(running.logs.map(({ waitMs, level: logged }) => [waitMs, logged])).toEqual(pausesMs.map((ms) => [ms, level]));
});

test('a failure pauses the destination: what comes meanwhile is not sent', async () => {
  running.report(await underWay('s1'), DOWN);
  await advance(0);
  expect(names(await underWay('s2'))).toEqual([]);
  await advance(999);
  expect(names(running.taken())).toEqual([]);
  await advance(1);
  const probe = running.taken();
  expect(names(probe)).toEqual(['s1']);
  running.report(probe, DELIVERED);
  await advance(0);
  expect(names(running.taken())).toEqual(['s2']);
});

test('what failed together counts as one failure', async () => {
  const spans = [...(await underWay('s1')), ...(await underWay('s2')), ...(await underWay('s3'))];
  for (const span of spans) running.report([span], DOWN);
  expect(running.logs.map(({ failures }) => failures)).toEqual([1]);
  await advance(1_000);
  const probe = running.taken();
  expect(names(probe)).toEqual(['s1']);
  running.report(probe, DELIVERED);
  await advance(0);
  expect(names(running.taken())).toEqual(['s2', 's3']);
});

test('a delivery ends the pause and the counting', async () => {
  const [failed, passed] = [await underWay('s1'), await underWay('s2')];
  running.report(failed, DOWN);
  running.report(passed, DELIVERED);
  await advance(0);
  expect(names(await underWay('s3'))).toHaveLength(1);
  await advance(1_000);
  running.report(running.taken(), DOWN);
  const pauses = running.logs.filter(({ level }) => level === 40);
  expect(pauses.map(({ failures, waitMs }) => [failures, waitMs])).toEqual([
    [1, 1_000],
    [1, 1_000],
  ]);
});

test.each([
  ['longer than the pause', 7_000, 7_000],
  ['shorter than the pause', 200, 1_000],
  ['a day', 86_400_000, 86_400_000],
])('Retry-After, %s: neither the entry nor any other is sent before', async (_, afterMs, expectedMs) => {
  running.report(await underWay('s1'), askedToWait(afterMs));
  await advance(0);
  expect(names(await underWay('s2'))).toEqual([]);
  await advance(expectedMs - 1);
  expect(names(running.taken())).toEqual([]);
  await advance(1);
  const probe = running.taken();
  expect(names(probe)).toEqual(['s1']);
  running.report(probe, DELIVERED);
  await advance(0);
  expect(names(running.taken())).toEqual(['s2']);
});

test('Retry-After that comes during a shorter pause holds for everything too', async () => {
  const [first, second] = [await underWay('s1'), await underWay('s2')];
  running.report(first, DOWN);
  running.report(second, askedToWait(10_000));
  expect(await silenceMs(20_000)).toBeGreaterThanOrEqual(10_000);
});

test('Retry-After holds although a post that was under way before it is delivered', async () => {
  const [first, second] = [await underWay('s1'), await underWay('s2')];
  running.report(first, askedToWait(10_000));
  running.report(second, DELIVERED);
  await running.offer(numberedSpans(1, { from: 3 }));
  expect(await silenceMs(20_000)).toBeGreaterThanOrEqual(10_000);
});

test('the entry that was asked to wait does so, whatever becomes of others', async () => {
  const [first, second] = [await underWay('s1'), await underWay('s2')];
  running.report(first, askedToWait(10_000));
  running.report(second, DELIVERED);
  await advance(9_999);
  expect(names(running.taken())).toEqual([]);
  await advance(1);
  expect(names(running.taken())).toEqual(['s1']);
});

test('start begins with an attempt, whatever waits', async () => {
  running.dispatcher.stop();
  await running.offer(numberedSpans(1));
  await advance(0);
  expect(names(running.taken())).toEqual([]);
  running.dispatcher.start();
  await advance(0);
  expect(names(running.taken())).toHaveLength(1);
});

test('nothing ticks while nothing waits', async () => {
  running.report(await underWay('s1'), DELIVERED);
  expect(jest.getTimerCount()).toBe(0);
});

test('after a failure one entry at a time is sent, each time another, until one is delivered', async () => {
  for (const name of ['s1', 's2', 's3']) await running.offer([{ name }]);
  await advance(0);
  running.report(running.taken(), DOWN);
  const probed: string[] = [];
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) {
    await advance(pauseMs);
    const probe = running.taken();
    probed.push(names(probe).join());
    expect(probe.map(({ attempt }) => attempt.batchSpansMax)).toEqual([1]);
    running.report(probe, DOWN);
  }
  expect(probed).toEqual(['s1', 's2', 's3', 's1']);
  await advance(16_000);
  running.report(running.taken(), DELIVERED);
  await advance(0);
  const rest = running.taken();
  expect(names(rest)).toHaveLength(2);
  expect(rest.map(({ attempt }) => attempt.batchSpansMax)).toEqual([undefined, undefined]);
});

test('draining ends a pause that nobody asked for: what waits is tried now', async () => {
  let spans = await underWay('s1');
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) {
    running.report(spans, DOWN);
    await advance(pauseMs);
    spans = running.taken();
  }
  running.report(spans, DOWN);
  await advance(2_000);
  expect(names(running.taken())).toEqual([]);
  running.dispatcher.drain();
  await advance(0);
  expect(names(running.taken())).toEqual(['s1']);
});

test('draining does not send before the time that the destination asked for', async () => {
  running.report(await underWay('s1'), askedToWait(10_000));
  await advance(2_000);
  running.dispatcher.drain();
  expect(await silenceMs(20_000)).toBeGreaterThanOrEqual(8_000);
});

test('what was given up unsent is tried again whatever its age', async () => {
  running.dispatcher.stop();
  running = await startDispatcher({ retryMaxAgeMs: 0 });
  running.report(await underWay('s1'), DOWN);
  await advance(1_000);
  running.report(running.taken(), { ...DOWN, unsent: true });
  expect(running.deadLettered).toEqual([]);
  await advance(2_000);
  running.report(running.taken(), DOWN);
  expect(running.deadLettered).toEqual([['s1', 'expired']]);
});
