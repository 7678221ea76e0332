import pino from 'pino';
import { createFullness } from '../src/fullness';
import { createMemoryQueue, ENTRY_OVERHEAD_BYTES } from '../src/queue/memory-queue';
import { QueueRefusal } from '../src/queue/port';

const LABEL = { destination: 'main', items: 1 };
const FULL = 'the queue is full';
const SICK = 'the disk of the queue fails';

/** A queue of 10,000 bytes behind its recorder, at a time, beside dead letters and on a disk that the test sets. */
function start() {
  const state = { nowMs: 0, letterBytes: 0, isSick: false };
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const now = () => state.nowMs;
  const queue = createMemoryQueue({ bytesMax: 10_000, now });
  const usedBytes = () => queue.stats().bytes + state.letterBytes;
  const fullness = createFullness({ queue, usedBytes, bytesMax: 10_000, isSick: () => state.isSick, now, log });
  /** Offers what takes so many bytes of the queue. */
  const offer = (bytes: number) => fullness.offer(Buffer.alloc(bytes - ENTRY_OVERHEAD_BYTES), LABEL);
  const said = () => lines.map((line) => JSON.parse(line)).map(({ level, msg }) => [level, msg]);
  const drop = async () => queue.settle((await queue.take('main'))!, [0]);
  return { state, queue, fullness, offer, said, drop };
}

const BEGIN = [40, 'the queue is full: new spans are refused'];
const END = [30, 'the queue has room again: new spans are taken'];

test('full for a second after a refusal, and named for ten', async () => {
  const { state, fullness, offer } = start();
  await offer(6_000);
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([undefined, false]);
  await expect(offer(6_000)).rejects.toMatchObject({ reason: 'full' });
  state.nowMs = 999;
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([FULL, true]);
  state.nowMs = 1_000;
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([undefined, true]);
  state.nowMs = 10_000;
  expect(fullness.wasFull()).toBe(false);
});

test('no longer full as soon as something was delivered', async () => {
  const { fullness, offer, drop } = start();
  await offer(6_000);
  await expect(offer(6_000)).rejects.toThrow();
  await drop();
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([undefined, true]);
});

test('full to the last byte, whether or not anybody was refused', async () => {
  const { state, fullness, offer, said } = start();
  await offer(10_000);
  state.nowMs = 60_000;
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([FULL, true]);
  expect(said()).toEqual([BEGIN]);
});

test('full of dead letters, until one of them is dropped', async () => {
  const { state, fullness, offer, said } = start();
  state.letterBytes = 9_000;
  await offer(1_000);
  state.nowMs = 60_000;
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([FULL, true]);
  state.letterBytes = 8_000;
  expect([fullness.trouble(), fullness.wasFull()]).toEqual([undefined, false]);
  await offer(900);
  expect(said()).toEqual([BEGIN, END]);
});

test('after a refusal a dead letter that was dropped makes room as a delivery does', async () => {
  const { state, fullness, offer } = start();
  state.letterBytes = 1_000;
  await offer(6_000);
  await expect(offer(6_000)).rejects.toMatchObject({ reason: 'full' });
  expect(fullness.trouble()).toBe(FULL);
  state.letterBytes = 0;
  expect(fullness.trouble()).toBeUndefined();
});

test('a disk that fails is named before a lack of room, and is none', async () => {
  const { state, fullness, offer, said } = start();
  state.isSick = true;
  expect([fullness.trouble(), fullness.wasFull(), said()]).toEqual([SICK, false, []]);
  await offer(10_000);
  expect(fullness.trouble()).toBe(SICK);
  state.isSick = false;
  expect(fullness.trouble()).toBe(FULL);
});

test.each(['sick', 'too_large'] as const)('%s says nothing about room', async (reason) => {
  const { queue, fullness, offer, said } = start();
  queue.offer = () => Promise.reject(new QueueRefusal(reason, 'no'));
  await expect(offer(1_000)).rejects.toMatchObject({ reason });
  expect([fullness.trouble(), fullness.wasFull(), said()]).toEqual([undefined, false, []]);
});

test('one line when refusals begin, one when they are over', async () => {
  const { state, fullness, offer, said, drop } = start();
  await offer(6_000);
  for (let time = 0; time < 3; time++) await expect(offer(6_000)).rejects.toThrow();
  expect(fullness.trouble()).toBe(FULL);
  await offer(1_000);
  expect(said()).toEqual([BEGIN]);
  state.nowMs = 10_000;
  await drop();
  await offer(1_000);
  await offer(1_000);
  expect(said()).toEqual([BEGIN, END]);
});
