import fc from 'fast-check';
import { jsonText, readValue } from '../../src/otlp/any-value';
import { valueAsJson } from '../../src/otlp/value-json';
import { type CanonicalValue, canonicalFromProtobuf } from '../support/canonical';
import { createRandom, oneOf, runs } from '../support/random';
import { anyValues } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { valueJson } from '../support/value-json';
import { doubleField, group, lenField, nested, varint, varintField } from '../support/wire';

const json = (bytes: Buffer) => valueAsJson(bytes, 0, bytes.length).toString();
/** As long as no key is a number: JavaScript puts those first. */
const decoded = (bytes: Buffer) => jsonText(readValue(bytes, 0, bytes.length));

const text = (content: string | Buffer) => lenField(1, content);
const array = (...elements: Buffer[]) => lenField(5, Buffer.concat(elements.map((element) => lenField(1, element))));
const entry = (key: string | Buffer, value: Buffer) =>
  lenField(1, Buffer.concat([lenField(1, key), lenField(2, value)]));
const map = (...entries: Buffer[]) => lenField(6, Buffer.concat(entries));
const int = (value: number | bigint) => varintField(3, value);

describe('valueAsJson', () => {
  test('says what any value is, however it is written', () => {
    fc.assert(
      fc.property(anyValues({ repairable: true }), fc.integer({ min: 1 }), (value, seed) => {
        const request = renderProtobuf(
          { resourceSpans: [{ scopeSpans: [{ spans: [{ attributes: [{ value }] }] }] }] },
          seed,
        );
        const only = canonicalFromProtobuf(request)[0]?.attributes[0]?.value as CanonicalValue;
        // The value is what is left of the request: the innermost field is its last.
        const bytes = Buffer.concat(valueParts(request, [1, 2, 2, 9, 2]));
        expect(json(bytes)).toBe(valueJson(only));
      }),
      runs(1000),
    );
  });

  test('says of random messages what their decoded value says', () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = createRandom(seed);
      const bytes = randomValue(random, 4);
      const prefixed = Buffer.concat([Buffer.from('xyz'), bytes, Buffer.from('tail')]);
      expect([seed, valueAsJson(prefixed, 3, 3 + bytes.length).toString()]).toEqual([seed, decoded(bytes)]);
    }
  });

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'null'],
    ['no member that is known', Buffer.concat([varintField(99, 7), lenField(98, 'x')]), 'null'],
    ['a string index', varintField(8, 7), 'null'],
    ['empty messages', array(Buffer.alloc(0), Buffer.alloc(0)), '[null,null]'],
    ['lists and maps of nothing', array(array(), map(), lenField(6, ''), lenField(7, '')), '[[],{},{},""]'],
    ['the largest safe int', int(2n ** 53n - 1n), '9007199254740991'],
    ['an int beyond', int(2n ** 53n), '"9007199254740992"'],
    ['the smallest int', int(-(2n ** 63n)), '"-9223372036854775808"'],
    [
      'ints',
      array(...[0, 9, 10, 99, 100, 2 ** 28 - 1, 2 ** 28, -1].map(int)),
      '[0,9,10,99,100,268435455,268435456,-1]',
    ],
    ['an int in more bytes than it needs', Buffer.concat([Buffer.from([0x18]), varint(5, 9)]), '5'],
    ['doubles', array(...[-0, 0.1, 1e21, 5e-324].map((one) => doubleField(4, one))), '[0,0.1,1e+21,5e-324]'],
    [
      'what is no number',
      array(...[Number.NaN, Infinity, -Infinity].map((one) => doubleField(4, one))),
      '["NaN","Infinity","-Infinity"]',
    ],
    [
      'controls',
      text('\u0000\b\t\n\u000b\f\r\u001f\u007f"\\/'),
      '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u007f\\"\\\\/"',
    ],
    ['line ends of other scripts, and beyond the BMP', text('\u2028\u2029😀\ufeff'), '"\u2028\u2029😀\ufeff"'],
    ['what is not UTF-8', text(Buffer.from('22eda08022ff', 'hex')), '"\\"\ufffd\ufffd\ufffd\\"\ufffd"'],
    ['bytes', lenField(7, Buffer.from([0, 255])), '"AP8="'],
    ['of two members the last', Buffer.concat([array(text('a')), int(7)]), '7'],
    ['a list after a text is a new one', Buffer.concat([array(int(1)), text('a'), array(int(2))]), '[2]'],
    ['two lists are one', Buffer.concat([array(int(1)), group(98, int(1)), array(int(2))]), '[1,2]'],
    ['two maps are one', Buffer.concat([map(entry('a', int(1))), map(entry('a', int(2)))]), '{"a":2}'],
    ['two empty lists', Buffer.concat([array(), array()]), '[]'],
    ['a member and then an unknown one', Buffer.concat([text('a'), varintField(99, 7)]), '"a"'],
    ['an entry of nothing', nested([6, 1], Buffer.alloc(0)), '{"":null}'],
    ['keys of every kind', map(entry('__proto__', int(1)), entry('a"\n', int(2))), '{"__proto__":1,"a\\"\\n":2}'],
    ['keys that are numbers stay where they were', map(entry('b', int(1)), entry('1', int(2))), '{"b":1,"1":2}'],
    [
      'of equal keys the last value, at the first one’s place',
      map(entry('a', int(1)), entry('b', int(2)), entry('a', map())),
      '{"a":{},"b":2}',
    ],
    [
      'keys that are equal only as texts',
      map(entry(Buffer.from('ff', 'hex'), int(1)), entry('\ufffd', int(2)), entry('b', int(3))),
      '{"\ufffd":2,"b":3}',
    ],
    [
      'a value in parts, which are one message',
      nested([6, 1], Buffer.concat([lenField(2, array(int(1))), lenField(1, 'k'), lenField(2, array(int(2)))])),
      '{"k":[1,2]}',
    ],
    [
      'maps in maps with the same keys',
      map(
        entry('a', map(entry('a', int(1)), entry('a', int(2)))),
        entry('b', int(3)),
        entry('a', map(entry('b', text('')))),
      ),
      '{"a":{"b":""},"b":3}',
    ],
  ])('%s', (_, bytes, expected) => {
    expect(json(bytes)).toBe(expected);
  });

  test('long texts and bytes', () => {
    const long = `${'ü'.repeat(70_000)}"${'a'.repeat(70_000)}`;
    expect(json(text(long))).toBe(JSON.stringify(long));
    const bytes = Buffer.alloc(200_000, 'xyzzy');
    expect(json(lenField(7, bytes))).toBe(`"${bytes.toString('base64')}"`);
  });

  test('lists and maps as deep as values may be', () => {
    let value = text('x');
    for (let depth = 0; depth < 64; depth++) value = depth % 2 === 0 ? array(value) : map(entry('k', value));
    expect(json(value)).toBe(decoded(value));
  });

  test.each([
    ['all the same', (_: number) => 'k'],
    ['each twice', (at: number) => `key ${at % 2500}`],
    ['all different', (at: number) => `key ${at}`],
    ['no UTF-8', (at: number) => Buffer.from(`ff${(at % 2500).toString(16).padStart(4, '0')}`, 'hex')],
  ])('many keys: %s', (_, key) => {
    const value = map(...Array.from({ length: 5000 }, (_unused, at) => entry(key(at), int(at))));
    expect(json(value)).toBe(decoded(value));
  });

  test('keys that were chosen to collide', () => {
    const keys = collidingKeys(300);
    const value = map(...[...keys, ...keys].map((key, at) => entry(key, int(at))));
    expect(json(value)).toBe(decoded(value));
  });
});

/** What the fields on that path hold: a request around one value, which may come in parts. */
function valueParts(message: Buffer, [number, ...rest]: number[]): Buffer[] {
  if (number === undefined) return [message];
  return fieldsOf(message).flatMap(([found, content]) => (found === number ? valueParts(content, rest) : []));
}

/** The fields of a message that have a length. */
function fieldsOf(message: Buffer): [number, Buffer][] {
  const found: [number, Buffer][] = [];
  let pos = 0;
  const next = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[pos++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (pos < message.length) {
    const tag = next();
    const wireType = tag % 8;
    if (wireType === 0) next();
    else if (wireType === 1) pos += 8;
    else if (wireType === 5) pos += 4;
    else if (wireType === 2) {
      const length = next();
      found.push([Math.floor(tag / 8), message.subarray(pos, pos + length)]);
      pos += length;
    }
  }
  return found;
}

/** No keys that are numbers: JavaScript puts those first. */
function randomValue(random: () => number, depth: number): Buffer {
  const keys = ['a', 'b', '__proto__', '', '\u0001"', 'ü', Buffer.from([0xff]), '\ufffd'];
  const some = (max: number, make: () => Buffer) => Array.from({ length: Math.floor(random() * max) }, make);
  const kinds: (() => Buffer)[] = [
    () => Buffer.alloc(0),
    () => text(oneOf(random, keys)),
    () => varintField(2, oneOf(random, [0, 1, 128])),
    () => int(BigInt.asIntN(64, BigInt(Math.floor(random() * 2 ** 53)) << BigInt(Math.floor(random() * 12)))),
    () => doubleField(4, oneOf(random, [Number.NaN, -0, random(), 1e300 * random()])),
    () => lenField(7, oneOf(random, keys)),
    () => varintField(99, 1),
  ];
  const nests: (() => Buffer)[] = [
    () => array(...some(4, () => randomValue(random, depth - 1))),
    () => map(...some(12, () => randomEntry(random, oneOf(random, keys), depth))),
  ];
  const make = () => oneOf(random, depth > 0 ? [...kinds, ...nests, ...nests] : kinds)();
  return random() < 0.2 ? Buffer.concat([make(), make(), make()]) : make();
}

function randomEntry(random: () => number, key: string | Buffer, depth: number): Buffer {
  const parts = [lenField(1, key), lenField(2, randomValue(random, depth - 1))];
  if (random() < 0.2) parts.push(lenField(2, randomValue(random, depth - 1)));
  if (random() < 0.2) parts.shift();
  return lenField(1, Buffer.concat(random() < 0.3 ? parts.reverse() : parts));
}

/** Keys of one hash in its lowest 12 bits: more of them than a table of their size would ever hold together by chance. */
function collidingKeys(count: number): string[] {
  const keys: string[] = [];
  for (let at = 0; keys.length < count; at++) {
    const key = `k${at}`;
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193);
    if (((hash ^ (hash >>> 15)) & 0xfff) === 7) keys.push(key);
  }
  return keys;
}
