import type { DeliverySpan } from '../../src/delivery/attempt';
import type { Outcome } from '../../src/delivery/outcome';
import { stamp } from '../../src/langfuse/stamp';
import { canonicalFromProtobuf } from '../support/canonical';
import { type RunningDispatcher, startDispatcher } from '../support/dispatcher';
import { encodeMessage } from '../support/otlp-messages';
import { encodeGroups, encodeSpans, numberedSpans, spanIdOf, TRACE_ID } from '../support/trace-request';

const DELIVERED: Outcome = { kind: 'delivered' };
const DOWN: Outcome = { kind: 'retry', reason: 'http_503' };
const REFUSED: Outcome = { kind: 'refused', reason: 'refused', status: 400 };
const START_MS = Date.UTC(2026, 10, 20, 10, 55, 33, 123);
const idsOf = (...named: string[]) => named.map((name) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) }));
const advance = (ms: number) => jest.advanceTimersByTimeAsync(ms);

let running: RunningDispatcher;
beforeEach(() => jest.useFakeTimers({ now: START_MS }));
afterEach(() => {
  running.dispatcher.stop();
  jest.useRealTimers();
});

/** Reports these outcomes of the spans under way, by name. */
function report(spans: readonly DeliverySpan[], outcomes: Readonly<Record<string, Outcome>>): void {
  for (const [name, outcome] of Object.entries(outcomes)) {
    running.report(
      spans.filter((span) => span.name === name),
      outcome,
    );
  }
}

test('written, then settled, then counted; the dispatcher is not idle before', async () => {
  const steps: string[] = [];
  let finish = () => {};
  running = await startDispatcher({
    writeDeadLetter: () => {
      steps.push('write');
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
    onDeadLettered: (spans, reason) => steps.push(`count ${spans} ${reason}, ${running.queue.stats().items} queued`),
  });
  await running.offer(numberedSpans(2));
  await advance(0);
  running.report(running.taken(), REFUSED);
  void running.dispatcher.idle().then(() => steps.push('idle'));
  await advance(60_000);
  expect([steps, running.queue.stats().items, running.dispatcher.isIdle()]).toEqual([['write'], 2, false]);
  expect(running.logs).toEqual([]);
  finish();
  await advance(0);
  expect(steps).toEqual(['write', 'count 2 refused, 0 queued', 'idle']);
  expect([running.queue.stats().items, running.dispatcher.isIdle()]).toEqual([0, true]);
});

test('the refused spans of an entry are gathered until all of its spans have their outcome', async () => {
  running = await startDispatcher();
  await running.offer(numberedSpans(4));
  await advance(0);
  const spans = running.taken();
  report(spans, { s1: REFUSED, s2: DELIVERED, s3: REFUSED });
  await advance(60_000);
  expect([running.letters, running.counted, running.queue.stats().items]).toEqual([[], [], 3]);
  report(spans, { s4: DELIVERED });
  await advance(0);
  expect(running.deadLettered).toEqual([
    ['s1', 'refused'],
    ['s3', 'refused'],
  ]);
  expect([running.letters.length, running.counted, running.queue.stats().items]).toEqual([1, [[2, 'refused']], 0]);
});

test('a letter per reason and status, and one per entry', async () => {
  running = await startDispatcher();
  await running.offer(numberedSpans(8));
  await running.offer(numberedSpans(1, { from: 9 }));
  await advance(0);
  report(running.taken(), {
    ...{ s1: REFUSED, s2: { ...REFUSED, status: 422 }, s3: { kind: 'refused', reason: 'too_large', status: 413 } },
    ...{ s4: REFUSED, s5: { kind: 'refused', reason: 'partial_success' }, s6: DELIVERED, s7: DOWN },
    ...{ s8: { kind: 'refused', reason: 'too_large', status: 413 }, s9: REFUSED },
  });
  await advance(0);
  const said = running.letters.map(({ letter: { reason, status, spans } }) => [reason, status, spans]);
  expect(said.toSorted()).toEqual(
    [
      ['refused', 400, idsOf('s1', 's4')],
      ['refused', 422, idsOf('s2')],
      ['too_large', 413, idsOf('s3', 's8')],
      ['partial_success', null, idsOf('s5')],
      ['refused', 400, idsOf('s9')],
    ].toSorted(),
  );
  expect(running.counted.toSorted()).toEqual(
    [
      [2, 'refused'],
      [1, 'refused'],
      [2, 'too_large'],
      [1, 'partial_success'],
      [1, 'refused'],
    ].toSorted(),
  );
  expect([running.delivered, running.queue.stats().items]).toEqual([['s6'], 1]);
});

test('what a letter says', async () => {
  running = await startDispatcher();
  const other = 'ab'.repeat(16);
  await advance(250);
  await running.offer([...numberedSpans(2), { name: 's3', traceId: other }]);
  await advance(0);
  running.report(running.taken(), DOWN);
  await advance(1_000);
  const again = running.taken();
  await advance(5_000);
  running.report(again, REFUSED);
  await advance(0);
  expect(running.letters.map(({ letter }) => letter)).toEqual([
    {
      ...{ destination: 'main', reason: 'refused', status: 400, attempts: 2 },
      ...{ firstAt: '2026-11-20T10:55:33.373Z', lastAt: '2026-11-20T10:55:39.373Z' },
      spans: [...idsOf('s1', 's2'), { traceId: other, spanId: spanIdOf('s3') }],
    },
  ]);
});

test.each<[Outcome & { kind: 'retry' }, number | null]>([
  [{ kind: 'retry', reason: 'http_503' }, 503],
  [{ kind: 'retry', reason: 'http_429', afterMs: 1 }, 429],
  [{ kind: 'retry', reason: 'http_401', configuration: true }, 401],
  [{ kind: 'retry', reason: 'timeout' }, null],
  [{ kind: 'retry', reason: 'no_receipt' }, null],
])('given up for its age after %j: status %p', async (outcome, status) => {
  running = await startDispatcher({ retryMaxAgeMs: 0 });
  await running.offer(numberedSpans(1));
  await advance(0);
  running.report(running.taken(), outcome);
  await advance(60_000);
  expect(running.letters).toEqual([]);
  running.report(running.taken(), outcome);
  await advance(0);
  expect(running.letters.map(({ letter }) => letter)).toMatchObject([{ reason: 'expired', status, attempts: 2 }]);
  expect([running.counted, running.queue.stats().items]).toEqual([[[1, 'expired']], 0]);
});

describe('the bytes of a letter', () => {
  const STAMP = { environment: 'staging', release: 'r1' };
  const main = { name: 'main', baseUrl: '', publicKey: '', secretKey: '', compression: 'none' as const, ...STAMP };

  test('are those that came: nothing that was put on for the destination, nothing that was masked', async () => {
    running = await startDispatcher({ prepare: (span) => stamp(span, main) });
    await running.offer(numberedSpans(3, { attributes: { prompt: 'dear diary' } }));
    await advance(0);
    const spans = running.taken();
    for (const span of spans) span.attributes.prompt = 'masked';
    expect(spans[0]?.attributes).toEqual({
      ...{ prompt: 'masked', 'langfuse.environment': 'staging', 'langfuse.release': 'r1' },
    });
    report(spans, { s3: REFUSED, s2: DELIVERED, s1: REFUSED });
    await advance(0);
    const [one, , three] = numberedSpans(3, { attributes: { prompt: 'dear diary' } });
    expect(running.letters.map(({ bytes }) => bytes.toString('hex'))).toEqual([
      encodeSpans([one!, three!]).toString('hex'),
    ]);
  });

  test('are in the order of the entry, whatever was refused first, and so are the ids', async () => {
    running = await startDispatcher();
    await running.offer(numberedSpans(4));
    await advance(0);
    report(running.taken(), { s4: REFUSED, s2: REFUSED, s1: REFUSED, s3: DELIVERED });
    await advance(0);
    expect(running.deadLettered.map(([name]) => name)).toEqual(['s1', 's2', 's4']);
    expect(running.letters[0]?.letter.spans).toEqual(idsOf('s1', 's2', 's4'));
  });

  test('group each span under its own resource, and without those that have none left', async () => {
    running = await startDispatcher();
    const group = (service: string, from: number, count: number) => {
      return { resource: { 'service.name': service }, spans: numberedSpans(count, { from }) };
    };
    const entry = encodeGroups([group('a', 1, 2), group('b', 3, 2), group('c', 5, 2), group('a', 7, 1)]);
    await running.queue.offer(entry, { destination: 'main', items: 7 });
    await advance(0);
    const spans = running.taken();
    report(spans, { s1: DELIVERED, s3: DELIVERED, s4: DELIVERED });
    report(spans, { s2: REFUSED, s5: REFUSED, s6: REFUSED, s7: REFUSED });
    await advance(0);
    expect(running.letters.map(({ bytes }) => bytes.toString('hex'))).toEqual([
      encodeGroups([group('a', 2, 1), group('c', 5, 2), group('a', 7, 1)]).toString('hex'),
    ]);
  });

  test('group each span under its own scope, with all that resource and scope say', async () => {
    running = await startDispatcher();
    const resource = { attributes: [{ key: 'n', value: { intValue: '9007199254740993' } }], droppedAttributesCount: 3 };
    const span = (id: number) => ({ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, id), name: `s${id}` });
    const scoped = (name: string, ...ids: number[]) => {
      return { scope: { name, version: '1' }, spans: ids.map(span), schemaUrl: `https://schema/${name}` };
    };
    const request = (...scopeSpans: object[]) =>
      encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ resource, scopeSpans, schemaUrl: 'https://r' }] });
    const entry = request(scoped('a', 1, 2), scoped('b', 3), scoped('c', 4, 5));
    await running.queue.offer(entry, { destination: 'main', items: 5 });
    await advance(0);
    report(running.taken(), { s5: REFUSED, s4: DELIVERED, s3: DELIVERED, s2: REFUSED, s1: REFUSED });
    await advance(0);
    expect(running.letters.map(({ bytes }) => canonicalFromProtobuf(bytes))).toEqual([
      canonicalFromProtobuf(request(scoped('a', 1, 2), scoped('c', 5))),
    ]);
  });
});
