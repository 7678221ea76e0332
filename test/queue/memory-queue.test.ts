import { createMemoryQueue, ENTRY_OVERHEAD_BYTES } from '../../src/queue/memory-queue';
import { type Entry, QueueRefusal } from '../../src/queue/port';
import { queueContract } from './contract';

queueContract('memory', createMemoryQueue);

const LABEL = { destination: 'main', items: 1 };

describe('the memory queue by itself', () => {
  test('counts the bytes it was offered and what an entry takes beside them, up to the last one', async () => {
    const bytesMax = 10 + 2 * ENTRY_OVERHEAD_BYTES;
    const queue = createMemoryQueue({ bytesMax, now: () => 0 });
    await queue.offer(Buffer.alloc(4), LABEL);
    await queue.offer(Buffer.alloc(6), LABEL);
    expect(queue.stats()).toEqual({ items: 2, bytes: bytesMax, oldestOfferedAtMs: 0 });
    await expect(queue.offer(Buffer.alloc(1), LABEL)).rejects.toEqual(
      new QueueRefusal('full', `the queue of ${bytesMax} bytes is full`),
    );
    await expect(queue.offer(Buffer.alloc(bytesMax), LABEL)).rejects.toEqual(
      new QueueRefusal('too_large', `${bytesMax + ENTRY_OVERHEAD_BYTES} bytes can never fit a queue of ${bytesMax}`),
    );
  });

  test('keeps no bytes that were settled', async () => {
    const queue = createMemoryQueue({ bytesMax: 10 + ENTRY_OVERHEAD_BYTES, now: () => 0 });
    for (let time = 0; time < 100; time++) {
      await queue.offer(Buffer.alloc(10), LABEL);
      queue.settle((await queue.take('main')) as Entry, [0]);
    }
    expect(queue.stats().bytes).toBe(0);
  });

  test('has the next time at hand when 150,000 entries wait for theirs', async () => {
    const queue = createMemoryQueue({ bytesMax: 1_000_000_000, now: () => 0 });
    for (let time = 0; time < 150_000; time++) await queue.offer(Buffer.alloc(1), LABEL);
    const taken: Entry[] = [];
    for (let time = 0; time < 150_000; time++) taken.push((await queue.take('main')) as Entry);
    for (const [at, entry] of taken.entries()) queue.retryAt(entry, 1000 + at);
    expect(queue.nextDueAtMs('main')).toBe(1000);
  });
});
