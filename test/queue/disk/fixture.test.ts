import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskQueueEvent } from '../../../src/queue/disk/event';
import { createDiskQueue, type DiskQueue } from '../../../src/queue/disk-queue';
import { realFiles } from '../../../src/queue/files';
import { T1P } from '../../support/otlp-messages';
import { makeTemporary, removeTemporary } from '../../support/temporary';
import { attemptBody, outcomesByHand, recordsByHand, runsBody } from './by-hand';
import { takeAll } from './test-disk';

/** What the first gateway with this format has written: it is never written anew, or what is on people's disks is lost. */
const FIXTURE = join(__dirname, '../../fixtures/queue-v1');
const MARK = '7b290823bbe871e6';
const NAME = `main/000000000001-${MARK}.v1`;
const OFFERED_AT_MS = 1_763_636_123_123;

const fixture = (suffix: string) => readFileSync(join(FIXTURE, NAME + suffix));

describe('a directory of version 1', () => {
  const events: DiskQueueEvent[] = [];
  let folder = '';
  let queue: DiskQueue;

  beforeEach(async () => {
    events.length = 0;
    folder = makeTemporary();
    cpSync(FIXTURE, folder, { recursive: true });
    queue = await open();
  });
  afterEach(async () => {
    await queue.close();
    removeTemporary(folder);
  });

  async function open(): Promise<DiskQueue> {
    const own = createDiskQueue({
      ...{ files: realFiles, directory: folder, bytesMax: 1_000_000, now: () => OFFERED_AT_MS + 5000 },
      randomMark: () => 'ffffffff00000001',
      onEvent: (event) => events.push(event),
    });
    await own.open();
    return own;
  }

  test('is read with its entries, attempts and positions', async () => {
    expect(queue.destinations()).toEqual(['main']);
    expect(queue.stats()).toEqual({
      items: 3,
      bytes: fixture('.log').length + fixture('.ack').length,
      oldestOfferedAtMs: OFFERED_AT_MS,
    });
    const [partly, tried, ...others] = await takeAll(queue);
    expect(others).toEqual([]);
    expect(partly).toMatchObject({ destination: 'main', items: 3, attempts: 0, offeredAtMs: OFFERED_AT_MS });
    expect(partly!.bytes.equals(Buffer.concat([T1P, T1P, T1P]))).toBe(true);
    expect([0, 1, 2].map((position) => partly!.isSettled(position))).toEqual([false, true, false]);
    expect(tried).toMatchObject({ destination: 'main', items: 1, attempts: 2, offeredAtMs: OFFERED_AT_MS + 1000.5 });
    expect(tried!.bytes.equals(T1P)).toBe(true);
    expect(tried!.isSettled(0)).toBe(false);
    expect(events).toEqual([]);
  });

  test('goes on: what is settled is noted, and what is offered comes behind', async () => {
    const [partly, tried] = await takeAll(queue);
    queue.settle(partly!, [2]);
    queue.retryAt(tried!, OFFERED_AT_MS);
    await queue.offer(Buffer.from('new'), { destination: 'main', items: 1 });
    await queue.close();
    queue = await open();
    const entries = await takeAll(queue);
    expect(entries.map(({ bytes, attempts }) => [bytes.length, attempts])).toEqual([
      [3 * T1P.length, 0],
      [T1P.length, 3],
      [3, 0],
    ]);
    expect([0, 1, 2].map((position) => entries[0]!.isSettled(position))).toEqual([false, true, true]);
  });

  test('is what docs/queue-format.md draws', () => {
    expect(recordsByHand(MARK, fixture('.log'))).toEqual([
      { offset: 0, ordinal: 0, items: 3, offeredAtMs: OFFERED_AT_MS, bytes: Buffer.concat([T1P, T1P, T1P]) },
      { offset: 291, ordinal: 1, items: 1, offeredAtMs: OFFERED_AT_MS + 1000.5, bytes: T1P },
      { offset: 412, ordinal: 2, items: 2, offeredAtMs: OFFERED_AT_MS + 2000.5, bytes: Buffer.concat([T1P, T1P]) },
    ]);
    expect(outcomesByHand(MARK, fixture('.ack'))).toEqual([
      { kind: 1, ordinal: 2, body: Buffer.alloc(0) },
      { kind: 2, ordinal: 0, body: runsBody([1, 1]) },
      { kind: 3, ordinal: 1, body: attemptBody(1, OFFERED_AT_MS + 62_000.5) },
      { kind: 3, ordinal: 1, body: attemptBody(2, OFFERED_AT_MS + 182_000.5) },
    ]);
  });
});
