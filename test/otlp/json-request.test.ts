import { GatewayError } from '../../src/errors';
import { convertJsonRequest } from '../../src/otlp/json-request';
import { canonicalFromJson, canonicalFromProtobuf } from '../support/canonical';
import { corpusCases, plainBody } from '../support/corpus';
import { attributeText, convert, requestText, SPAN_PATH, spanText } from '../support/json-conversion';
import { T1J, T1P } from '../support/otlp-messages';

const span = spanText();
const scopes = (...spans: string[]) => `"scopeSpans":[{"spans":[${spans.join(',')}]}]`;
const resources = (...members: string[]) => `{"resourceSpans":[${members.map((text) => `{${text}}`).join(',')}]}`;
const allOn = () => true;

describe('a request', () => {
  test('becomes the same bytes as its protobuf twin', () => {
    expect(convertJsonRequest(Buffer.from(T1J), allOn).bytes.toString('hex')).toBe(T1P.toString('hex'));
  });

  // What needs a repair is compared where repairs are: test/end-to-end/round-trip.test.ts.
  const bodies = corpusCases
    .filter(({ encoding }) => encoding === 'json')
    .map((one) => [one.name, plainBody(one)] as const);
  test.each(bodies.filter(([, body]) => !body.includes('1e+21')))('of the corpus: %s', (_, body) => {
    const { bytes, faults, repairs } = convertJsonRequest(body, allOn);
    expect(canonicalFromProtobuf(bytes)).toEqual(canonicalFromJson(body.toString()));
    expect([faults.size, repairs.size]).toEqual([0, 0]);
  });

  test.each([
    ['an empty object', '{}'],
    ['null (G50)', '{"resourceSpans":null}'],
    ['no resources', '{"resourceSpans":[]}'],
    ['nulls in lists', '{"resourceSpans":[null,{"scopeSpans":[null,{"spans":[null]}]}]}'],
    [
      'null lists',
      '{"resourceSpans":[{"scopeSpans":null},{"scopeSpans":[{"spans":null,"scope":null}],"resource":null}]}',
    ],
    ['unknown names (E16)', '{"resource_span":[{"spans":1}],"x":{"resourceSpans":[{}]}}'],
    ['a name that nobody migrates (G73)', `{"resourceSpans":[{"deprecatedScopeSpans":[{"spans":[${span}]}]}]}`],
  ])('of no spans: %s', (_, text) => {
    expect(convert(text)).toEqual({ spans: [], faults: [], repairs: {} });
  });

  test.each([
    ['a byte order mark (G63)', `\ufeff${requestText(span)}`],
    ['white space around', ` \n${requestText(span)}\r\n\t`],
    ['an empty key first (G64)', `{"":1,${requestText(span).slice(1)}`],
    [
      'snake case (G12)',
      requestText(span).replace('resourceSpans', 'resource_spans').replace('scopeSpans', 'scope_spans'),
    ],
    ['an escaped name', requestText(span).replace('spans"', '\\u0073pans"')],
    ['the old name (G72)', requestText(span).replace('scopeSpans', 'instrumentationLibrarySpans')],
    ['the old name in snake case', requestText(span).replace('scopeSpans', 'instrumentation_library_spans')],
  ])('is read with %s', (_, text) => {
    expect(convert(text)).toEqual(convert(requestText(span)));
    expect(convert(text).spans).toHaveLength(1);
  });

  test('lists that come twice are put together (G65)', () => {
    const text = `{"resourceSpans":[{${scopes(spanText('"name":"a"'))},${scopes(spanText('"name":"b"'))}}],"resource_spans":[{${scopes(spanText('"name":"c"'))}}]}`;
    expect(convert(text).spans.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  test('resource and scope are read before and after the spans', () => {
    const resource =
      '"resource":{"attributes":[{"key":"r","value":{"intValue":1}}],"droppedAttributesCount":1,"entityRefs":[{"type":"host","idKeys":["a"]}]},"schemaUrl":"u"';
    const scope = '"scope":{"name":"s","version":"1","attributes":[]},"schemaUrl":"v"';
    const [before, after] = convert(
      resources(
        `${resource},"scopeSpans":[{${scope},"spans":[${span}]}]`,
        `"scopeSpans":[{"spans":[${span}],${scope}}],${resource}`,
      ),
    ).spans;
    expect(before).toEqual(after);
    expect(before).toMatchObject({
      resource: { attributes: [{ key: 'r', value: { int: 1n } }], droppedAttributesCount: 1, schemaUrl: 'u' },
      scope: { name: 's', version: '1', schemaUrl: 'v' },
    });
    expect(before?.resource.entityRefs).toEqual([{ schemaUrl: '', type: 'host', idKeys: ['a'], descriptionKeys: [] }]);
  });

  test.each(['instrumentationLibrary', 'instrumentation_library'])('the old %s is the scope', (name) => {
    const text = `{"resourceSpans":[{"instrumentationLibrarySpans":[{"${name}":{"name":"old"},"spans":[${span}]}]}]}`;
    expect(convert(text).spans[0]?.scope.name).toBe('old');
  });
});

describe('a body is refused', () => {
  test.each([
    ['nothing', '', 'JSON: ends too early'],
    ['white space', ' ', 'JSON: ends too early'],
    ['a list (G59)', `[${T1J}]`, 'JSON: the request must be one object with resourceSpans'],
    ['null (G60)', 'null', 'JSON: the request must be one object with resourceSpans'],
    ['a number (G61)', '1234', 'JSON: the request must be one object with resourceSpans'],
    ['a string', '"{}"', 'JSON: the request must be one object with resourceSpans'],
    ['a cut one (G62)', T1J.slice(0, -1), 'JSON: ends too early'],
    ['garbage behind it (G57)', `${T1J} xyz`, `JSON: more than one document, at byte ${T1J.length + 1}`],
    ['two documents (G58)', `${T1J}\n${T1J}`, `JSON: more than one document, at byte ${T1J.length + 1}`],
    ['a bare NaN (G37)', requestText(attributeText('{"doubleValue":NaN}')), /^JSON: unexpected character at byte \d+$/],
    [
      'a control character (G69)',
      requestText(spanText('"name":"a\u0001"')),
      /^JSON: control character in a string at byte \d+$/,
    ],
    [
      'a broken escape behind a bad span',
      requestText('{"traceId":1,"name":"\\q"}'),
      /^JSON: bad escape in the string at byte \d+$/,
    ],
    ['two byte order marks', `\ufeff\ufeff${T1J}`, 'JSON: unexpected character at byte 3'],
    ['protobuf (B13)', T1P.toString('latin1'), 'JSON: unexpected character at byte 1'],
  ])('%s', (_, text, message) => {
    expect(() => convert(text)).toThrow(GatewayError);
    expect(() => convert(text)).toThrow(message);
  });

  test.each([
    ['resourceSpans', '{"resourceSpans":{}}', 'an array'],
    ['resourceSpans[0]', '{"resourceSpans":[7]}', 'an object'],
    ['resourceSpans[1].scopeSpans', '{"resourceSpans":[{},{"scopeSpans":"x"}]}', 'an array'],
    ['resourceSpans[0].scope_spans[1]', '{"resourceSpans":[{"scope_spans":[{},[]]}]}', 'an object'],
    ['resourceSpans[0].scopeSpans[0].spans', '{"resourceSpans":[{"scopeSpans":[{"spans":{}}]}]}', 'an array'],
  ])('%s of another type', (field, text, type) => {
    expect(() => convert(text)).toThrow(
      expect.objectContaining({
        code: 'bad_request',
        message: `JSON: ${field} is not ${type}`,
        fieldViolations: [{ field, description: `not ${type}` }],
      }),
    );
  });
});

describe('a span that cannot be read', () => {
  test('costs itself, and leaves its place', () => {
    const { spans, faults } = convert(requestText(spanText('"name":"a"'), '{"spanId":7}', spanText('"name":"c"')));
    expect(spans.map(({ name, traceId }) => [name, traceId.length])).toEqual([
      ['a', 32],
      ['', 0],
      ['c', 32],
    ]);
    expect(faults).toEqual([
      [1, 'invalid_span_id', 'resourceSpans[0].scopeSpans[0].spans[1].spanId', 'is not an id of 16 hex digits'],
    ]);
  });

  test('is counted over resources and scopes, and named by its own place', () => {
    const bad = '{"name":1}';
    const text = resources(`${scopes(span, span)}`, `"scopeSpans":[{"spans":[${span}]},{"spans":[${span},${bad}]}]`);
    expect(convert(text).faults).toEqual([
      [4, 'invalid_field', 'resourceSpans[1].scopeSpans[1].spans[1].name', 'is not a string'],
    ]);
  });

  test('keeps the place it has among nulls', () => {
    expect(convert(requestText('null', span, 'null', '"x"')).faults).toEqual([
      [1, 'invalid_field', 'resourceSpans[0].scopeSpans[0].spans[3]', 'is not an object'],
    ]);
  });

  test('takes back what it wrote, however much that was', () => {
    const long = spanText(`"name":"${'x'.repeat(100_000)}","flags":"no"`);
    const bytes = convertJsonRequest(Buffer.from(requestText(long, spanText('"name":"b"'))), allOn).bytes;
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
    const scope = (index: number) => [`resourceSpans[2].scopeSpans[${index}].scope.name`, 'is not a string'];
    expect(convert(text).faults.toSorted(([a], [b]) => a - b)).toEqual([
      [0, 'invalid_field', ...resource(0)],
      [1, 'invalid_field', ...resource(1)],
      [2, 'invalid_field', ...scope(0)],
      [3, 'invalid_field', ...scope(1)],
      [4, 'invalid_field', ...scope(1)],
    ]);
  });

  test.each([
    ['a schema URL of a resource', `"schemaUrl":7,${scopes(span)}`, 'resourceSpans[0].schemaUrl', 'is not a string'],
    [
      'a schema URL of a scope',
      `"scopeSpans":[{"schemaUrl":{},"spans":[${span}]}]`,
      'resourceSpans[0].scopeSpans[0].schemaUrl',
      'is not a string',
    ],
    ['a resource of text', `"resource":"r",${scopes(span)}`, 'resourceSpans[0].resource', 'is not an object'],
    [
      'an entity',
      `"resource":{"entityRefs":[{},{"idKeys":[1]}]},${scopes(span)}`,
      'resourceSpans[0].resource.entityRefs[1].idKeys[0]',
      'is not a string',
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

test('what is kept of a request is not larger than the request', () => {
  const text = `{${' '.repeat(10_000_000)}${requestText(span).slice(1)}`;
  const { bytes } = convertJsonRequest(Buffer.from(text), allOn);
  expect(bytes.length).toBeLessThan(100);
  // The queue counts `length`; the memory behind it must not be 100,000 times that.
  expect(bytes.buffer.byteLength).toBeLessThan(100_000);
});

test('where a body has several mistakes, the path of the first is given', () => {
  expect(convert(requestText(spanText('"attributes":[{"key":7},{"key":8}]'))).faults[0]?.[2]).toBe(
    `${SPAN_PATH}.attributes[0].key`,
  );
});
