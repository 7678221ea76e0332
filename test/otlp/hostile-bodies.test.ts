import { GatewayError } from '../../src/errors';
import { ADMIT, receivedSpans } from '../support/admission';
import { requestText, spanText } from '../support/json-conversion';
import { IDS } from '../support/otlp-messages';
import { group, lenField, nested, tag, varint, varintField, WIRE } from '../support/wire';

/**
 * Bodies of a megabyte, made to be dear. Each must be answered, and what was let in be read, before Jest loses patience:
 * what grows with the square of a body takes minutes.
 */
const MEGABYTE = 1_000_000;

const fill = (piece: string | Buffer, bytes = MEGABYTE) =>
  Buffer.alloc(bytes - (bytes % Buffer.from(piece).length), piece);
/** `piece` as often as it fits, with commas between. */
const list = (piece: string) =>
  Array(Math.floor(MEGABYTE / (piece.length + 1)))
    .fill(piece)
    .join(',');
const inSpan = (fields: Buffer) =>
  nested([1, 2, 2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId), fields]));
const numbered = (count: number, make: (at: number) => Buffer | string) =>
  Array.from({ length: count }, (_, at) => make(at));
const key = (at: number) => at.toString(36).padStart(4, '0');

/** Jest keeps 100 frames of every error; the gateway runs with Node's default. */
const { stackTraceLimit } = Error;
beforeAll(() => {
  Error.stackTraceLimit = 10;
});
afterAll(() => {
  Error.stackTraceLimit = stackTraceLimit;
});

function outcomeOf(format: 'protobuf' | 'json', body: Buffer): string {
  let outcome: string;
  try {
    const { bytes, accepted, rejections } = ADMIT[format](body);
    for (const span of receivedSpans(bytes)) JSON.stringify([span.attributes, span.events, span.links, span.resource]);
    outcome = `${accepted > 0 ? 'accepted' : ''}${rejections.length > 0 ? 'rejected' : ''}`;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    outcome = error.code;
  }
  return outcome;
}

describe('protobuf', () => {
  const attribute = (at: number) => lenField(9, Buffer.concat([lenField(1, key(at)), lenField(2, varintField(3, at))]));

  test.each<[string, () => Buffer, string]>([
    ['empty resources', () => fill(lenField(1, '')), 'too_large'],
    ['empty scopes', () => lenField(1, fill(lenField(2, ''))), 'too_large'],
    ['empty spans', () => nested([1, 2], fill(lenField(2, ''))), 'too_large'],
    ['resources of one span each', () => fill(inSpan(Buffer.alloc(0))), 'accepted'],
    ['empty attributes', () => inSpan(fill(lenField(9, ''))), 'accepted'],
    ['attributes of different keys', () => inSpan(Buffer.concat(numbered(60_000, attribute) as Buffer[])), 'accepted'],
    ['attributes of one key', () => inSpan(fill(attribute(7))), 'accepted'],
    [
      'entries of different keys in a list',
      () =>
        inSpan(
          nested([9, 2, 6], Buffer.concat(numbered(80_000, (at) => lenField(1, lenField(1, key(at)))) as Buffer[])),
        ),
      'accepted',
    ],
    ['events without anything', () => inSpan(fill(lenField(11, ''))), 'too_large'],
    ['links without anything', () => inSpan(fill(lenField(13, ''))), 'too_large'],
    ['statuses to merge', () => inSpan(fill(lenField(15, lenField(2, 'x')))), 'accepted'],
    [
      'parents that change their mind',
      () => inSpan(fill(Buffer.concat([lenField(4, 'x'), lenField(4, IDS.spanId)]))),
      'accepted',
    ],
    ['text that is no UTF-8', () => inSpan(lenField(5, fill(Buffer.from([0xff])))), 'accepted'],
    ['texts that are no UTF-8', () => inSpan(fill(nested([11, 2], Buffer.from([0xff])))), 'accepted'],
    ['bytes', () => inSpan(nested([9, 2, 7], fill(Buffer.from([0xff])))), 'accepted'],
    [
      'bytes values in an array',
      () => inSpan(nested([9, 2, 5], fill(nested([1, 7], Buffer.from([0xff]))))),
      'accepted',
    ],
    ['keys without values in lists', () => inSpan(nested([9, 2, 6], fill(lenField(1, '')))), 'accepted'],
    [
      'values as deep as allowed',
      () => inSpan(fill(nested([9, 2, ...Array(64).fill([5, 1]).flat()], Buffer.alloc(0)))),
      'accepted',
    ],
    ['unknown varints of ten bytes', () => fill(Buffer.concat([tag(99, WIRE.varint), varint(-1)])), ''],
    ['unknown groups', () => inSpan(fill(group(99, varintField(1, 1)))), 'accepted'],
    ['groups in groups', () => fill(tag(99, WIRE.groupStart)), 'bad_request'],
    ['padding', () => fill(Buffer.from([0x80])), 'bad_request'],
    [
      'a resource that needs a repair, with many spans',
      () =>
        lenField(
          1,
          Buffer.concat([
            nested([1, 1], lenField(1, 'k')),
            fill(nested([2, 2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId)]))),
          ]),
        ),
      'accepted',
    ],
  ])('%s', (_, body, expected) => {
    const outcome = outcomeOf('protobuf', body());
    expect(outcome).toBe(expected);
  });
});

describe('JSON', () => {
  const attributes = (text: string) => requestText(spanText(`"attributes":[${text}]`));
  const named = (at: number) => `{"key":"${key(at)}","value":{}}`;

  test.each<[string, () => string, string]>([
    ['white space', () => `{${' '.repeat(MEGABYTE)}}`, ''],
    ['empty resources', () => `{"resourceSpans":[${list('{}')}]}`, 'too_large'],
    ['nulls', () => `{"resourceSpans":[${list('null')}]}`, ''],
    ['spans without ids', () => requestText(list('{}')), 'too_large'],
    ['spans with a fault', () => requestText(list('{"name":1}')), 'rejected'],
    [
      'spans with a fault far inside',
      () =>
        requestText(list(`{"attributes":[{"value":${'{"arrayValue":{"values":['.repeat(60)}7${']}}'.repeat(60)}}]}`)),
      'rejected',
    ],
    [
      'spans nested too deep',
      () =>
        requestText(list(`{"attributes":[{"value":${'{"arrayValue":{"values":['.repeat(70)}{}${']}}'.repeat(70)}}]}`)),
      'rejected',
    ],
    [
      'a fault of the resource, with many spans',
      () => `{"resourceSpans":[{"resource":7,"scopeSpans":[{"spans":[${list(spanText())}]}]}]}`,
      'rejected',
    ],
    [
      'repairs of the resource, with many spans',
      () => `{"resourceSpans":[{"resource":{"attributes":[{}]},"scopeSpans":[{"spans":[${list(spanText())}]}]}]}`,
      'accepted',
    ],
    [
      'faults in every member of every resource',
      () => `{"resourceSpans":[${list('{"resource":7,"schemaUrl":7}')}]}`,
      '',
    ],
    ['links with a fault', () => requestText(spanText(`"links":[${list('{"traceId":1}')}]`)), 'accepted'],
    ['kinds that nobody knows', () => requestText(spanText(list('"kind":"x"'))), 'accepted'],
    ['keys without values', () => attributes(list('{}')), 'accepted'],
    ['attributes of different keys', () => attributes(numbered(35_000, named).join(',')), 'accepted'],
    ['values of the wrong type', () => attributes(list('{"value":{"intValue":"x"}}')), 'accepted'],
    ['members that take each other back', () => attributes(`{"value":{${list('"stringValue":"x"')}}}`), 'accepted'],
    ['escapes', () => requestText(spanText(`"name":"${'\\u0061'.repeat(MEGABYTE / 6)}"`)), 'accepted'],
    [
      'halves of surrogate pairs',
      () => requestText(spanText(`"name":"${'\\ud800'.repeat(MEGABYTE / 6)}"`)),
      'accepted',
    ],
    ['backslashes without an end', () => `{"${'\\'.repeat(MEGABYTE)}`, 'bad_request'],
    ['unknown members', () => `{${list('"x":{"y":[]}')}}`, ''],
    ['digits in an int', () => attributes(`{"value":{"intValue":${'9'.repeat(MEGABYTE)}}}`), 'accepted'],
    ['digits after the point', () => attributes(`{"value":{"intValue":0.${'0'.repeat(MEGABYTE)}1}}`), 'accepted'],
    ['digits in a time', () => requestText(spanText(`"endTimeUnixNano":"${'1'.repeat(MEGABYTE)}"`)), 'rejected'],
    ['letters in an id', () => requestText(spanText(`"parentSpanId":"${'a'.repeat(MEGABYTE)}"`)), 'accepted'],
    ['base64', () => attributes(`{"value":{"bytesValue":"${'A'.repeat(MEGABYTE)}"}}`), 'accepted'],
    ['padding in base64', () => attributes(`{"value":{"bytesValue":"${'='.repeat(MEGABYTE)}"}}`), 'accepted'],
    [
      'padding before what is no base64',
      () => attributes(`{"value":{"bytesValue":"${'='.repeat(MEGABYTE)}A"}}`),
      'accepted',
    ],
    ['open brackets', () => `{"x":${'['.repeat(MEGABYTE)}`, 'bad_request'],
  ])('%s', (_, text, expected) => {
    const outcome = outcomeOf('json', Buffer.from(text()));
    expect(outcome).toBe(expected);
  });
});
