import type { TraceState } from '@opentelemetry/api';
import { receivedSpans } from '../support/admission';
import { encodeSpans, IDS } from '../support/otlp-messages';

const only = (span: object) =>
  receivedSpans(encodeSpans({ ...IDS, ...span }))[0] as ReturnType<typeof receivedSpans>[number];

describe('trace state', () => {
  const stateOf = (traceState: string) => only({ traceState }).spanContext().traceState as TraceState;

  test.each([
    ['a plain one', 'a=1,b=2'],
    ['spaces and empty members', ' a = 1 ,, b=2 '],
    ['more than 512 characters', `a=${'x'.repeat(600)}`],
    ['more than 32 members', Array.from({ length: 40 }, (_, at) => `k${at}=1`).join(',')],
    ['what is no trace state', 'ÄÖ;no members'],
  ])('%s is serialized as it came', (_, text) => {
    expect(stateOf(text).serialize()).toBe(text);
  });

  test('is read and changed as the API says: a new member comes first', () => {
    const state = stateOf('a=1, b=2=3');
    expect([state.get('a'), state.get('b'), state.get('c')]).toEqual(['1', '2=3', undefined]);
    expect(state.set('b', '4').serialize()).toBe('b=4,a=1');
    expect(state.unset('a').serialize()).toBe('b=2=3');
    expect(state.serialize()).toBe('a=1, b=2=3');
  });

  test('an empty one is none', () => {
    expect(only({ traceState: '' }).spanContext()).not.toHaveProperty('traceState');
  });
});

describe('times', () => {
  test.each<[string, string, string, [number, number], [number, number]]>([
    ['of T1P', '1544712660000000001', '1544712661000000001', [1544712660, 1], [1, 0]],
    ['that never were', '0', '0', [0, 0], [0, 0]],
    ['the last ones', '18446744073709551615', '18446744073709551615', [18446744073, 709551615], [0, 0]],
    ['of a clock that went back (I05)', '2500000000', '1000000000', [2, 500000000], [-1, -500000000]],
  ])('%s', (_, startTimeUnixNano, endTimeUnixNano, startTime, duration) => {
    const span = only({ startTimeUnixNano, endTimeUnixNano });
    expect([span.startTime, span.duration]).toEqual([startTime, duration]);
  });

  test('absent ones are zero', () => {
    expect([only({}).startTime, only({}).endTime]).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

test.each([
  [0, 0],
  [1, 0],
  [2, 1],
  [5, 4],
  [99, 98],
])('kind %i of the wire is kind %i of the SDK', (wire, sdk) => {
  expect(only({ kind: wire }).kind).toBe(sdk);
});
