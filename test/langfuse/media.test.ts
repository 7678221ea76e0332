import fc from 'fast-check';
import { base64End, findDataUris, MEDIA_ATTRIBUTES, mediaFieldOf } from '../../src/langfuse/media';
import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { runs } from '../support/random';
import { buildVisible } from '../support/visibility-draft';

/** Of each data URI its content type and its base64 text. */
const found = (text: string) =>
  findDataUris(text).map(({ start, end, contentType, dataStart, isEscaped }) => {
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
      String.raw`data:image/png;base64,A\u002BB\u002fA\u003d\u003d"`,
      [['image/png', String.raw`A\u002BB\u002fA\u003d\u003d`, 'escaped']],
    ],
    ['before another escape', String.raw`data:image/png;base64,AAAA\n`, [['image/png', 'AAAA']]],
    ['before an escape that is none', String.raw`data:image/png;base64,AAAA\u00`, [['image/png', 'AAAA']]],
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
    ['up to what base64url has', 'data:image/png;base64,AAAA-BBB', [['image/png', 'AAAA']]],
    ['with two signs at its end, not three', 'data:image/png;base64,AA===', [['image/png', 'AA==']]],
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
        expect(base64End(`${text}${other}${other === '' ? '' : 'A'.repeat(behind)}`, 1)).toBe(text.length);
      }),
      runs(300),
    );
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
    ['100,000 images', 'data:image/png;base64,AAAA '.repeat(100_000), 100_000],
  ])('%s', (_, text, count) => {
    expect(findDataUris(text)).toHaveLength(count);
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
