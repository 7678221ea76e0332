import fc from 'fast-check';
import type { TraceSummary } from '../../src/inspector/api';
import { mergeOnTop } from '../../ui/src/traces/merge';
import { runs } from '../support/random';

const summary = (traceId: string, observations = 1): TraceSummary => ({
  ...{ traceId, observations, name: null, startTime: '2026-01-01T00:00:00.000Z', durationMs: 0, sessionId: null },
  ...{
    userId: null,
    warnings: 0,
    repairs: 0,
    rejected: 0,
    services: [],
    types: {},
    errors: 0,
    tokens: null,
    cost: null,
  },
  lastSeenAt: '2026-01-01T00:00:00.000Z',
});

const listed = (traces: readonly TraceSummary[]) => traces.map((one) => `${one.traceId}${one.observations}`);
const traces = (ids: string, observations: number) => [...ids].map((id) => summary(id, observations));

test.each([
  ['abc', '', ['a1', 'b1', 'c1']],
  ['', 'ab', ['a2', 'b2']],
  ['abc', 'd', ['d2', 'a1', 'b1', 'c1']],
  ['abc', 'b', ['b2', 'a1', 'c1']],
  ['abc', 'cd', ['c2', 'd2', 'a1', 'b1']],
  ['abc', 'cba', ['c2', 'b2', 'a2']],
])('%j, of which %j have changed', (old, changed, expected) => {
  expect(listed(mergeOnTop(traces(old, 1), traces(changed, 2)))).toEqual(expected);
});

test('each trace is there once, as it is now', () => {
  const some = (observations: number) =>
    fc.uniqueArray(fc.nat(12)).map((ids) => ids.map((id) => summary(`t${id}.`, observations)));
  fc.assert(
    fc.property(some(1), some(2), (old, changed) => {
      const merged = mergeOnTop(old, changed);
      const now = new Map([...old, ...changed].map((one) => [one.traceId, one]));
      expect(listed(merged).sort()).toEqual(listed([...now.values()]).sort());
      expect(merged.slice(0, changed.length)).toEqual(changed);
      expect(merged.slice(changed.length)).toEqual(old.filter((one) => merged.includes(one)));
    }),
    runs(500),
  );
});

test('what was there stays as it is', () => {
  const [old, changed] = [traces('ab', 1), traces('b', 2)];
  mergeOnTop(old, changed);
  expect([listed(old), listed(changed)]).toEqual([['a1', 'b1'], ['b2']]);
});
