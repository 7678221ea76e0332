import pino from 'pino';
import { createTraceAnnouncer } from '../../src/admin/trace-announcer';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function start() {
  const lines: Record<string, unknown>[] = [];
  const types = new Map<string, Record<string, number>>();
  const log = pino({ base: undefined, timestamp: false }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const typesOf = (traceId: string) => types.get(traceId);
  const announcer = createTraceAnnouncer({ typesOf, adminUrl: () => 'http://127.0.0.1:4319', log });
  /** One more span of that type has come. */
  const see = (traceId: string, type = 'SPAN') => {
    const counts = types.get(traceId) ?? {};
    types.set(traceId, { ...counts, [type]: (counts[type] ?? 0) + 1 });
    announcer.saw(traceId);
  };
  return { lines, types, announcer, see };
}

test('one line per trace, once it was quiet for half a second', () => {
  const { lines, see } = start();
  see('t1');
  jest.advanceTimersByTime(400);
  see('t1', 'GENERATION');
  see('t1');
  jest.advanceTimersByTime(499);
  expect(lines).toEqual([]);
  jest.advanceTimersByTime(1);
  const msg = 'trace t1: 2 span, 1 generation; see http://127.0.0.1:4319/#/traces/t1';
  expect(lines).toEqual([{ level: 30, traceId: 't1', observations: 3, msg }]);
});

test('a trace that goes on later is announced again', () => {
  const { lines, see } = start();
  see('t1');
  jest.advanceTimersByTime(500);
  see('t1');
  jest.advanceTimersByTime(500);
  expect(lines.map(({ observations }) => observations)).toEqual([1, 2]);
});

test('a flood does not fill memory with timers', () => {
  const { lines, see } = start();
  for (let trace = 0; trace < 1_000; trace++) see(`t${trace}`);
  expect(jest.getTimerCount()).toBe(200);
  jest.advanceTimersByTime(500);
  expect(lines).toHaveLength(200);
});

test('a trace that is forgotten meanwhile is not announced', () => {
  const { lines, types, see } = start();
  see('t1');
  types.clear();
  jest.advanceTimersByTime(500);
  expect(lines).toEqual([]);
});

test('closed it leaves no timer and says nothing', () => {
  const { lines, announcer, see } = start();
  see('t1');
  announcer.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.advanceTimersByTime(1_000);
  expect(lines).toEqual([]);
});
