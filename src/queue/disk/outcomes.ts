import { crc32 } from 'node:zlib';
import type { Window } from './window';

/**
 * What became of a segment's entries, appended to a file beside it and never synced: what a crash takes of it is done
 * again. One record (docs/queue-format.md), big-endian:
 *
 *     0   CRC      4   of all that follows, begun with the record's offset and the segment's mark
 *     4   length   4   of the body
 *     8   kind     1
 *     9   ordinal  4   of the entry
 *     13  body
 */
const HEAD_BYTES = 13;
const SETTLED = 1;
const POSITIONS = 2;
const ATTEMPT = 3;

export type Outcome =
  /** All of its items. */
  | { readonly kind: 'settled'; readonly ordinal: number }
  | { readonly kind: 'positions'; readonly ordinal: number; readonly positions: readonly number[] }
  /** It was tried so often, and is not to be tried before. */
  | { readonly kind: 'attempt'; readonly ordinal: number; readonly attempts: number; readonly dueAtMs: number };

export function writeOutcome(outcome: Outcome, place: { mark: Buffer; offset: number }): Buffer {
  const body = writeBody(outcome);
  const written = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  written.writeUInt32BE(body.length, 4);
  written[8] = outcome.kind === 'settled' ? SETTLED : outcome.kind === 'positions' ? POSITIONS : ATTEMPT;
  written.writeUInt32BE(outcome.ordinal, 9);
  body.copy(written, HEAD_BYTES);
  written.writeUInt32BE(crcOf(written, place), 0);
  return written;
}

/** Reads up to the first that is not whole. Resolves to where that is. */
export async function readOutcomes(
  window: Window,
  { mark, size, onOutcome }: { mark: Buffer; size: number; onOutcome: (outcome: Outcome) => void },
): Promise<number> {
  let offset = 0;
  while (offset + HEAD_BYTES <= size) {
    const head = await window.at(offset, HEAD_BYTES);
    if (head.length < HEAD_BYTES) break;
    const bytes = HEAD_BYTES + head.readUInt32BE(4);
    if (offset + bytes > size) break;
    const record = await window.at(offset, bytes);
    if (record.length < bytes || record.readUInt32BE(0) !== crcOf(record, { mark, offset })) break;
    const outcome = readBody(record[8]!, record.readUInt32BE(9), record.subarray(HEAD_BYTES));
    if (outcome === undefined) break;
    onOutcome(outcome);
    offset += bytes;
  }
  return offset;
}

function crcOf(record: Buffer, { mark, offset }: { mark: Buffer; offset: number }): number {
  return crc32(record.subarray(4), crc32(mark, offset));
}

function writeBody(outcome: Outcome): Buffer {
  if (outcome.kind === 'settled') return Buffer.alloc(0);
  if (outcome.kind === 'attempt') {
    const body = Buffer.allocUnsafe(12);
    body.writeUInt32BE(outcome.attempts, 0);
    body.writeDoubleBE(outcome.dueAtMs, 4);
    return body;
  }
  const runs = runsOf(outcome.positions);
  const body = Buffer.allocUnsafe(runs.length * 8);
  for (const [at, { start, count }] of runs.entries()) {
    body.writeUInt32BE(start, at * 8);
    body.writeUInt32BE(count, at * 8 + 4);
  }
  return body;
}

function readBody(kind: number, ordinal: number, body: Buffer): Outcome | undefined {
  if (kind === SETTLED) return { kind: 'settled', ordinal };
  if (kind === ATTEMPT)
    return { kind: 'attempt', ordinal, attempts: body.readUInt32BE(0), dueAtMs: body.readDoubleBE(4) };
  if (kind !== POSITIONS) return undefined;
  const positions: number[] = [];
  for (let at = 0; at + 8 <= body.length; at += 8) {
    const start = body.readUInt32BE(at);
    for (let position = start; position < start + body.readUInt32BE(at + 4); position++) positions.push(position);
  }
  return { kind: 'positions', ordinal, positions };
}

/** Neighbours share a place: most of an entry is settled in stretches. */
function runsOf(positions: readonly number[]): { start: number; count: number }[] {
  const runs: { start: number; count: number }[] = [];
  for (const position of [...positions].sort((one, other) => one - other)) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last.start + last.count === position) last.count++;
    else runs.push({ start: position, count: 1 });
  }
  return runs;
}
