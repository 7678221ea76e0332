import zlib from 'node:zlib';
import fc from 'fast-check';
import { readZstdFrames } from '../../src/receiver/zstd-frames';
import { decodeFrameByWasm } from '../../src/receiver/zstd-wasm';
import { LONG_TEXT, SHORT_TEXT, sampleText, zeroLiterals, zstdFixture, zstdFrame } from '../support/zstd-samples';

const LIMIT = 4 * 1024 * 1024;

async function decode(body: Buffer, bodyBytesMax = LIMIT): Promise<Buffer> {
  const frames = readZstdFrames(body, { bodyBytesMax });
  return Buffer.concat(await Promise.all(frames.map((frame) => decodeFrameByWasm(body, frame, { bodyBytesMax }))));
}

/** Node's own encoder where there is one; frames of raw blocks, written by hand, on every Node. */
const { zstdCompressSync } = zlib as unknown as Record<string, ((content: Uint8Array) => Buffer) | undefined>;
const byHand = (content: Uint8Array) =>
  zstdFrame({ blocks: [{ raw: content.subarray(0, 10) }, { byte: 65, times: 70_000 }, { raw: content.subarray(10) }] });
const RUN = Buffer.alloc(70_000, 65);

const encoders: [string, (content: Uint8Array) => Buffer, (content: Uint8Array) => Uint8Array][] = [
  ['by hand', byHand, (content) => Buffer.concat([content.subarray(0, 10), RUN, content.subarray(10)])],
  ...(zstdCompressSync === undefined ? [] : [['by Node', zstdCompressSync, (content: Uint8Array) => content] as never]),
];

describe('frames that encoders write', () => {
  test.each([
    ['one-shot.zst', SHORT_TEXT],
    ['checksum.zst', SHORT_TEXT],
    ['level-19.zst', LONG_TEXT],
    ['stream.zst', LONG_TEXT],
    ['go-stream.zst', LONG_TEXT],
  ])('%s', async (name, content) => {
    expect((await decode(zstdFixture(name))).equals(content)).toBe(true);
  });

  test.each(encoders)('round trip, encoded %s', async (_name, encode, contentOf) => {
    const texts = fc.nat(3000).map(sampleText);
    const contents = fc.oneof(fc.uint8Array({ maxLength: 5000 }), texts);
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        const whole = Buffer.from(content).subarray(0, 100_000);
        expect((await decode(encode(whole))).equals(contentOf(whole))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test.each([0, 1, 1023, 1024, 131072])('a single segment of %i bytes', async (length) => {
    const content = Buffer.alloc(length, 'abc');
    const frame = zstdFrame({
      blocks: [{ raw: content }],
      singleSegment: true,
      contentBytes: length,
      contentLength: 8,
    });
    expect((await decode(frame)).equals(content)).toBe(true);
  });
});

describe('refused', () => {
  const compressed = (content: string) => zstdFrame({ blocks: [{ type: 2, content: Buffer.from(content, 'hex') }] });
  /** 32,512 + 65,535 sequences, each a match of 65,539 bytes, all tables a single code, and no bits for any of it. */
  const HANG = compressed('0841ffffff5400023401');
  const wrongChecksum = zstdFixture('checksum.zst');
  wrongChecksum[wrongChecksum.length - 1]! ^= 1;

  test.each([
    ['a block of 10 bytes that stands for 6 GB of copies', HANG],
    ['a wrong checksum', wrongChecksum],
    ['an empty compressed block', compressed('')],
    ['literals longer than the block', compressed('f8')],
    ['Huffman literals without a table', compressed('0300000000')],
    ['a Huffman table of zeros', compressed('028000000000')],
    ['sequences without their tables', compressed('084101fc')],
    ['sequences without bits', compressed('08410100')],
    ['less content than declared', zstdFrame({ blocks: [{ raw: SHORT_TEXT }], contentBytes: 5000, contentLength: 4 })],
    ['more content than declared', zstdFrame({ blocks: [{ raw: SHORT_TEXT }], contentBytes: 500, contentLength: 4 })],
  ])('%s', async (_name, body) => {
    await expect(decode(body)).rejects.toMatchObject({ code: 'bad_request', message: 'zstd: invalid data' });
    // The decoder is of use afterwards.
    expect((await decode(zstdFixture('one-shot.zst'))).equals(SHORT_TEXT)).toBe(true);
  });

  test.each([1, 2, 1000])('more than the limit, by %i blocks', async (more) => {
    const blocks = LIMIT / 131072;
    expect((await decode(zstdFrame({ blocks: zeroLiterals(blocks) }))).equals(Buffer.alloc(LIMIT))).toBe(true);
    const body = zstdFrame({ blocks: zeroLiterals(blocks + more) });
    await expect(decode(body)).rejects.toMatchObject({ code: 'too_large' });
  });
});
