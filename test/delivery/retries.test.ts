import type { Retry } from '../../src/delivery/outcome';
import { mayBeItsFault, ownPauseMs, statusOf } from '../../src/delivery/retries';

const DOWN: Retry = { kind: 'retry', reason: 'http_503' };
const UPLOAD: Retry = { kind: 'retry', reason: 'media_upload_http_503', media: true };
const NO_ROOM: Retry = { kind: 'retry', reason: 'media_room', media: true, unsent: true };

const PAUSED: Retry = { kind: 'retry', reason: 'paused', media: true, unsent: true };

test.each<[string, Retry[], { attempts: number; isSuspect: boolean }, number]>([
  ['a destination that is down has a pause of its own', [DOWN], { attempts: 9, isSuspect: false }, 1_000],
  ['what others are not to blame for', [DOWN], { attempts: 2, isSuspect: true }, 4_000],
  ['and for long', [DOWN], { attempts: 9, isSuspect: true }, 30_000],
  ['an upload that failed has nothing but this', [UPLOAD], { attempts: 3, isSuspect: false }, 8_000],
  ['one of several', [DOWN, PAUSED, UPLOAD], { attempts: 3, isSuspect: false }, 8_000],
  ['the first time', [UPLOAD], { attempts: 0, isSuspect: false }, 1_000],
  ['uploads have a pause of their own', [{ ...UPLOAD, afterMs: 300 }], { attempts: 9, isSuspect: false }, 1_000],
  ['which may be long', [{ ...UPLOAD, afterMs: 50_000 }, DOWN], { attempts: 9, isSuspect: false }, 50_000],
  ['what was not begun is no failure', [PAUSED], { attempts: 9, isSuspect: false }, 1_000],
  ['nor is waiting for room', [{ ...NO_ROOM, afterMs: 7_000 }], { attempts: 9, isSuspect: false }, 7_000],
])('%s', (_, retries, entry, expectedMs) => {
  expect(ownPauseMs(retries, { ...entry, random: () => 1 })).toBe(expectedMs);
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
