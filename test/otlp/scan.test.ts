import { GatewayError } from '../../src/errors';
import { TRAITS } from '../../src/otlp/check';
import { type ScannedRequest, scanRequest } from '../../src/otlp/scan';
import { encodeMessage, encodeSpans, IDS, T1P } from '../support/otlp-messages';
import { group, lenField, tag, varintField, WIRE } from '../support/wire';

const scan = (bytes: Buffer) => scanRequest(bytes, { check: true });
const span = (name: string) => encodeMessage('Span', { ...IDS, name });
const hex = (bytes: Buffer) => bytes.toString('hex');

/** Where each span was found, and the name in its bytes. */
const found = ({ bytes, spans }: ScannedRequest) =>
  spans.map(({ scope, index, ordinal, start, end }) => ({
    at: [scope.resource.index, scope.index, index, ordinal],
    bytes: hex(bytes.subarray(start, end)),
  }));

describe('finding spans', () => {
  test('of a request of one', () => {
    const request = scan(T1P);
    const [only] = request.spans;
    expect(request.spans).toHaveLength(1);
    expect(only).toMatchObject({ index: 0, ordinal: 0, tagStart: 32, start: 34, end: 85, traits: 0 });
    expect(hex(T1P.subarray(only?.tagStart, only?.start))).toBe('1233');
    expect(only?.scope.head.toString('hex')).toBe('0a030a016c');
    expect(only?.scope.resource.head.toString('hex')).toBe('0a150a130a0c736572766963652e6e616d6512030a0173');
    expect(request.bytes).toBe(T1P);
  });

  test('of several resources and scopes, with their places', () => {
    const request = encodeMessage('ExportTraceServiceRequest', {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                { ...IDS, name: 'a' },
                { ...IDS, name: 'b' },
              ],
            },
            {},
            { spans: [{ ...IDS, name: 'c' }] },
          ],
        },
        {},
        { scopeSpans: [{ spans: [{ ...IDS, name: 'd' }] }] },
      ],
    });
    expect(found(scan(request))).toEqual([
      { at: [0, 0, 0, 0], bytes: hex(span('a')) },
      { at: [0, 0, 1, 1], bytes: hex(span('b')) },
      { at: [0, 2, 0, 2], bytes: hex(span('c')) },
      { at: [2, 0, 0, 3], bytes: hex(span('d')) },
    ]);
  });

  test('spans of one scope share it, those of one resource share that', () => {
    const spans = { spans: [IDS, IDS] };
    const request = { resourceSpans: [{ scopeSpans: [spans, spans] }, { scopeSpans: [spans] }] };
    const { spans: all } = scan(encodeMessage('ExportTraceServiceRequest', request));
    expect(new Set(all.map(({ scope }) => scope)).size).toBe(3);
    expect(new Set(all.map(({ scope }) => scope.resource)).size).toBe(2);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['an empty resource', lenField(1, '')],
    ['an empty scope', lenField(1, lenField(2, ''))],
    ['unknown fields only (H18)', Buffer.concat([lenField(77, 'x'), varintField(78, 1), group(79, varintField(1, 1))])],
  ])('there is none in %s', (_, bytes) => {
    expect(scan(bytes).spans).toEqual([]);
  });

  test('under the old name (H17), which is noted', () => {
    const scopeSpans = lenField(2, span('a'));
    const { spans } = scan(lenField(1, Buffer.concat([lenField(1000, scopeSpans), lenField(2, scopeSpans)])));
    expect(spans.map(({ scope }) => [scope.index, scope.resource.legacy])).toEqual([
      [0, true],
      [1, true],
    ]);
    expect(scan(T1P).spans[0]?.scope.resource.legacy).toBe(false);
  });
});

describe('heads', () => {
  const url = lenField(3, 'https://schema');
  const resource = lenField(1, encodeMessage('Resource', { droppedAttributesCount: 1 }));
  const spanField = lenField(2, span('a'), { tag: 3, length: 4 });
  const unknown = lenField(900, 'x', { tag: 2, length: 3 });

  test('hold everything around the spans, byte for byte', () => {
    const scope = Buffer.concat([url, spanField, unknown, spanField, spanField, lenField(1, '')]);
    const scopeField = lenField(2, scope, { tag: 2, length: 5 });
    const bytes = lenField(1, Buffer.concat([unknown, scopeField, resource, scopeField, url]));
    const { spans } = scan(bytes);
    expect(spans).toHaveLength(6);
    expect(hex(spans[0]?.scope.head as Buffer)).toBe(hex(Buffer.concat([url, unknown, lenField(1, '')])));
    expect(hex(spans[0]?.scope.resource.head as Buffer)).toBe(hex(Buffer.concat([unknown, resource, url])));
  });

  test('are empty where there is nothing but spans', () => {
    const [only] = scan(encodeSpans(IDS)).spans;
    expect([only?.scope.head.length, only?.scope.resource.head.length]).toEqual([0, 0]);
  });

  test.each<[string, object, object, [span: number, scope: number, resource: number]]>([
    ['of the span', {}, {}, [TRAITS.bytesValue, 0, 0]],
    ['of the scope', { scope: true }, {}, [0, TRAITS.bytesValue, 0]],
    ['of the resource', {}, { resource: true }, [0, 0, TRAITS.bytesValue]],
  ])(
    'the traits %s stay apart from the others',
    (_, { scope }: { scope?: boolean }, { resource: ofResource }: { resource?: boolean }, traits) => {
      const attributes = [{ key: 'k', value: { bytesValue: Buffer.from('x') } }];
      const message = {
        resource: { attributes: ofResource ? attributes : [] },
        scopeSpans: [
          {
            scope: { attributes: scope ? attributes : [] },
            spans: [{ ...IDS, attributes: scope || ofResource ? [] : attributes }],
          },
        ],
      };
      const [only] = scan(encodeMessage('ExportTraceServiceRequest', { resourceSpans: [message] })).spans;
      expect([only?.traits, only?.scope.traits, only?.scope.resource.traits]).toEqual(traits);
    },
  );
});

describe('framing', () => {
  test.each([
    ['resourceSpans that is no message', varintField(1, 1)],
    ['a resource that is no message', lenField(1, varintField(1, 1))],
    ['scopeSpans that is no message', lenField(1, varintField(2, 1))],
    ['old scopeSpans that is no message', lenField(1, varintField(1000, 1))],
    ['a scope that is no message', lenField(1, lenField(2, varintField(1, 1)))],
    ['a span that is no message', lenField(1, lenField(2, varintField(2, 1)))],
    ['a broken resource', lenField(1, lenField(1, '\u000a\u0005'))],
    ['a broken scope', lenField(1, lenField(2, lenField(1, '\u000a\u0005')))],
    ['a broken span', lenField(1, lenField(2, lenField(2, '\u000a\u0005')))],
    ['a broken end', Buffer.concat([T1P, tag(1, WIRE.len)])],
    ['an end of a group', Buffer.concat([T1P, tag(9, WIRE.groupEnd)])],
    ['a span that is longer than its scope', lenField(1, lenField(2, Buffer.from('1205', 'hex')))],
  ])('%s is refused', (_, bytes) => {
    expect(() => scan(bytes)).toThrow(GatewayError);
  });

  test('without the check only what is around the spans is read', () => {
    const broken = lenField(1, lenField(2, lenField(2, Buffer.from('0a05', 'hex'))));
    const { spans } = scanRequest(broken, { check: false });
    expect(spans.map(({ traits, start, end }) => [traits, end - start])).toEqual([[0, 2]]);
    expect(() => scanRequest(broken.subarray(0, -1), { check: false })).toThrow(GatewayError);
  });
});
