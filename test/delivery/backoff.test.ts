import fc from 'fast-check';
import { pauseMs } from '../../src/delivery/backoff';

type Row = [failures: number, configuration: boolean, longestMs: number];

test.each<Row>([
  [1, false, 1_000],
  [2, false, 2_000],
  [3, false, 4_000],
  [4, false, 8_000],
  [5, false, 16_000],
  [6, false, 30_000],
  [7, false, 30_000],
  [1_000_000, false, 30_000],
  [1, true, 1_000],
  [6, true, 32_000],
  [7, true, 60_000],
  [1_000_000, true, 60_000],
])('failure %i in a row (of configuration: %s): at most %i ms', (failures, configuration, longestMs) => {
  expect(pauseMs({ failures, configuration, random: () => 1 })).toBe(longestMs);
  expect(pauseMs({ failures, configuration, random: () => 0.5 })).toBe(longestMs / 2);
});

test('the jitter is full, but for a quarter of a second that is always waited', () => {
  expect(pauseMs({ failures: 20, configuration: false, random: () => 0 })).toBe(250);
  expect(pauseMs({ failures: 20, configuration: false, random: () => 0.1 })).toBe(3_000);
});

test('never less than 250 ms, never more than the longest, always whole milliseconds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.boolean(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, configuration, random) => {
        const pause = pauseMs({ failures, configuration, random: () => random });
        expect(pause).toBeGreaterThanOrEqual(250);
        expect(pause).toBeLessThanOrEqual(configuration ? 60_000 : 30_000);
        expect(Number.isInteger(pause)).toBe(true);
      },
    ),
  );
});
