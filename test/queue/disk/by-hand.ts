/** The layouts of docs/queue-format.md, written down once more without the queue's own code. All numbers big-endian. */

/** CRC-32 bit by bit, begun with the value of what comes before. */
export function crc(bytes: Buffer, begun = 0): number {
  let value = ~begun;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}

export interface HandRecord {
  offset: number;
  ordinal: number;
  items: number;
  offeredAtMs: number;
  bytes: Buffer;
}

export function recordByHand(mark: string, { offset, ordinal, items, offeredAtMs, bytes }: HandRecord): Buffer {
  const checked = Buffer.concat([u32(crc(bytes)), u32(bytes.length), u32(ordinal), u32(items), double(offeredAtMs)]);
  return Buffer.concat([Buffer.from(mark, 'hex'), u32(crc(checked, offset)), checked, bytes]);
}

/** Takes a segment apart; throws where it is not what the drawing says. */
export function recordsByHand(mark: string, segment: Buffer): HandRecord[] {
  const records: HandRecord[] = [];
  for (let offset = 0; offset < segment.length; ) {
    const length = segment.readUInt32BE(offset + 16);
    const record = {
      offset,
      ordinal: segment.readUInt32BE(offset + 20),
      items: segment.readUInt32BE(offset + 24),
      offeredAtMs: segment.readDoubleBE(offset + 28),
      bytes: segment.subarray(offset + 36, offset + 36 + length),
    };
    const whole = recordByHand(mark, record);
    if (!whole.equals(segment.subarray(offset, offset + whole.length))) throw new Error(`no record at ${offset}`);
    records.push(record);
    offset += whole.length;
  }
  return records;
}

export interface HandOutcome {
  /** 1 settled, 2 positions, 3 attempt. */
  kind: number;
  ordinal: number;
  body: Buffer;
}

export function outcomeByHand(mark: string, offset: number, { kind, ordinal, body }: HandOutcome): Buffer {
  const checked = Buffer.concat([u32(body.length), Buffer.from([kind]), u32(ordinal), body]);
  return Buffer.concat([u32(crc(checked, crc(Buffer.from(mark, 'hex'), offset))), checked]);
}

export function outcomesByHand(mark: string, file: Buffer): HandOutcome[] {
  const outcomes: HandOutcome[] = [];
  for (let offset = 0; offset < file.length; ) {
    const body = file.subarray(offset + 13, offset + 13 + file.readUInt32BE(offset + 4));
    const outcome = { kind: file[offset + 8]!, ordinal: file.readUInt32BE(offset + 9), body };
    const whole = outcomeByHand(mark, offset, outcome);
    if (!whole.equals(file.subarray(offset, offset + whole.length))) throw new Error(`no outcome at ${offset}`);
    outcomes.push(outcome);
    offset += whole.length;
  }
  return outcomes;
}

/** The body of kind 2. */
export const runsBody = (...runs: [first: number, count: number][]) =>
  Buffer.concat(runs.flatMap(([first, count]) => [u32(first), u32(count)]));

/** The body of kind 3. */
export const attemptBody = (attempts: number, notBeforeMs: number) =>
  Buffer.concat([u32(attempts), double(notBeforeMs)]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
}
