import { canonicalFromProtobuf } from '../support/canonical';
import { convert, convertJsonRequest, requestText, SPAN_PATH, spanText } from '../support/json-conversion';

const span = spanText();
const scopes = (...spans: string[]) => `"scopeSpans":[{"spans":[${spans.join(',')}]}]`;
const resources = (...members: string[]) => `{"resourceSpans":[${members.map((text) => `{${text}}`).join(',')}]}`;

describe('a span that cannot be read', () => {
  test('costs itself, and leaves its place', () => {
    const { spans, faults } = convert(requestText(spanText('"name":"a"'), '{"spanId":7}', spanText('"name":"c"')));
    expect(spans.map(({ name, traceId }) => [name, traceId.length])).toEqual([
      ['a', 32],
      ['', 0],
      ['c', 32],
    ]);
    expect(faults).toEqual([
      [
        1,
        'invalid_span_id',
        'resourceSpans[0].scopeSpans[0].spans[1].spanId',
        'is not an id: 16 hex digits, or base64 of 8 bytes',
      ],
    ]);
  });

  test('is counted over resources and scopes, and named by its own place', () => {
    const bad = '{"name":1}';
    const text = resources(`${scopes(span, span)}`, `"scopeSpans":[{"spans":[${span}]},{"spans":[${span},${bad}]}]`);
    expect(convert(text).faults).toEqual([
      [4, 'invalid_field', 'resourceSpans[1].scopeSpans[1].spans[1].name', 'is not a text'],
    ]);
  });

  test('keeps the place it has among nulls', () => {
    expect(convert(requestText('null', span, 'null', '"x"')).faults).toEqual([
      [1, 'invalid_field', 'resourceSpans[0].scopeSpans[0].spans[3]', 'is not an object'],
    ]);
  });

  test('takes back what it wrote, however much that was', () => {
    const long = spanText(`"name":"${'x'.repeat(100_000)}","flags":"no"`);
    const bytes = convertJsonRequest(Buffer.from(requestText(long, spanText('"name":"b"'))), () => true).bytes;
    expect(bytes.length).toBeLessThan(100);
    expect(canonicalFromProtobuf(bytes).map(({ name }) => name)).toEqual(['', 'b']);
  });

  test('has the first fault it has', () => {
    expect(convert(requestText('{"spanId":7,"traceId":7}')).faults[0]?.[1]).toBe('invalid_span_id');
  });
});

describe('a resource or scope that cannot be read', () => {
  const badResource = '"resource":{"attributes":{}}';
  const badScope = '"scope":{"name":7}';

  test('costs the spans below it, before and after it, and no other', () => {
    const text = resources(
      `${scopes(span)},${badResource}`,
      `${badResource},${scopes(span)}`,
      `"scopeSpans":[{${badScope},"spans":[${span}]},{"spans":[${span},${span}],${badScope}},{"spans":[${span}]}]`,
    );
    const resource = (index: number) => [`resourceSpans[${index}].resource.attributes`, 'is not an array'];
    const scope = (index: number) => [`resourceSpans[2].scopeSpans[${index}].scope.name`, 'is not a text'];
    expect(convert(text).faults.toSorted(([a], [b]) => a - b)).toEqual([
      [0, 'invalid_field', ...resource(0)],
      [1, 'invalid_field', ...resource(1)],
      [2, 'invalid_field', ...scope(0)],
      [3, 'invalid_field', ...scope(1)],
      [4, 'invalid_field', ...scope(1)],
    ]);
  });

  test.each([
    ['a schema URL of a resource', `"schemaUrl":7,${scopes(span)}`, 'resourceSpans[0].schemaUrl', 'is not a text'],
    [
      'a schema URL of a scope',
      `"scopeSpans":[{"schemaUrl":{},"spans":[${span}]}]`,
      'resourceSpans[0].scopeSpans[0].schemaUrl',
      'is not a text',
    ],
    ['a resource of text', `"resource":"r",${scopes(span)}`, 'resourceSpans[0].resource', 'is not an object'],
    [
      'an entity',
      `"resource":{"entityRefs":[{},{"idKeys":[1]}]},${scopes(span)}`,
      'resourceSpans[0].resource.entityRefs[1].idKeys[0]',
      'is not a text',
    ],
  ])('%s', (_, members, path, description) => {
    const { spans, faults } = convert(resources(members));
    expect(faults).toEqual([[0, 'invalid_field', path, description]]);
    expect(spans[0]?.resource).toEqual({ attributes: [], droppedAttributesCount: 0, entityRefs: [], schemaUrl: '' });
  });

  test('the fault of a span itself is told rather than that of its resource', () => {
    const { faults } = convert(resources(`${badResource},${scopes('{"traceId":1}')}`));
    expect(faults.map(([, reason]) => reason)).toEqual(['invalid_trace_id']);
  });

  test('a repair there is one of each span below', () => {
    const resource = '"resource":{"attributes":[{"key":"k","value":{"intValue":"x"}}]}';
    const scope = '"scope":{"attributes":[{"key":"k"}]}';
    const other = spanText('"kind":"FOO"');
    const text = resources(
      `"scopeSpans":[{"spans":[${span},${other}],${scope}},{"spans":[${span}]}],${resource}`,
      scopes(span),
    );
    expect(convert(text).repairs).toEqual({
      0: ['attribute_retyped', 'attribute_value_absent'],
      1: ['attribute_retyped', 'attribute_value_absent', 'kind_unknown'],
      2: ['attribute_retyped'],
    });
    expect(convert(text, ['attribute_retyped']).faults.map(([ordinal]) => ordinal)).toEqual([0, 1, 2]);
  });
});

describe('a body that is no UTF-8 (G70)', () => {
  const withBadByte = (text: string) => Buffer.from(Buffer.from(text).map((byte) => (byte === 0x7f ? 0xff : byte)));

  test.each([
    ['a name', spanText('"name":"a\u007f"'), { name: 'a\ufffd' }],
    ['a name with escapes', spanText('"name":"\\n\u007f"'), { name: '\n\ufffd' }],
    [
      'a key',
      spanText('"attributes":[{"key":"\u007f","value":{}}]'),
      { attributes: [{ key: '\ufffd', value: { empty: true } }] },
    ],
  ])('has U+FFFD in %s, or costs that span where the repair is off', (_, bad, expected) => {
    const body = withBadByte(requestText(spanText('"name":"whole"'), bad));
    const on = convert(body);
    expect([on.spans[1], on.repairs, on.faults]).toEqual([
      expect.objectContaining(expected),
      { 1: ['invalid_utf8'] },
      [],
    ]);
    expect(convert(body, ['invalid_utf8']).faults).toEqual([
      [1, 'invalid_field', expect.stringContaining('spans[1].'), 'is not valid UTF-8'],
    ]);
  });

  test('costs nothing in a member nobody reads', () => {
    expect(convert(withBadByte(requestText(spanText('"\u007f":"\u007f"')))).repairs).toEqual({});
  });
});

test('where a body has several mistakes, the path of the first is given', () => {
  expect(convert(requestText(spanText('"attributes":[{"key":7},{"key":8}]'))).faults[0]?.[2]).toBe(
    `${SPAN_PATH}.attributes[0].key`,
  );
});
