import type { Retry } from '../../src/delivery/outcome';
import { failuresOf, mayBeItsFault, statusOf } from '../../src/delivery/retries';

const DOWN: Retry = { kind: 'retry', reason: 'http_503' };
const UPLOAD: Retry = { kind: 'retry', reason: 'media_upload_http_503', media: true };
const NO_ROOM: Retry = { kind: 'retry', reason: 'media_room', media: true, unsent: true };

test.each<[string, Retry[], { attempts: number; isSuspect: boolean }, number]>([
  ['a destination that is down has a pause of its own', [DOWN], { attempts: 9, isSuspect: false }, 1],
  ['what others are not to blame for', [DOWN], { attempts: 9, isSuspect: true }, 10],
  ['an upload that failed has nothing but this', [UPLOAD], { attempts: 9, isSuspect: false }, 10],
  ['one of several', [DOWN, NO_ROOM, UPLOAD], { attempts: 9, isSuspect: false }, 10],
  ['the first time', [UPLOAD], { attempts: 0, isSuspect: false }, 1],
  ['waiting for room is no failure', [NO_ROOM], { attempts: 9, isSuspect: false }, 4],
  ['and soon over at first', [NO_ROOM], { attempts: 1, isSuspect: false }, 2],
])('%s', (_, retries, entry, failures) => {
  expect(failuresOf(retries, entry)).toBe(failures);
});

test.each<[Retry, boolean]>([
  [DOWN, true],
  [{ kind: 'retry', reason: 'timeout' }, true],
  [UPLOAD, false],
  [NO_ROOM, false],
  [{ ...DOWN, afterMs: 5 }, false],
  [{ ...DOWN, unsent: true }, false],
  [{ kind: 'retry', reason: 'http_401', configuration: true }, false],
  [{ kind: 'retry', reason: 'http_429' }, false],
])('%j may be the fault of a span: %p', (retry, expected) => {
  expect(mayBeItsFault(retry)).toBe(expected);
});

test.each([
  ['http_503', 503],
  ['media_http_401', 401],
  ['media_upload_http_403', 403],
  ['timeout', undefined],
  ['media_answer', undefined],
])('%s: status %p', (reason, status) => {
  expect(statusOf({ kind: 'retry', reason })).toBe(status);
});
