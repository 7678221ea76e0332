import type { Reader } from 'protobufjs/minimal';

/** An int64 as a number, or as the digits of one that a number cannot hold. */
export function int64(reader: Reader): number | string {
  const { high, low } = reader.int64();
  const number = high * 2 ** 32 + (low >>> 0);
  return Number.isSafeInteger(number) ? number : ((BigInt(high) << 32n) | BigInt(low >>> 0)).toString();
}
