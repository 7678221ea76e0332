import { GatewayError } from '../../src/errors';
import { canonicalFromJson, canonicalFromProtobuf } from '../support/canonical';
import { corpusCases, plainBody } from '../support/corpus';
import { attributeText, convert, convertJsonRequest, requestText, spanText } from '../support/json-conversion';
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
    [
      'a list (G59)',
      `[${T1J}]`,
      'JSON: the request must be one object with resourceSpans; a list of flattened spans goes to POST /otel-ingest',
    ],
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

test('what is kept of a request is not larger than the request', () => {
  const text = `{${' '.repeat(10_000_000)}${requestText(span).slice(1)}`;
  const { bytes } = convertJsonRequest(Buffer.from(text), allOn);
  expect(bytes.length).toBeLessThan(100);
  // The queue counts `length`; the memory behind it must not be 100,000 times that.
  expect(bytes.buffer.byteLength).toBeLessThan(100_000);
});

test('a time of zero is not written: Langfuse would take it for 1970', () => {
  const times = (end: string) => requestText(spanText(`"startTimeUnixNano":"5"${end}`));
  const without = convertJsonRequest(Buffer.from(times('')), allOn).bytes;
  for (const zero of ['"0"', '0', '0.0', 'null']) {
    const { bytes } = convertJsonRequest(Buffer.from(times(`,"endTimeUnixNano":${zero}`)), allOn);
    expect([zero, bytes.toString('hex')]).toEqual([zero, without.toString('hex')]);
  }
});
