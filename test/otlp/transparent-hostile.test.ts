import { GatewayError } from '../../src/errors';
import { receivedSpans } from '../support/admission';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { admitTransparent, convertTransparentRequest } from '../support/transparent-twins';

/**
 * Bodies made to be dear. Each must be answered, and what was let in be read, before Jest loses patience: what grows with
 * the square of a body takes minutes.
 */
const MEGABYTE = 1_000_000;

/** `piece` as often as it fits, with commas between. */
const list = (piece: string, bytes = MEGABYTE) =>
  Array(Math.floor(bytes / (piece.length + 1)))
    .fill(piece)
    .join(',');
const numbered = (count: number, make: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join(',');
const span = (members: string) => `{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}",${members}}`;
const deep = (levels: number, inner = '') => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;

/** Jest keeps 100 frames of every error; the gateway runs with Node's default. */
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 10;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

function outcomeOf(body: string): string {
  try {
    const { bytes, accepted, rejections } = admitTransparent(Buffer.from(body));
    for (const { attributes, events, links, resource } of receivedSpans(bytes)) {
      JSON.stringify([attributes, events, links, resource]);
    }
    return `${accepted > 0 ? 'accepted' : ''}${rejections.length > 0 ? 'rejected' : ''}`;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return error.code;
  }
}

test.each<[string, () => string, string]>([
  ['200,000 spans', () => `[${numbered(200_000, () => '{}')}]`, 'too_large'],
  ['nulls', () => `[${list('null')}]`, 'too_large'],
  ['elements that are no spans', () => `[${numbered(20_000, () => '7')}]`, 'rejected'],
  ['white space', () => `[${' '.repeat(MEGABYTE)}]`, ''],
  ['open brackets', () => '['.repeat(MEGABYTE), 'bad_request'],
  ['open brackets in what nobody reads', () => `[${span(`"x":${'['.repeat(MEGABYTE)}`)}]`, 'bad_request'],
  ['brackets in what nobody reads', () => `[${span(`"x":${deep(10_000)}`)}]`, 'accepted'],
  ['brackets in attributes', () => `[${span(`"attributes":{"a":${deep(10_000)}}`)}]`, 'rejected'],
  ['brackets in every span', () => `[${list(span(`"attributes":{"a":${deep(100)}}`))}]`, 'rejected'],
  ['brackets in a time', () => `[${span(`"startTime":${deep(10_000)}`)}]`, 'rejected'],
  ['brackets in an id', () => `[${span(`"parentSpanId":${deep(10_000)}`)}]`, 'accepted'],
  ['values as deep as allowed', () => `[${span(`"attributes":{"a":[${list(deep(63))}]}`)}]`, 'accepted'],
  [
    'a long text, as deep as allowed',
    () => `[${span(`"attributes":{"a":${deep(64, `"${'x'.repeat(MEGABYTE)}"`)}}`)}]`,
    'accepted',
  ],
  [
    'different resources',
    () => `[${numbered(20_000, (at) => span(`"resource":{"attributes":{"a":${at}}}`))}]`,
    'accepted',
  ],
  [
    'different resources, long ones of one length',
    () => `[${numbered(1000, (at) => span(`"resource":{"attributes":{"a":"${'x'.repeat(20_000)}${at + 10_000}"}}`))}]`,
    'accepted',
  ],
  [
    'different scopes',
    () => `[${numbered(20_000, (at) => span(`"instrumentationScope":{"name":"${at}"}`))}]`,
    'accepted',
  ],
  ['a resource with a fault', () => `[${list(span('"resource":7'))}]`, 'rejected'],
  ['members of one name', () => `[${span(list('"name":"n"'))}]`, 'accepted'],
  ['members of other names', () => `[${span(numbered(60_000, (at) => `"x${at}":[]`))}]`, 'accepted'],
  ['links with a fault', () => `[${span(`"links":[${list('{"context":7}')}]`)}]`, 'accepted'],
  ['links of nothing', () => `[${span(`"links":[${list('{}')}]`)}]`, 'too_large'],
  ['events of nothing', () => `[${span(`"events":[${list('{}')}]`)}]`, 'too_large'],
  ['nulls among links', () => `[${span(`"links":[${list('null')}]`)}]`, 'accepted'],
  ['attributes', () => `[${span(`"attributes":{${numbered(80_000, (at) => `"${at}":${at}`)}}`)}]`, 'accepted'],
  [
    'more values than a request may have',
    () => `[${span(`"attributes":{"a":[${list('1', 8 * MEGABYTE)}]}`)}]`,
    'too_large',
  ],
  ['lists without end in what nobody reads', () => `[${span(`"x":[${list('[]', 20 * MEGABYTE)}]`)}]`, 'accepted'],
  ['a trace state of many members', () => `[${span(`"traceState":{${list('"a":"b"')}}`)}]`, 'accepted'],
  [
    'digits',
    () => `[${span(`"attributes":{"a":${'9'.repeat(MEGABYTE)}},"startTime":[${'9'.repeat(MEGABYTE)},0]`)}]`,
    'rejected',
  ],
  ['digits of a second', () => `[${span(`"startTime":"2018-12-13T14:51:00.${'0'.repeat(MEGABYTE)}Z"`)}]`, 'rejected'],
  ['numbers in a time', () => `[${span(`"startTime":[${list('1')}]`)}]`, 'rejected'],
  ['letters in an id', () => `[${span(`"parentSpanId":"${'a'.repeat(MEGABYTE)}"`)}]`, 'accepted'],
  ['escapes', () => `[${span(`"name":"${'\\u0061'.repeat(MEGABYTE / 6)}"`)}]`, 'accepted'],
  ['a trace context without end', () => `{"spans":[],"traceContext":[${list('[]')}]}`, ''],
])('%s', (_, body, expected) => {
  const outcome = outcomeOf(body());
  expect(outcome).toBe(expected);
});

test('a span of 20 MB arrives whole', () => {
  const text = 'x'.repeat(20 * MEGABYTE);
  const { bytes } = convertTransparentRequest(Buffer.from(`[${span(`"attributes":{"a":"${text}"}`)}]`), () => true);
  const [received] = receivedSpans(bytes);
  expect(`${received?.attributes.a}`.length).toBe(text.length);
});

test('a body of 64 MiB arrives whole', () => {
  const one = span(`"attributes":{"a":"${'x'.repeat(10_000)}"}`);
  const spans = Math.floor((64 * 1024 * 1024 - 2) / (one.length + 1));
  const { bytes, sentAt, faults } = convertTransparentRequest(Buffer.from(`[${Array(spans).fill(one)}]`), () => true);
  expect([sentAt?.length, faults.size]).toEqual([spans, 0]);
  expect(bytes.length).toBeGreaterThan(spans * 10_000);
});

test('nothing that is sent reaches a prototype', () => {
  const names = ['__proto__', 'constructor', 'prototype'];
  const evil = names.map((name) => `"${name}":{"polluted":true,"name":"polluted"}`).join(',');
  const places = [
    'spanContext',
    'parentSpanContext',
    'status',
    'attributes',
    'resource',
    'instrumentationScope',
    'traceState',
  ];
  const spans = places.map((place) => span(`${evil},"${place}":{${evil}}`));
  const body = `{${evil},"spans":[${spans.join(',')},${span(`"events":[{${evil}}],"links":[{${evil}}]`)}]}`;
  expect(outcomeOf(body)).toBe('acceptedrejected');
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
