import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { canonicalFromJson, canonicalFromProtobuf } from './canonical';
import { canonicalOfCase, corpusCases, plainBody } from './corpus';

const root = protobuf.parse(readFileSync(join(__dirname, '../../proto/trace.proto'), 'utf8')).root;
const Request = root.lookupType('otlp.ExportTraceServiceRequest');

const ID_FIELDS = new Set(['traceId', 'spanId', 'parentSpanId']);
const base64ToHex = (text: string) => Buffer.from(text, 'base64').toString('hex');

describe('every field', () => {
  const attributes = [{ key: 'k', value: { stringValue: 'v' } }];
  const request = {
    resourceSpans: [
      {
        resource: {
          ...{ attributes, droppedAttributesCount: 1 },
          entityRefs: [{ schemaUrl: 'e', type: 'host', idKeys: ['id'], descriptionKeys: ['d'] }],
        },
        schemaUrl: 'r',
        scopeSpans: [
          {
            scope: { name: 's', version: '1', attributes, droppedAttributesCount: 2 },
            schemaUrl: 'ss',
            spans: [
              {
                ...{ traceId: 'AAAAAAAAAAAAAAAAAAAAAQ==', spanId: 'AAAAAAAAAAI=', parentSpanId: 'AAAAAAAAAAM=' },
                ...{ traceState: 'a=b', name: 'n', kind: 5, startTimeUnixNano: '4', endTimeUnixNano: '5' },
                ...{ attributes, droppedAttributesCount: 6, droppedEventsCount: 8, droppedLinksCount: 10 },
                events: [{ timeUnixNano: '7', name: 'e', attributes, droppedAttributesCount: 7 }],
                links: [
                  {
                    ...{ traceId: 'AAAAAAAAAAAAAAAAAAAACQ==', spanId: 'AAAAAAAAAAk=', traceState: 'c=d' },
                    ...{ attributes, droppedAttributesCount: 9, flags: 0x301 },
                  },
                ],
                ...{ status: { message: 'm', code: 2 }, flags: 0x101 },
              },
            ],
          },
        ],
      },
    ],
  };
  const counted = (droppedAttributesCount: number) => ({
    attributes: [{ key: 'k', value: { string: 'v' } }],
    droppedAttributesCount,
  });
  const id = (number: string, digits: number) => number.padStart(digits, '0');
  const entityRefs = [{ schemaUrl: 'e', type: 'host', idKeys: ['id'], descriptionKeys: ['d'] }];
  const expected = {
    resource: { ...counted(1), entityRefs, schemaUrl: 'r' },
    scope: { name: 's', version: '1', ...counted(2), schemaUrl: 'ss' },
    ...{ traceId: id('1', 32), spanId: id('2', 16), parentSpanId: id('3', 16), traceState: 'a=b', name: 'n', kind: 5 },
    ...{ startTimeUnixNano: 4n, endTimeUnixNano: 5n, ...counted(6) },
    events: [{ timeUnixNano: 7n, name: 'e', ...counted(7) }],
    droppedEventsCount: 8,
    links: [{ traceId: id('9', 32), spanId: id('9', 16), traceState: 'c=d', ...counted(9), flags: 0x301 }],
    ...{ droppedLinksCount: 10, status: { message: 'm', code: 2 }, flags: 0x101 },
  };

  test('of protobuf', () => {
    expect(canonicalFromProtobuf(Request.encode(Request.fromObject(request)).finish())).toEqual([expected]);
  });

  test('of JSON', () => {
    const text = JSON.stringify(request, (key, value) => (ID_FIELDS.has(key) ? base64ToHex(value) : value));
    expect(canonicalFromJson(text)).toEqual([expected]);
  });
});

describe('JSON and protobuf give one form', () => {
  const ofEncoding = (encoding: string) =>
    corpusCases.filter((one) => one.encoding === encoding).map((one) => [one.name, one] as const);

  test.each(ofEncoding('protobuf'))('%s, written as JSON', (_, one) => {
    const message = Request.decode(plainBody(one));
    const plain = Request.toObject(message, { longs: String, bytes: String, json: true });
    const text = JSON.stringify(plain, (key, value) => (ID_FIELDS.has(key) ? base64ToHex(value) : value));
    expect(canonicalFromJson(text)).toEqual(canonicalOfCase(one));
  });

  // Not those whose values do not fit their members: protobuf has no form for them.
  const fitting = ofEncoding('json').filter(([, one]) => !plainBody(one).includes('1e+21'));

  test.each(fitting)('%s, written as protobuf', (_, one) => {
    const plain = JSON.parse(
      plainBody(one)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
      (key, value) => (ID_FIELDS.has(key) ? Buffer.from(value, 'hex').toString('base64') : value),
    );
    const bytes = Request.encode(Request.fromObject(plain)).finish();
    expect(canonicalFromProtobuf(bytes)).toEqual(canonicalOfCase(one));
  });
});
