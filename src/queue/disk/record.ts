import { crc32 } from 'node:zlib';

/**
 * One entry in a segment (docs/queue-format.md), big-endian:
 *
 *     0   mark        8   of the segment: random, so that nothing a sender wrote looks like a record
 *     8   header CRC  4   of bytes 12 to 36, begun with the record's offset: a copy of it elsewhere is none
 *     12  bytes CRC   4
 *     16  length      4   of the bytes
 *     20  ordinal     4   of the record in its segment, from 0
 *     24  items       4
 *     28  offered at  8   milliseconds since the epoch, a double
 *     36  bytes
 */
export const HEADER_BYTES = 36;
export const MARK_BYTES = 8;

export interface RecordHeader {
  readonly offset: number;
  readonly bytesCrc: number;
  readonly length: number;
  readonly ordinal: number;
  readonly items: number;
  readonly offeredAtMs: number;
}

export const recordBytes = ({ length }: { length: number }) => HEADER_BYTES + length;

export function writeHeader(mark: Buffer, header: Omit<RecordHeader, 'bytesCrc' | 'length'>, bytes: Buffer): Buffer {
  const written = Buffer.allocUnsafe(HEADER_BYTES);
  mark.copy(written, 0);
  written.writeUInt32BE(crc32(bytes), 12);
  written.writeUInt32BE(bytes.length, 16);
  written.writeUInt32BE(header.ordinal, 20);
  written.writeUInt32BE(header.items, 24);
  written.writeDoubleBE(header.offeredAtMs, 28);
  written.writeUInt32BE(headerCrc(written, header.offset), 8);
  return written;
}

/** `undefined` where these bytes, found at that offset, are no header. */
export function readHeader(mark: Buffer, bytes: Buffer, offset: number): RecordHeader | undefined {
  if (bytes.length < HEADER_BYTES || bytes.compare(mark, 0, MARK_BYTES, 0, MARK_BYTES) !== 0) return undefined;
  if (bytes.readUInt32BE(8) !== headerCrc(bytes, offset)) return undefined;
  return {
    offset,
    bytesCrc: bytes.readUInt32BE(12),
    length: bytes.readUInt32BE(16),
    ordinal: bytes.readUInt32BE(20),
    items: bytes.readUInt32BE(24),
    offeredAtMs: bytes.readDoubleBE(28),
  };
}

function headerCrc(header: Buffer, offset: number): number {
  return crc32(header.subarray(12, HEADER_BYTES), offset);
}
