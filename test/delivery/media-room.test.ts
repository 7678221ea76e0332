import { randomBytes } from 'node:crypto';
import pino from 'pino';
import type { NewDeadLetter } from '../../src/dead-letters/letter';
import { type DeliverySpan, reportOutcome } from '../../src/delivery/attempt';
import { createDispatcher, type Dispatcher } from '../../src/delivery/dispatcher';
import { createMediaClient } from '../../src/delivery/media-client';
import { createMediaRoom, type MediaRoom, ROOM_LIMITS, type RoomLimits } from '../../src/delivery/media-room';
import { DELIVERED, type Outcome } from '../../src/delivery/outcome';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import type { QueuePort } from '../../src/queue/port';
import { uriOf } from '../support/data-uris';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions, MediaRequest } from '../support/fake-media';
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
let room: MediaRoom;
let queue: QueuePort;
let isHanging: boolean;
/** What becomes of the spans that the processor is given, as long as it is said. */
let outcome: Outcome | ((span: DeliverySpan) => Outcome) | undefined;
/** Spans the processor was given, by name, in order; and those of them that have no outcome yet. */
let given: string[];
let open: DeliverySpan[];
let counted: string[];
let letters: { letter: NewDeadLetter; bytes: Buffer }[];

interface Options {
  media?: FakeMediaOptions;
  limits?: Partial<RoomLimits>;
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
    ...{ destination, proxy: {}, userAgent: 'test/1', now, connections: 64, limits: timeouts },
  });
  room = createMediaRoom({
    ...{ destination: 'main', client, log, now, random: () => 0.25, onMedia: (one) => counted.push(one) },
    limits: { ...ROOM_LIMITS, ...limits },
  });
  dispatcher = createDispatcher({
    ...{ destination: 'main', queue, prepare: () => {}, onDelivered: () => {}, now, log, random: () => 0.25 },
    media: room,
    processor: {
      onEnd: (span) => {
        const mine = span as DeliverySpan;
        mine.arrived = true;
        given.push(mine.name);
        if (outcome === undefined) open.push(mine);
        else reportOutcome([mine], typeof outcome === 'function' ? outcome(mine) : outcome);
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

/** Of the announcements, by the number of the span. */
const spansAnnounced = () => announced().map((id) => Number.parseInt(String(id), 16) - 1);

test('the first entry that does not fit waits for its turn; others are sent away, and what shows no media passes', async () => {
  await start({ limits: { heldBytesMax: 1_500 }, retryMaxAgeMs: 0 });
  const retryAt = jest.spyOn(queue, 'retryAt');
  await offer(image('s1', HANGING));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  for (const number of [2, 3]) await offer(image(`s${number}`, CAT), ...numberedSpans(1, { from: number * 10 }));
  await offer(...numberedSpans(1, { from: 5 }));
  await eventually(() => expect(given).toEqual(['s20', 's30', 's5']));
  // However often, and whatever its age.
  await eventually(() => expect(retryAt.mock.calls.length).toBeGreaterThanOrEqual(3), 15_000);
  expect([new Set(retryAt.mock.calls.map(([{ id }]) => id)).size, spansAnnounced()]).toEqual([1, [1]]);
  dispatcher.stop();
  await dispatcher.idle();
  expect([left(), counted, letters]).toEqual([3, [], []]);
});

test('who waits for room is not overtaken by what is smaller', async () => {
  await start({
    limits: { heldBytesMax: 4_000 },
    media: { respond: ({ step }) => (step === 'put' ? { delayMs: 100 } : undefined) },
  });
  const large = randomBytes(2_500);
  await offer(image('s1', CAT));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  await offer(image('s2', large));
  for (let number = 3; number < 30; number++) await offer(image(`s${number}`, randomBytes(300)));
  await eventually(() => expect(given).toHaveLength(29), 15_000);
  expect(given.slice(0, 2)).toEqual(['s1', 's2']);
});

test('what finds no room is read again at a bounded rate, however much there is of it', async () => {
  await start({ limits: { heldBytesMax: 1_500, againBytesPerSecond: 1_000 } });
  const comesBack = new Map<string, number>();
  const tries = new Map<string, number>();
  const retryAt = queue.retryAt.bind(queue);
  let firstMs = 0;
  queue.retryAt = (entry, dueAtMs) => {
    firstMs ||= Date.now();
    if (!comesBack.has(entry.id)) comesBack.set(entry.id, dueAtMs);
    tries.set(entry.id, (tries.get(entry.id) ?? 0) + 1);
    retryAt(entry, dueAtMs);
  };
  await offer(image('s1', HANGING));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  for (let number = 2; number <= 61; number++) await offer(image(`s${number}`, CAT));
  await eventually(() => expect(comesBack.size).toBe(59));
  const { length } = encodeSpans([image('s2', CAT)]);
  const dueMs = [...comesBack.values()];
  // Each has its own time, behind those before: a byte takes a millisecond.
  expect(dueMs.toSorted((one, other) => one - other)).toEqual(dueMs);
  expect(dueMs.at(-1)! - firstMs).toBeGreaterThanOrEqual(58 * length);
  expect(Math.max(...tries.values())).toBeLessThanOrEqual(2);
});

test('what has found no room comes back until all of it is there', async () => {
  await start({ limits: { heldBytesMax: 1_500 } });
  for (let number = 1; number <= 20; number++) await offer(image(`s${number}`, randomBytes(500)));
  await eventually(() => expect(new Set(given).size).toBe(20), 15_000);
  expect([left(), given.length]).toEqual([0, 20]);
});

test('an entry larger than all room has it to itself', async () => {
  await start({ limits: { heldBytesMax: 10 } });
  for (const number of [1, 2, 3]) await offer(image(`s${number}`, CAT));
  await eventually(() => expect(given.toSorted()).toEqual(['s1', 's2', 's3']), 15_000);
  expect([left(), counted]).toEqual([0, ['uploaded', 'known', 'known']]);
});

test('so many uploads at once; the rest in their order', async () => {
  await start({ limits: { max: 1, slowMax: 0 } });
  await offer(image('s1', HANGING));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  await offer(image('s2', CAT));
  await offer(...numberedSpans(1, { from: 3 }));
  await eventually(() => expect(given).toEqual(['s3']));
  expect(spansAnnounced()).toEqual([1]);
});

/** All of them hang, each has its own content. */
const stalling = (bytes: number) => ({
  respond: ({ headers, step }: MediaRequest) =>
    step === 'put' && headers['content-length'] === String(bytes) ? { stall: true } : undefined,
});

test.each([9, 24])('%i uploads that hang do not delay the image of another one', async (count) => {
  await start({ media: stalling(600), limits: { slowAfterMs: 50 } });
  for (let number = 1; number <= count; number++) await offer(image(`s${number}`, randomBytes(600)));
  await eventually(() => expect(fake.media.count('put')).toBeGreaterThanOrEqual(8));
  await offer(image('s99', CAT));
  await eventually(() => expect(given).toEqual(['s99']));
  // None of them was given up for it.
  expect([left(), counted]).toEqual([count, ['uploaded']]);
});

test('uploads that hang are bounded too', async () => {
  await start({ media: stalling(600), limits: { max: 2, slowMax: 3, slowAfterMs: 20 } });
  for (let number = 1; number <= 9; number++) await offer(image(`s${number}`, randomBytes(600)));
  await eventually(() => expect(fake.media.count('put')).toBe(5));
  await offer(...numberedSpans(1, { from: 50 }));
  await eventually(() => expect(given).toEqual(['s50']));
  expect(fake.media.count('announce')).toBe(5);
});

test('an entry of very many media does not starve the single image of another', async () => {
  await start();
  const many = (span: number) =>
    Array.from({ length: 20 }, (_, at) => uriOf(Buffer.from(`medium ${at} of ${span}`))).join(' ');
  const spans = Array.from({ length: 200 }, (_, at) => ({
    name: `s${at + 1}`,
    attributes: { 'langfuse.observation.input': many(at + 1) },
  }));
  await offer(...spans);
  await offer(image('s999', CAT));
  await eventually(() => expect(given).toContain('s999'), 15_000);
  // Eight of the entry are under way when it comes, and each of those lets others go first.
  expect(spansAnnounced().indexOf(999)).toBeLessThan(40);
  expect(given.indexOf('s999')).toBeLessThan(8);
});

test('who waits for the same content takes no place from others', async () => {
  await start({ limits: { max: 2, slowMax: 0 } });
  for (const number of [1, 2, 3, 4]) await offer(image(`s${number}`, HANGING));
  await offer(image('s5', CAT));
  await eventually(() => expect(given).toEqual(['s5']));
  expect(announced()).toEqual(['0000000000000002', '0000000000000006']);
});

test('the end breaks uploads off: their spans stay, whatever their age, and nothing is counted', async () => {
  await start({ retryMaxAgeMs: 0, limits: { max: 2, slowMax: 0 } });
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

test('a media API that is down is asked by one, not by all that wait', async () => {
  let isDown = true;
  await start({ media: { respond: () => (isDown ? { status: 503 } : undefined) } });
  for (let number = 1; number <= 50; number++) await offer(image(`s${number}`, randomBytes(300)));
  await eventually(() => expect(room.trouble()).toMatchObject({ reason: 'media_http_503' }));
  await eventually(() => expect(counted.length).toBeGreaterThanOrEqual(11), 15_000);
  // At once as many as there are places for; then one at a time.
  expect([announced().length, counted.length]).toEqual([11, 11]);
  isDown = false;
  await eventually(() => expect(new Set(given).size).toBe(50), 19_000);
  expect([left(), given.length, room.trouble()]).toEqual([0, 50, undefined]);
});

test('while the media API is down what waits for it grows old like what was asked for', async () => {
  await start({ retryMaxAgeMs: 0, media: { respond: () => ({ status: 401 }) } });
  for (let number = 1; number <= 30; number++) await offer(image(`s${number}`, CAT));
  await eventually(() => expect(letters).toHaveLength(30), 15_000);
  expect(letters.map(({ letter: { reason, status } }) => [reason, status])).toEqual(Array(30).fill(['expired', 401]));
  expect(announced().length).toBeLessThan(30);
});

test('of a span whose last medium fails the others are not announced again', async () => {
  let failures = 2;
  const isBad = ({ said }: MediaRequest) => said.contentType === 'image/gif' && failures-- > 0;
  await start({ media: { respond: (request) => (isBad(request) ? { status: 503 } : undefined) } });
  const many = Array.from({ length: 20 }, (_, at) => uriOf(Buffer.from(`medium ${at}`)));
  const text = [...many, uriOf(CAT, 'image/gif')].join(' ');
  await offer({ name: 's1', attributes: { 'langfuse.observation.input': text } });
  await eventually(() => expect(given).toEqual(['s1']), 15_000);
  expect([announced().length, counted.length]).toEqual([23, 23]);
});

test('a span without media is tried again although the upload of another one of its entry hangs', async () => {
  await start({ limits: { heldBytesMax: 3_000 } });
  let failures = 3;
  outcome = ({ name }) => (name === 's2' && failures-- > 0 ? DOWN : DELIVERED);
  await offer(image('s1', HANGING), ...numberedSpans(1, { from: 2 }));
  // Others pass meanwhile.
  await offer(...numberedSpans(1, { from: 3 }));
  await eventually(() => expect(left()).toBe(1), 15_000);
  expect(given.toSorted()).toEqual(['s2', 's2', 's2', 's2', 's3']);
  // The upload has gone on all the time: it was begun once, and takes room once.
  expect(spansAnnounced()).toEqual([1]);
  await offer(image('s4', CAT));
  await eventually(() => expect(given.at(-1)).toBe('s4'));
  expect(left()).toBe(1);
});

test('the next attempt joins an upload that was under way', async () => {
  await start({ media: { respond: ({ step }) => (step === 'put' ? { delayMs: 2_000 } : undefined) } });
  let failures = 1;
  outcome = ({ name }) => (name === 's2' && failures-- > 0 ? DOWN : DELIVERED);
  await offer(image('s1', CAT), ...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(given).toEqual(['s2', 's2', 's1']), 15_000);
  expect([left(), counted, announced().length]).toEqual([0, ['uploaded'], 1]);
});

test('what was uploaded when its attempt had ended is not asked for by the next one', async () => {
  await start({ media: { respond: ({ step }) => (step === 'put' ? { delayMs: 100 } : undefined) } });
  outcome = undefined;
  await offer(image('s1', CAT), ...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  reportOutcome(open.splice(0), { kind: 'retry', reason: 'http_503', afterMs: 1_000 });
  await eventually(() => expect(counted).toEqual(['uploaded']));
  outcome = DELIVERED;
  await eventually(() => expect(left()).toBe(0), 15_000);
  expect([given.toSorted(), counted, announced().length]).toEqual([['s1', 's2', 's2'], ['uploaded'], 1]);
});

test('a span that is refused is a dead letter at once, although the upload of another one of its entry hangs', async () => {
  await start();
  outcome = { kind: 'refused', reason: 'refused', status: 400 };
  await offer(image('s1', HANGING), ...numberedSpans(1, { from: 2 }));
  await eventually(() => expect(letters).toHaveLength(1));
  await eventually(() => expect([left(), fake.media.count('put'), counted]).toEqual([1, 1, []]));
  expect(letters[0]?.letter).toMatchObject({ reason: 'refused', spans: [{ spanId: '0000000000000003' }] });
});

test('what the store does not take stays in its span', async () => {
  await start({ media: { respond: ({ step }) => (step === 'put' ? { status: 413 } : undefined) } });
  await offer(image('s1', CAT));
  await eventually(() => expect(given).toEqual(['s1']));
  expect([left(), counted]).toEqual([0, ['refused']]);
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
