import type { HrTime } from '@opentelemetry/api';
import type { Draft } from '../draft';

const isAbsent = ([seconds, nanos]: HrTime) => seconds === 0 && nanos === 0;

/** Without a time of its own a span would get the time of each attempt to deliver it, and be another span each time. */
export function fillStart(draft: Draft): void {
  const { startTime, endTime } = draft.span;
  if (!isAbsent(startTime)) return;
  if (!isAbsent(endTime)) {
    draft.setTimes({ start: endTime });
    draft.warn('start_absent');
  } else {
    draft.setTimes({ start: draft.receivedAt, end: draft.receivedAt });
    draft.warn('times_absent');
  }
}

/** Which of the two is wrong nobody knows. */
export function warnOfEndBeforeStart(draft: Draft): void {
  const { startTime, endTime } = draft.span;
  if (isAbsent(endTime)) return;
  const [seconds, nanos] = [endTime[0] - startTime[0], endTime[1] - startTime[1]];
  if (seconds < 0 || (seconds === 0 && nanos < 0)) draft.warn('end_before_start');
}
