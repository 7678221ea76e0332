import fc from 'fast-check';
import { base64At, findDataUris, MEDIA_ATTRIBUTES, mediaFieldOf } from '../../src/langfuse/media';
import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { runs } from '../support/random';
import { buildVisible } from '../support/visibility-draft';

/** Of each data URI its content type and its base64 text. */
const found = (text: string) =>
  [...findDataUris(text)].map(({ start, end, contentType, dataStart, isEscaped }) => {
    expect(text.slice(start, dataStart)).toMatch(/^data:.*;base64,$/);
    return [contentType, text.slice(dataStart, end), ...(isEscaped ? ['escaped'] : [])];
  });

describe('data URIs', () => {
  test.each<[string, string, string[][]]>([
    ['the whole text', 'data:image/png;base64,iVBORw0KGgo=', [['image/png', 'iVBORw0KGgo=']]],
    ['in prose', 'see data:image/gif;base64,R0lGOD. And more', [['image/gif', 'R0lGOD']]],
    ['in Markdown', '![a](data:image/png;base64,AA==)', [['image/png', 'AA==']]],
    ['in JSON', '{"a":"data:audio/wav;base64,UklG"}', [['audio/wav', 'UklG']]],
    [
      'several',
      'data:a/b;base64,AAAA,data:c/d;base64,BBBB data:e/f;base64,CCCC',
      [
        ['a/b', 'AAAA'],
        ['c/d', 'BBBB'],
        ['e/f', 'CCCC'],
      ],
    ],
    ['with parameters', 'data:text/plain;charset=utf-8;a=b;base64,AAAA', [['text/plain', 'AAAA']]],
    ['of an odd type', 'data:image/svg+xml;base64,AAAA', [['image/svg+xml', 'AAAA']]],
    ['of a vendor', 'data:application/vnd.ms-excel;base64,AAAA', [['application/vnd.ms-excel', 'AAAA']]],
    [
      'in JSON with escaped slashes',
      String.raw`"data:image\/png;base64,\/9j\/4A=="`,
      [['image/png', String.raw`\/9j\/4A==`, 'escaped']],
    ],
    ['with an escaped slash in the type alone', String.raw`data:image\/png;base64,AAAA"`, [['image/png', 'AAAA']]],
    [
      'with other escapes',
      String.raw`data:image/png;base64,A\u002BB\u002fAA\u003d\u003d"`,
      [['image/png', String.raw`A\u002BB\u002fAA\u003d\u003d`, 'escaped']],
    ],
    ['before another escape', String.raw`data:image/png;base64,AAAA\n`, [['image/png', 'AAAA']]],
    ['before an escaped quote', String.raw`\"data:image/png;base64,AAAA\"`, [['image/png', 'AAAA']]],
    ['before a quote as .NET writes it', String.raw`\u0022data:image/png;base64,AAAA\u0022`, [['image/png', 'AAAA']]],
    ['before a bracket as Go writes it', String.raw`data:image/png;base64,AAAA\u003e`, [['image/png', 'AAAA']]],
    ['in JSON in JSON', String.raw`{"a":"{\"b\":\"data:image/png;base64,AAAA\"}"}`, [['image/png', 'AAAA']]],
    ['behind an escaped line break', String.raw`"look:\ndata:image/png;base64,AAAA"`, [['image/png', 'AAAA']]],
    ['behind an escaped tab', String.raw`"look:\tdata:image/png;base64,AAAA"`, [['image/png', 'AAAA']]],
    ['behind a backslash and a line break', String.raw`"\\\ndata:image/png;base64,AAAA"`, [['image/png', 'AAAA']]],
    ['of an odd type as .NET writes it', String.raw`data:image/svg\u002Bxml;base64,AAAA`, [['image/svg+xml', 'AAAA']]],
    ['of a type with all escapes', String.raw`data:image\u002fsvg\u002bxml;base64,AAAA`, [['image/svg+xml', 'AAAA']]],
    ['at the end of a line', 'data:image/png;base64,AAAA\nAnd more', [['image/png', 'AAAA']]],
    ['at the end of a line of its own', 'data:image/png;base64,AAAA\n\n# More', [['image/png', 'AAAA']]],
    ['with padding at the end of a line', 'data:image/png;base64,AA==\nThanks', [['image/png', 'AA==']]],
    ['before prose', 'data:image/png;base64,AAAA is a picture', [['image/png', 'AAAA']]],
    ['at the end of a sentence', 'Is it data:image/png;base64,AAAA?', [['image/png', 'AAAA']]],
    ['of two letters in the last group', 'data:image/png;base64,AAAAAA', [['image/png', 'AAAAAA']]],
    ['behind a data: of no consequence', 'data: data:image/png;base64,AAAA', [['image/png', 'AAAA']]],
    ['a head, and another', 'data:a/b;base64,data:c/d;base64,BBBB', [['c/d', 'BBBB']]],
    [
      'right behind another',
      'data:a/b;base64,AAAA==data:c/d;base64,BBBB',
      [
        ['a/b', 'AAAA=='],
        ['c/d', 'BBBB'],
      ],
    ],
    ['of 200 characters', `data:a/${'b'.repeat(198)};base64,AAAA`, [[`a/${'b'.repeat(198)}`, 'AAAA']]],
  ])('%s', (_, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test.each([
    ['nothing', ''],
    ['without data', 'data:image/png;base64,'],
    ['without base64', 'data:image/png,AAAA'],
    ['without a type', 'data:;base64,AAAA'],
    ['without a subtype', 'data:image;base64,AAAA'],
    ['in capitals', 'DATA:image/png;BASE64,AAAA'],
    ['of another scheme', 'metadata:image/png;base64,AAAA'],
    ['with a space', 'data:image/ png;base64,AAAA'],
    ['with a parameter that is none', 'data:image/png;charset;base64,AAAA'],
    ['of more than 200 characters', `data:a/${'b'.repeat(199)};base64,AAAA`],
    ['without a scheme', 'image/png;base64,AAAA'],
    ['of a type that begins with a sign', 'data:+a/png;base64,AAAA'],
    ['in a word behind a backslash', String.raw`\xdata:image/png;base64,AAAA`],
    ['in a word behind an escaped backslash', String.raw`C:\\ndata:image/png;base64,AAAA`],
    ['base64url', 'data:image/png;base64,AAAA-BBB'],
    ['base64url, too', 'data:image/png;base64,AAAA_BBB'],
    ['percent signs', 'data:image/png;base64,AAAA%2B'],
    ['three signs at the end', 'data:image/png;base64,AA==='],
    ['cut, with dots', 'data:image/png;base64,AAAA...'],
    ['cut, and said so', 'data:image/png;base64,AAAA... [truncated]'],
    ['cut, with an ellipsis', 'data:image/png;base64,AAAA…'],
    ['cut in a group', 'data:image/png;base64,AAAAA'],
    ['cut in a group with escapes', String.raw`data:image/png;base64,\/9j\u002bA"`],
    ['cut in an escape', String.raw`data:image/png;base64,AAAA\u00`],
    ['before an escape of something else', String.raw`data:image/png;base64,AAAA\u00e9`],
    ['with slashes that are escaped twice', String.raw`data:image/png;base64,AAAA\\/9j"`],
    ['base64 in lines', 'data:image/png;base64,AAAA\r\nBBBB\r\nCC=='],
    ['base64 in two lines', 'data:image/png;base64,AAAA\nBB=='],
    ['base64 in lines with escapes', String.raw`"data:image/png;base64,AAAA\r\nBBBB\r\nCC=="`],
    ['base64 in lines with an indent', `data:image/png;base64,AAAA\n    ${'B'.repeat(76)} and more`],
    ['base64 in lines in JSON in JSON', String.raw`"\"data:image/png;base64,AAAA\\nBB==\""`],
    ['spaces that were pluses', `data:image/png;base64,AAAA ${'B'.repeat(32)}`],
  ])('none: %s', (_, text) => {
    expect(found(text)).toEqual([]);
  });

  const BASE64 = fc.base64String({ minLength: 4 });

  test('whatever is around them', () => {
    const around = fc.stringMatching(/^[ "'(),.:<>[\]{}\n]*$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(around, BASE64)), fc.constantFrom(1, 5000), (parts, times) => {
        const datas = parts.map(([, data]) => data.replace(/=+$/, '').repeat(times));
        const text = parts.map(([before], at) => `${before} data:image/png;base64,${datas[at]}`).join('\n');
        expect(found(text)).toEqual(datas.map((data) => ['image/png', data]));
      }),
      runs(100),
    );
  });

  test('the end of base64, wherever the first other character lies', () => {
    // As long as some of what is looked at in one go; `Ł` has the lower half of an `A`.
    const others = fc.constantFrom('-', '_', 'Ł', '\0', ' ', '"', '\n', 'é', '\\', '');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20_000 }), others, fc.nat(20_000), (length, other, behind) => {
        const text = `"${'Az09+/'.repeat(4000).slice(0, length)}`;
        expect(base64At(`${text}${other}${other === '' ? '' : 'A'.repeat(behind)}`, 1)).toEqual({
          end: text.length,
          letters: length,
          padding: 0,
        });
      }),
      runs(300),
    );
  });

  test('what escapes mean, wherever they lie', () => {
    const letters = fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom('\\/', '\\u002f', '\\u002F', '\\u002b', '\\u002B') },
        { weight: 2, arbitrary: fc.nat(600).map((length) => 'Az09+/'.repeat(100).slice(0, length)) },
      ),
      { maxLength: 20 },
    );
    const padding = fc.array(fc.constantFrom('=', '\\u003d', '\\u003D'), { maxLength: 2 });
    const behind = fc.constantFrom('', '"', '\\', '\\n', '\\u', '\\u002', '\\u002a', '\\u002c', '\\u003b', '\\u012b');
    fc.assert(
      fc.property(letters, padding, behind, (pieces, signs, other) => {
        const text = pieces.join('') + signs.join('');
        const meaning = JSON.parse(`"${pieces.join('')}"`) as string;
        expect(base64At(`"${text}${other}`, 1)).toEqual({
          end: text.length + 1,
          letters: meaning.length,
          padding: signs.length,
        });
      }),
      runs(300),
    );
  });

  test('one is looked for when it is asked for, and no more than are wanted', () => {
    const text = 'data:a/b;base64,AAAA '.repeat(3);
    expect([...findDataUris(text, 2)].map(({ start }) => start)).toEqual([0, 21]);
    expect([...findDataUris(text, 0)]).toEqual([]);
    expect(findDataUris(text).next().value).toMatchObject({ start: 0, end: 20 });
  });
});

/** Quadratic work on these would take minutes: Jest's time-out is the bound. */
describe('in linear time', () => {
  const MB = 1024 * 1024;
  const repeated = (text: string, characters: number) => text.repeat(Math.ceil(characters / text.length));

  test.each<[string, string, number]>([
    ['lines of data: without an image', repeated('data: {"a":1}\n', 8 * MB), 0],
    ['lines that all but begin one', repeated('data:image/png;base64\n', 8 * MB), 0],
    ['heads without data', repeated('data:image/png;base64,', 8 * MB), 0],
    ['marks alone', repeated(';base64,', 8 * MB), 0],
    ['parameters', `data:a/b${repeated(';a=b', 8 * MB)};base64,AAAA`, 0],
    ['parameters time and again', repeated(`data:a/b${';a=b'.repeat(48)};a!;base64,`, 8 * MB), 0],
    ['slashes', `data:${repeated('a/', 8 * MB)};base64,AAAA`, 0],
    ['one image', `data:image/png;base64,${repeated('Az09+/', 32 * MB)}`, 1],
    ['one image behind letters beyond ASCII', `😀data:image/png;base64,${repeated('Az09+/', 32 * MB)}`, 1],
    ['one image with escapes', `data:image/png;base64,${repeated(String.raw`Az09+\/`, 8 * MB)}`, 1],
    ['one image of slashes with escapes', `data:image/png;base64,${repeated(String.raw`\/`, 8 * MB)}`, 1],
    ['one image of other escapes', `data:image/png;base64,${repeated(String.raw`\u002b\u002F`, 12 * MB)}`, 1],
    ['backslashes before data without end', repeated(`${'\\'.repeat(1001)}ndata:a/b;base64,AAAA-`, 8 * MB), 0],
    ['base64 in lines', `data:image/png;base64,${repeated(`${'A'.repeat(76)}\n`, 8 * MB)}`, 0],
    ['100,000 images', 'data:image/png;base64,AAAA '.repeat(100_000), 100_000],
  ])('%s', (_, text, count) => {
    expect([...findDataUris(text)]).toHaveLength(count);
  });
});

describe('attributes', () => {
  const SCOPES: [start: RegExp, scope: string][] = [
    [/^ai\./, 'ai'],
    [/^flue\./, '@flue/opentelemetry'],
    [/^genkit:/, 'genkit-tracer'],
    [/^(?:pydantic_ai\.|final_result$)/, 'pydantic-ai'],
  ];
  const scopeOf = (key: string) => SCOPES.find(([start]) => start.test(key))?.[1] ?? 'other';
  const URI = 'data:image/png;base64,iVBORw0KGgo=';
  const value = JSON.stringify([{ type: 'file', mediaType: 'image/png', data: URI }]);

  /** Some are among the metadata, too. */
  const OTHERS = { input: ['output'], output: ['input'], metadata: ['input', 'output'] } as const;
  /** Langfuse's legacy ingestion reads those. */
  const SHOWN = MEDIA_ATTRIBUTES.filter(({ key }) => !key.startsWith('langfuse.trace.') || key.includes('metadata'));
  test.each(SHOWN)('Langfuse shows $key as $field', ({ key, isPrefix, field }) => {
    const observation = observe(
      buildVisible({ scope: { name: scopeOf(key) }, attributes: { [isPrefix ? `${key}0.content` : key]: value } }),
    );
    expect(textOf(observation, field)).toContain(URI);
    for (const other of OTHERS[field]) expect(textOf(observation, other)).not.toContain(URI);
  });

  const textOf = (observation: Observation, field: 'input' | 'output' | 'metadata') =>
    JSON.stringify(observation[field] ?? null);

  test.each([
    ['langfuse.observation.input', 'input'],
    ['langfuse.trace.output', 'output'],
    ['gen_ai.prompt.0.content', 'input'],
    ['llm.output_messages.0.message.content', 'output'],
    ['langfuse.trace.metadata.image', 'metadata'],
    ['langfuse.observation.metadata', 'metadata'],
    ['langfuse.observation.inputs', undefined],
    ['gen_ai.system_instructions', undefined],
    ['', undefined],
  ])('%s is of the %s', (key, field) => {
    expect(mediaFieldOf(key)).toBe(field);
  });
});
