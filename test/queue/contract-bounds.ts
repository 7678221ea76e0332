import { QueueRefusal } from '../../src/queue/port';
import type { Suite } from './contract';

export function boundsContract({ queue, offer, take }: Suite): void {
  const kilobyte = 'x'.repeat(1000);
  const refusalOf = (offered: Promise<void>) =>
    offered.then(
      () => 'kept',
      (error: unknown) => error,
    );

  /** Offers until something is not kept. */
  async function fill(): Promise<{ kept: number; refusal: unknown }> {
    for (let kept = 0; kept <= 100; kept++) {
      const outcome = await refusalOf(offer(kilobyte));
      if (outcome !== 'kept') return { kept, refusal: outcome };
    }
    throw new Error('more was kept than fits');
  }

  test('refuses what does not fit, and keeps the rest', async () => {
    const { kept, refusal } = await fill();
    expect(refusal).toBeInstanceOf(QueueRefusal);
    expect(refusal).toMatchObject({ reason: 'full' });
    expect(kept).toBeGreaterThan(50);
    expect(queue().stats()).toMatchObject({ items: kept });
    expect(queue().stats().bytes).toBeLessThanOrEqual(100_000);
  });

  test('has room again when entries are settled, not when they are only taken', async () => {
    const { kept } = await fill();
    const taken = [];
    for (let time = 0; time < kept; time++) taken.push(await take());
    expect(await refusalOf(offer(kilobyte))).toMatchObject({ reason: 'full' });
    for (const entry of taken) queue().settle(entry, [0]);
    expect(await refusalOf(offer(kilobyte))).toBe('kept');
  });

  test('says of what can never fit that it cannot', async () => {
    expect(await refusalOf(offer('x'.repeat(100_001)))).toMatchObject({ reason: 'too_large' });
    expect(queue().stats()).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
  });

  test('keeps beyond its bound what counts against it already', async () => {
    const { kept } = await fill();
    const label = { destination: 'main', items: 1 };
    await queue().offer(Buffer.from(kilobyte), { ...label, isCounted: true });
    await queue().offer(Buffer.from('x'.repeat(100_001)), { ...label, isCounted: true });
    expect(queue().stats().items).toBe(kept + 2);
    expect(await refusalOf(offer(kilobyte))).toMatchObject({ reason: 'full' });
  });

  test('keeps its bound when many offer at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 150 }, () => refusalOf(offer(kilobyte))));
    const kept = outcomes.filter((outcome) => outcome === 'kept').length;
    expect(kept).toBeLessThanOrEqual(100);
    expect(queue().stats().items).toBe(kept);
    expect(queue().stats().bytes).toBeLessThanOrEqual(100_000);
  });
}

export function statsContract({ clock, queue, offer, take }: Suite): void {
  test('count what is not settled, taken or not', async () => {
    await offer('aaaa', { items: 2 });
    await offer('bb', { items: 3, destination: 'other' });
    const before = queue().stats();
    const entry = await take();
    expect(before).toMatchObject({ items: 5 });
    expect(before.bytes).toBeGreaterThanOrEqual(6);
    expect(queue().stats()).toEqual(before);
    queue().settle(entry, [0, 1]);
    expect(queue().stats()).toMatchObject({ items: 3 });
    expect(queue().stats().bytes).toBeLessThan(before.bytes);
  });

  test('tell destinations apart', async () => {
    await offer('aaaa', { items: 2 });
    clock.ms += 1000;
    await offer('bb', { items: 3, destination: 'other' });
    expect([...queue().destinations()].sort()).toEqual(['main', 'other']);
    expect(queue().stats('main')).toMatchObject({ items: 2, oldestOfferedAtMs: clock.ms - 1000 });
    expect(queue().stats('other')).toMatchObject({ items: 3, oldestOfferedAtMs: clock.ms });
    expect(queue().stats('main').bytes + queue().stats('other').bytes).toBe(queue().stats().bytes);
    expect(queue().stats('unheard of')).toEqual({ items: 0, bytes: 0, oldestOfferedAtMs: undefined });
    queue().settle(await take(), [0, 1]);
    expect(queue().destinations()).toEqual(['other']);
  });

  test('tell when the oldest entry was offered, as long as it is there', async () => {
    const first = clock.ms;
    await offer('a');
    clock.ms += 1000;
    await offer('b', { destination: 'other' });
    const entry = await take();
    expect(queue().stats().oldestOfferedAtMs).toBe(first);
    queue().retryAt(entry, clock.ms);
    expect(queue().stats().oldestOfferedAtMs).toBe(first);
    queue().settle(await take(), [0]);
    expect(queue().stats().oldestOfferedAtMs).toBe(first + 1000);
  });
}
