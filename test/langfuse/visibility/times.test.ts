import type { HrTime } from '@opentelemetry/api';
import { fillStart, warnOfEndBeforeStart } from '../../../src/langfuse/visibility/times';
import { RECEIVED_AT, TestDraft } from '../../support/visibility-draft';

const ABSENT: HrTime = [0, 0];
const EARLY: HrTime = [5, 999_999_999];
const LATE: HrTime = [6, 0];

test.each([
  ['both there', EARLY, LATE, EARLY, LATE, []],
  ['no end', EARLY, ABSENT, EARLY, ABSENT, []],
  ['no start', ABSENT, LATE, LATE, LATE, ['start_absent']],
  ['a start in the first second of 1970', [0, 1] as HrTime, LATE, [0, 1], LATE, []],
  ['neither', ABSENT, ABSENT, RECEIVED_AT, RECEIVED_AT, ['times_absent']],
])('start: %s', (_name, startTime, endTime, start, end, warnings) => {
  const draft = new TestDraft({ startTime, endTime });
  fillStart(draft);
  fillStart(draft);
  expect([draft.span.startTime, draft.span.endTime]).toEqual([start, end]);
  expect(draft.warnings).toEqual(warnings);
});

test.each([
  ['after the start', EARLY, LATE, []],
  ['at the start', LATE, LATE, []],
  ['a nanosecond before the start', LATE, EARLY, ['end_before_start']],
  ['a nanosecond before, in the same second', EARLY, [5, 999_999_998] as HrTime, ['end_before_start']],
  ['later by seconds, with fewer nanoseconds', EARLY, [7, 0] as HrTime, []],
  ['absent', LATE, ABSENT, []],
])('end: %s', (_name, startTime, endTime, warnings) => {
  const draft = new TestDraft({ startTime, endTime });
  warnOfEndBeforeStart(draft);
  expect([draft.span.startTime, draft.span.endTime]).toEqual([startTime, endTime]);
  expect(draft.warnings).toEqual(warnings);
});
