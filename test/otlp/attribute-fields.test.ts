import fc from 'fast-check';
import { readValue } from '../../src/otlp/any-value';
import { attributeField, findAttributes, readAttribute } from '../../src/otlp/attribute-fields';
import { scanRequest } from '../../src/otlp/scan';
import { canonicalFromProtobuf } from '../support/canonical';
import { meaningfulRequests } from '../support/meaningful-requests';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { shownAttributes } from '../support/views';
import { group, lenField, tag, varint, varintField } from '../support/wire';

test('the attributes of some keys are found in every request, of equal keys the last one', () => {
  const models = fc.oneof(meaningfulRequests(), requests());
  const keys = ['k', '__proto__', '', 'session.id', 'langfuse.environment', 'toString', 'absent', '1'];
  fc.assert(
    fc.property(models, fc.integer({ min: 1 }), fc.subarray(keys), (request, seed, wanted) => {
      const body = renderProtobuf(request, seed);
      const found = scanRequest(body, { check: true }).spans.map((span) =>
        [...findAttributes(body, span, wanted)].map(([key, { valueStart, valueEnd, ...field }]) => [
          ...[key, field.key],
          readValue(body, valueStart, valueEnd),
        ]),
      );
      const expected = canonicalFromProtobuf(body).map(({ attributes }) => {
        const shown = shownAttributes(attributes);
        const present = wanted.filter((key) => attributes.some((attribute) => attribute.key === key));
        return present.map((key) => [key, key, shown[key]]);
      });
      expect(found.map(sorted)).toEqual(expected.map(sorted));
    }),
    runs(300),
  );

  function sorted(rows: unknown[][]): unknown[][] {
    return [...rows].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  }
});

describe('an attribute is read', () => {
  const padded = { tag: 4, length: 5 };
  const text = (content: string) => lenField(1, content);

  test.each<[string, Buffer, string, unknown]>([
    ['as everybody writes it', Buffer.concat([lenField(1, 'k'), lenField(2, text('v'))]), 'k', 'v'],
    ['the other way round', Buffer.concat([lenField(2, text('v')), lenField(1, 'k')]), 'k', 'v'],
    ['padded', Buffer.concat([lenField(1, 'k', padded), lenField(2, text('v'), padded)]), 'k', 'v'],
    [
      'of several keys by the last',
      Buffer.concat([lenField(1, 'a'), lenField(1, 'k'), lenField(2, text('v'))]),
      'k',
      'v',
    ],
    ['of several values by the last', Buffer.concat([lenField(2, text('a')), lenField(2, text('v'))]), '', 'v'],
    ['but for an empty one', Buffer.concat([lenField(2, text('v')), lenField(2, '')]), '', 'v'],
    [
      'among unknown fields',
      Buffer.concat([group(7, lenField(1, 'x')), lenField(1, 'k'), varintField(9, 1)]),
      'k',
      null,
    ],
    ['with a string index', Buffer.concat([lenField(1, 'k'), varintField(3, 7), lenField(2, text('v'))]), 'k', 'v'],
    [
      'of more than 127 bytes',
      Buffer.concat([lenField(1, 'k'.repeat(200)), lenField(2, text('v'))]),
      'k'.repeat(200),
      'v',
    ],
    ['of letters beyond ASCII', Buffer.concat([lenField(1, 'grün'), lenField(2, text('🌳'))]), 'grün', '🌳'],
    ['of nothing', Buffer.alloc(0), '', null],
  ])('%s', (_, message, key, value) => {
    const around = [lenField(5, 'name'), lenField(9, message, padded), lenField(5, 'name')];
    const bytes = Buffer.concat(around);
    const end = bytes.length - around[2]!.length;
    const read = readAttribute(bytes, around[0]!.length, end);
    expect([read.key, readValue(bytes, read.valueStart, read.valueEnd)]).toEqual([key, value]);
  });
});

test.each<[string, string, unknown, Buffer]>([
  ['a text', 'session.id', 's', lenField(1, 's')],
  ['an empty text', 'k', '', lenField(1, '')],
  ['true', 'k', true, varintField(2, 1)],
  ['a number', 'grün', 7, varintField(3, 7)],
  [
    'a list of texts',
    'k',
    ['a', 'b'],
    lenField(5, Buffer.concat([lenField(1, lenField(1, 'a')), lenField(1, lenField(1, 'b'))])),
  ],
  ['a long text', 'k', 'x'.repeat(70_000), Buffer.concat([tag(1, 2), varint(70_000), Buffer.alloc(70_000, 'x')])],
])('%s is written as a field of a span', (_, key, value, anyValue) => {
  const field = attributeField(key, value);
  expect(field.equals(lenField(9, Buffer.concat([lenField(1, key), lenField(2, anyValue)])))).toBe(true);
});
