/** Whether `wanted` stands at `start`. From the end, where keys of one family differ; a call into native code would cost more than the loop. */
export function isAt(source: Buffer, start: number, wanted: Buffer): boolean {
  for (let at = wanted.length - 1; at >= 0; at--) if (source[start + at] !== wanted[at]) return false;
  return true;
}

/** Whether all bytes from `start` to `end` are zero. */
export function isZero(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Whether the unsigned 64-bit integer at `at` is less than the one at `other`. */
export function isBefore(bytes: Buffer, at: number, other: number): boolean {
  const high = bytes.readUInt32LE(at + 4);
  const otherHigh = bytes.readUInt32LE(other + 4);
  return high === otherHigh ? bytes.readUInt32LE(at) < bytes.readUInt32LE(other) : high < otherHigh;
}
