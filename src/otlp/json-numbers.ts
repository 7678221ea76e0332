const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,4}))?$/;
/** No 64-bit integer has more digits; without the bound `1e9999` would make a number of ten thousand. */
const DIGITS_MAX = 20;

/**
 * The integer that a JSON number or a decimal string stands for, exactly: `5`, `5.0`, `"5"`, `1.5e3`. `undefined` when it
 * stands for none, or for one of more than 20 digits.
 */
export function exactInteger(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const zeros = Number(exponent) - fraction.length;
  if (digits === '') return 0n;
  if (digits.length + zeros > DIGITS_MAX) return undefined;
  const kept = zeros < 0 ? digits.slice(0, zeros) : digits + '0'.repeat(zeros);
  const lost = zeros < 0 ? digits.slice(zeros) : '';
  if (kept === '' || /[1-9]/.test(lost)) return undefined;
  return BigInt(`${sign}${kept}`);
}

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

export const isInt64 = (value: bigint) => value >= -INT64_MAX - 1n && value <= INT64_MAX;
export const isUint64 = (value: bigint) => value >= 0n && value <= UINT64_MAX;
export const isUint32 = (value: bigint) => value >= 0n && value <= 0xffffffffn;
export const isInt32 = (value: bigint) => value >= -0x80000000n && value <= 0x7fffffffn;
