import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Text of one JSON object a line; test/fixtures/codings/make.py makes the same. */
export const sampleText = (lines: number) =>
  Buffer.from(
    Array.from({ length: lines }, (_, i) => `{"span":${i},"ms":${(i * 7919) % 997},"model":"m${(i * i) % 13}"}\n`).join(
      '',
    ),
  );

/** What one-shot.zst and its likes hold, and what level-19.zst, stream.zst and go-stream.zst hold. */
export const SHORT_TEXT = sampleText(40);
export const LONG_TEXT = sampleText(9000);

export const zstdFixture = (name: string) => readFileSync(join(__dirname, '../fixtures/codings', name));

/** A block of RFC 8878 section 3.1.1.2: bytes as they are, one byte repeated, or whatever a hostile sender writes. */
export type ZstdBlock = { raw: Uint8Array } | { byte: number; times: number } | { type: 2 | 3; content: Uint8Array };

export interface ZstdFrameParts {
  blocks: ZstdBlock[];
  /** Window_Descriptor; 0x38 is 128 KiB. Not written with singleSegment. */
  window?: number;
  singleSegment?: boolean;
  /** Written with the fewest bytes that hold it, or with `contentLength` of them. */
  contentBytes?: number;
  contentLength?: 0 | 1 | 2 | 4 | 8;
  dictionaryId?: Uint8Array;
  reservedBit?: boolean;
  checksum?: Uint8Array;
}

/** Writes frames by hand: the frames that encoders do not write, and any frame on a Node that has no zstd. */
export function zstdFrame(parts: ZstdFrameParts): Buffer {
  const { blocks, window = 0x38, singleSegment = false, contentLength = 0, dictionaryId = new Uint8Array(0) } = parts;
  const descriptor =
    ({ 0: 0, 1: 0, 2: 1, 4: 2, 8: 3 }[contentLength] << 6) |
    (singleSegment ? 0x20 : 0) |
    (parts.reservedBit === true ? 0x08 : 0) |
    (parts.checksum === undefined ? 0 : 0x04) |
    [0, 1, 2, 0, 3][dictionaryId.length]!;
  const content = Buffer.alloc(8);
  content.writeBigUInt64LE(BigInt((parts.contentBytes ?? 0) - (contentLength === 2 ? 256 : 0)));
  return Buffer.concat([
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...(singleSegment ? [] : [window])),
    dictionaryId,
    content.subarray(0, contentLength),
    ...blocks.map((block, index) => zstdBlock(block, index === blocks.length - 1)),
    parts.checksum ?? new Uint8Array(0),
  ]);
}

/** RFC 8878 section 3.1.2. */
export function skippableFrame(content: Uint8Array): Buffer {
  const header = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}

/** Blocks that repeat a zero: 4 bytes for every 128 KiB. */
export const zeroBlocks = (bytes: number): ZstdBlock[] =>
  Array.from({ length: Math.ceil(bytes / 131072) }, (_, i) => ({
    byte: 0,
    times: Math.min(131072, bytes - i * 131072),
  }));

/** The same in compressed blocks, of repeated literals (section 3.1.1.3.1.1) and no sequences: only decoding tells their size. */
export const zeroLiterals = (blocks: number): ZstdBlock[] =>
  Array.from({ length: blocks }, () => ({ type: 2, content: Uint8Array.of(0x0d, 0x00, 0x20, 0, 0) }));

function zstdBlock(block: ZstdBlock, last: boolean): Buffer {
  const { type, size, content } = blockFields(block);
  const header = Buffer.alloc(3);
  header.writeUIntLE((size << 3) | (type << 1) | Number(last), 0, 3);
  return Buffer.concat([header, content]);
}

function blockFields(block: ZstdBlock): { type: number; size: number; content: Uint8Array } {
  if ('raw' in block) return { type: 0, size: block.raw.length, content: block.raw };
  if ('byte' in block) return { type: 1, size: block.times, content: Uint8Array.of(block.byte) };
  return { type: block.type, size: block.content.length, content: block.content };
}
