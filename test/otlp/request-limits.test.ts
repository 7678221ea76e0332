import { GatewayError } from '../../src/errors';
import { DETAILS_MAX, GROUPS_MAX, MESSAGES_MAX, SPANS_MAX } from '../../src/otlp/request-limits';
import { scanRequest } from '../../src/otlp/scan';
import { convertJsonRequest } from '../support/json-conversion';
import { lenField, nested } from '../support/wire';

const times = (part: Buffer, count: number) => Buffer.alloc(part.length * count, part);
const list = (part: string, count: number) => `[${`${part},`.repeat(count - 1)}${part}]`;
const EMPTY = Buffer.alloc(0);

/** What became of the body: how many spans were found, or why it is refused. */
function outcome(encoding: 'json' | 'protobuf', body: Buffer): unknown {
  try {
    const bytes = encoding === 'json' ? convertJsonRequest(body, () => true).bytes : body;
    return scanRequest(bytes, { check: true }).spans.length;
  } catch (error) {
    return error instanceof GatewayError ? error.code : error;
  }
}

const inSpan = (content: string) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[{${content}}]}]}]}`);

type Row = [string, 'json' | 'protobuf', number, (count: number) => Buffer];
const ROWS: Row[] = [
  ['spans', 'protobuf', SPANS_MAX, (count) => nested([1, 2], times(lenField(2, EMPTY), count))],
  [
    'spans',
    'json',
    SPANS_MAX,
    (count) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":${list('{}', count)}}]}]}`),
  ],
  ['resources', 'protobuf', GROUPS_MAX, (count) => times(lenField(1, EMPTY), count)],
  ['resources', 'json', GROUPS_MAX, (count) => Buffer.from(`{"resourceSpans":${list('{}', count)}}`)],
  ['attributes', 'protobuf', MESSAGES_MAX, (count) => nested([1, 2, 2], times(lenField(9, EMPTY), count))],
  // Each is two messages: it gets the empty value that it lacks.
  ['attributes', 'json', MESSAGES_MAX / 2, (count) => inSpan(`"attributes":${list('{}', count)}`)],
  ['events', 'protobuf', DETAILS_MAX, (count) => nested([1, 2, 2], times(lenField(11, EMPTY), count))],
  ['events', 'json', DETAILS_MAX, (count) => inSpan(`"events":${list('{}', count)}`)],
  ['links', 'protobuf', DETAILS_MAX, (count) => nested([1, 2, 2], times(lenField(13, EMPTY), count))],
  ['links', 'json', DETAILS_MAX, (count) => inSpan(`"links":${list('{}', count)}`)],
];

describe.each(ROWS)('%s, %s', (_what, encoding, limit, bodyOf) => {
  test('as many as allowed are read', () => {
    expect(outcome(encoding, bodyOf(limit))).toEqual(expect.any(Number));
  });

  test('one more is too large, however few bytes it takes', () => {
    expect(outcome(encoding, bodyOf(limit + 1))).toBe('too_large');
  });
});
