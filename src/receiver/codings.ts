import zlib from 'node:zlib';
import { badRequest, GatewayError } from '../errors';
import { type InflateOptions, type InflateProgress, inflate, type ZlibDecoder } from './inflate';
import { decodeZstd } from './zstd';

/**
 * The codings the gateway undoes, as told in `Accept-Encoding` of a 415 and in its message. `x-gzip` (RFC 9110 section 8.4.1.3)
 * and `none` (an exporter's setting that some put on the wire) are taken as well. Snappy and lz4 are missing because no well-kept
 * library decodes their framed forms within a limit.
 */
export const KNOWN_CODINGS = 'gzip, deflate, zlib, br, zstd, identity';

export interface DecodeBodyOptions {
  /** The header as it was received: absent, empty, in any case, or a list in the order the codings were applied. */
  contentEncoding: string | undefined;
  /** The most bytes any step may yield. */
  bodyBytesMax: number;
  /**
   * Called while it goes on, at least every 1 MiB; with zstd below Node 22.15, before and after every frame. It may throw a
   * GatewayError, which ends the work and is thrown on. `inflated` is that of one coding, `held` counts what the one before left, too.
   */
  onProgress?: InflateOptions['onProgress'];
}

/**
 * Undoes the Content-Encoding of a whole body (RFC 9110 section 8.4): the body itself where none was applied, else a new buffer
 * of at most `bodyBytesMax` bytes. The limit is enforced while inflating.
 *
 * @throws GatewayError unsupported_media for a coding that is not known or more than two of them; bad_request for a body that is
 *   not what the header says; too_large; unavailable when memory is short.
 */
export async function decodeBody(body: Buffer, options: DecodeBodyOptions): Promise<Buffer> {
  const { bodyBytesMax, onProgress } = options;
  const codings = readCodings(options.contentEncoding);
  if (codings === undefined) throw unsupportedCoding(options.contentEncoding);
  let decoded = body;
  for (const { name, decode } of codings.reverse()) {
    if (decoded.length === 0) throw badRequest(`${name}: empty body`);
    const before = decoded === body ? 0 : decoded.length;
    const tell = onProgress && (({ inflated, held }: InflateProgress) => onProgress({ inflated, held: before + held }));
    decoded = await decode(decoded, { coding: name, bodyBytesMax, onProgress: tell });
  }
  return decoded;
}

/** True for a header that decodeBody can undo, so that the receiver can refuse others before it reads a body. */
export const isKnownCoding = (contentEncoding: string | undefined): boolean =>
  readCodings(contentEncoding) !== undefined;

/** True for a header that says that something is to be undone. */
export const isEncoded = (contentEncoding: string | undefined): boolean => readCodings(contentEncoding)?.length !== 0;

/** The 415 for a header of which isKnownCoding is false (RFC 9110 section 15.5.16: it should say what would be taken). */
export function unsupportedCoding(contentEncoding: string | undefined): GatewayError {
  const shown = JSON.stringify((contentEncoding ?? '').slice(0, 64));
  const message = `unsupported Content-Encoding ${shown}; known are ${KNOWN_CODINGS}, at most ${CODINGS_MAX} of them`;
  return new GatewayError('unsupported_media', message, { headers: { 'Accept-Encoding': KNOWN_CODINGS } });
}

/** A proxy may compress what its sender had compressed; a third layer is only ever an attempt at a bomb. */
const CODINGS_MAX = 2;

type Decode = (body: Buffer, options: Omit<InflateOptions, 'outputBytesExpected'>) => Promise<Buffer>;

/** The codings to undo, without those that change nothing; undefined where one is not known or there are too many. */
function readCodings(contentEncoding: string | undefined): { name: string; decode: Decode }[] | undefined {
  const names = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => !NO_CODING.has(name));
  if (names.length > CODINGS_MAX) return undefined;
  const codings = names.flatMap((name) => {
    const decode = DECODERS.get(name);
    return decode === undefined ? [] : [{ name, decode }];
  });
  return codings.length === names.length ? codings : undefined;
}

/** Empty elements of a list are to be ignored (RFC 9110 section 5.6.1.2). */
const NO_CODING: ReadonlySet<string> = new Set(['', 'identity', 'none']);

const decodeGzip: Decode = (body, options) =>
  inflate(body, GUNZIP, { ...options, outputBytesExpected: expectGzipOutput(body) });

/**
 * Under "deflate" senders mean the zlib format, as RFC 9110 section 8.4.1.2 demands, or a raw RFC 1951 stream. The first two bytes
 * tell: a raw stream that begins like a zlib header would be a stored block with padding bits set, which no compressor writes.
 */
const decodeDeflate: Decode = (body, options) => {
  const decoder = hasZlibHeader(body) ? INFLATE : INFLATE_RAW;
  return inflate(body, decoder, { ...options, outputBytesExpected: body.length * RATIO_USUAL });
};

const decodeBrotli: Decode = (body, options) =>
  inflate(body, BROTLI, { ...options, outputBytesExpected: body.length * RATIO_USUAL });

/** How much smaller telemetry usually becomes; a guess that sizes the first output chunk where the format has no length. */
const RATIO_USUAL = 8;

/** What a gzip trailer is believed: a body is rarely 100 times smaller, and the trailer is anybody's claim. */
const RATIO_BELIEVED = 100;

/** ISIZE, the last four bytes of a member (RFC 1952 section 2.3.1): its length modulo 2^32, without the members before it. */
function expectGzipOutput(body: Buffer): number {
  if (body.length < 4) return 0;
  return Math.min(body.readUInt32LE(body.length - 4), body.length * RATIO_BELIEVED);
}

/** RFC 1950 section 2.2: method 8, a window of at most 32 KiB, and a check that makes both bytes a multiple of 31. */
function hasZlibHeader(body: Buffer): boolean {
  const [method = 0, flags = 0] = body;
  return (method & 0x0f) === 8 && method >> 4 <= 7 && ((method << 8) | flags) % 31 === 0;
}

/** The declared types of node:zlib do not know what `info: true` returns; Node documents it. */
const zlibDecoder = (sync: unknown, stream: ZlibDecoder['stream']) => ({ sync, stream }) as ZlibDecoder;

const GUNZIP = zlibDecoder(zlib.gunzipSync, zlib.createGunzip);
const INFLATE = zlibDecoder(zlib.inflateSync, zlib.createInflate);
const INFLATE_RAW = zlibDecoder(zlib.inflateRawSync, zlib.createInflateRaw);
const BROTLI = zlibDecoder(zlib.brotliDecompressSync, zlib.createBrotliDecompress);

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', decodeGzip],
  ['x-gzip', decodeGzip],
  ['deflate', decodeDeflate],
  ['zlib', decodeDeflate],
  ['br', decodeBrotli],
  ['zstd', decodeZstd],
]);
