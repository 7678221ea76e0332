import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { observe } from '../../src/langfuse/observation/observation';
import { type Files, realFiles } from '../../src/queue/files';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import { type QueuePort, QueueRefusal } from '../../src/queue/port';
import { createReplay, type ReplayOptions } from '../../src/replay';
import { receivedSpans } from '../support/admission';
import { startJudging, switches } from '../support/judging';
import { meaningfulRequests } from '../support/meaningful-requests';
import { encodeSpans as encode, IDS } from '../support/otlp-messages';
import { runs } from '../support/random';
import { renderProtobuf } from '../support/request-protobuf';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { encodeSpans, numberedSpans } from '../support/trace-request';
import { letterOf, NOW_MS, put, storeAt } from './letters';

let directory: string;
beforeEach(() => {
  directory = makeTemporary();
});
afterEach(() => removeTemporary(directory));

const LATER_MS = NOW_MS + 3_600_000;
const repairs = (on: boolean) =>
  Object.fromEntries(REPAIRS.map((name) => [name, on])) as Readonly<Record<RepairName, boolean>>;

type Given = Partial<Omit<ReplayOptions, 'store' | 'underWay' | 'onReplayed' | 'onRepaired'>> & {
  bytesMax?: number;
  files?: Files;
};

/** An open store, and a replay from it into a queue of `bytesMax`, an hour after the letters were written. */
async function start({ bytesMax = 1_000_000, files = realFiles, ...given }: Given = {}) {
  const store = storeAt(directory, { files });
  await store.open();
  const queue = createMemoryQueue({ bytesMax, now: () => LATER_MS });
  const counted: number[] = [];
  const repaired: [RepairName, number][] = [];
  const underWay = new Set<string>();
  const options = { store, queue, isKnown: () => true, repairs: repairs(true), underWay, ...given };
  const replay = createReplay({
    ...options,
    onReplayed: (spans) => counted.push(spans),
    onRepaired: (repair, spans) => repaired.push([repair, spans]),
  });
  return { store, queue, counted, repaired, replay };
}

const observationsIn = (bytes: Buffer) => receivedSpans(bytes).map(observe);

test('into the queue of its destination, as new, counted and gone', async () => {
  const { store, queue, counted, replay } = await start();
  const id = await put(store, numberedSpans(3), { destination: 'eu' });
  const other = await put(store);
  expect(await replay(id)).toEqual({ id, spans: 3 });
  expect(counted).toEqual([3]);
  expect(await store.ids()).toEqual([other]);
  expect(await queue.take('main')).toBeUndefined();
  const entry = await queue.take('eu');
  expect(entry?.bytes).toEqual(encodeSpans(numberedSpans(3)));
  expect(entry).toMatchObject({ destination: 'eu', items: 3, attempts: 0, offeredAtMs: LATER_MS });
});

test('counted in the turn in which the queue has kept it, removed after', async () => {
  let onOffer = (_keep: () => void) => {};
  const offered = new Promise<() => void>((resolve) => {
    onOffer = resolve;
  });
  const { store, counted, replay } = await start({ queue: { offer: () => new Promise((keep) => onOffer(keep)) } });
  const id = await put(store);
  const replayed = replay(id);
  const keep = await offered;
  expect(counted).toEqual([]);
  keep();
  // Microtasks only: no other turn has begun.
  for (let hop = 0; hop < 5; hop++) await undefined;
  const countedAtOnce = [...counted];
  expect([countedAtOnce, await store.ids()]).toEqual([[2], [id]]);
  await replayed;
  expect(await store.ids()).toEqual([]);
});

test('letters that fill the bound of the queue can be replayed all the same', async () => {
  const { store, counted, replay } = await start({ bytesMax: 10 });
  const id = await put(store, numberedSpans(2));
  expect(await replay(id)).toEqual({ id, spans: 2 });
  expect([counted, await store.ids()]).toEqual([[2], []]);
});

describe('a letter that cannot go stays, and nothing is counted', () => {
  const refusing = (reason: QueueRefusal['reason']): Pick<QueuePort, 'offer'> => ({
    offer: () => Promise.reject(new QueueRefusal(reason, 'no')),
  });

  test.each<[string, Parameters<typeof start>[0], string]>([
    ['no such destination', { isKnown: (name) => name !== 'main' }, 'destination main is not configured'],
    ['a full disk', { queue: refusing('full') }, 'the disk of the queue is full'],
    ['a sick disk', { queue: refusing('sick') }, 'its disk fails'],
    ['a fault', { queue: { offer: () => Promise.reject(Object.assign(new Error('x'), { code: 'EIO' })) } }, '(EIO)'],
  ])('%s', async (_, options, problem) => {
    const { store, counted, replay } = await start(options);
    const id = await put(store, numberedSpans(2, { attributes: { text: 'x'.repeat(300) } }));
    const files = readdirSync(directory);
    expect(await replay(id)).toEqual({ id, problem: expect.stringContaining(problem) });
    expect(await replay(id)).toEqual({ id, problem: expect.stringContaining('the letter stays') });
    expect([counted, readdirSync(directory)]).toEqual([[], files]);
  });

  const good = { ...IDS, name: 'good' };
  test.each<[string, Buffer, string]>([
    ['no OTLP request', Buffer.from('hello'), 'is no OTLP request'],
    ['no spans', Buffer.alloc(0), 'holds no spans'],
    ['no span is acceptable', encode({ name: 'n' }), '1 of 1 span(s) cannot be accepted'],
    [
      'one span is not',
      encode(good, { ...good, traceId: Buffer.alloc(16) }, good),
      '1 of 3 span(s) cannot be accepted, since resourceSpans[0].scopeSpans[0].spans[1].traceId is missing, all zero, or not of 16 bytes',
    ],
  ])('%s', async (_, bytes, problem) => {
    const { store, queue, counted, replay } = await start();
    const id = await store.write(letterOf().letter, [bytes]);
    expect(await replay(id)).toEqual({ id, problem: expect.stringContaining(problem) });
    expect([counted, queue.stats().items, await store.ids()]).toEqual([[], 0, [id]]);
  });

  test('damaged', async () => {
    const { store, counted, replay } = await start();
    const id = await put(store);
    writeFileSync(join(directory, `${id}.json`), '{');
    expect(await replay(id)).toEqual({ id, problem: `it is damaged: ${id}.json is no JSON; the letter stays` });
    expect([counted, await store.ids()]).toEqual([[], [id]]);
  });
});

test.each(['20261120T105533123Z-00000009', '../x', ''])('unknown: %j', async (id) => {
  const { replay, counted } = await start();
  expect(await replay(id)).toEqual({ id, problem: 'there is no such dead letter', isUnknown: true });
  expect(counted).toEqual([]);
});

test('twice at once: queued once', async () => {
  const { store, queue, counted, replay } = await start();
  const id = await put(store);
  expect(await Promise.all([replay(id), replay(id)])).toEqual([
    { id, spans: 2 },
    { id, problem: 'it is being replayed already' },
  ]);
  expect([counted, queue.stats().items]).toEqual([[2], 2]);
  expect(await replay(id)).toMatchObject({ isUnknown: true });
});

test('queued, but not removed: counted, and whoever asked is told', async () => {
  const remove = () => Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
  const { store, counted, queue, replay } = await start({ files: { ...realFiles, remove } });
  const id = await put(store);
  expect(await replay(id)).toEqual({
    id,
    problem: 'its spans are queued, but its files could not be removed (EIO): drop it',
  });
  expect([counted, queue.stats().items]).toEqual([[2], 2]);
});

describe('judged again', () => {
  const withBytes = encode({
    ...{ ...IDS, name: 'n' },
    attributes: [{ key: 'picture', value: { bytesValue: Buffer.from('hello') } }],
  });

  test.each([
    ['by the repairs that are on', true, 'aGVsbG8='],
    ['as it is, where they are off', false, '\u0005hello'],
  ])('%s', async (_, on, text) => {
    const { store, queue, replay } = await start({ repairs: repairs(on) });
    const id = await store.write(letterOf().letter, [withBytes]);
    expect(await replay(id)).toEqual({ id, spans: 1 });
    expect((await queue.take('main'))?.bytes.toString()).toContain(text);
  });
});

describe('mended as at the door', () => {
  const unreadable = encode({
    ...{ ...IDS, name: 'n', kind: 1, parentSpanId: Buffer.from('abcde') },
    ...{ startTimeUnixNano: '1767225600000000000', endTimeUnixNano: '1767225601000000000' },
    links: [{ traceId: Buffer.from('abc') }],
  });

  test('ids that cannot be read become metadata, and what was done is counted', async () => {
    const { store, queue, repaired, replay } = await start({ repairs: switches() });
    const id = await store.write(letterOf().letter, [unreadable]);
    expect(await replay(id)).toEqual({ id, spans: 1 });
    const [observation] = observationsIn((await queue.take('main'))!.bytes);
    expect(observation).toMatchObject({
      parentSpanId: null,
      metadata: { 'otel.originalParentSpanId': 'abcde', 'otel.originalLinks': '[{"traceId":"abc"}]' },
    });
    expect(Object.fromEntries(repaired)).toEqual({ parent_unreadable: 1, link_dropped: 1 });
  });

  test('how many spans each repair touched; nothing where the queue does not keep them', async () => {
    const spans = encode({ ...IDS, name: 'a', kind: 2 }, { ...IDS, name: 'b', kind: 3 });
    const refusing = { offer: () => Promise.reject(new QueueRefusal('full', 'no')) };
    const refused = await start({ queue: refusing });
    const id = await refused.store.write(letterOf().letter, [spans]);
    await refused.replay(id);
    expect(refused.repaired).toEqual([]);
    const { repaired, replay } = await start();
    await replay(id);
    expect(Object.fromEntries(repaired)).toEqual({ kind_to_metadata: 2, start_absent: 2 });
  });

  test('a span without times gets the time at which it came', async () => {
    const { store, queue, replay } = await start();
    const { letter } = letterOf();
    await replay(await store.write(letter, [encode({ ...IDS, name: 'n' })]));
    const [observation] = observationsIn((await queue.take('main'))!.bytes);
    expect([observation?.startTime, observation?.endTime]).toEqual([letter.firstAt, letter.firstAt]);
  });

  test('a letter knows nothing of another: no session comes from it', async () => {
    const { store, queue, replay } = await start();
    await replay(await put(store, numberedSpans(1, { attributes: { 'session.id': 's' } })));
    await queue.take('main');
    await replay(await put(store, numberedSpans(1, { from: 2 })));
    expect(observationsIn((await queue.take('main'))!.bytes)).toMatchObject([{ sessionId: null }]);
  });

  test('spans that went through the door leave byte for byte, whatever is switched off by now', async () => {
    const switchedOff = fc.oneof(fc.constant([]), fc.constant([...REPAIRS]), fc.subarray([...REPAIRS]));
    await fc.assert(
      fc.asyncProperty(meaningfulRequests(), fc.integer({ min: 1 }), switchedOff, async (request, seed, off) => {
        const judged = await startJudging().judge(renderProtobuf(request, seed));
        const { store, queue, repaired, replay } = await start({ repairs: switches({ off }) });
        const id = await store.write(letterOf().letter, [judged.bytes]);
        expect(await replay(id)).toEqual({ id, spans: judged.accepted });
        expect((await queue.take('main'))?.bytes.equals(judged.bytes)).toBe(true);
        expect(repaired).toEqual([]);
      }),
      runs(50),
    );
  });
});
