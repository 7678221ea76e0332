import { BufferReader } from 'protobufjs/minimal';

/**
 * Walks the fields of a message that passed the check. `read` is called behind each tag: it consumes the value and
 * returns true, or returns false and the value is stepped over.
 */
export function eachField(
  bytes: Buffer,
  start: number,
  end: number,
  read: (reader: BufferReader, number: number) => boolean,
): void {
  const reader = new BufferReader(bytes);
  reader.pos = start;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!read(reader, tag >>> 3)) reader.skipType(tag & 7);
  }
}

/** The same for a message inside another: `outer` stands at its length and is left behind its end. */
export function eachFieldWithin(
  outer: BufferReader,
  bytes: Buffer,
  read: (reader: BufferReader, number: number) => boolean,
): void {
  const end = outer.uint32() + outer.pos;
  eachField(bytes, outer.pos, end, read);
  outer.pos = end;
}
