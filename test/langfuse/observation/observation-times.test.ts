import type { HrTime } from '@opentelemetry/api';
import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan } from '../../support/span-builder';

const ABSENT: HrTime = [0, 0];

test.each([
  [
    'nanoseconds are cut',
    [1_700_000_000, 123_999_999],
    [1_700_000_001, 0],
    '2023-11-14T22:13:20.123Z',
    '2023-11-14T22:13:21.000Z',
  ],
  ['no end', [1_700_000_000, 0], ABSENT, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z'],
  ['no start', ABSENT, [1_700_000_000, 0], '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z'],
  [
    'an end before the start stays',
    [1_700_000_001, 0],
    [1_700_000_000, 0],
    '2023-11-14T22:13:21.000Z',
    '2023-11-14T22:13:20.000Z',
  ],
  ['neither', ABSENT, ABSENT, null, null],
] as [string, HrTime, HrTime, string | null, string | null][])('%s', (_name, start, end, startTime, endTime) => {
  expect(observe(buildSpan({ startTime: start, endTime: end }))).toMatchObject({ startTime, endTime });
});

describe('completion start time', () => {
  const KEY = 'langfuse.observation.completion_start_time';
  const completionStartTime = (attributes: Record<string, unknown>) =>
    observe(buildSpan({ attributes, startTime: [1_700_000_000, 0] })).completionStartTime;

  test.each([
    ['a date', { [KEY]: '2025-10-01T08:45:26.112648Z' }, '2025-10-01T08:45:26.112Z'],
    ['a date in double quotes', { [KEY]: '"2025-10-01T08:45:26.112648Z"' }, '2025-10-01T08:45:26.112Z'],
    ['a date with an offset', { [KEY]: '2025-10-01T10:45:26+02:00' }, '2025-10-01T08:45:26.000Z'],
    ['a date without zone is in UTC', { [KEY]: '2025-10-01T08:45:26.5' }, '2025-10-01T08:45:26.500Z'],
    ['a quoted date without zone and T', { [KEY]: '"2025-10-01 08:45:26"' }, '2025-10-01T08:45:26.000Z'],
    ['milliseconds', { [KEY]: 1_700_000_000_001 }, '2023-11-14T22:13:20.001Z'],
    ['milliseconds as text', { [KEY]: '1700000000001' }, '2023-11-14T22:13:20.001Z'],
    ['zero is no time', { [KEY]: 0, 'ai.response.msToFirstChunk': 5 }, null],
    ['no date', { [KEY]: 'soon' }, null],
    ['an object that would break String()', { [KEY]: '{"toString":1}' }, null],
    ['milliseconds of the AI SDK, rounded up', { 'ai.response.msToFirstChunk': 499.2 }, '2023-11-14T22:13:20.500Z'],
    ['milliseconds of the AI SDK as text', { 'ai.response.msToFirstChunk': '499.2' }, '2023-11-14T22:13:20.500Z'],
    ['its other name', { 'ai.stream.msToFirstChunk': 7 }, '2023-11-14T22:13:20.007Z'],
    ['both names', { 'ai.response.msToFirstChunk': 1, 'ai.stream.msToFirstChunk': 7 }, '2023-11-14T22:13:20.001Z'],
    [
      'the date before the AI SDK',
      { [KEY]: '2025-10-01T08:45:26Z', 'ai.response.msToFirstChunk': 1 },
      '2025-10-01T08:45:26.000Z',
    ],
    [
      'the AI SDK where the date is none',
      { [KEY]: 'soon', 'ai.response.msToFirstChunk': 1 },
      '2023-11-14T22:13:20.001Z',
    ],
    ['no number', { 'ai.response.msToFirstChunk': 'x' }, null],
    ['beyond all dates', { 'ai.response.msToFirstChunk': 1e300 }, null],
    ['none', {}, null],
  ])('%s', (_name, attributes, expected) => {
    expect(completionStartTime(attributes)).toBe(expected);
  });

  test('counts from the end where there is no start, and is null without both', () => {
    const attributes = { 'ai.response.msToFirstChunk': 1 };
    const endOnly = observe(buildSpan({ attributes, startTime: ABSENT, endTime: [1_700_000_000, 0] }));
    expect(endOnly.completionStartTime).toBe('2023-11-14T22:13:20.001Z');
    expect(observe(buildSpan({ attributes, startTime: ABSENT, endTime: ABSENT })).completionStartTime).toBeNull();
  });
});
