import { type Phase, readiness } from '../../src/admin/readiness';
import { createHealthRecorder, type DestinationHealth } from '../../src/delivery/health';
import type { Verdict } from '../../src/delivery/langfuse-answer';

const SINCE_MS = Date.UTC(2026, 0, 1);
const health = (given: Partial<DestinationHealth> = {}): DestinationHealth => ({
  ...{ destination: 'main', hasAccepted: true, trouble: undefined },
  ...given,
});
const trouble = (reason: string, configuration = false) => ({ sinceMs: SINCE_MS, reason, configuration });
const shutOut = health({ hasAccepted: false, trouble: trouble('http_401', true) });

interface Given {
  phase?: Phase;
  destinations?: DestinationHealth[];
  queueFull?: boolean;
}
type Row = [name: string, given: Given, code: number, status: string, reasons: string[]];

test.each<Row>([
  ['all is well', {}, 200, 'ready', []],
  ['nothing was sent yet', { destinations: [health({ hasAccepted: false })] }, 200, 'ready', []],
  ['no destination', { destinations: [] }, 200, 'ready', []],
  ['starting', { phase: 'starting' }, 503, 'starting', ['the gateway is starting']],
  ['draining', { phase: 'draining', queueFull: true }, 503, 'draining', ['the gateway is draining']],
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
    ['main: http_403 since 2026-01-01T00:00:00.000Z'],
  ],
  [
    'down before anything was accepted',
    { destinations: [health({ hasAccepted: false, trouble: trouble('network') })] },
    200,
    'degraded',
    ['main: network since 2026-01-01T00:00:00.000Z'],
  ],
  ['a full queue', { queueFull: true }, 200, 'degraded', ['the queue is full: new spans are refused with 503']],
  [
    'down, and the queue full',
    { destinations: [health({ trouble: trouble('http_503') })], queueFull: true },
    200,
    'degraded',
    ['main: http_503 since 2026-01-01T00:00:00.000Z', 'the queue is full: new spans are refused with 503'],
  ],
])('%s', (_, given, code, status, reasons) => {
  expect(readiness({ phase: 'running', destinations: [health()], queueFull: false, ...given })).toEqual({
    ...{ code, status, reasons },
  });
});

test.each<[string, Verdict]>([
  ['down', { kind: 'retry', reason: 'http_503' }],
  ['out of reach', { kind: 'retry', reason: 'network' }],
])('refused credentials stay a reason for 503 while it is %s: it has never accepted anything', (_, later) => {
  const recorder = createHealthRecorder('main', () => SINCE_MS);
  recorder.record({ kind: 'retry', reason: 'http_401', configuration: true });
  recorder.record(later);
  const destinations = [recorder.current()];
  expect(readiness({ phase: 'running', destinations, queueFull: false })).toMatchObject({ code: 503 });
  recorder.record({ kind: 'accepted', rejected: 0 });
  recorder.record(later);
  const afterwards = [recorder.current()];
  expect(readiness({ phase: 'running', destinations: afterwards, queueFull: false })).toMatchObject({ code: 200 });
});
