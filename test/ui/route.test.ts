import fc from 'fast-check';
import {
  filterQuery,
  NO_FILTER,
  parseRoute,
  type Route,
  type TraceFilter,
  traceHref,
  tracesHref,
} from '../../ui/src/route';
import { runs } from '../support/random';

const list = (filter: Partial<TraceFilter> = {}): Route => ({ page: 'traces', filter: { ...NO_FILTER, ...filter } });
const trace = (traceId: string, spanId: string | null = null): Route => ({ page: 'trace', traceId, spanId });

describe('a hash', () => {
  test.each<[hash: string, route: Route]>([
    ['', { page: 'overview' }],
    ['#', { page: 'overview' }],
    ['#/', { page: 'overview' }],
    ['#/?text=a', { page: 'overview' }],
    ['#/trouble', { page: 'trouble' }],
    ['#/trouble/', { page: 'trouble' }],
    ['#trouble', { page: 'trouble' }],
    ['#/trouble/a', { page: 'unknown' }],
    ['#/nowhere', { page: 'unknown' }],
    ['#/Traces', { page: 'unknown' }],
    ['#/traces', list()],
    ['#/traces/', list()],
    ['#/traces?', list()],
    ['#/traces?text=a+b%20c&type=TOOL', list({ text: 'a b c', type: 'TOOL' })],
    ['#/traces?text=a?b', list({ text: 'a?b' })],
    ['#/traces?text=%zz', list({ text: '%zz' })],
    ['#/traces?warnings=true&rejected=true', list({ warnings: true, rejected: true })],
    ['#/traces?warnings=1&rejected=', list()],
    ['#/traces?nothing=known', list()],
    ['#/traces/a1', trace('a1')],
    ['#/traces/a1/', trace('a1')],
    ['#/traces/a1?text=b', trace('a1')],
    ['#/traces/a1/b2', trace('a1', 'b2')],
    ['#/traces/a%2F1/b%3F2', trace('a/1', 'b?2')],
    ['#/traces/%zz', trace('%zz')],
    ['#/traces/a1/b2/c3', { page: 'unknown' }],
  ])('%s', (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
  });

  test('is a page, whatever it is', () => {
    const pieces = fc.constantFrom('#', '/', '?', '%', '&', '=', 'traces', 'trouble', 'text', '%2', 'a');
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(pieces, fc.string({ unit: 'binary', maxLength: 1 })) }), (hash) => {
        expect(['overview', 'traces', 'trace', 'trouble', 'unknown']).toContain(parseRoute(hash).page);
      }),
      runs(1_000),
    );
  });
});

describe('there and back', () => {
  // A half of a pair has no place in an address.
  const word = () => fc.string({ unit: 'binary' });
  const filters = () =>
    fc.record<TraceFilter>({
      ...{ text: word(), service: word(), session: word(), user: word(), type: word() },
      ...{ warnings: fc.boolean(), rejected: fc.boolean() },
    });

  test('any filter', () => {
    fc.assert(
      fc.property(filters(), (filter) => {
        expect(parseRoute(tracesHref(filter))).toEqual(list(filter));
      }),
      runs(1_000),
    );
  });

  test('some of a filter', () => {
    fc.assert(
      fc.property(word(), (session) => {
        expect(parseRoute(tracesHref({ session }))).toEqual(list({ session }));
      }),
      runs(200),
    );
  });

  test('any trace, with a span and without', () => {
    const ids = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(ids, ids, (traceId, spanId) => {
        expect(parseRoute(traceHref(traceId))).toEqual(trace(traceId));
        expect(parseRoute(traceHref(traceId, spanId))).toEqual(trace(traceId, spanId));
      }),
      runs(1_000),
    );
  });

  test('an address holds what a browser leaves as it is', () => {
    fc.assert(
      fc.property(filters(), word(), word(), (filter, traceId, spanId) => {
        const hrefs = [tracesHref(filter), traceHref(traceId, spanId)];
        expect(hrefs.map((href) => new URL(href, 'http://127.0.0.1:9090/').hash)).toEqual(hrefs);
      }),
      runs(1_000),
    );
  });

  test('half of a pair becomes what stands for it', () => {
    expect(parseRoute(tracesHref({ text: 'a\ud83d' }))).toEqual(list({ text: 'a\ufffd' }));
  });
});

test.each([
  ['no filter', tracesHref(), '#/traces'],
  ['an empty filter', tracesHref(NO_FILTER), '#/traces'],
  ['no span', traceHref('a', null), '#/traces/a'],
  ['an empty span', traceHref('a', ''), '#/traces/a'],
])('%s is not written', (_, href, expected) => {
  expect(href).toBe(expected);
});

test('the API is asked for what is set', () => {
  const filter = { ...NO_FILTER, text: 'a b&c', user: 'ü', warnings: true };
  expect(String(filterQuery(filter))).toBe('text=a+b%26c&user=%C3%BC&warnings=true');
});
