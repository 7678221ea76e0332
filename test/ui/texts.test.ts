import fc from 'fast-check';
import { cutAt, indentJson, isImageUri, piecesOf } from '../../ui/src/span/texts';
import { runs } from '../support/random';

const text = () => fc.string({ unit: 'binary', maxLength: 60 });

describe('an image that is here in whole', () => {
  test.each([
    ['png', 'data:image/png;base64,iVBORw0KGgo='],
    ['jpeg', 'data:image/jpeg;base64,/9j/4A=='],
    ['what some call jpg', 'data:image/jpg;base64,/9j/4A=='],
    ['gif', 'data:image/gif;base64,R0lGODlh'],
    ['webp', 'data:image/webp;base64,UklGRg=='],
    ['avif', 'data:image/avif;base64,AAAA'],
    ['svg', 'data:image/svg+xml;base64,PHN2Zy8+'],
    ['in lines', 'data:image/png;base64,iVBO\r\n  Rw0K\nGgo=\n'],
    ['large', `data:image/png;base64,${'iVBORw0K'.repeat(1_000_000)}`],
  ])('%s', (_, uri) => {
    expect(isImageUri(uri)).toBe(true);
  });

  test.each([
    ['nothing', ''],
    ['a word', 'data:image/png'],
    ['an image without bytes', 'data:image/png;base64,'],
    ['svg as text', 'data:image/svg+xml,<svg/>'],
    ['svg as text behind base64', 'data:image/svg+xml;base64,<svg/>'],
    ['an unknown image', 'data:image/tiff;base64,AAAA'],
    ['no image', 'data:text/html;base64,AAAA'],
    ['no image, of a name alike', 'data:imagex/png;base64,AAAA'],
    ['a parameter', 'data:image/png;name=a;base64,AAAA'],
    ['upper case', 'DATA:IMAGE/PNG;BASE64,AAAA'],
    ['an upper case type', 'data:image/PNG;base64,AAAA'],
    ['a blank before it', ' data:image/png;base64,AAAA'],
    ['a line before it', 'see\ndata:image/png;base64,AAAA'],
    ['a line behind it', 'data:image/png;base64,AAAA\n"onerror"'],
    ['a quote in it', 'data:image/png;base64,AA"A'],
    ['an address', 'https://example.com/a.png'],
    ['an address that holds one', 'https://example.com/?data:image/png;base64,AAAA'],
    ['media of Langfuse', '@@@langfuseMedia:type=image/png|id=1|source=base64_data_uri@@@'],
    ['a large text', `data:image/png;base64,${'iVBORw0K'.repeat(1_000_000)}!`],
  ])('not %s', (_, uri) => {
    expect(isImageUri(uri)).toBe(false);
  });
});

describe('media of Langfuse', () => {
  const tag = (type: string, id: string) => `@@@langfuseMedia:type=${type}|id=${id}|source=base64_data_uri@@@`;
  const media = (type: string, id: string) => ({ text: tag(type, id), media: { type, id } });
  const plain = (words: string) => ({ text: words, media: null });
  const PNG = tag('image/png', 'a-1');

  test.each<[name: string, text: string, pieces: object[]]>([
    ['nothing', '', []],
    ['no media', 'hi', [plain('hi')]],
    ['alone', PNG, [media('image/png', 'a-1')]],
    ['in a text', `see ${PNG}!`, [plain('see '), media('image/png', 'a-1'), plain('!')]],
    ['two in a row', PNG + tag('audio/wav', 'b'), [media('image/png', 'a-1'), media('audio/wav', 'b')]],
    ['behind marks that are none', `@@@${PNG}`, [plain('@@@'), media('image/png', 'a-1')]],
    ['cut off', PNG.slice(0, -1), [plain(PNG.slice(0, -1))]],
    ['without an id', PNG.replace('a-1', ''), [plain(PNG.replace('a-1', ''))]],
    ['of an endless type', tag('x'.repeat(101), 'a'), [plain(tag('x'.repeat(101), 'a'))]],
  ])('%s', (_, words, pieces) => {
    expect(piecesOf(words)).toEqual(pieces);
  });

  test('the pieces are the text', () => {
    const parts = fc.oneof(text(), fc.constantFrom(PNG, '@@@', '@@@langfuseMedia:type=', '|id=', '|source=', '@'));
    fc.assert(
      fc.property(fc.array(parts), (words) => {
        const pieces = piecesOf(words.join(''));
        expect(pieces.map((piece) => piece.text).join('')).toBe(words.join(''));
        expect(pieces.filter((piece) => piece.text === '')).toEqual([]);
      }),
      runs(500),
    );
  });
});

describe('a cut', () => {
  test.each([
    ['abc', 4, 'abc'],
    ['abc', 3, 'abc'],
    ['abc', 2, 'ab'],
    ['abc', 0, ''],
    ['a😀b', 2, 'a'],
    ['a😀b', 3, 'a😀'],
    ['😀', 1, ''],
    ['\ude00\ud83d', 1, '\ude00'],
  ])('%j at %i', (words, length, expected) => {
    expect(cutAt(words, length)).toBe(expected);
  });

  test('is a beginning, no longer than it may be, and halves no character', () => {
    fc.assert(
      fc.property(text(), fc.nat(70), (words, length) => {
        const cut = cutAt(words, length);
        expect([words.startsWith(cut), cut.isWellFormed(), cut.length <= length]).toEqual([true, true, true]);
        expect(cut.length).toBeGreaterThanOrEqual(Math.min(words.length, length) - 1);
      }),
      runs(1_000),
    );
  });
});

describe('JSON in lines', () => {
  const whole = (json: string) => indentJson(json, Number.POSITIVE_INFINITY);

  test.each([
    ['an object', '{"a":1,"b":[true,null]}', '{\n  "a": 1,\n  "b": [\n    true,\n    null\n  ]\n}'],
    ['what is empty', '{"a":{},"b":[ ]}', '{\n  "a": {},\n  "b": []\n}'],
    ['other blanks', ' [\r\n\t1 ,2 ] ', '[\n  1,\n  2\n]'],
    ['numbers as they stand', '[3.0,1e400,9007199254740993,-0]', '[\n  3.0,\n  1e400,\n  9007199254740993,\n  -0\n]'],
    ['texts as they stand', '["\\u0041\\/ , : {}[]"]', '[\n  "\\u0041\\/ , : {}[]"\n]'],
    ['quotes and backslashes', '["\\"","\\\\","\\\\\\""]', '[\n  "\\"",\n  "\\\\",\n  "\\\\\\""\n]'],
    ['an atom', '"a"', '"a"'],
    ['nothing', '', ''],
    ['what ends in a text', '{"a', '{\n  "a'],
    ['what closes what was not open', ']]1', ']\n]1'],
  ])('%s', (_, json, expected) => {
    expect(whole(json)).toEqual({ text: expected, isCut: false });
  });

  test('is what two blanks of JSON.stringify make of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(whole(JSON.stringify(value)).text).toBe(JSON.stringify(value, null, 2));
      }),
      runs(500),
    );
  });

  test('has so many characters at most, of the same text', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(80), (value, charactersMax) => {
        const json = JSON.stringify(value);
        const all = whole(json).text;
        expect(indentJson(json, charactersMax)).toEqual({
          ...{ text: cutAt(all, charactersMax), isCut: all.length > charactersMax },
        });
      }),
      runs(500),
    );
  });

  test('whatever the text is', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\ \n1a') }), (json) => {
        expect(whole(json).text.replace(/\s/g, '')).toBe(json.replace(/\s/g, ''));
      }),
      runs(1_000),
    );
  });

  test('of any depth', () => {
    const json = '['.repeat(20_000) + ']'.repeat(20_000);
    expect(whole(json).text.replace(/\s/g, '')).toBe(json);
    expect(whole(json).text).toContain(`\n${' '.repeat(120)}[]`);
  });
});
