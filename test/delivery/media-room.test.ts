import { randomBytes } from 'node:crypto';
import pino from 'pino';
import type { NewDeadLetter } from '../../src/dead-letters/letter';
import { type DeliverySpan, reportOutcome } from '../../src/delivery/attempt';
import { createDispatcher, type Dispatcher } from '../../src/delivery/dispatcher';
import { createMediaClient } from '../../src/delivery/media-client';
import { createMediaRoom } from '../../src/delivery/media-room';
import { DELIVERED, type Outcome } from '../../src/delivery/outcome';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import type { QueuePort } from '../../src/queue/port';
import { uriOf } from '../support/data-uris';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions } from '../support/fake-media';
import { encodeSpans, numberedSpans, type SpanToSend } from '../support/trace-request';

const DOWN: Outcome = { kind: 'retry', reason: 'http_503' };
const CAT = randomBytes(500);
/** Its PUT hangs as long as `isHanging`. */
const HANGING = randomBytes(777);
const image = (name: string, content: Buffer): SpanToSend => ({
  name,
  attributes: { 'langfuse.observation.input': uriOf(content) },
});

let fake: FakeLangfuse;
let dispatcher: Dispatcher;
let queue: QueuePort;
let isHanging: boolean;
/** What becomes of the spans that the processor is given, as long as it is said. */
let outcome: Outcome | undefined;
/** Spans the processor was given, by name, in order; and those of them that have no outcome yet. */
let given: string[];
let open: DeliverySpan[];
let counted: string[];
let letters: { letter: NewDeadLetter; bytes: Buffer }[];

interface Options {
  media?: FakeMediaOptions;
  limits?: { heldBytesMax?: number; uploadsMax?: number };
  retryMaxAgeMs?: number;
}

async function start({ media = {}, limits = {}, retryMaxAgeMs = 86_400_000 }: Options = {}): Promise<void> {
  [isHanging, outcome, given, open, counted, letters] = [true, DELIVERED, [], [], [], []];
  fake = await startFakeLangfuse({
    media: {
      respond: ({ headers, step }) =>
        isHanging && step === 'put' && headers['content-length'] === '777' ? { stall: true } : undefined,
      ...media,
    },
  });
  const { baseUrl, publicKey, secretKey } = fake;
  const now = () => Date.now();
  const log = pino({ level: 'silent' });
  queue = createMemoryQueue({ bytesMax: 1e9, now });
  const destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' as const };
  // A store that takes nothing is given up sooner than its real one would be.
  const timeouts = { apiMs: 30_000, putMs: 60_000, putBytesPerSecond: 1e5, silenceMs: 30_000 };
  const client = createMediaClient({
    ...{ destination, proxy: {}, userAgent: 'test/1', now, connections: 8, limits: timeouts },
  });
  dispatcher = createDispatcher({
    ...{ destination: 'main', queue, prepare: () => {}, onDelivered: () => {}, now, log, random: () => 0.25 },
    media: createMediaRoom({
      ...{ destination: 'main', client, log, now, onMedia: (one) => counted.push(one) },
      limits: { heldBytesMax: 1e8, uploadsMax: 8, confirmPauseMs: 1, ...limits },
    }),
    processor: {
      onEnd: (span) => {
        const mine = span as DeliverySpan;
        mine.arrived = true;
        given.push(mine.name);
        if (outcome === undefined) open.push(mine);
        else reportOutcome([mine], outcome);
      },
    },
    writeDeadLetter: async (letter, bytes) => {
      letters.push({ letter, bytes: Buffer.concat(bytes) });
    },
    onDeadLettered: () => {},
    retryMaxAgeMs,
  });
  queue.onAvailable(() => dispatcher.wake());
  dispatcher.start();
}

afterEach(async () => {
  dispatcher.stop();
  reportOutcome(open, DOWN);
  await dispatcher.idle();
  await fake.close();
});

const offer = (...spans: SpanToSend[]) => queue.offer(encodeSpans(spans), { destination: 'main', items: spans.length });
const left = () => queue.stats().items;
const announced = () =>
  fake.media.requests.filter(({ step }) => step === 'announce').map(({ said }) => said.observationId);

test('where there is no room for an entry its media waits its turn, and others pass', async () => {
  await start({ limits: { heldBytesMax: 1_500 }, retryMaxAgeMs: 0 });
  const retryAt = jest.spyOn(queue, 'retryAt');
  await offer(image('s1', HANGING));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  await offer(image('s2', CAT), ...numberedSpans(2, { from: 3 }));
  await offer(...numberedSpans(1, { from: 5 }));
  await eventually(() => expect(given).toEqual(['s3', 's4', 's5']));
  expect([announced(), left()]).toEqual([['0000000000000002'], 2]);
  // However often, and whatever its age.
  await eventually(() => expect(retryAt.mock.calls.length).toBeGreaterThanOrEqual(3), 15_000);
  dispatcher.stop();
  await dispatcher.idle();
  expect([left(), counted, letters]).toEqual([2, [], []]);
});

test('an entry larger than all room has it to itself', async () => {
  await start({ limits: { heldBytesMax: 10 } });
  for (const number of [1, 2, 3]) await offer(image(`s${number}`, CAT));
  await eventually(() => expect(given.toSorted()).toEqual(['s1', 's2', 's3']), 15_000);
  expect([left(), counted]).toEqual([0, ['uploaded', 'known', 'known']]);
});

test('so many uploads at once; the rest in their order', async () => {
  await start({ limits: { uploadsMax: 1 } });
  await offer(image('s1', HANGING));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  await offer(image('s2', CAT));
  await offer(...numberedSpans(1, { from: 3 }));
  await eventually(() => expect(given).toEqual(['s3']));
  expect(announced()).toEqual(['0000000000000002']);
});

test('who waits for the same content takes no place from others', async () => {
  await start({ limits: { uploadsMax: 2 } });
  for (const number of [1, 2, 3, 4]) await offer(image(`s${number}`, HANGING));
  await offer(image('s5', CAT));
  await eventually(() => expect(given).toEqual(['s5']));
  expect(announced()).toEqual(['0000000000000002', '0000000000000006']);
});

test('the end breaks uploads off: their spans stay, whatever their age, and nothing is counted', async () => {
  await start({ retryMaxAgeMs: 0, limits: { uploadsMax: 2 } });
  outcome = DOWN;
  await offer(image('s1', CAT), ...[2, 3, 4].map((number) => image(`s${number}`, HANGING)));
  await eventually(() => expect(given.filter((name) => name === 's1')).toHaveLength(1));
  dispatcher.stop();
  await dispatcher.idle();
  expect([left(), letters, counted]).toEqual([4, [], ['uploaded']]);
});

test('what could not be uploaded in the longest time is a dead letter as it came, with the last answer', async () => {
  await start({ retryMaxAgeMs: 0, media: { respond: () => ({ status: 503 }) } });
  await offer(image('s1', CAT), ...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(letters).toHaveLength(1));
  const [{ letter, bytes }] = letters as [(typeof letters)[number]];
  expect(letter).toMatchObject({
    reason: 'expired',
    status: 503,
    attempts: 2,
    spans: [{ spanId: '0000000000000002' }],
  });
  expect(bytes.equals(encodeSpans([image('s1', CAT)]))).toBe(true);
  expect([given, counted]).toEqual([['s2'], ['failed', 'failed']]);
});

test('a failed upload is tried again after ever longer pauses, and pauses nothing else', async () => {
  let failures = 3;
  await start({ media: { respond: () => (failures-- > 0 ? { status: 503 } : undefined) } });
  await offer(image('s1', CAT));
  await eventually(() => expect(counted).toHaveLength(1));
  await offer(...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(given).toEqual(['s2']));
  await eventually(() => expect(given).toEqual(['s2', 's1']), 15_000);
  expect(counted).toEqual(['failed', 'failed', 'failed', 'uploaded']);
});

test('where Langfuse asks for patience with uploads, no other is begun meanwhile', async () => {
  let isFirst = true;
  const askedToWait = { status: 429, headers: { 'Retry-After': '2' } };
  await start({
    media: {
      respond: () => {
        if (!isFirst) return undefined;
        isFirst = false;
        return askedToWait;
      },
    },
  });
  await offer(image('s1', CAT));
  await eventually(() => expect(counted).toEqual(['failed']));
  await offer(image('s2', CAT), ...numberedSpans(1, { from: 3 }));
  await eventually(() => expect(given).toEqual(['s3']));
  expect(announced()).toHaveLength(1);
  await eventually(() => expect(given.toSorted()).toEqual(['s1', 's2', 's3']), 15_000);
  expect(counted.toSorted()).toEqual(['failed', 'known', 'uploaded']);
});

test('a destination that has failed meanwhile is not posted to because an upload is done', async () => {
  await start({ media: { respond: ({ step }) => (step === 'put' ? { delayMs: 100 } : undefined) } });
  outcome = undefined;
  await offer(image('s1', CAT));
  await offer(...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(given).toEqual(['s2']));
  reportOutcome(open.splice(0), { kind: 'retry', reason: 'http_503', afterMs: 1_000 });
  await eventually(() => expect(counted).toEqual(['uploaded']));
  outcome = DELIVERED;
  await eventually(() => expect(left()).toBe(0), 15_000);
  // The one that had failed, or the one that was not sent: neither before the time that was asked for.
  expect(given.toSorted()).toEqual(['s1', 's2', 's2']);
  expect(counted).toEqual(['uploaded', 'known']);
});

test('an entry that only waits for its upload is no probe: others find out whether the destination is well', async () => {
  await start({ retryMaxAgeMs: 0 });
  outcome = DOWN;
  await offer(...numberedSpans(1));
  await eventually(() => expect(letters).toHaveLength(1));
  // It is paused, and nothing else waits: this one is tried first.
  await offer(image('s2', HANGING));
  outcome = DELIVERED;
  await offer(...numberedSpans(1, { from: 3 }));
  await eventually(() => expect(given).toEqual(['s1', 's1', 's3']), 15_000);
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  expect(left()).toBe(1);
});

test('an upload that is done while the destination is on probation is the probe', async () => {
  await start({
    retryMaxAgeMs: 0,
    media: { respond: ({ step }) => (step === 'put' ? { delayMs: 1_000 } : undefined) },
  });
  outcome = undefined;
  await offer(...numberedSpans(1));
  await offer(image('s2', CAT), image('s3', CAT));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  reportOutcome(open.splice(0), DOWN);
  await eventually(() => expect(given).toEqual(['s1', 's1']));
  reportOutcome(open.splice(0), DOWN);
  await eventually(() => expect(letters).toHaveLength(1));
  await eventually(() => expect(given.toSorted()).toEqual(['s1', 's1', 's2', 's3']), 15_000);
  reportOutcome(open.splice(0), DELIVERED);
  expect(left()).toBe(0);
});
