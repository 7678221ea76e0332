import fc from 'fast-check';
import { judge, retryAfterMs } from '../../src/delivery/langfuse-answer';

const NOW_MS = Date.parse('2026-03-04T05:06:07Z');
const judged = (status: number, answer: { retryAfter?: string; body?: string } = {}) =>
  judge({ status, retryAfter: answer.retryAfter, body: answer.body ?? '' }, NOW_MS);

describe('statuses', () => {
  test.each([200, 201, 202, 204, 299])('%i: delivered', (status) => {
    expect(judged(status)).toEqual({ kind: 'accepted', rejected: 0 });
  });

  test.each([408, 425, 429, 500, 501, 502, 503, 504, 507, 529, 599])('%i: passes, so it is tried again', (status) => {
    expect(judged(status)).toEqual({ kind: 'retry', reason: `http_${status}` });
  });

  test.each([
    [301, 'moved: not followed, the keys would go elsewhere'],
    [302, 'found elsewhere'],
    [307, 'temporarily elsewhere'],
    [308, 'permanently elsewhere'],
    [401, 'the keys'],
    [402, 'the plan'],
    [403, 'not allowed, or ingestion suspended'],
    [404, 'another path'],
    [405, 'another path: what a wrong base URL answers to a POST'],
    [406, 'what is asked for'],
    [407, 'the credentials of a proxy'],
    [410, 'a host that is gone'],
    [411, 'a proxy that wants a length'],
    [415, 'a server that knows no protobuf'],
    [421, 'another host'],
    [426, 'another protocol'],
    [431, 'the headers'],
    [451, 'the law'],
  ])('%i is not the fault of the spans (%s): kept and tried again, loudly', (status) => {
    expect(judged(status)).toEqual({ kind: 'retry', reason: `http_${status}`, configuration: true });
  });

  test.each([400, 413, 422])('%i is the fault of the batch', (status) => {
    expect(judged(status)).toEqual({ kind: 'refused', status });
  });

  test('there is a verdict on every status', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), (status) => {
        expect(['accepted', 'retry', 'refused']).toContain(judged(status).kind);
      }),
    );
  });
});

describe('Retry-After', () => {
  test.each([
    ['seconds', '120', 120_000],
    ['zero', '0', 0],
    ['seconds in spaces', ' 7 ', 7_000],
    ['a date', 'Wed, 04 Mar 2026 05:07:07 GMT', 60_000],
    ['a date in the form of RFC 850', 'Wednesday, 04-Mar-26 05:07:07 GMT', 60_000],
    ['a date that is over', 'Wed, 04 Mar 2026 05:06:00 GMT', 0],
    ['more than a day', '86401', 86_400_000],
    ['more than a number holds', '9'.repeat(400), 86_400_000],
    ['a date in another century', 'Wed, 04 Mar 2126 05:07:07 GMT', 86_400_000],
  ])('%s', (_, header, expectedMs) => {
    expect(retryAfterMs(header, NOW_MS)).toBe(expectedMs);
    expect(judged(503, { retryAfter: header })).toEqual({ kind: 'retry', reason: 'http_503', afterMs: expectedMs });
  });

  test.each([undefined, '', ' ', 'soon', 'NaN', '1e3', '-5', '1.5', 'in 90', '12 parsecs'])(
    'junk is as if it was not there: %p',
    (header) => {
      expect(retryAfterMs(header, NOW_MS)).toBeUndefined();
      expect(judged(429, { retryAfter: header })).toEqual({ kind: 'retry', reason: 'http_429' });
    },
  );

  test('is never negative, never more than a day, and never an exception', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date().map(String), fc.integer().map(String)), (header) => {
        const ms = retryAfterMs(header, NOW_MS) ?? 0;
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(86_400_000);
      }),
    );
  });
});

describe('partial success', () => {
  test.each([
    ['a number', '{"partialSuccess":{"rejectedSpans":3}}', 3],
    ['a number as text, as OTLP writes 64 bits', '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}', 3],
    ['none rejected', '{"partialSuccess":{"rejectedSpans":0}}', 0],
    ['less than none', '{"partialSuccess":{"rejectedSpans":-1}}', 0],
    ['a fraction', '{"partialSuccess":{"rejectedSpans":1.5}}', 0],
    ['words', '{"partialSuccess":{"rejectedSpans":"all"}}', 0],
    ['an empty one', '{"partialSuccess":{}}', 0],
    ['null', '{"partialSuccess":null}', 0],
    ["Langfuse's own answer", '{"name":"otel-ingestion-job","data":{}}', 0],
    ['null alone', 'null', 0],
    ['nothing', '', 0],
    ['a page', '<html>200 OK</html>', 0],
  ])('%s', (_, body, rejected) => {
    expect(judged(200, { body })).toEqual({ kind: 'accepted', rejected });
  });
});
