/** Protobuf framing byte by byte, for messages that no proper writer writes. Shares no code with src/otlp. */
export const WIRE = { varint: 0, fixed64: 1, len: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** `bytesMin` pads the varint with bytes that add nothing, which every reader has to accept. */
export function varint(value: number | bigint, bytesMin = 1): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < bytesMin);
  bytes.push((bytes.pop() as number) & 0x7f);
  return Buffer.from(bytes);
}

export const tag = (number: number, wireType: number, bytesMin = 1): Buffer => varint(number * 8 + wireType, bytesMin);

export const varintField = (number: number, value: number | bigint): Buffer =>
  Buffer.concat([tag(number, WIRE.varint), varint(value)]);

/** A length-delimited field: string, bytes or message. */
export function lenField(number: number, content: Uint8Array | string, padding = { tag: 1, length: 1 }): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([tag(number, WIRE.len, padding.tag), varint(bytes.length, padding.length), bytes]);
}

export const fixed32Field = (number: number, value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Buffer.concat([tag(number, WIRE.fixed32), bytes]);
};

export const fixed64Field = (number: number, value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([tag(number, WIRE.fixed64), bytes]);
};

export const doubleField = (number: number, value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, WIRE.fixed64), bytes]);
};

export const group = (number: number, content: Uint8Array): Buffer =>
  Buffer.concat([tag(number, WIRE.groupStart), content, tag(number, WIRE.groupEnd)]);

/** Fields around fields: the first number is the outermost. */
export const nested = (numbers: readonly number[], content: Uint8Array): Buffer =>
  numbers.reduceRight<Buffer>((inner, number) => lenField(number, inner), Buffer.from(content));
