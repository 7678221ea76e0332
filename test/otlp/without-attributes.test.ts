import { RESOURCE_SPANS, SCOPE_SPANS } from '../../src/otlp/schema';
import { headWithoutAttributes } from '../../src/otlp/without-attributes';
import { fixed32Field, group, lenField, varintField } from '../support/wire';

/** Attributes are field 1 of a resource and field 3 of a scope; both are field 1 of what they head. */
const HEADS = [
  ['resource', RESOURCE_SPANS, 1],
  ['scope', SCOPE_SPANS, 3],
] as const;

const isToGo = (key: string) => key.startsWith('x');
const value = lenField(2, lenField(1, 'v'));
const attribute = (number: number, ...fields: Buffer[]) => lenField(number, Buffer.concat(fields));
const plain = (number: number, key: string) => attribute(number, lenField(1, key), value);

describe.each(HEADS)('of a %s', (_, message, number) => {
  const head = (...fields: Buffer[]) => Buffer.concat([lenField(1, Buffer.concat(fields)), lenField(3, 'schema')]);

  test.each<[string, Buffer[]]>([
    ['an attribute', [plain(number, 'x')]],
    ['each of that key', [plain(number, 'x'), plain(number, 'x')]],
    ['one without a value', [attribute(number, lenField(1, 'x'))]],
    ['one whose key comes last', [attribute(number, value, lenField(1, 'x'))]],
    ['one whose last key counts', [attribute(number, lenField(1, 'kept'), value, lenField(1, 'x'))]],
    ['one with tags and lengths longer than need be', [paddedAttribute(number)]],
    ['one among fields that nobody knows', [attribute(number, varintField(99, 1), lenField(1, 'x'), group(98, value))]],
  ])('%s goes', (_what, gone) => {
    const kept = [plain(number, 'a'), fixed32Field(99, 1), plain(number, 'b')];
    const [a, other, b] = kept as [Buffer, Buffer, Buffer];
    const without = headWithoutAttributes(message, head(a, ...gone, other, ...gone, b), isToGo);
    expect(without.equals(head(a, other, b))).toBe(true);
    expect(headWithoutAttributes(message, without, isToGo)).toBe(without);
  });

  test.each<[string, Buffer]>([
    ['an empty head', Buffer.alloc(0)],
    ['no attributes', head()],
    ['other attributes', head(plain(number, 'a'), plain(number, 'b'))],
    ['one whose first key does not count', head(attribute(number, lenField(1, 'x'), value, lenField(1, 'kept')))],
    ['such a key as a value', head(attribute(number, lenField(1, 'k'), lenField(2, lenField(1, 'x'))))],
    ['fields that nobody knows', Buffer.concat([varintField(99, 1), group(98, plain(number, 'x')), lenField(97, 'x')])],
  ])('%s: the same buffer', (_what, untouched) => {
    expect(headWithoutAttributes(message, untouched, isToGo)).toBe(untouched);
  });

  test('it goes from each part of one that came in parts', () => {
    const parts = Buffer.concat([head(plain(number, 'x'), plain(number, 'a')), head(plain(number, 'x'))]);
    const expected = Buffer.concat([head(plain(number, 'a')), head()]);
    expect(headWithoutAttributes(message, parts, isToGo).equals(expected)).toBe(true);
  });

  function paddedAttribute(owner: number): Buffer {
    const key = lenField(1, 'x', { tag: 5, length: 10 });
    return lenField(owner, Buffer.concat([key, value]), { tag: 5, length: 10 });
  }
});
