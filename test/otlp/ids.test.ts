import fc from 'fast-check';
import { readId, SPAN_ID_BYTES, TRACE_ID_BYTES } from '../../src/otlp/ids';
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
        expect(readId(hex, length)).toEqual({ bytes, base64: false });
        expect(readId(hex.toUpperCase(), length)).toEqual({ bytes, base64: false });
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
        for (const form of forms) expect(readId(form, length)).toEqual({ bytes, base64: true });
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
  ['a UUID', '5b8efff7-9803-8103-d269-b633813fc60c', 16],
  ['full-width digits', '０１２３４５６７', 8],
])('%s is no id', (_, text, length) => {
  expect(readId(text, length)).toBeUndefined();
});

test('a text that is both hex and base64 is hex', () => {
  expect(readId('0123456789abcdef', 8)).toEqual({ bytes: Buffer.from('0123456789abcdef', 'hex'), base64: false });
});
