import { readiness } from '../../src/admin/readiness';
import { createHealthRecorder, type DestinationHealth } from '../../src/delivery/health';
import type { Verdict } from '../../src/delivery/langfuse-answer';

const SINCE_MS = Date.UTC(2026, 0, 1);
const health = (given: Partial<DestinationHealth> = {}): DestinationHealth => ({
  ...{ destination: 'main', lastAcceptedMs: 1, trouble: undefined },
  ...given,
});
const trouble = (reason: string, configuration = false) => ({
  ...{ sinceMs: SINCE_MS, reason, description: reason, configuration },
});
const EIO = { sinceMs: SINCE_MS, code: 'EIO' };
const SICK = 'the disk of the queue fails (EIO) since 2026-01-01T00:00:00.000Z: new spans are refused with 503';
const STRANGER = 'old: not configured, and 3 span(s) in the queue are for it; they stay until it is again';
const WELL = {
  ...{ phase: 'running' as const, destinations: [health()], queueFull: false as const },
  ...{ sickDisk: undefined, strangers: [] },
};
const shutOut = health({ lastAcceptedMs: undefined, trouble: trouble('http_401', true) });

type Given = Partial<Parameters<typeof readiness>[0]>;
type Row = [name: string, given: Given, code: number, status: string, reasons: string[]];

test.each<Row>([
  ['all is well', {}, 200, 'ready', []],
  ['nothing was sent yet', { destinations: [health({ lastAcceptedMs: undefined })] }, 200, 'ready', []],
  ['no destination', { destinations: [] }, 200, 'ready', []],
  ['starting', { phase: 'starting' }, 503, 'starting', ['the gateway is starting']],
  ['draining', { phase: 'draining', queueFull: 'the queue is full' }, 503, 'draining', ['the gateway is draining']],
  [
    'never let in: the destination is named',
    { destinations: [health({ destination: 'other' }), shutOut] },
    503,
    'misconfigured',
    ['main: http_401 since 2026-01-01T00:00:00.000Z; check its URL and keys'],
  ],
  [
    'shut out after it had accepted',
    { destinations: [health({ trouble: trouble('http_403', true) })] },
    200,
    'degraded',
    ['main: http_403 since 2026-01-01T00:00:00.000Z; check its URL and keys'],
  ],
  [
    'down before anything was accepted',
    { destinations: [health({ lastAcceptedMs: undefined, trouble: trouble('network') })] },
    200,
    'degraded',
    ['main: network since 2026-01-01T00:00:00.000Z'],
  ],
  [
    'media cannot be uploaded: what to do stands there',
    { destinations: [health({ mediaTrouble: trouble('the media API answered HTTP 401', true) })] },
    200,
    'degraded',
    [
      'main: media cannot be uploaded (the media API answered HTTP 401) since 2026-01-01T00:00:00.000Z; check the media storage of Langfuse, or set media: inline',
    ],
  ],
  [
    'media cannot be uploaded for now, and nothing was ever accepted',
    {
      destinations: [health({ lastAcceptedMs: undefined, mediaTrouble: trouble('the upload to the store timed out') })],
    },
    200,
    'degraded',
    ['main: media cannot be uploaded (the upload to the store timed out) since 2026-01-01T00:00:00.000Z'],
  ],
  [
    'down, and its media too: both are said',
    { destinations: [health({ trouble: trouble('http_503'), mediaTrouble: trouble('http_503') })] },
    200,
    'degraded',
    [
      'main: http_503 since 2026-01-01T00:00:00.000Z',
      'main: media cannot be uploaded (http_503) since 2026-01-01T00:00:00.000Z',
    ],
  ],
  [
    'a full queue',
    { queueFull: 'the queue is full' },
    200,
    'degraded',
    ['the queue is full: new spans are refused with 503'],
  ],
  [
    'down, and the queue full',
    { destinations: [health({ trouble: trouble('http_503') })], queueFull: 'the queue is full' },
    200,
    'degraded',
    ['main: http_503 since 2026-01-01T00:00:00.000Z', 'the queue is full: new spans are refused with 503'],
  ],
  ['a sick disk', { sickDisk: EIO }, 503, 'sick', [SICK]],
  [
    'a sick disk: nothing else matters, for no span can be kept',
    { sickDisk: EIO, destinations: [shutOut], queueFull: 'the queue is full', strangers: [STRANGER] },
    503,
    'sick',
    [SICK],
  ],
  ['draining, with a sick disk', { phase: 'draining', sickDisk: EIO }, 503, 'draining', ['the gateway is draining']],
  ['entries of a destination that is gone', { strangers: [STRANGER] }, 200, 'degraded', [STRANGER]],
  [
    'everything that is not worth a 503, in one answer',
    { destinations: [health({ trouble: trouble('timeout') })], queueFull: 'the queue is full', strangers: [STRANGER] },
    200,
    'degraded',
    ['main: timeout since 2026-01-01T00:00:00.000Z', 'the queue is full: new spans are refused with 503', STRANGER],
  ],
])('%s', (_, given, code, status, reasons) => {
  expect(readiness({ ...WELL, ...given })).toEqual({ code, status, reasons });
});

test.each<[string, Verdict]>([
  ['down', { kind: 'retry', reason: 'http_503' }],
  ['out of reach', { kind: 'retry', reason: 'network' }],
])('refused credentials stay a reason for 503 while it is %s: it has never accepted anything', (_, later) => {
  const recorder = createHealthRecorder('main', () => SINCE_MS);
  recorder.record({ kind: 'retry', reason: 'http_401', configuration: true });
  recorder.record(later);
  const destinations = [recorder.current()];
  expect(readiness({ ...WELL, destinations })).toMatchObject({ code: 503 });
  recorder.record({ kind: 'accepted', rejected: 0 });
  recorder.record(later);
  const afterwards = [recorder.current()];
  expect(readiness({ ...WELL, destinations: afterwards })).toMatchObject({ code: 200 });
});
