import { createHealthRecorder } from '../../src/delivery/health';
import type { Verdict } from '../../src/delivery/langfuse-answer';

const ACCEPTED: Verdict = { kind: 'accepted', rejected: 0 };
const DOWN: Verdict = { kind: 'retry', reason: 'http_503' };
const SHUT_OUT: Verdict = { kind: 'retry', reason: 'http_401', configuration: true };
const REFUSED: Verdict = { kind: 'refused', status: 400 };
const UNREACHABLE: Verdict = { kind: 'retry', reason: 'refused' };
const trouble = (reason: string, sinceMs: number, configuration = false, description = reason) => ({
  ...{ reason, sinceMs, configuration, description },
});

type Row = [name: string, verdicts: Verdict[], lastAcceptedMs: number | undefined, trouble: object | undefined];

test.each<Row>([
  ['nothing was sent', [], undefined, undefined],
  ['accepted', [ACCEPTED], 1, undefined],
  ['accepted again', [ACCEPTED, REFUSED, ACCEPTED], 3, undefined],
  ['down', [DOWN], undefined, trouble('http_503', 1)],
  ['still down: since the beginning', [DOWN, DOWN, DOWN], undefined, trouble('http_503', 1)],
  ['another trouble: since that began', [DOWN, SHUT_OUT, SHUT_OUT], undefined, trouble('http_401', 2, true)],
  ['nobody listens: in words', [UNREACHABLE], undefined, trouble('refused', 1, false, 'connection refused')],
  ['up again', [DOWN, ACCEPTED], 2, undefined],
  ['down again: since then', [DOWN, ACCEPTED, DOWN], 2, trouble('http_503', 3)],
  ['a batch refused: whoever judges is up', [DOWN, REFUSED], undefined, undefined],
  ['shut out after it had accepted', [ACCEPTED, SHUT_OUT], 1, trouble('http_401', 2, true)],
])('%s', (_, verdicts, lastAcceptedMs, expected) => {
  let now = 0;
  const health = createHealthRecorder('main', () => now);
  for (const verdict of verdicts) {
    now++;
    health.record(verdict);
  }
  expect(health.current()).toEqual({ destination: 'main', lastAcceptedMs, trouble: expected });
});
