import { join } from 'node:path';
import { MARK_BYTES, type RecordHeader, recordBytes } from './record';

/** The version of the format is in the names, so that no damage can change it. */
const NAME = /^(\d{12})-([0-9a-f]{16})\.v(\d+)\.log$/;
const FORMAT_VERSION = 1;

/** What is known of a segment while the queue is open. Its entries lie in its file. */
export class Segment {
  readonly name: string;
  readonly path: string;
  readonly outcomesPath: string;
  readonly mark: Buffer;
  /** Bytes of its records that count: on disk, and read back as whole. */
  size = 0;
  outcomeBytes = 0;
  /** The next record's. */
  ordinal = 0;
  /** Nothing more is written to it. */
  isSealed = false;
  isDropped = false;
  /** Its file is gone. */
  isDeleted = false;
  /** What could not be read of it is nowhere else: its file stays for the next start. */
  isKept = false;
  /** What is left of it is being written anew. */
  isMoving = false;
  /** Entries that are not gone. */
  live = { entries: 0, bytes: 0 };
  /** Of the live ones: in somebody's hands. */
  taken = 0;
  /** What of `bytes` is in the lane's sum. */
  weighed = 0;
  /** Of the live ones: the cursor has not come to them. */
  unread = { entries: 0, items: 0, bytes: 0 };
  /** Of what an earlier process has left unread. */
  oldestOfferedAtMs = Infinity;
  /** What the cursor passes over: entries that are gone, or were moved here and are known. */
  readonly passed = new Set<number>();
  /** What an earlier process has noted about entries that are not gone. */
  readonly noted = new Map<number, Noted>();
  /** Where damage begins that was told of before. */
  readonly damage = new Set<number>();

  constructor(
    directory: string,
    /** In order, and of one segment only. */
    readonly number: number,
    mark: string,
    numberInName = number,
  ) {
    this.mark = Buffer.from(mark, 'hex').subarray(0, MARK_BYTES);
    this.name = `${String(numberInName).padStart(12, '0')}-${mark}.v${FORMAT_VERSION}`;
    this.path = join(directory, `${this.name}.log`);
    this.outcomesPath = join(directory, `${this.name}.ack`);
  }

  /** What it takes of the disk; nothing when it could be deleted. */
  get bytes(): number {
    return this.live.entries === 0 ? 0 : this.size + this.outcomeBytes;
  }

  /** All of it was read, and what is left waits for its next attempt. */
  get isIdle(): boolean {
    return this.unread.entries === 0 && this.taken === 0;
  }

  add(header: RecordHeader): void {
    this.live.entries++;
    this.live.bytes += recordBytes(header);
  }

  remove(header: RecordHeader): void {
    this.live.entries--;
    this.live.bytes -= recordBytes(header);
  }
}

export interface Noted {
  attempts: number;
  readonly settled: Set<number>;
}

/** The number and mark in a file's name; `undefined` for the name of something else. */
export function parseSegmentName(name: string): { number: number; mark: string } | undefined {
  const [, number, mark, version] = NAME.exec(name) ?? [];
  if (number === undefined || mark === undefined) return undefined;
  if (Number(version) !== FORMAT_VERSION)
    throw new Error(`${name} has format version ${version}, and this gateway knows version ${FORMAT_VERSION} only`);
  return { number: Number(number), mark };
}

/** Of this version, whatever its segment is. */
export function isOutcomesName(name: string): boolean {
  return name.endsWith(`.v${FORMAT_VERSION}.ack`) && NAME.test(name.replace(/ack$/, 'log'));
}
