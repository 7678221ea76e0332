import { crc32 } from 'node:zlib';
import { HEADER_BYTES, readHeader, writeHeader } from '../../../src/queue/disk/record';
import { T1P } from '../../support/otlp-messages';
import { crc, recordByHand, recordsByHand } from './by-hand';
import { LANE, offer, TestDisk, take, takeAll } from './test-disk';

const MARK = '7b290823bbe871e6';
const OFFERED_AT_MS = 1_763_636_123_123.25;

describe('the drawing', () => {
  test('uses the CRC-32 that everybody has', () => {
    expect(crc(Buffer.from('123456789'))).toBe(0xcbf43926);
    expect(crc(Buffer.from('789'), crc(Buffer.from('123456')))).toBe(0xcbf43926);
    expect(crc32(T1P, 5)).toBe(crc(T1P, 5));
  });

  test('of one record, byte for byte', () => {
    const bytes = Buffer.from('abc');
    const record = recordByHand(MARK, { offset: 0, ordinal: 2, items: 3, offeredAtMs: 1, bytes });
    const checked = '352441c2 00000003 00000002 00000003 3ff0000000000000'.replaceAll(' ', '');
    const headerCrc = crc(Buffer.from(checked, 'hex')).toString(16).padStart(8, '0');
    expect(record.toString('hex')).toBe(`${MARK}${headerCrc}${checked}616263`);
  });
});

describe('a record', () => {
  const rest = { ordinal: 7, items: 3, offeredAtMs: OFFERED_AT_MS };
  const byHand = recordByHand(MARK, { offset: 1000, ...rest, bytes: T1P });
  const mark = Buffer.from(MARK, 'hex');

  test('is written as it is drawn', () => {
    const written = writeHeader(mark, { offset: 1000, ...rest }, T1P);
    expect(written.toString('hex')).toBe(byHand.subarray(0, HEADER_BYTES).toString('hex'));
  });

  test('is read as it is drawn', () => {
    const header = { offset: 1000, ...rest, length: T1P.length, bytesCrc: crc(T1P) };
    expect(readHeader(mark, byHand, 1000)).toEqual(header);
  });

  test('is none at another offset, with another mark, or when one bit of its header is another', () => {
    expect([0, 999, 1001].map((offset) => readHeader(mark, byHand, offset))).toEqual([undefined, undefined, undefined]);
    expect(readHeader(Buffer.from('7b290823bbe871e7', 'hex'), byHand, 1000)).toBeUndefined();
    for (let bit = 0; bit < HEADER_BYTES * 8; bit++) {
      const flipped = Buffer.from(byHand);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect({ bit, header: readHeader(mark, flipped, 1000) }).toEqual({ bit, header: undefined });
    }
  });

  test.each([...Array(HEADER_BYTES).keys()])('is none when only %d bytes of it are there', (length) => {
    expect(readHeader(mark, byHand.subarray(0, length), 1000)).toBeUndefined();
  });
});

describe('a queue', () => {
  test('writes a row of records and nothing else', async () => {
    const disk = new TestDisk();
    const queue = await disk.open();
    const entries = [T1P, Buffer.alloc(0), Buffer.concat([T1P, T1P])];
    for (const [at, bytes] of entries.entries()) {
      disk.clock.ms += 1.5;
      await offer(queue, bytes, { items: at + 1 });
    }
    const [path = ''] = disk.paths('.log');
    const [, number, mark = ''] = /main\/(\d{12})-([0-9a-f]{16})\.v1\.log$/.exec(path) ?? [];
    expect(number).toBe('000000000001');
    const begun = disk.clock.ms - 4.5;
    expect(recordsByHand(mark, disk.content(path))).toEqual([
      { offset: 0, ordinal: 0, items: 1, offeredAtMs: begun + 1.5, bytes: T1P },
      { offset: 121, ordinal: 1, items: 2, offeredAtMs: begun + 3, bytes: Buffer.alloc(0) },
      { offset: 157, ordinal: 2, items: 3, offeredAtMs: begun + 4.5, bytes: Buffer.concat([T1P, T1P]) },
    ]);
    await queue.close();
  });

  test('reads a segment that was written by hand', async () => {
    const disk = new TestDisk();
    await disk.memory.makeDirectory(LANE);
    const first = recordByHand(MARK, { offset: 0, ordinal: 0, items: 2, offeredAtMs: OFFERED_AT_MS, bytes: T1P });
    const bytes = Buffer.from('second');
    const second = recordByHand(MARK, { offset: first.length, ordinal: 1, items: 5, offeredAtMs: 9, bytes });
    await disk.put(`${LANE}/000000000042-${MARK}.v1.log`, Buffer.concat([first, second]));
    const queue = await disk.open();
    expect(queue.stats()).toEqual({ items: 7, bytes: first.length + second.length, oldestOfferedAtMs: 9 });
    const read = await takeAll(queue);
    expect(read).toMatchObject([
      { bytes: T1P, items: 2, offeredAtMs: OFFERED_AT_MS, attempts: 0 },
      { bytes, items: 5, offeredAtMs: 9, attempts: 0 },
    ]);
    expect(disk.events).toEqual([]);
    await offer(queue, 'third');
    expect(disk.paths('.log').map((path) => path.slice(LANE.length, LANE.length + 14))).toEqual([
      '/000000000042-',
      '/000000000043-',
    ]);
    expect((await take(queue)).bytes.toString()).toBe('third');
    await queue.close();
  });
});
