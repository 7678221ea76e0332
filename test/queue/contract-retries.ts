import type { Suite } from './contract';

export function settlingContract({ clock, queue, offer, take }: Suite): void {
  test('an entry is gone when all of its items are settled', async () => {
    await offer('a', { items: 3 });
    const entry = await take();
    queue().settle(entry, [2]);
    queue().settle(entry, [0, 1]);
    expect(queue().stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    clock.ms += 1e9;
    expect(await queue().take('main')).toBeUndefined();
  });

  test('what was settled stays so when the entry is taken again', async () => {
    await offer('a', { items: 3 });
    const entry = await take();
    queue().settle(entry, [1]);
    expect(queue().stats().items).toBe(2);
    queue().retryAt(entry, clock.ms);
    const again = await take();
    expect([0, 1, 2].map((position) => again.isSettled(position))).toEqual([false, true, false]);
    queue().settle(again, [0, 2]);
    expect(queue().stats().items).toBe(0);
  });

  test('settling nothing changes nothing', async () => {
    await offer('a', { items: 2 });
    const entry = await take();
    queue().settle(entry, []);
    expect(queue().stats().items).toBe(2);
  });
}

export function retriesContract({ clock, queue, offer, take, texts }: Suite): void {
  test('an entry that was put back is not taken before it is due', async () => {
    await offer('a');
    queue().retryAt(await take(), clock.ms + 1000);
    expect([await queue().take('main'), queue().nextDueAtMs('main')]).toEqual([undefined, clock.ms + 1000]);
    clock.ms += 999;
    expect(await queue().take('main')).toBeUndefined();
    clock.ms += 1;
    expect((await take()).bytes.toString()).toBe('a');
  });

  test('attempts are how often it was taken before', async () => {
    await offer('a');
    const { id, offeredAtMs } = await take().then((entry) => {
      queue().retryAt(entry, clock.ms);
      return entry;
    });
    clock.ms += 10;
    const second = await take();
    expect(second).toMatchObject({ id, offeredAtMs, attempts: 1 });
    queue().retryAt(second, clock.ms);
    expect(await take()).toMatchObject({ id, offeredAtMs, attempts: 2 });
  });

  test('of those that are due the oldest comes first, however they were put back', async () => {
    for (const text of ['a', 'b', 'c']) await offer(text);
    const [a, b] = [await take(), await take()];
    queue().retryAt(b, clock.ms + 10);
    queue().retryAt(a, clock.ms + 20);
    clock.ms += 20;
    expect(await texts()).toEqual(['a', 'b', 'c']);
  });

  test('those that were taken before can be passed over, and stay where they are', async () => {
    for (const text of ['a', 'b', 'c']) await offer(text);
    const [a, b] = [await take(), await take()];
    for (const entry of [a, b]) queue().retryAt(entry, clock.ms);
    const notA = await queue().take('main', (id) => id === a.id);
    expect(notA?.id).toBe(b.id);
    const neither = await queue().take('main', (id) => id === a.id);
    expect(neither?.bytes.toString()).toBe('c');
    expect(await queue().take('main', (id) => id === a.id)).toBeUndefined();
    expect(queue().nextDueAtMs('main')).toBeLessThanOrEqual(clock.ms);
    expect((await take()).id).toBe(a.id);
  });

  test('one that is not due holds up nobody', async () => {
    await offer('a');
    await offer('b');
    queue().retryAt(await take(), clock.ms + 1000);
    expect(await texts()).toEqual(['b']);
  });

  test('the next time is that of the first to fall due, of that destination', async () => {
    for (const text of ['a', 'b', 'c']) await offer(text);
    await offer('x', { destination: 'other' });
    const taken = [await take(), await take(), await take()];
    expect(queue().nextDueAtMs('main')).toBeUndefined();
    expect(queue().nextDueAtMs('other')).toBeLessThanOrEqual(clock.ms);
    for (const [at, entry] of taken.entries()) queue().retryAt(entry, clock.ms + [700, 300, 500][at]!);
    expect(queue().nextDueAtMs('main')).toBe(clock.ms + 300);
    await offer('d');
    expect(queue().nextDueAtMs('main')).toBeLessThanOrEqual(clock.ms);
  });
}
