/** Protobuf wire types (https://protobuf.dev/programming-guides/encoding/#structure). */
export const WIRE = { varint: 0, fixed64: 1, len: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** Writes protobuf by hand: what encoders do not write, too. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const more = rest > 0x7fn ? 0x80 : 0;
    bytes.push(Number(rest & 0x7fn) | more);
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export const tag = (field: number, wireType: number) => varint((field << 3) | wireType);

export const lengthDelimited = (field: number, content: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([tag(field, WIRE.len), varint(bytes.length), bytes]);
};

export const varintField = (field: number, value: number | bigint) =>
  Buffer.concat([tag(field, WIRE.varint), varint(value)]);

/** The field with as many length-delimited fields around it, the innermost number first. */
export const wrapped = (content: Uint8Array, ...fields: number[]): Buffer =>
  fields.reduce((inner, field) => lengthDelimited(field, inner), Buffer.from(content));
