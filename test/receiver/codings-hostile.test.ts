import zlib from 'node:zlib';
import fc from 'fast-check';
import { GatewayError } from '../../src/errors';
import { decodeBody } from '../../src/receiver/codings';
import { sampleText, zeroBlocks, zeroLiterals, zstdFixture, zstdFrame } from '../support/zstd-samples';

const MIB = 1024 * 1024;
type Encode = (content: Uint8Array) => Buffer;

const encodeTwice: Encode = (content) => zlib.deflateRawSync(zlib.gzipSync(content));
/** Absent before Node 22.15. */
const { zstdCompressSync } = zlib as unknown as Record<string, Encode | undefined>;
const zstdRaw: Encode = (content) =>
  zstdFrame({ blocks: [{ raw: content }], window: 0x40, contentBytes: content.length, contentLength: 8 });

const encoders: [string, Encode][] = [
  ['gzip', zlib.gzipSync],
  ['x-gzip', zlib.gzipSync],
  ['zlib', zlib.deflateSync],
  ['deflate', zlib.deflateSync],
  ['deflate', zlib.deflateRawSync],
  ['br', zlib.brotliCompressSync],
  ['gzip, deflate', encodeTwice],
  ['zstd', zstdCompressSync ?? zstdRaw],
];

const contents = fc
  .oneof(fc.uint8Array({ maxLength: 20_000 }), fc.nat(2000).map(sampleText))
  .map((content) => Buffer.from(content));

describe('any content', () => {
  test.each(encoders)('comes back from %s', async (contentEncoding, encode) => {
    await fc.assert(
      fc.asyncProperty(contents, async (content) => {
        const decoded = await decodeBody(encode(content), { contentEncoding, bodyBytesMax: content.length + 100 });
        expect(decoded.equals(content)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('any bytes give a body within the limit, or a GatewayError', () => {
  const bodyBytesMax = 100_000;
  const EXPECTED_CODES = ['bad_request', 'too_large', 'unavailable'];

  async function expectOutcome(contentEncoding: string, body: Buffer): Promise<void> {
    const outcome = await decodeBody(body, { contentEncoding, bodyBytesMax }).catch((error: unknown) => error);
    const isBody = Buffer.isBuffer(outcome) && outcome.length <= bodyBytesMax;
    const isRefusal = outcome instanceof GatewayError && EXPECTED_CODES.includes(outcome.code);
    expect(isBody || isRefusal).toBe(true);
  }

  test.each([...new Set(encoders.map(([coding]) => coding))])('random bytes as %s', async (contentEncoding) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) =>
        expectOutcome(contentEncoding, Buffer.from(bytes)),
      ),
      { numRuns: 200 },
    );
  });

  const bodies: [string, Buffer][] = [
    ...encoders.map(([coding, encode]): [string, Buffer] => [coding, encode(sampleText(300))]),
    ['zstd', zstdFixture('checksum.zst')],
    ['zstd', zstdFixture('stream.zst').subarray(0, 6000)],
    ['zstd', zstdFixture('dictionary.zst')],
  ];
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 });
  const mutation = fc.record({ edits, keep: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.boolean() });

  test.each(bodies)('a damaged body of %s', async (contentEncoding, body) => {
    await fc.assert(
      fc.asyncProperty(mutation, async ({ edits, keep, cut }) => {
        const damaged = Buffer.from(body.subarray(0, cut ? Math.ceil(keep * body.length) : body.length));
        // Half of the edits go into the first bytes, where the formats keep their headers.
        for (const [index, [at, byte]] of edits.entries()) {
          damaged[at % (index % 2 === 0 ? Math.min(40, damaged.length) : damaged.length)] = byte;
        }
        await expectOutcome(contentEncoding, damaged);
      }),
      { numRuns: 150 },
    );
  });
});

describe('bombs are refused within twice the limit of memory', () => {
  const LIMIT = 64 * MIB;
  const zeros = Buffer.alloc(80 * MIB);
  /** 13 members of 80 MiB: 1 GiB of zeros in 1 MiB. */
  const gzipMember = zlib.gzipSync(zeros);
  const gigabyte = Buffer.concat(Array.from({ length: 13 }, () => gzipMember));
  const zstdWindow = 13 << 3;
  const zstdFrames = Array.from({ length: 80 }, () => zstdFrame({ blocks: zeroLiterals(8), window: zstdWindow }));

  test.each<[string, string, Buffer]>([
    ['D31 gzip, 1 GiB', 'gzip', gigabyte],
    ['gzip', 'gzip', gzipMember],
    ['gzip in gzip', 'gzip, gzip', zlib.gzipSync(gigabyte)],
    ['zlib', 'zlib', zlib.deflateSync(zeros)],
    ['raw deflate', 'deflate', zlib.deflateRawSync(zeros)],
    ['br', 'br', zlib.brotliCompressSync(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } })],
    ['zstd, 1 GiB', 'zstd', zstdFrame({ blocks: zeroLiterals(8192), window: zstdWindow })],
    ['zstd, 80 frames of 1 MiB', 'zstd', Buffer.concat(zstdFrames)],
    ['zstd, blocks of repeated bytes', 'zstd', zstdFrame({ blocks: zeroBlocks(1024 * MIB) })],
  ])('%s', async (_name, contentEncoding, body) => {
    expect(body.length).toBeLessThan(1.2 * MIB);
    const before = process.memoryUsage().rss;
    let peak = before;
    const sampling = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 1);
    const outcome = await decodeBody(body, { contentEncoding, bodyBytesMax: LIMIT }).then(
      // The body itself would be more than Jest can print.
      (decoded) => `a body of ${decoded.length} bytes`,
      (error: unknown) => error,
    );
    clearInterval(sampling);
    peak = Math.max(peak, process.memoryUsage().rss);
    expect(outcome).toMatchObject({ code: 'too_large' });
    expect(peak - before).toBeLessThan(2 * LIMIT);
  });
});
