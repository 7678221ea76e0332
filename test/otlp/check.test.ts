import { GatewayError } from '../../src/errors';
import { checkBytes, DECODABLE_DEPTH_MAX, TRAITS, VALUE_DEPTH_MAX } from '../../src/otlp/check';
import {
  ANY_VALUE,
  EVENT,
  field,
  KEY_VALUE,
  LINK,
  type MessageSpec,
  RESOURCE_SPANS,
  SCOPE_SPANS,
  SPAN,
} from '../../src/otlp/schema';
import { encodeMessage, IDS, MESSAGE_NAMES, messageType } from '../support/otlp-messages';
import { specOf } from '../support/specs';
import { group, lenField, nested, varint, varintField } from '../support/wire';

type Trait = keyof typeof TRAITS;

const names = (traits: number): Trait[] =>
  (Object.keys(TRAITS) as Trait[]).filter((name) => (traits & TRAITS[name]) !== 0);
const hex = (text: string) => Buffer.from(text, 'hex');
const numberOf = (spec: MessageSpec, name: string) => field(spec, name).number;
const spanBytes = (span: object) => encodeMessage('Span', { ...IDS, ...span });
const bad = Buffer.from([0x61, 0xff]);

describe('traits of a span', () => {
  const parent = (id: string) => lenField(numberOf(SPAN, 'parentSpanId'), hex(id));
  const traceId = (id: string) => lenField(numberOf(SPAN, 'traceId'), hex(id));
  const spanId = (id: string) => lenField(numberOf(SPAN, 'spanId'), hex(id));
  const link = (...fields: Buffer[]) => lenField(numberOf(SPAN, 'links'), Buffer.concat(fields));
  const linkTraceId = (id: string) => lenField(numberOf(LINK, 'traceId'), hex(id));
  const linkSpanId = (id: string) => lenField(numberOf(LINK, 'spanId'), hex(id));
  const good = spanBytes({});
  const spanAnd = (...fields: Buffer[]) => Buffer.concat([good, ...fields]);
  const attribute = (...fields: Buffer[]) => spanAnd(lenField(numberOf(SPAN, 'attributes'), Buffer.concat(fields)));
  const key = lenField(1, 'k');
  const value = (...fields: Buffer[]) => lenField(2, Buffer.concat(fields));

  test.each<[string, Buffer, Trait[]]>([
    ['nothing but good ids', good, []],
    ['no ids', Buffer.alloc(0), ['traceIdInvalid', 'spanIdInvalid']],
    ['a trace id of zeros', spanAnd(traceId('00'.repeat(16))), ['traceIdInvalid']],
    ['a trace id of 15 bytes (H10)', spanAnd(traceId('01'.repeat(15))), ['traceIdInvalid']],
    ['a trace id of 17 bytes (H10)', spanAnd(traceId('01'.repeat(17))), ['traceIdInvalid']],
    ['an empty trace id (H12)', spanAnd(traceId('')), ['traceIdInvalid']],
    ['a trace id of which one bit is set', spanAnd(traceId(`${'00'.repeat(15)}01`)), []],
    ['a bad trace id and then a good one', spanAnd(traceId(''), traceId('01'.repeat(16))), []],
    ['a span id of zeros (I01)', spanAnd(spanId('00'.repeat(8))), ['spanIdInvalid']],
    ['a span id of 7 bytes (H11)', spanAnd(spanId('01'.repeat(7))), ['spanIdInvalid']],
    ['a parent', spanAnd(parent('0102030405060708')), []],
    ['an empty parent', spanAnd(parent('')), []],
    ['a parent of zeros', spanAnd(parent('00'.repeat(8))), ['parentZero']],
    ['a parent of 7 bytes', spanAnd(parent('01020304050607')), ['parentUnreadable']],
    ['a parent of 7 zeros', spanAnd(parent('00'.repeat(7))), ['parentUnreadable']],
    ['a bad parent and then a good one', spanAnd(parent('01'), parent('0102030405060708')), []],
    ['a bad parent and then an empty one', spanAnd(parent('00'.repeat(8)), parent('')), []],
    ['a link', spanAnd(link(linkTraceId('01'.repeat(16)), linkSpanId('01'.repeat(8)))), []],
    ['a link without ids', spanAnd(link()), []],
    ['a link with empty ids', spanAnd(link(linkTraceId(''), linkSpanId(''))), []],
    ['a link with ids of zeros', spanAnd(link(linkTraceId('00'.repeat(16)), linkSpanId('00'.repeat(8)))), []],
    ['a link with a trace id of 8 bytes', spanAnd(link(linkTraceId('01'.repeat(8)))), ['linkIdUnreadable']],
    ['a link with a span id of 16 bytes', spanAnd(link(linkSpanId('01'.repeat(16)))), ['linkIdUnreadable']],
    ['a bad link and then a good one', spanAnd(link(linkSpanId('01')), link()), ['linkIdUnreadable']],
    ['a key without a value', attribute(key), ['valueAbsent']],
    ['a key with the empty value', attribute(key, value()), []],
    ['a KeyValue of nothing', attribute(), ['valueAbsent']],
    ['bytes', attribute(key, value(lenField(7, 'x'))), ['bytesValue']],
    ['no bytes as bytes', attribute(key, value(lenField(7, ''))), ['bytesValue']],
    ['a string index', attribute(key, value(varintField(8, 0))), ['stringIndex']],
    ['a key index', attribute(key, varintField(3, 1), value()), ['stringIndex']],
    ['unknown fields', spanAnd(lenField(100, bad), group(101, varintField(8, 1)), varintField(3000, 8)), []],
  ])('%s', (_, bytes, expected) => {
    expect(names(checkBytes(SPAN, bytes))).toEqual(expected);
  });
});

describe('strings that are no UTF-8 are found in every string field', () => {
  const strings = MESSAGE_NAMES.flatMap((name) =>
    messageType(name)
      .fieldsArray.filter(({ type }) => type === 'string')
      .map((declared) => [`${name}.${declared.name}`, name, declared.id] as const),
  );

  test('there are fifteen', () => expect(strings).toHaveLength(15));

  test.each(strings)('%s', (_, name, number) => {
    const spec = specOf(name);
    // The path to the message: a KeyValue without a value has a trait of its own.
    const others = name === 'KeyValue' ? lenField(2, '') : name === 'Span' ? spanBytes({}) : Buffer.alloc(0);
    const withText = (text: Buffer) => Buffer.concat([others, lenField(number, text)]);
    expect(names(checkBytes(spec, withText(bad)))).toEqual(['invalidUtf8']);
    expect(names(checkBytes(spec, withText(Buffer.concat([Buffer.alloc(100, 'a'), bad]))))).toEqual(['invalidUtf8']);
    expect(names(checkBytes(spec, withText(Buffer.from('grün 🌳 \u0000'))))).toEqual([]);
  });

  test.each([
    ['a surrogate', 'eda080'],
    ['an overlong slash', 'c0af'],
    ['half a character at the end', 'e282'],
    ['a character beyond Unicode', 'f4908080'],
  ])('%s is none', (_, text) => {
    expect(names(checkBytes(ANY_VALUE, lenField(1, hex(text))))).toEqual(['invalidUtf8']);
  });

  test('a byte string may be anything', () => {
    expect(names(checkBytes(LINK, lenField(numberOf(LINK, 'traceId'), Buffer.alloc(16, bad))))).toEqual([]);
  });
});

describe('traits are found wherever values are', () => {
  const attribute = Buffer.concat([lenField(1, 'k'), lenField(2, lenField(7, 'x'))]);

  test.each<[string, MessageSpec, number[]]>([
    ['an event', EVENT, [numberOf(EVENT, 'attributes')]],
    ['an event of a span', SPAN, [numberOf(SPAN, 'events'), numberOf(EVENT, 'attributes')]],
    ['a link of a span', SPAN, [numberOf(SPAN, 'links'), numberOf(LINK, 'attributes')]],
    ['a resource', RESOURCE_SPANS, [1, 1]],
    ['a scope', SCOPE_SPANS, [1, 3]],
    ['a list in an array in a list', KEY_VALUE, [2, 6, 1, 2, 5, 1, 6, 1]],
  ])('%s', (_, spec, path) => {
    const ids = spec === SPAN ? spanBytes({}) : Buffer.alloc(0);
    expect(names(checkBytes(spec, Buffer.concat([ids, nested(path, attribute)])))).toEqual(['bytesValue']);
  });
});

describe('depth', () => {
  /** Arrays in arrays around an int, as many as `levels` says. */
  function deep(levels: number): Buffer {
    let bytes = varintField(3, 1);
    for (let level = 0; level < levels; level++) bytes = lenField(5, lenField(1, bytes));
    return Buffer.concat([lenField(1, 'k'), lenField(2, bytes)]);
  }

  test.each<[string, number, Trait[]]>([
    ['40 levels (G67)', 40, []],
    ['as deep as allowed', VALUE_DEPTH_MAX, []],
    ['one deeper', VALUE_DEPTH_MAX + 1, ['tooDeep']],
    ['as deep as can be decoded', DECODABLE_DEPTH_MAX, ['tooDeep']],
  ])('%s', (_, levels, expected) => {
    expect(names(checkBytes(KEY_VALUE, deep(levels)))).toEqual(expected);
  });

  test('deeper than that refuses the body', () => {
    expect(() => checkBytes(KEY_VALUE, deep(DECODABLE_DEPTH_MAX + 1))).toThrow(GatewayError);
  });

  test('many values beside each other are not deep', () => {
    const values = Buffer.concat(Array.from({ length: 200 }, () => lenField(1, lenField(5, lenField(1, '')))));
    expect(names(checkBytes(ANY_VALUE, lenField(5, values)))).toEqual([]);
  });

  test('100,000 levels (H16) are refused, and the next body is read as if nothing had been', () => {
    // Written from the inside out with 5-byte lengths: building it by concatenation would take quadratic time.
    const levels = 100_000;
    const size = 10;
    const bytes = Buffer.alloc(levels * 2 * 6);
    for (let at = 0; at < bytes.length; at += 6) {
      bytes[at] = at % 12 === 0 ? 0x2a : 0x0a;
      varint(bytes.length - at - 6, 5).copy(bytes, at + 1);
    }
    expect(() => checkBytes(ANY_VALUE, bytes)).toThrow('values nested deeper than 5000 levels');
    expect(names(checkBytes(KEY_VALUE, deep(size)))).toEqual([]);
  });
});
