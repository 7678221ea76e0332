import fc from 'fast-check';
import { GatewayError } from '../../src/errors';
import { JsonScanner } from '../../src/otlp/json-scanner';
import { inKeyOrder, NumberText, parsedJson, readJson, withNumbers } from '../support/json-readings';
import { createRandom, oneOf, runs } from '../support/random';

type Outcome = { value: unknown } | { refused: true };

function outcomeOf(parse: () => unknown, refusals: readonly (new (...args: never[]) => Error)[]): Outcome {
  try {
    return { value: parse() };
  } catch (error) {
    if (refusals.some((kind) => error instanceof kind)) return { refused: true };
    throw error;
  }
}

/** Reading, stepping over and JSON.parse agree on this text. */
function expectAgreement(text: string): void {
  const ours = outcomeOf(() => inKeyOrder(withNumbers(readJson(text))), [GatewayError]);
  expect(ours).toEqual(outcomeOf(() => inKeyOrder(parsedJson(text)), [SyntaxError]));
  const skipped = outcomeOf(() => {
    const scanner = new JsonScanner(Buffer.from(text));
    scanner.skip();
    scanner.end();
  }, [GatewayError]);
  expect('refused' in skipped).toBe('refused' in ours);
}

const documents = fc
  .tuple(fc.json({ stringUnit: 'binary' }), fc.constantFrom(0, 1, 2), fc.constantFrom('', ' ', '\n\t\r '))
  .map(([text, indent, around]) => `${around}${JSON.stringify(JSON.parse(text), null, indent)}${around}`)
  .filter((text) => text.isWellFormed());

describe('the scanner accepts exactly what JSON.parse accepts', () => {
  test('of any document', () => {
    fc.assert(fc.property(documents, expectAgreement), runs(500));
  });

  /** Pieces that are somewhere in JSON, right or wrong. */
  const PIECES = [
    ...['{', '}', '[', ']', ',', ':', '"', '\\', '\\u00e4', '\\ud83c', '\\x', '\\"', "'", '/', '//', '/*'],
    ...[
      '0',
      '-',
      '+',
      '.',
      'e',
      'E5',
      '01',
      '1.',
      '.5',
      '1e',
      '-0',
      '1.5e-3',
      'true',
      'null',
      'nul',
      'NaN',
      'Infinity',
    ],
    ...[' ', '\n', '\u0000', '\u001f', '\u007f', '\u00a0', '\u2028', '\ufeff', 'ü', '🌳', '""', '[]', '{}', '"a":1'],
  ];

  test('of any document with something put in, left out or overwritten', () => {
    fc.assert(
      fc.property(documents, fc.integer(), fc.integer({ min: 1, max: 3 }), (document, seed, times) => {
        const random = createRandom(seed);
        let text = document;
        for (let time = 0; time < times; time++) {
          const at = Math.floor(random() * (text.length + 1));
          const rest = text.slice(at + Math.floor(random() * 3));
          text = `${text.slice(0, at)}${random() < 0.7 ? oneOf(random, PIECES) : ''}${rest}`;
        }
        expectAgreement(text.toWellFormed());
      }),
      runs(1500),
    );
  });

  test('of any pieces in a row', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }), (pieces) =>
        expectAgreement(pieces.join('').toWellFormed()),
      ),
      runs(1500),
    );
  });

  test.each([
    ...['', ' ', '{', '}', '[', ']', '[1,]', '[,1]', '[1 2]', '{"a"}', '{"a":}', '{"a":1,}', '{,}', '{1:2}', "{'a':1}"],
    ...['[[]', '[]]', '[}', '{]', '{"a":1]', '["a",{"b":[1,{"c":null}]}]', '{"":{"":[]}}', '{"a":1,"a":2}'],
    ...[
      '"',
      '"a',
      '"\\',
      '"\\"',
      '"\\q"',
      '"\\u12"',
      '"\\u12G4"',
      '"\\u0000"',
      '"\t"',
      '"\u0000"',
      '"\\/\\b\\f\\n\\r\\t\\\\\\""',
    ],
    ...['"\\ud83c\\udf33"', '"\\ud83c"', '"\\udf33\\ud83c"', '"🌳"', '"\u2028\u2029\u007f"'],
    ...['0', '-0', '-', '+1', '01', '-01', '1.', '.1', '1.0', '1e5', '1E+5', '1e-5', '1e', '1e+', '1.e5', '0x1', '1_0'],
    ...['1-1', '1e5e5', '1.2.3', '--1', '123456789012345678901234567890', '1e999', '5e-324'],
    ...['true', 'false', 'null', 'tru', 'trues', 'nulll', 'True', 'NaN', 'Infinity', '-Infinity', 'undefined'],
    ...['1 2', '{} {}', '[] x', 'null,', '\u00a01', '1\u2028', '\ufeff1', '// c\n1', '/* c */1'],
  ])('of %j', (text) => expectAgreement(text));
});

describe('values', () => {
  test.each([
    ['a number stays the text it was', '[1.0, -0, 1E+5, 9007199254740993]', ['1.0', '-0', '1E+5', '9007199254740993']],
    ['a large exponent does not become infinite', '[1e999]', ['1e999']],
  ])('%s', (_, text, expected) => {
    expect(readJson(text)).toEqual(expected.map((number) => new NumberText(number)));
  });

  test('a key that comes twice is given twice', () => {
    const scanner = new JsonScanner(Buffer.from('{"a":1,"a":2,"\\u0061":3}'));
    const keys: string[] = [];
    scanner.object((key) => keys.push(`${key}${scanner.number()}`));
    expect(keys).toEqual(['a1', 'a2', 'a3']);
  });

  test('plainString tells where a string without escapes lies, and leaves one with escapes alone', () => {
    const scanner = new JsonScanner(Buffer.from(' ["ü", "\\n"]'));
    const seen: unknown[] = [];
    scanner.array(() => {
      scanner.next();
      seen.push(structuredClone(scanner.plainString()) ?? scanner.string());
    });
    expect(seen).toEqual([{ start: 3, end: 5 }, '\n']);
  });

  test('takeNull consumes null and nothing else', () => {
    const scanner = new JsonScanner(Buffer.from('[null, 1, nul]'));
    const taken: boolean[] = [];
    const walk = () => scanner.array(() => taken.push(scanner.takeNull() || scanner.skip() !== undefined));
    expect(walk).toThrow('JSON: unexpected character at byte 10');
    expect(taken).toEqual([true, false]);
  });
});

describe('errors', () => {
  test.each([
    ['{"secret', 'JSON: the string at byte 1 does not end'],
    ['{"a":"\u0001"}', 'JSON: control character in a string at byte 6'],
    ['{"a":"\\q"}', 'JSON: bad escape in the string at byte 5'],
    ['{"a":secret}', 'JSON: unexpected character at byte 5'],
    ['{"a":01}', 'JSON: not a number at byte 5'],
    ['{"a":1', 'JSON: ends too early'],
    ['{"a":1} {"b":2}', 'JSON: more than one document, at byte 8'],
  ])('of %j says where, and shows nothing of it', (text, message) => {
    const error = errorOf(() => readJson(text)) as GatewayError;
    expect([error.code, error.message]).toEqual(['bad_request', message]);
  });

  test.each([
    ['"secret\\q"'],
    ['"secret\\u12"'],
    ['"\\u12secret"'],
    ['"secret\\\u0001"'],
    ['{"a":secret}'],
    ['"secret'],
    ['[1,"a" "secret"]'],
  ])('of %j has no words in its cause either', (text) => {
    const { message, cause } = errorOf(() => readJson(text)) as GatewayError;
    expect(`${message} ${cause}`).not.toContain('secret');
  });

  function errorOf(read: () => unknown): unknown {
    try {
      return read();
    } catch (error) {
      return error;
    }
  }
});

describe('depth', () => {
  const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const skip = (text: string) => new JsonScanner(Buffer.from(text)).skip();

  test('values nested as deep as 5,000 levels of a kvlist are stepped over', () => {
    expect(() => skip(nest(20_000))).not.toThrow();
    expect(() => skip('{"a":['.repeat(10_000) + ']}'.repeat(10_000))).not.toThrow();
  });

  test.each([
    ['20,101 open brackets', nest(20_101)],
    ['100,000 levels (G68)', nest(100_000)],
    ['100,000 levels of objects', '{"a":'.repeat(100_000)],
  ])('%s are refused', (_, text) => {
    expect(() => skip(text)).toThrow(new GatewayError('bad_request', 'JSON: nested too deep'));
  });

  test('brackets beside each other are not deep', () => {
    expect(() => skip(`[${Array(50_000).fill('[]').join(',')}]`)).not.toThrow();
  });
});

describe('long strings, which are gone through four bytes at a time', () => {
  const piece = fc.oneof(
    fc.string({ maxLength: 90, size: 'max', unit: fc.constantFrom('a', 'Z', '/', '~', '!', '#', '[', ']', '\x7f') }),
    fc.string({ minLength: 0, maxLength: 20, unit: 'grapheme' }),
    fc.constantFrom('"', '\\', '\n', '\u0001', '\u2028', 'é', '\ufffd', '\u0080'),
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  /** At any place in memory: words begin at every fourth byte. */
  const scannerOf = (json: Buffer, shift: number) => {
    const memory = Buffer.alloc(json.length + shift + 5, '"');
    json.copy(memory, shift);
    return new JsonScanner(memory.subarray(shift, shift + json.length));
  };
  const shift = fc.nat(7);

  test('are read as JSON.parse reads them, where they begin and where they end', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), shift, (texts, at) => {
        const scanner = scannerOf(Buffer.from(JSON.stringify(texts.map((one) => one.toWellFormed()))), at);
        const found: string[] = [];
        scanner.array(() => {
          const plain = scanner.plainString();
          found.push(plain ? scanner.bytes.toString('utf8', plain.start, plain.end) : scanner.string());
        });
        scanner.end();
        expect(found).toEqual(texts.map((one) => one.toWellFormed()));
      }),
      runs(2000),
    );
  });

  test('a control character in one is refused, by its place', () => {
    const letters = fc.string({ maxLength: 90, size: 'max', unit: fc.constantFrom('a', '~', 'é') });
    fc.assert(
      fc.property(letters, fc.integer({ min: 0, max: 0x1f }), letters, shift, (before, control, after, at) => {
        const json = Buffer.from(`"${before}${String.fromCharCode(control)}${after}"`);
        const place = 1 + Buffer.byteLength(before);
        expect(() => scannerOf(json, at).string()).toThrow(`control character in a string at byte ${place}`);
      }),
      runs(1000),
    );
  });

  test('one that does not end is refused, and what lies behind the body is not read', () => {
    fc.assert(
      fc.property(text, shift, (one, at) => {
        const json = Buffer.from(JSON.stringify(one.toWellFormed()));
        expect(() => scannerOf(json.subarray(0, -1), at).string()).toThrow('does not end');
      }),
      runs(1000),
    );
  });
});
