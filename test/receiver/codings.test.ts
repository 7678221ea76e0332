import zlib from 'node:zlib';
import { GatewayError } from '../../src/errors';
import { decodeBody, isKnownCoding, KNOWN_CODINGS, unsupportedCoding } from '../../src/receiver/codings';
import { skippableFrame, zeroBlocks, zstdFrame } from '../support/zstd-samples';

/** The smallest OTLP requests with one span, as the conformance table has them (T1P; its JSON twin is spelled shorter here). */
const T1P = Buffer.from(
  '0a530a150a130a0c736572766963652e6e616d6512030a0173123a0a030a016c12330a105b8efff798038103d269b633813fc60c1208eee19b7ec3' +
    'c1b1742a016e300239014859e3faeb6f15410112f41efbeb6f15',
  'hex',
);
const T1J = Buffer.from(
  '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c"}]}]}]}',
);
/** T1P as libzstd 1.5.7 compresses it at level 3. */
const T1P_ZSTD = Buffer.concat([Buffer.from('28b52ffd2055a90200', 'hex'), T1P]);
const T1J_ZSTD = zstdFrame({ blocks: [{ raw: T1J }], singleSegment: true, contentBytes: T1J.length, contentLength: 1 });
const PLAIN = Buffer.from('{"key": "value"}');
const EMPTY = Buffer.alloc(0);
const LIMIT = 64 * 1024;

const gz = (body: Buffer) => zlib.gzipSync(body);
const bytes = (...parts: (Buffer | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));
const wrongCrc = (body: Buffer) => bytes(body.subarray(0, -8), Buffer.from([body.at(-8)! ^ 1]), body.subarray(-7));

const decode = (contentEncoding: string | undefined, body: Buffer, bodyBytesMax = LIMIT) =>
  decodeBody(body, { contentEncoding, bodyBytesMax });

/** What decodeBody rejects with; fails where it does not. */
async function refusal(contentEncoding: string | undefined, body: Buffer, bodyBytesMax = LIMIT): Promise<GatewayError> {
  const outcome = await decode(contentEncoding, body, bodyBytesMax).then(
    // A large body itself would be more than Jest can print.
    (decoded) => `a body of ${decoded.length} bytes`,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(GatewayError);
  return outcome as GatewayError;
}

describe('bodies that are decoded', () => {
  test.each<[string, string | undefined, Buffer, Buffer]>([
    ['D01 no header', undefined, T1P, T1P],
    ['D02 gzip, JSON', 'gzip', gz(T1J), T1J],
    ['D03 gzip, protobuf', 'gzip', gz(T1P), T1P],
    ['D04 zstd, JSON', 'zstd', T1J_ZSTD, T1J],
    ['D04 zstd, protobuf', 'zstd', T1P_ZSTD, T1P],
    ['D05 zlib', 'zlib', zlib.deflateSync(T1P), T1P],
    ['D06 deflate, zlib-wrapped', 'deflate', zlib.deflateSync(T1P), T1P],
    ['D06 deflate, zlib-wrapped, level 0', 'deflate', zlib.deflateSync(T1P, { level: 0 }), T1P],
    ['D06 deflate, zlib-wrapped, small window', 'deflate', zlib.deflateSync(T1P, { windowBits: 9 }), T1P],
    ['D07 deflate, raw', 'deflate', zlib.deflateRawSync(T1P), T1P],
    ['D07 deflate, raw, stored', 'deflate', zlib.deflateRawSync(T1P, { level: 0 }), T1P],
    ['D07 deflate, raw, of nothing', 'deflate', zlib.deflateRawSync(EMPTY), EMPTY],
    ['D12 identity', 'identity', T1P, T1P],
    ['D13 upper case', 'GZIP', gz(T1P), T1P],
    ['D14 x-gzip', 'x-gzip', gz(T1P), T1P],
    ['D15 gzip twice', 'gzip, gzip', gz(gz(T1P)), T1P],
    ['D15 gzip and identity', 'gzip, identity', gz(T1P), T1P],
    ['D15 two codings, undone last to first', 'deflate,br', zlib.brotliCompressSync(zlib.deflateSync(T1P)), T1P],
    ['D15 zstd, then gzip', ' zstd ,\tgzip ', gz(T1P_ZSTD), T1P],
    ['D15 a list with empty elements', ', gzip,,', gz(T1P), T1P],
    ['D16 br', 'br', zlib.brotliCompressSync(T1P), T1P],
    ['D17 none', 'none', T1P, T1P],
    ['D18 empty header', '', T1P, T1P],
    ['D26 gzip in two members', 'gzip', bytes(gz(T1P.subarray(0, 40)), gz(T1P.subarray(40))), T1P],
    ['D26 gzip, an empty member between', 'gzip', bytes(gz(T1P.subarray(0, 40)), gz(EMPTY), gz(T1P.subarray(40))), T1P],
    ['gzip of nothing', 'gzip', gz(EMPTY), EMPTY],
    ['zstd in two frames', 'zstd', bytes(T1P_ZSTD, T1P_ZSTD), bytes(T1P, T1P)],
    ['zstd, skippable frames around', 'zstd', bytes(skippableFrame(T1J), T1P_ZSTD, skippableFrame(EMPTY)), T1P],
    ['identity, no body', undefined, EMPTY, EMPTY],
  ])('%s', async (_name, contentEncoding, body, expected) => {
    expect(isKnownCoding(contentEncoding)).toBe(true);
    expect(await decode(contentEncoding, body)).toEqual(expected);
  });

  test.each([undefined, '', 'identity', 'none', 'IDENTITY, none'])(
    '%p gives the same buffer',
    async (contentEncoding) => {
      expect(await decode(contentEncoding, T1P)).toBe(T1P);
    },
  );
});

describe('bodies that are not what the header says', () => {
  test.each<[string, string, Buffer, RegExp]>([
    ['D16 br on plain text', 'br', PLAIN, /^br: /],
    ['D19, D20 gzip on plain text', 'gzip', PLAIN, /^gzip: incorrect header check$/],
    ['D21 zstd on plain text', 'zstd', PLAIN, /^zstd: invalid magic number$/],
    ['D22 zlib on plain text', 'zlib', PLAIN, /^zlib: /],
    ['D22 deflate on plain text', 'deflate', PLAIN, /^deflate: /],
    ['D23 gzip cut after 5 bytes', 'gzip', gz(T1P).subarray(0, 5), /^gzip: unexpected end of file$/],
    ['D23 gzip without its last byte', 'gzip', gz(T1P).subarray(0, -1), /^gzip: unexpected end of file$/],
    [
      'D23 deflate without its last byte',
      'deflate',
      zlib.deflateSync(T1P).subarray(0, -1),
      /^deflate: unexpected end of file$/,
    ],
    [
      'D23 br without its last byte',
      'br',
      zlib.brotliCompressSync(T1P).subarray(0, -1),
      /^br: unexpected end of file$/,
    ],
    ['D23 zstd without its last byte', 'zstd', T1P_ZSTD.subarray(0, -1), /^zstd: unexpected end of the body$/],
    ['D24 gzip, no body', 'gzip', EMPTY, /^gzip: empty body$/],
    ['D24 deflate, no body', 'deflate', EMPTY, /^deflate: empty body$/],
    ['D24 br, no body', 'br', EMPTY, /^br: empty body$/],
    ['D25 zstd, no body', 'zstd', EMPTY, /^zstd: empty body$/],
    ['D25 zstd, skippable frames only', 'zstd', skippableFrame(T1P), /^zstd: no frame with data$/],
    ['D27 gzip, then junk', 'gzip', bytes(gz(T1P), 'junk'), /^gzip: /],
    ['D27 gzip, then a zero byte and junk', 'gzip', bytes(gz(T1P), '\0junk'), /^gzip: bytes after the end/],
    ['D27 gzip, then a zero byte and a member', 'gzip', bytes(gz(T1P), '\0', gz(T1P)), /^gzip: bytes after the end/],
    ['D27 gzip, then half a member', 'gzip', bytes(gz(T1P), gz(T1P).subarray(0, 20)), /^gzip: unexpected end of file$/],
    ['D27 deflate, then junk', 'deflate', bytes(zlib.deflateSync(T1P), 'junk'), /^deflate: bytes after the end/],
    ['D27 raw deflate, then junk', 'deflate', bytes(zlib.deflateRawSync(T1P), 'junk'), /^deflate: bytes after the end/],
    ['D27 two zlib streams', 'zlib', bytes(zlib.deflateSync(T1P), zlib.deflateSync(T1P)), /^zlib: bytes after the end/],
    ['D27 br, then junk', 'br', bytes(zlib.brotliCompressSync(T1P), 'junk'), /^br: bytes after the end/],
    ['D27 zstd, then junk', 'zstd', bytes(T1P_ZSTD, 'junk'), /^zstd: invalid magic number$/],
    ['D27 zstd, then zeros', 'zstd', bytes(T1P_ZSTD, '\0\0\0\0'), /^zstd: invalid magic number$/],
    ['D28 gzip with a wrong CRC-32', 'gzip', wrongCrc(gz(T1P)), /^gzip: incorrect data check$/],
    ['zlib with a preset dictionary', 'zlib', zlib.deflateSync(T1P, { dictionary: T1J }), /^zlib: /],
    ['D15 gzip twice, once applied', 'gzip, gzip', gz(T1P), /^gzip: incorrect header check$/],
    ['D15 gzip twice, of nothing', 'gzip, gzip', gz(EMPTY), /^gzip: empty body$/],
  ])('%s', async (_name, contentEncoding, body, message) => {
    const error = await refusal(contentEncoding, body);
    expect(error.code).toBe('bad_request');
    expect(error.message).toMatch(message);
  });
});

describe('codings that are not known', () => {
  test.each([
    ['D08 snappy', 'snappy'],
    ['D10 x-snappy-framed', 'x-snappy-framed'],
    ['D11 lz4', 'lz4'],
    ['D15 three layers', 'gzip, gzip, gzip'],
    ['D15 one unknown in a list', 'gzip, snappy'],
    ['D37, D38 not a coding', 'invalid'],
    ['the wildcard, which is for Accept-Encoding only', '*'],
    ['a name that every object has', '__proto__'],
    ['parameters, which a coding has not', 'gzip;q=1'],
  ])('%s', async (_name, contentEncoding) => {
    expect(isKnownCoding(contentEncoding)).toBe(false);
    const error = await refusal(contentEncoding, gz(T1P));
    expect(error).toMatchObject({
      code: 'unsupported_media',
      httpStatus: 415,
      headers: { 'Accept-Encoding': KNOWN_CODINGS },
    });
    expect(error.message).toContain(KNOWN_CODINGS);
    expect(unsupportedCoding(contentEncoding)).toEqual(error);
  });

  test('the header is quoted, and shortened', () => {
    expect(unsupportedCoding(`"${'x'.repeat(10_000)}`).message.length).toBeLessThan(200);
  });

  test.each(KNOWN_CODINGS.split(', '))('%s is told and known', (coding) => {
    expect(isKnownCoding(coding)).toBe(true);
  });
});

/** `bytes` zeros under each coding. */
const zeros = (length: number): [string, string, Buffer][] => [
  ['gzip', 'gzip', gz(Buffer.alloc(length))],
  ['gzip in members', 'gzip', bytes(gz(Buffer.alloc(length - 100)), gz(Buffer.alloc(100)))],
  ['zlib', 'zlib', zlib.deflateSync(Buffer.alloc(length))],
  ['raw deflate', 'deflate', zlib.deflateRawSync(Buffer.alloc(length))],
  ['br', 'br', zlib.brotliCompressSync(Buffer.alloc(length))],
  ['zstd', 'zstd', zstdFrame({ blocks: zeroBlocks(length) })],
  ['zstd with a size', 'zstd', zstdFrame({ blocks: zeroBlocks(length), contentBytes: length, contentLength: 4 })],
  [
    'zstd in frames',
    'zstd',
    bytes(zstdFrame({ blocks: zeroBlocks(length - 100) }), zstdFrame({ blocks: zeroBlocks(100) })),
  ],
  ['gzip, gzip', 'gzip, gzip', gz(gz(Buffer.alloc(length)))],
];

describe('the limit', () => {
  test.each(zeros(LIMIT))('C01 exactly reached: %s', async (_name, contentEncoding, body) => {
    expect((await decode(contentEncoding, body)).equals(Buffer.alloc(LIMIT))).toBe(true);
  });

  test.each(zeros(LIMIT + 1))('C02, C04 one byte above: %s', async (_name, contentEncoding, body) => {
    const error = await refusal(contentEncoding, body);
    expect(error).toMatchObject({ code: 'too_large', httpStatus: 413 });
    expect(error.message).toMatch(/limit of 65536 bytes.*GATEWAY_BODY_MAX_BYTES/);
  });

  test.each(zeros(2048))('D30 2 KiB of zeros under a limit of 1 KiB: %s', async (_name, contentEncoding, body) => {
    expect((await refusal(contentEncoding, body, 1024)).code).toBe('too_large');
  });

  test.each(zeros(3 * 1024 * 1024))(
    '3 MiB, decoded off the event loop, exactly: %s',
    async (_name, contentEncoding, body) => {
      expect(await decode(contentEncoding, body, 3 * 1024 * 1024)).toHaveLength(3 * 1024 * 1024);
      expect((await refusal(contentEncoding, body, 3 * 1024 * 1024 - 1)).code).toBe('too_large');
    },
  );

  test('a layer between counts as well', async () => {
    expect((await refusal('gzip, gzip', gz(gz(Buffer.alloc(100_000))), 50)).code).toBe('too_large');
  });

  test.each([0, 1])('of %i bytes', async (bodyBytesMax) => {
    expect(await decode('gzip', gz(Buffer.alloc(bodyBytesMax)), bodyBytesMax)).toHaveLength(bodyBytesMax);
    expect((await refusal('gzip', gz(Buffer.alloc(bodyBytesMax + 1)), bodyBytesMax)).code).toBe('too_large');
  });
});
