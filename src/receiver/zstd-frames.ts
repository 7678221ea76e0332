import { badRequest } from '../errors';
import { decodedTooLarge } from './inflate';

/** A data frame (RFC 8878 section 3.1.1) in a body; offsets in bytes, ends exclusive. */
export interface ZstdFrame {
  start: number;
  /** The blocks, between the frame's header and its checksum. */
  blocksStart: number;
  blocksEnd: number;
  end: number;
  /** How far back a match may reach. */
  windowBytes: number;
  /** Frame_Content_Size, where the frame declares it. */
  contentBytes: number | undefined;
  /** What its blocks hold for certain (those that are not compressed), and what they can hold at most. */
  outputBytesMin: number;
  outputBytesMax: number;
}

/** What Go's encoder uses by default, and what RFC 8878 section 3.1.1.1.2 recommends every decoder to support. */
const WINDOW_BYTES_MAX = 8 * 1024 * 1024;

/** Each frame costs a decoder's set-up, so that a body made of empty ones would be a cheap way to keep the gateway busy. */
const FRAMES_MAX = 1000;

/** Block_Maximum_Size, RFC 8878 section 3.1.1.2.4. */
const BLOCK_BYTES_MAX = 128 * 1024;

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC_MIN = 0x184d2a50;
const SKIPPABLE_MAGIC_MAX = 0x184d2a5f;

/**
 * Walks a zstd body from frame to frame without decoding it, and returns its data frames. Decoders are not to be trusted with
 * that: depending on Node's version they stop after the first frame, take a skippable frame for the end, or miss that bytes are
 * lacking, and return fewer bytes without an error. An empty protobuf request is zero bytes, so that would be a lost batch and a 200.
 *
 * @throws GatewayError bad_request for what is not a whole number of frames or needs a dictionary or a window above 8 MiB;
 *   too_large where their sizes tell that they hold more than `bodyBytesMax`.
 */
export function readZstdFrames(body: Buffer, { bodyBytesMax }: { bodyBytesMax: number }): ZstdFrame[] {
  const frames: ZstdFrame[] = [];
  let outputBytesMin = 0;
  let offset = 0;
  while (offset < body.length) {
    requireBytes(body, offset + 4);
    const magic = body.readUInt32LE(offset);
    if (magic >= SKIPPABLE_MAGIC_MIN && magic <= SKIPPABLE_MAGIC_MAX) {
      offset = skipFrame(body, offset);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw badRequest('zstd: invalid magic number');
    if (frames.length === FRAMES_MAX) throw badRequest(`zstd: more than ${FRAMES_MAX} frames`);
    const frame = readFrame(body, offset);
    outputBytesMin += frame.contentBytes ?? frame.outputBytesMin;
    if (outputBytesMin > bodyBytesMax) throw decodedTooLarge(bodyBytesMax);
    if (frame.windowBytes > WINDOW_BYTES_MAX) throw badRequest(`zstd: window of more than ${WINDOW_BYTES_MAX} bytes`);
    frames.push(frame);
    offset = frame.end;
  }
  if (frames.length === 0) throw badRequest('zstd: no frame with data');
  return frames;
}

/** RFC 8878 section 3.1.2: magic, length, that many bytes of no concern to a decoder. */
function skipFrame(body: Buffer, start: number): number {
  requireBytes(body, start + 8);
  const end = start + 8 + body.readUInt32LE(start + 4);
  requireBytes(body, end);
  return end;
}

function readFrame(body: Buffer, start: number): ZstdFrame {
  const header = readHeader(body, start);
  const blocks = readBlocks(body, header.blocksStart, Math.min(header.windowBytes, BLOCK_BYTES_MAX));
  const end = blocks.end + (header.hasChecksum ? 4 : 0);
  requireBytes(body, end);
  return {
    start,
    blocksStart: header.blocksStart,
    blocksEnd: blocks.end,
    end,
    windowBytes: header.windowBytes,
    contentBytes: header.contentBytes,
    outputBytesMin: blocks.outputBytesMin,
    outputBytesMax: blocks.outputBytesMax,
  };
}

interface FrameHeader {
  blocksStart: number;
  windowBytes: number;
  contentBytes: number | undefined;
  hasChecksum: boolean;
}

/**
 * RFC 8878 section 3.1.1.1, all numbers little-endian:
 *
 *     magic (4) | descriptor (1) | window (0-1) | dictionary id (0, 1, 2, 4) | content size (0, 1, 2, 4, 8)
 *     descriptor, high to low bit: content size's length (2), single segment (1), unused, reserved, checksum (1), dictionary id's length (2)
 */
function readHeader(body: Buffer, start: number): FrameHeader {
  requireBytes(body, start + 5);
  const descriptor = body.readUInt8(start + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw badRequest('zstd: reserved bit set in the frame header');
  const dictionaryAt = start + (isSingleSegment ? 5 : 6);
  const contentSizeAt = dictionaryAt + DICTIONARY_ID_LENGTHS[descriptor & 3]!;
  const contentSizeLength = descriptor >> 6 === 0 ? Number(isSingleSegment) : 1 << (descriptor >> 6);
  const blocksStart = contentSizeAt + contentSizeLength;
  requireBytes(body, blocksStart);
  if (body.subarray(dictionaryAt, contentSizeAt).some((byte) => byte !== 0)) {
    throw badRequest('zstd: compressed with a dictionary');
  }
  const contentBytes = readContentSize(body, contentSizeAt, contentSizeLength);
  const windowBytes = isSingleSegment ? contentBytes! : readWindow(body.readUInt8(start + 5));
  return { blocksStart, windowBytes, contentBytes, hasChecksum: (descriptor & 0x04) !== 0 };
}

const DICTIONARY_ID_LENGTHS = [0, 1, 2, 4];

/** Section 3.1.1.1.4. Eight bytes beyond 2^53 lose their last digits here, which is far beyond any limit. */
function readContentSize(body: Buffer, at: number, length: number): number | undefined {
  if (length === 0) return undefined;
  if (length === 8) return body.readUInt32LE(at) + body.readUInt32LE(at + 4) * 2 ** 32;
  return body.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}

/** Section 3.1.1.1.2: five bits of exponent, three of mantissa. */
function readWindow(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

interface Blocks {
  end: number;
  outputBytesMin: number;
  outputBytesMax: number;
}

/** Section 3.1.1.2: each block is a header of three bytes (last, type, size) and `size` bytes, or one byte to be repeated. */
function readBlocks(body: Buffer, start: number, blockBytesMax: number): Blocks {
  let offset = start;
  let plainBytes = 0;
  let compressedBlocks = 0;
  for (;;) {
    requireBytes(body, offset + 3);
    const header = body[offset]! | (body[offset + 1]! << 8) | (body[offset + 2]! << 16);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3) throw badRequest('zstd: reserved block type');
    if (size > blockBytesMax) throw badRequest('zstd: block above its maximum size');
    offset += 3 + (type === 1 ? 1 : size);
    requireBytes(body, offset);
    if (type === 2) compressedBlocks += 1;
    else plainBytes += size;
    if ((header & 1) === 1) {
      return { end: offset, outputBytesMin: plainBytes, outputBytesMax: plainBytes + compressedBlocks * blockBytesMax };
    }
  }
}

function requireBytes(body: Buffer, end: number): void {
  if (end > body.length) throw badRequest('zstd: unexpected end of the body');
}
