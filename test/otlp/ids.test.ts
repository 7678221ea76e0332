import fc from 'fast-check';
import { deriveId, idText, readId, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../src/otlp/ids';
import { runs } from '../support/random';

const bytesOf = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

describe.each([
  ['trace id', TRACE_ID_BYTES, 16],
  ['span id', SPAN_ID_BYTES, 8],
])('a %s', (_, length, published) => {
  test(`has ${published} bytes`, () => expect(length).toBe(published));

  test('is read from hex of either case', () => {
    fc.assert(
      fc.property(bytesOf(length), (bytes) => {
        const hex = bytes.toString('hex');
        expect(readId(hex, length)).toEqual({ bytes, form: 'hex' });
        expect(readId(hex.toUpperCase(), length)).toEqual({ bytes, form: 'hex' });
      }),
      runs(100),
    );
  });

  test('is read from base64 and base64url, padded and not', () => {
    fc.assert(
      fc.property(bytesOf(length), (bytes) => {
        const standard = bytes.toString('base64');
        const url = bytes.toString('base64url');
        const forms = [standard, standard.replace(/=+$/, ''), url, url.padEnd(standard.length, '=')];
        for (const form of forms) expect(readId(form, length)).toEqual({ bytes, form: 'base64' });
      }),
      runs(100),
    );
  });

  test('what is read is what was written, whatever text it is', () => {
    const characters = 'ABab01-_+/=. ';
    const texts = fc.string({ unit: fc.constantFrom(...characters), minLength: length, maxLength: length * 2 + 2 });
    fc.assert(
      fc.property(texts, (text) => {
        const id = readId(text, length);
        const written = [
          id?.bytes.toString('hex'),
          withoutPadding(id?.bytes.toString('base64')),
          id?.bytes.toString('base64url'),
        ];
        expect(
          id === undefined ||
            written.includes(withoutPadding(text).toLowerCase()) ||
            written.includes(withoutPadding(text)),
        ).toBe(true);
      }),
      runs(500),
    );
  });

  const withoutPadding = (text = '') => text.replace(/=+$/, '');
});

test.each([
  ['nothing', '', 8],
  ['hex of 7 bytes', '01020304050607', 8],
  ['hex of 9 bytes', '010203040506070809', 8],
  ['16 characters that are no hex', 'gggggggggggggggg', 8],
  ['hex of a span where a trace is meant', 'eee19b7ec3c1b174', 16],
  ['hex of a trace where a span is meant', '5b8efff798038103d269b633813fc60c', 8],
  ['words of eleven letters, which decode to 8 bytes', 'checkout-v2', 8],
  ['base64 whose last letter has bits too many', '7uGbfsPBsXR=', 8],
  ['base64 with a space', '7uGb fsPBsXQ=', 8],
  ['base64 with a line break', '7uGbfsPBsXQ=\n', 8],
  ['base64 of both alphabets', '+-GbfsPBsXQ=', 8],
  ['base64 with half its padding', 'W47/95gDgQPSabYzgT/GDA=', 16],
  ['base64 of 7 bytes', 'AQIDBAUGBw==', 8],
  ['hex with a prefix', '0xee19b7ec3c1b17', 8],
  ['a UUID where a span is meant', '5b8efff7-9803-8103-d269-b633813fc60c', 8],
  ['a UUID that is cut', '550e8400-e29b-41', 8],
  ['a UUID with its dashes elsewhere', '5b8efff79-803-8103-d269-b633813fc60c', 16],
  ['a UUID in braces', '{5b8efff7-9803-8103-d269-b633813fc60c}', 16],
  ['a UUID as a URN', 'urn:uuid:5b8efff7-9803-8103-d269-b633813fc60c', 16],
  ['a UUID with a line break', '5b8efff7-9803-8103-d269-b633813fc60c\n', 16],
  ['a UUID with a letter that is no hex digit', '5b8efff7-9803-8103-d269-b633813fc60g', 16],
  ['full-width digits', '０１２３４５６７', 8],
])('%s is no id', (_, text, length) => {
  expect(readId(text, length)).toBeUndefined();
});

test('a text that is both hex and base64 is hex', () => {
  expect(readId('0123456789abcdef', 8)).toEqual({ bytes: Buffer.from('0123456789abcdef', 'hex'), form: 'hex' });
});

test('a trace id is read from a UUID of either case', () => {
  fc.assert(
    fc.property(bytesOf(TRACE_ID_BYTES), (bytes) => {
      const uuid = bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      expect(readId(uuid, TRACE_ID_BYTES)).toEqual({ bytes, form: 'uuid' });
      expect(readId(uuid.toUpperCase(), TRACE_ID_BYTES)).toEqual({ bytes, form: 'uuid' });
    }),
    runs(100),
  );
});

describe('an id of any other text', () => {
  // printf 'order 4711' | sha256sum
  const SHA_256 = '326b6f65e1b3a7b8';

  test('is the beginning of its SHA-256', () => {
    const traceId = deriveId('order 4711', TRACE_ID_BYTES);
    expect([traceId.length, traceId.toString('hex').slice(0, 16)]).toEqual([16, SHA_256]);
    expect(deriveId('order 4711', SPAN_ID_BYTES).toString('hex')).toBe(SHA_256);
  });

  test('is the same for the UTF-8 of that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(deriveId(Buffer.from(text), 16)).toEqual(deriveId(text, 16));
      }),
      runs(100),
    );
  });

  test.each([
    ['text', 'order 4711', 'order 4711'],
    ['a control character', 'a\u0007', '6107'],
    ['what is no text', Buffer.from('ff00', 'hex'), 'ff00'],
  ])('%s is shown', (_, sent, shown) => {
    expect(idText(Buffer.from(sent))).toBe(shown);
  });
});
