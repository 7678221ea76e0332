import fc from 'fast-check';
import { exactInteger, isInt32, isInt64, isUint32, isUint64 } from '../../src/otlp/json-numbers';
import { runs } from '../support/random';

/** The fraction a decimal text stands for, in plain arithmetic. */
function fractionOf(sign: string, whole: string, fraction: string, exponent: number): { over: bigint; under: bigint } {
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const shift = exponent - fraction.length;
  return shift < 0
    ? { over: digits, under: 10n ** BigInt(-shift) }
    : { over: digits * 10n ** BigInt(shift), under: 1n };
}

const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0001234567899'), minLength: 1, maxLength }) as fc.Arbitrary<string>;

const decimals = fc.record({
  sign: fc.constantFrom('', '-'),
  whole: digits(21),
  fraction: fc.option(digits(21), { nil: '' }),
  exponent: fc.option(fc.integer({ min: -40, max: 40 }), { nil: undefined }),
  plus: fc.constantFrom('', '+'),
  letter: fc.constantFrom('e', 'E'),
});

test('an integer in any notation is exact, everything else is none', () => {
  fc.assert(
    fc.property(decimals, ({ sign, whole, fraction, exponent, plus, letter }) => {
      const point = fraction === '' ? '' : `.${fraction}`;
      const power = exponent === undefined ? '' : `${letter}${exponent < 0 ? '' : plus}${exponent}`;
      const { over, under } = fractionOf(sign, whole, fraction, exponent ?? 0);
      const isShort = over % under === 0n && `${over / under}`.replace('-', '').length <= 20;
      expect(exactInteger(`${sign}${whole}${point}${power}`)).toBe(isShort ? over / under : undefined);
    }),
    runs(3000),
  );
});

test('every 64-bit integer is itself', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
      expect(exactInteger(String(value))).toBe(value);
    }),
    runs(500),
  );
});

test.each<[string, bigint | undefined]>([
  ['0', 0n],
  ['-0', 0n],
  ['-0.0', 0n],
  ['0e9999', 0n],
  ['0.000', 0n],
  ['5.0', 5n],
  ['1.5e3', 1500n],
  ['1500e-2', 15n],
  ['1.544712660123456789e18', 1544712660123456789n],
  ['18446744073709551615', 2n ** 64n - 1n],
  ['9007199254740993', 9007199254740993n],
  ['007', 7n],
  ['1.5', undefined],
  ['15e-2', undefined],
  ['1e21', undefined],
  ['1e9999', undefined],
  ['1e-9999', undefined],
  ['1e99999', undefined],
  ['', undefined],
  ['-', undefined],
  ['.', undefined],
  ['5.', undefined],
  ['.5', undefined],
  ['+5', undefined],
  [' 5', undefined],
  ['5\n', undefined],
  ['0x10', undefined],
  ['1_000', undefined],
  ['3.f14', undefined],
  ['Infinity', undefined],
  ['٣', undefined],
])('%j is %s', (text, expected) => {
  expect(exactInteger(text)).toBe(expected);
});

test('a megabyte of digits is no number, and no work', () => {
  expect(exactInteger('9'.repeat(1_000_000))).toBeUndefined();
  expect(exactInteger(`0.${'0'.repeat(1_000_000)}1`)).toBeUndefined();
  expect(exactInteger(`1${'0'.repeat(1_000_000)}`)).toBeUndefined();
});

test.each([
  ['isInt64', isInt64, -(2n ** 63n), 2n ** 63n - 1n],
  ['isUint64', isUint64, 0n, 2n ** 64n - 1n],
  ['isInt32', isInt32, -(2n ** 31n), 2n ** 31n - 1n],
  ['isUint32', isUint32, 0n, 2n ** 32n - 1n],
])('%s is true from %s to %s', (_, fits, min, max) => {
  expect([min - 1n, min, max, max + 1n].map(fits)).toEqual([false, true, true, false]);
});
