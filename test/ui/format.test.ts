import fc from 'fast-check';
import * as format from '../../ui/src/text/format';
import { runs } from '../support/random';

const { ago, bytes, clock, compact, counted, dollars, duration, grouped, minuteClock, percent, preciseClock, rate } =
  format;

describe('numbers', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [-1_234_567, '-1,234,567'],
  ])('%d grouped', (value, text) => {
    expect(grouped(value)).toBe(text);
  });

  test.each([
    [0, '0'],
    [9_999, '9,999'],
    [10_000, '10K'],
    [12_345, '12.3K'],
    [999_949, '999.9K'],
    [999_950, '1M'],
    [1_200_000_000, '1.2B'],
  ])('%d compact', (value, text) => {
    expect(compact(value)).toBe(text);
  });

  test.each([
    [counted(0, 'span'), '0 spans'],
    [counted(1, 'span'), '1 span'],
    [counted(1_000, 'span'), '1,000 spans'],
    [counted(2, 'retry', 'retries'), '2 retries'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });

  test.each([
    [0, '0'],
    [0.01, '<0.1'],
    [0.1, '0.1'],
    [9.94, '9.9'],
    [9.96, '10'],
    [10.4, '10'],
    [9_999.4, '9,999'],
    [12_345.6, '12.3K'],
  ])('a rate of %d', (value, text) => {
    expect(rate(value)).toBe(text);
  });
});

describe('durations', () => {
  test.each([
    [0, '0 ms'],
    [-0, '0 ms'],
    [0.25, '0.25 ms'],
    [0.994, '0.99 ms'],
    [0.999, '1 ms'],
    [1, '1 ms'],
    [999, '999 ms'],
    [999.4, '999 ms'],
    [999.5, '1.0 s'],
    [1_000, '1.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 m 0 s'],
    [60_000, '1 m 0 s'],
    [61_499, '1 m 1 s'],
    [3_599_499, '59 m 59 s'],
    [3_599_500, '1 h 0 m'],
    [3_600_000, '1 h 0 m'],
    [7_199_999, '2 h 0 m'],
    [90_000_000, '25 h 0 m'],
    [3_600_000_000, '1,000 h 0 m'],
    [-1_500, '−1.5 s'],
    [Number.NaN, '–'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d ms', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

  /** `1 m 3 s` in milliseconds. */
  const readBack = (text: string) =>
    [...text.matchAll(/([\d,.]+) (ms|s|m|h)/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount?.replaceAll(',', '')) * (UNITS[unit as string] as number),
      0,
    );

  test('what is written is no further away than its last place', () => {
    const upTo = fc.constantFrom(1, 1_000, 60_000, 3_600_000, 1e9);
    const ms = upTo.chain((max) => fc.double({ min: 0, max, noNaN: true }));
    fc.assert(
      fc.property(ms, (value) => {
        const tolerance =
          value < 1 ? 0.006 : value < 999.5 ? 0.5 : value < 59_950 ? 50.001 : value < 3_599_500 ? 500 : 30_500;
        expect(Math.abs(readBack(duration(value)) - value)).toBeLessThanOrEqual(tolerance);
      }),
      runs(1_000),
    );
  });

  test('no unit is full', () => {
    fc.assert(
      fc.property(fc.nat(200_000_000), (value) => {
        expect(duration(value)).not.toMatch(/\b(?:60(?:\.\d)? [sm]|1,?000(?:\.\d)? m?s)\b/);
      }),
      runs(1_000),
    );
  });
});

describe('amounts', () => {
  test.each([
    [0, '$0'],
    [0.0000001, '<$0.000001'],
    [-0.0000001, '>−$0.000001'],
    [0.000001, '$0.000001'],
    [0.0000999, '$0.000100'],
    [0.0001, '$0.0001'],
    [0.01234, '$0.0123'],
    [0.9999, '$0.9999'],
    [0.99996, '$1.00'],
    [1, '$1.00'],
    [999.99, '$999.99'],
    [999.996, '$1,000'],
    [1_234.5, '$1,235'],
    [-2.5, '−$2.50'],
    [-5_000, '−$5,000'],
  ])('%d dollars', (value, text) => {
    expect(dollars(value)).toBe(text);
  });

  test.each([
    [0, '0 B'],
    [1_023, '1,023 B'],
    [1_024, '1.0 KB'],
    [9.9 * 1024, '9.9 KB'],
    [9.96 * 1024, '10 KB'],
    [1_023.4 * 1024, '1023 KB'],
    [1_023.6 * 1024, '1.0 MB'],
    [1024 ** 2, '1.0 MB'],
    [512 * 1024 ** 3, '512 GB'],
    [2 * 1024 ** 5, '2048 TB'],
  ])('%d bytes', (count, text) => {
    expect(bytes(count)).toBe(text);
  });

  test.each([
    [0, 0, 0],
    [0, 5, 0],
    [1, 3, 33],
    [29, 100, 29],
    [57, 100, 57],
    [999, 1_000, 99],
    [7, 7, 100],
  ])('%d of %d in percent', (part, whole, expected) => {
    expect(percent(part, whole)).toBe(expected);
  });

  test('a percentage is reached before it is shown', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(1_000_000), (part, more) => {
        const [whole, shown] = [part + more + 1, percent(part, part + more + 1)];
        expect([shown * whole <= part * 100, (shown + 1) * whole > part * 100]).toEqual([true, true]);
      }),
      runs(1_000),
    );
  });
});

describe('times', () => {
  /** The numbers of a text, in whichever form the machine's language puts them. */
  const numbersIn = (text: string) => text.match(/\d+/g);
  /** In the machine's own zone, wherever that is. */
  const local = (...[day, hour, minute, second, ms]: [number, number, number, number, number]) =>
    new Date(2026, 0, day, hour, minute, second, ms);
  const NOW = local(15, 12, 0, 0, 0);

  test.each([
    ['after midnight', local(15, 0, 5, 9, 0), ['00', '05', '09']],
    ['in the afternoon', local(15, 13, 0, 0, 0), ['13', '00', '00']],
    ['before midnight', local(15, 23, 59, 59, 999), ['23', '59', '59']],
  ])('%s', (_, at, numbers) => {
    expect(numbersIn(clock(at.toISOString(), NOW))).toEqual(numbers);
    expect(numbersIn(minuteClock(at.toISOString(), NOW))).toEqual(numbers.slice(0, -1));
  });

  test('another day is named before the time', () => {
    const iso = local(14, 0, 5, 9, 0).toISOString();
    expect(numbersIn(clock(iso, NOW))?.slice(-3)).toEqual(['00', '05', '09']);
    expect(numbersIn(minuteClock(iso, NOW))?.slice(-2)).toEqual(['00', '05']);
    expect([clock(iso, NOW), minuteClock(iso, NOW)]).toEqual([
      expect.stringMatching(/\b14\b/),
      expect.stringMatching(/\b14\b/),
    ]);
  });

  test('the month of another day is named', () => {
    const of = (month: number) => clock(new Date(2026, month, 14, 1).toISOString(), NOW);
    expect(of(1)).not.toBe(of(2));
  });

  test('the same day of another month is another day', () => {
    expect(numbersIn(clock(new Date(2025, 11, 15, 1, 2, 3).toISOString(), NOW))?.length).toBeGreaterThan(3);
  });

  test.each([0, 7, 50, 999])('%i milliseconds', (ms) => {
    expect(preciseClock(local(14, 1, 2, 3, ms).toISOString())).toMatch(
      new RegExp(`\\.${String(ms).padStart(3, '0')}$`),
    );
  });

  test.each([
    ['a word', 'soon'],
    ['nothing', ''],
  ])('%s that is no time stays', (_, text) => {
    expect([clock(text), minuteClock(text), preciseClock(text)]).toEqual([text, text, text]);
  });

  test.each([
    [-5_000, '0 s ago'],
    [0, '0 s ago'],
    [499, '0 s ago'],
    [500, '1 s ago'],
    [59_499, '59 s ago'],
    [59_500, '1 min ago'],
    [3_599_499, '59 min ago'],
    [3_599_500, '1 h ago'],
    [86_399_499, '23 h ago'],
    [86_399_500, '1 day ago'],
    [2 * 86_400_000, '2 days ago'],
  ])('%d ms later', (ms, text) => {
    expect(ago(NOW.toISOString(), NOW.getTime() + ms)).toBe(text);
  });
});
