import { findOversized } from '../../src/otlp/oversized';
import { type MessageSpec, RESOURCE_SPANS, SCOPE_SPANS, SPAN } from '../../src/otlp/schema';
import { IDS } from '../support/otlp-messages';
import { group, lenField, nested, varintField } from '../support/wire';

const ATTRIBUTES = 9;
const EVENTS = 11;
const LINKS = 13;
const MAX = 20;
const above = MAX + 1;
const at = (number: number, length = MAX) => lenField(number, padded(length));
const ids = Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]);

/** A message of so many bytes, all of them in a field that nobody knows. */
function padded(length: number): Buffer {
  return lenField(15, Buffer.alloc(length - 2));
}

const find = (spec: MessageSpec, bytes: Buffer, start = 0) =>
  findOversized(spec, bytes, { start, end: bytes.length }, MAX);

test.each<[string, Buffer[], string | undefined]>([
  ['nothing', [], undefined],
  ['all at the limit', [at(ATTRIBUTES), at(EVENTS), at(LINKS), at(ATTRIBUTES)], undefined],
  ['an attribute', [at(ATTRIBUTES), at(EVENTS), at(ATTRIBUTES, above)], '.attributes[1]'],
  ['an event', [at(EVENTS, above)], '.events[0]'],
  ['a link', [at(LINKS), at(LINKS), at(LINKS, above)], '.links[2]'],
  ['the first of two', [at(EVENTS, above), at(ATTRIBUTES, above)], '.events[0]'],
  ['a large attribute of an event', [nested([EVENTS, 3], padded(MAX))], '.events[0]'],
  ['a name is none of them', [lenField(5, Buffer.alloc(1000))], undefined],
  ['nor is what nobody knows', [lenField(99, Buffer.alloc(1000)), group(98, at(ATTRIBUTES, above))], undefined],
  ['nor is a status', [nested([15, 2], Buffer.alloc(1000))], undefined],
  ['an overlong tag and length', [lenField(ATTRIBUTES, padded(MAX + 1), { tag: 5, length: 10 })], '.attributes[0]'],
])('a span with %s', (_, fields, expected) => {
  const before = Buffer.from('bytes before');
  expect(find(SPAN, Buffer.concat([before, ids, ...fields, varintField(6, 1)]), before.length)).toBe(expected);
});

test.each<[string, MessageSpec, Buffer, string | undefined]>([
  ['resource', RESOURCE_SPANS, lenField(1, Buffer.concat([at(1), at(1, above)])), '.resource.attributes[1]'],
  ['resource', RESOURCE_SPANS, lenField(1, Buffer.concat([at(1), at(1)])), undefined],
  ['resource', RESOURCE_SPANS, lenField(3, Buffer.alloc(1000)), undefined],
  ['scope', SCOPE_SPANS, lenField(1, Buffer.concat([lenField(1, 'n'), at(3, above)])), '.scope.attributes[0]'],
  ['scope', SCOPE_SPANS, lenField(1, lenField(1, Buffer.alloc(1000))), undefined],
])('the head of a %s', (_, spec, head, expected) => {
  expect(find(spec, head)).toBe(expected);
});
