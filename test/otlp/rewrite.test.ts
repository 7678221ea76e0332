import { editSpan } from '../../src/otlp/edit-span';
import { type Rewrites, rewriteHead, rewriteSpan } from '../../src/otlp/rewrite';
import { scanRequest } from '../../src/otlp/scan';
import { RESOURCE_SPANS, SCOPE_SPANS } from '../../src/otlp/schema';
import { encodeMessage, IDS, messageType } from '../support/otlp-messages';
import { fixed64Field, group, lenField, nested, tag, varint, varintField, WIRE } from '../support/wire';

const BAD = Buffer.from([0x61, 0xff]);
const MENDED = 'a\ufffd';
const ids = Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]);

/** The span's fields, rewritten: tag and length of the span itself are taken off. */
function rewritten(fields: Buffer, rewrites: Rewrites): string {
  const bytes = nested([1, 2, 2], Buffer.concat([ids, fields]));
  const [span] = scanRequest(bytes, { check: true }).spans;
  return content(rewriteSpan(bytes, span as NonNullable<typeof span>, rewrites));
}

/** What is behind the ids in a span's field, as hex; the field must have the shortest tag and length. */
function content(spanField: Buffer): string {
  const inner = spanField.subarray(1 + varint(spanField.length - 2).length);
  expect(spanField.equals(lenField(2, inner))).toBe(true);
  expect(inner.subarray(0, ids.length).equals(ids)).toBe(true);
  return inner.subarray(ids.length).toString('hex');
}

const attribute = (...fields: Buffer[]) => lenField(9, Buffer.concat(fields));
const key = lenField(1, 'k');
const value = (...fields: Buffer[]) => lenField(2, Buffer.concat(fields));

describe('rewriteSpan', () => {
  test.each<[string, Rewrites, Buffer, Buffer]>([
    ['a name', { utf8: true }, lenField(5, BAD), lenField(5, MENDED)],
    ['a key', { utf8: true }, attribute(lenField(1, BAD), value()), attribute(lenField(1, MENDED), value())],
    [
      'a text in a list in an event',
      { utf8: true },
      nested([11, 3, 2, 6, 1, 2, 1], BAD),
      nested([11, 3, 2, 6, 1, 2, 1], Buffer.from(MENDED)),
    ],
    ['the trace state of a link', { utf8: true }, nested([13, 3], BAD), nested([13, 3], Buffer.from(MENDED))],
    ['the message of a status', { utf8: true }, nested([15, 2], BAD), nested([15, 2], Buffer.from(MENDED))],
    ['bytes', { base64: true }, attribute(key, value(lenField(7, BAD))), attribute(key, value(lenField(1, 'Yf8=')))],
    ['no bytes', { base64: true }, attribute(key, value(lenField(7, ''))), attribute(key, value(lenField(1, '')))],
    [
      'bytes in an array of a link',
      { base64: true },
      nested([13, 4, 2, 5, 1, 7], BAD),
      nested([13, 4, 2, 5, 1, 1], Buffer.from('Yf8=')),
    ],
    ['a key alone', { emptyValue: true }, attribute(key), attribute(key, value())],
    [
      'a key alone in a list',
      { emptyValue: true },
      nested([9, 2, 6, 1], key),
      nested([9, 2, 6, 1], Buffer.concat([key, value()])),
    ],
    ['an index', { noStringIndex: true }, attribute(key, value(varintField(8, 3))), attribute(key, value())],
    [
      'an index after a text',
      { noStringIndex: true },
      attribute(key, value(lenField(1, 'a'), varintField(8, 3))),
      attribute(key, value(lenField(1, 'a'))),
    ],
    ['an index of a key', { noStringIndex: true }, attribute(varintField(3, 5), key, value()), attribute(key, value())],
    [
      'several at once',
      { base64: true, emptyValue: true, utf8: true },
      attribute(lenField(1, BAD), value(lenField(6, lenField(1, key)))),
      attribute(lenField(1, MENDED), value(lenField(6, lenField(1, Buffer.concat([key, value()]))))),
    ],
  ])('%s', (_, rewrites, before, after) => {
    expect(rewritten(before, rewrites)).toBe(after.toString('hex'));
    expect(rewritten(after, rewrites)).toBe(after.toString('hex'));
  });

  const everything = Buffer.concat([
    ...[lenField(3, BAD), lenField(4, IDS.spanId), varintField(6, 2), fixed64Field(7, 1n), attribute(key)],
    ...[attribute(key, varintField(3, 1), value(lenField(7, BAD))), nested([15], varintField(3, 2))],
  ]);

  test('without a rewrite nothing is changed', () => {
    expect(rewritten(everything, {})).toBe(everything.toString('hex'));
  });

  test('unknown fields and groups stay, byte for byte, at every level', () => {
    const unknown = Buffer.concat([
      lenField(100, BAD, { tag: 4, length: 3 }),
      group(101, lenField(7, BAD)),
      Buffer.concat([tag(102, WIRE.varint), varint(5, 9)]),
    ]);
    const fields = (text: string | Buffer) =>
      Buffer.concat([
        unknown,
        lenField(5, text),
        attribute(unknown, key, value(unknown, lenField(1, text), unknown)),
        unknown,
      ]);
    expect(rewritten(fields(BAD), { utf8: true })).toBe(fields(MENDED).toString('hex'));
  });

  test('a field of known name and odd padding keeps its content', () => {
    const padded = lenField(5, 'name', { tag: 3, length: 4 });
    expect(rewritten(padded, { utf8: true })).toBe(lenField(5, 'name').toString('hex'));
  });

  test('a text of all bytes that are no text', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    expect(rewritten(lenField(5, bytes), { utf8: true })).toBe(lenField(5, bytes.toString('utf8')).toString('hex'));
  });
});

describe('rewriteHead', () => {
  test.each<[string, typeof SCOPE_SPANS, 'ResourceSpans' | 'ScopeSpans', object, object]>([
    [
      'a resource',
      RESOURCE_SPANS,
      'ResourceSpans',
      { resource: { attributes: [{ key: 'k', value: { bytesValue: BAD } }] }, schemaUrl: 'u' },
      { resource: { attributes: [{ key: 'k', value: { stringValue: 'Yf8=' } }] }, schemaUrl: 'u' },
    ],
    [
      'a scope',
      SCOPE_SPANS,
      'ScopeSpans',
      { scope: { name: 'n', attributes: [{ key: 'k' }] }, schemaUrl: 'u' },
      { scope: { name: 'n', attributes: [{ key: 'k', value: {} }] }, schemaUrl: 'u' },
    ],
  ])('%s', (_, spec, name, before, after) => {
    const head = rewriteHead(spec, encodeMessage(name, before), { base64: true, emptyValue: true });
    const type = messageType(name);
    expect(type.toObject(type.decode(head))).toEqual(type.toObject(type.decode(encodeMessage(name, after))));
  });

  test('texts of a resource, its entities and its schema URL', () => {
    const texts = (text: string | Buffer) =>
      Buffer.concat([
        nested([1, 3], Buffer.concat([lenField(1, text), lenField(2, text), lenField(3, text), lenField(4, text)])),
        lenField(3, text),
      ]);
    expect(rewriteHead(RESOURCE_SPANS, texts(BAD), { utf8: true }).equals(texts(MENDED))).toBe(true);
  });

  test('grows as far as it has to', () => {
    const bytes = Buffer.alloc(10_000, 0xff);
    const head = rewriteHead(RESOURCE_SPANS, lenField(3, bytes), { utf8: true });
    expect(head.equals(lenField(3, '\ufffd'.repeat(10_000)))).toBe(true);
  });
});

describe('editSpan', () => {
  const text = (name: string, content: string) => attribute(lenField(1, name), value(lenField(1, content)));
  const replaced = (fields: Buffer, changes: [string, unknown][]): string => {
    const bytes = nested([1, 2, 2], Buffer.concat([ids, fields]));
    const [span] = scanRequest(bytes, { check: true }).spans;
    return content(editSpan(bytes, span as NonNullable<typeof span>, { attributes: new Map(changes) }));
  };

  test.each<[string, Buffer[], [string, unknown][], Buffer[]]>([
    ['nothing', [text('a', '1'), lenField(5, 'n')], [], [text('a', '1'), lenField(5, 'n')]],
    [
      'a changed one goes to the end',
      [text('a', '1'), lenField(5, 'n'), text('b', '2')],
      [['a', 'x']],
      [lenField(5, 'n'), text('b', '2'), text('a', 'x')],
    ],
    ['a deleted one is gone', [text('a', '1'), text('b', '2')], [['a', undefined]], [text('b', '2')]],
    ['a new one is added', [text('a', '1')], [['b', 'x']], [text('a', '1'), text('b', 'x')]],
    [
      'all of one key are replaced',
      [text('a', '1'), text('b', '2'), text('a', '3')],
      [['a', 'x']],
      [text('b', '2'), text('a', 'x')],
    ],
    [
      'the same key elsewhere stays',
      [nested([11, 3], key), text('k', '1')],
      [['k', undefined]],
      [nested([11, 3], key)],
    ],
    ['a key of nothing', [attribute(value()), text('a', '1')], [['', 'x']], [text('a', '1'), text('', 'x')]],
    ['null is the empty value', [text('a', '1')], [['a', null]], [attribute(lenField(1, 'a'), value())]],
    [
      'the last of two keys in one attribute counts',
      [attribute(lenField(1, 'a'), lenField(1, 'b'), value())],
      [['b', undefined]],
      [],
    ],
    [
      "a key that is not the attribute's last",
      [attribute(lenField(1, 'a'), lenField(1, 'b'), value())],
      [['a', undefined]],
      [attribute(lenField(1, 'a'), lenField(1, 'b'), value())],
    ],
    [
      'padded and unknown fields stay as they are',
      [lenField(9, Buffer.concat([key, value()]), { tag: 5, length: 5 }), group(99, key)],
      [['z', undefined]],
      [lenField(9, Buffer.concat([key, value()]), { tag: 5, length: 5 }), group(99, key)],
    ],
  ])('%s', (_, before, changes, after) => {
    expect(replaced(Buffer.concat(before), changes)).toBe(Buffer.concat(after).toString('hex'));
  });
});
