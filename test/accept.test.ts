import pino from 'pino';
import { createFullness } from '../src/accept';
import { createMemoryQueue, ENTRY_OVERHEAD_BYTES } from '../src/queue/memory-queue';

const LABEL = { destination: 'main', items: 1 };

/** A queue of 10,000 bytes behind its recorder, at a time that the test sets. */
function start() {
  const state = { nowMs: 0 };
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const now = () => state.nowMs;
  const queue = createMemoryQueue({ bytesMax: 10_000, now });
  const fullness = createFullness({ queue, bytesMax: 10_000, now, log });
  /** Offers what takes so many bytes of the queue. */
  const offer = (bytes: number) => fullness.offer(Buffer.alloc(bytes - ENTRY_OVERHEAD_BYTES), LABEL);
  const said = () => lines.map((line) => JSON.parse(line)).map(({ level, msg }) => [level, msg]);
  const drop = async () => queue.settle((await queue.take('main'))!, [0]);
  return { state, fullness, offer, said, drop };
}

const BEGIN = [40, 'the queue is full: new spans are refused'];
const END = [30, 'the queue has room again: new spans are taken'];

test('full for a second after a refusal, and named for ten', async () => {
  const { state, fullness, offer } = start();
  await offer(6_000);
  expect([fullness.isFull(), fullness.wasFull()]).toEqual([false, false]);
  await expect(offer(6_000)).rejects.toMatchObject({ reason: 'full' });
  expect([fullness.isFull(), fullness.wasFull()]).toEqual([true, true]);
  state.nowMs = 1_000;
  expect([fullness.isFull(), fullness.wasFull()]).toEqual([false, true]);
  state.nowMs = 10_000;
  expect(fullness.wasFull()).toBe(false);
});

test('no longer full as soon as something was delivered', async () => {
  const { fullness, offer, drop } = start();
  await offer(6_000);
  await expect(offer(6_000)).rejects.toThrow();
  await drop();
  expect([fullness.isFull(), fullness.wasFull()]).toEqual([false, true]);
});

test('full to the last byte, whether or not anybody was refused', async () => {
  const { state, fullness, offer, said } = start();
  await offer(10_000);
  state.nowMs = 60_000;
  expect([fullness.isFull(), fullness.wasFull()]).toEqual([true, true]);
  expect(said()).toEqual([BEGIN]);
});

test('what can never fit says nothing about room', async () => {
  const { fullness, offer, said } = start();
  await expect(offer(10_001)).rejects.toMatchObject({ reason: 'too_large' });
  expect([fullness.isFull(), fullness.wasFull(), said()]).toEqual([false, false, []]);
});

test('one line when refusals begin, one when they are over', async () => {
  const { state, fullness, offer, said, drop } = start();
  await offer(6_000);
  for (let time = 0; time < 3; time++) await expect(offer(6_000)).rejects.toThrow();
  expect(fullness.isFull()).toBe(true);
  await offer(1_000);
  expect(said()).toEqual([BEGIN]);
  state.nowMs = 10_000;
  await drop();
  await offer(1_000);
  await offer(1_000);
  expect(said()).toEqual([BEGIN, END]);
});
