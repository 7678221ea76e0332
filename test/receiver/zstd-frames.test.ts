import { readZstdFrames } from '../../src/receiver/zstd-frames';
import {
  LONG_TEXT,
  SHORT_TEXT,
  skippableFrame,
  type ZstdFrameParts,
  zeroBlocks,
  zstdFixture,
  zstdFrame,
} from '../support/zstd-samples';

const MIB = 1024 * 1024;
const HELLO = Buffer.from('hello');
const read = (body: Buffer, bodyBytesMax = 64 * MIB) => readZstdFrames(body, { bodyBytesMax });
const raw = (size: number) => ({ raw: Buffer.alloc(size, 'x') });

describe('frames that encoders write', () => {
  test.each([
    ['one-shot.zst', { contentBytes: SHORT_TEXT.length, windowBytes: SHORT_TEXT.length }],
    ['checksum.zst', { contentBytes: SHORT_TEXT.length, windowBytes: SHORT_TEXT.length }],
    ['level-19.zst', { contentBytes: LONG_TEXT.length, windowBytes: LONG_TEXT.length }],
    ['stream.zst', { contentBytes: undefined, windowBytes: 2 * MIB }],
    ['go-stream.zst', { contentBytes: undefined, windowBytes: 8 * MIB }],
  ])('%s', (name, expected) => {
    const body = zstdFixture(name);
    expect(read(body)).toEqual([expect.objectContaining({ ...expected, start: 0, end: body.length })]);
  });
});

describe('headers', () => {
  const blocks = [raw(5)];
  test.each<[string, ZstdFrameParts, { contentBytes?: number; windowBytes: number; header: number }]>([
    ['the smallest window', { blocks, window: 0 }, { windowBytes: 1024, header: 6 }],
    ['exponent and mantissa', { blocks, window: (5 << 3) | 3 }, { windowBytes: 32768 + 3 * 4096, header: 6 }],
    ['the largest window that is taken', { blocks, window: 13 << 3 }, { windowBytes: 8 * MIB, header: 6 }],
    [
      'size of one byte',
      { blocks, singleSegment: true, contentLength: 1, contentBytes: 5 },
      { contentBytes: 5, windowBytes: 5, header: 6 },
    ],
    [
      'size of two bytes, which adds 256',
      { blocks, contentLength: 2, contentBytes: 300 },
      { contentBytes: 300, windowBytes: 131072, header: 8 },
    ],
    [
      'size of four bytes',
      { blocks, contentLength: 4, contentBytes: 70_000 },
      { contentBytes: 70_000, windowBytes: 131072, header: 10 },
    ],
    [
      'size of eight bytes',
      { blocks, contentLength: 8, contentBytes: 5 },
      { contentBytes: 5, windowBytes: 131072, header: 14 },
    ],
    [
      'dictionary id 0, which is none',
      { blocks, dictionaryId: Uint8Array.of(0, 0) },
      { windowBytes: 131072, header: 8 },
    ],
  ])('%s', (_name, parts, { header, contentBytes, windowBytes }) => {
    const body = zstdFrame(parts);
    const blocksEnd = header + 3 + 5;
    expect(read(body)).toEqual([
      {
        start: 0,
        blocksStart: header,
        blocksEnd,
        end: blocksEnd,
        contentBytes,
        windowBytes,
        outputBytesMin: 5,
        outputBytesMax: 5,
      },
    ]);
  });
});

describe('several frames', () => {
  test('data and skippable frames in any order', () => {
    const first = zstdFrame({ blocks: [raw(3), { byte: 7, times: 1000 }], checksum: HELLO.subarray(0, 4) });
    const second = zstdFrame({ blocks: [{ type: 2, content: HELLO }], window: 0 });
    const body = Buffer.concat([
      skippableFrame(HELLO),
      first,
      skippableFrame(Buffer.alloc(0)),
      second,
      skippableFrame(HELLO),
    ]);
    expect(read(body)).toEqual([
      expect.objectContaining({
        start: 13,
        blocksStart: 19,
        blocksEnd: 29,
        end: 33,
        outputBytesMin: 1003,
        outputBytesMax: 1003,
      }),
      // A compressed block may hold as much as the window, here 1 KiB.
      expect.objectContaining({
        start: 41,
        blocksStart: 47,
        blocksEnd: 55,
        end: 55,
        outputBytesMin: 0,
        outputBytesMax: 1024,
      }),
    ]);
  });

  test('1,000 are taken, 1,001 are not', () => {
    const frame = zstdFrame({ blocks: [raw(0)] });
    expect(read(Buffer.concat(Array.from({ length: 1000 }, () => frame)))).toHaveLength(1000);
    expect(() => read(Buffer.concat(Array.from({ length: 1001 }, () => frame)))).toThrow('more than 1000 frames');
  });
});

describe('refused', () => {
  const blocks = [raw(5)];
  const sized = (contentBytes: number, contentLength: 4 | 8) => zstdFrame({ blocks, contentBytes, contentLength });
  test.each<[string, Buffer, string, RegExp]>([
    ['nothing', Buffer.alloc(0), 'bad_request', /no frame with data/],
    ['no magic number', Buffer.from('{"key": "value"}'), 'bad_request', /invalid magic number/],
    ['a format from before zstd 0.8', Buffer.from('27b52ffd00000000', 'hex'), 'bad_request', /invalid magic number/],
    ['reserved bit', zstdFrame({ blocks, reservedBit: true }), 'bad_request', /reserved bit/],
    ['reserved block type', zstdFrame({ blocks: [{ type: 3, content: HELLO }] }), 'bad_request', /reserved block type/],
    [
      'a block above 128 KiB',
      zstdFrame({ blocks: [raw(131073)], window: 0x40 }),
      'bad_request',
      /block above its maximum/,
    ],
    [
      'a block above the window',
      zstdFrame({ blocks: [raw(1025)], window: 0 }),
      'bad_request',
      /block above its maximum/,
    ],
    [
      'a repeated byte above 128 KiB',
      zstdFrame({ blocks: [{ byte: 0, times: 131073 }] }),
      'bad_request',
      /block above/,
    ],
    ['a dictionary', zstdFixture('dictionary.zst'), 'bad_request', /dictionary/],
    [
      'a dictionary id of four bytes',
      zstdFrame({ blocks, dictionaryId: Uint8Array.of(0, 0, 0, 1) }),
      'bad_request',
      /dictionary/,
    ],
    [
      'D32 a window one step above 8 MiB',
      zstdFrame({ blocks, window: (13 << 3) | 1 }),
      'bad_request',
      /window of more than/,
    ],
    ['D32 a window of 2^27', zstdFixture('window-2-27.zst'), 'bad_request', /window of more than/],
    ['D32 a window of 2^30', zstdFixture('window-2-30.zst'), 'bad_request', /window of more than/],
    ['D32 the largest window there is', zstdFrame({ blocks, window: 0xff }), 'bad_request', /window of more than/],
    ['a size above the limit', sized(64 * MIB + 1, 4), 'too_large', /limit of 67108864/],
    ['a size of 2^53 - 1', sized(Number.MAX_SAFE_INTEGER, 8), 'too_large', /limit of 67108864/],
    ['sizes above the limit together', Buffer.concat([sized(40 * MIB, 4), sized(40 * MIB, 4)]), 'too_large', /limit/],
    [
      'blocks above the limit together',
      zstdFrame({ blocks: zeroBlocks(64 * MIB + 1) }),
      'too_large',
      /limit of 67108864/,
    ],
    ['a skippable frame that is too short', skippableFrame(HELLO).subarray(0, -1), 'bad_request', /unexpected end/],
    ['a skippable frame without its length', skippableFrame(HELLO).subarray(0, 7), 'bad_request', /unexpected end/],
  ])('%s', (_name, body, code, message) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  test.each([
    ['with a checksum', zstdFixture('checksum.zst')],
    ['of two blocks', zstdFrame({ blocks: [raw(3), { byte: 1, times: 9 }], contentBytes: 12, contentLength: 8 })],
  ])('a frame %s, cut anywhere', (_name, body) => {
    for (let end = 1; end < body.length; end++) expect(() => read(body.subarray(0, end))).toThrow('unexpected end');
    expect(read(body)).toHaveLength(1);
  });
});
