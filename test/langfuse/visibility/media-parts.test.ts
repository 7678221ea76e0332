import fc from 'fast-check';
import { observe } from '../../../src/langfuse/observation/observation';
import { mayHoldMedia, showMedia, withDataUris } from '../../../src/langfuse/visibility/media-parts';
import { ENCODINGS, startJudging } from '../../support/judging';
import { type Fields, requestOf, spanOf } from '../../support/otlp-twins';
import { createRandom, oneOf, runs } from '../../support/random';
import { kvlist } from '../../support/span-builder';
import { TestDraft, type VisibleGiven } from '../../support/visibility-draft';

const PNG = 'iVBORw0KGgoAAAANSUhEUg==';
const JPEG = '/9j/4AAQSkZJRgABAQAAAQAB';
const ANYTHING = '//uQxAAAAAAAAAAAAAAAAAAAAAAAAAAASW5mbwAA';
const uri = (type: string, data: string) => `data:${type};base64,${data}`;
const part = (members: object = {}) => ({ type: 'file', mediaType: 'image/jpeg', data: JPEG, ...members });
const text = (value: unknown) => JSON.stringify(value);

describe('parts that get the prefix', () => {
  const shown = uri('image/jpeg', JPEG);
  test.each<[string, unknown, unknown]>([
    ['a file of the AI SDK', part(), part({ data: shown })],
    [
      'an image of the AI SDK 4',
      { type: 'image', image: PNG, mimeType: 'image/png' },
      { type: 'image', image: uri('image/png', PNG), mimeType: 'image/png' },
    ],
    [
      'a file with an image',
      { type: 'file', mediaType: 'image/png', image: PNG },
      { type: 'file', mediaType: 'image/png', image: uri('image/png', PNG) },
    ],
    [
      'a blob of OTel’s GenAI conventions',
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: PNG },
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: uri('image/png', PNG) },
    ],
    [
      'an image of Anthropic',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: uri('image/png', PNG) } },
    ],
    [
      'a result of an MCP tool',
      { type: 'audio', data: PNG, mimeType: 'audio/wav' },
      { type: 'audio', data: uri('audio/wav', PNG), mimeType: 'audio/wav' },
    ],
    [
      'a part of Gemini',
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] },
      { role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: uri('image/png', PNG) } }] },
    ],
    [
      'several, of which some lie in others',
      { a: [part(), { ...part(), b: { c: [[part()]] } }], d: part() },
      {
        a: [part({ data: shown }), { ...part({ data: shown }), b: { c: [[part({ data: shown })]] } }],
        d: part({ data: shown }),
      },
    ],
    ['base64 without padding', part({ data: 'iVBORw0KGgo' }), part({ data: uri('image/jpeg', 'iVBORw0KGgo') })],
    ['a beginning of 8 characters', part({ data: '/9j/4AAQ' }), part({ data: uri('image/jpeg', '/9j/4AAQ') })],
    ['40 characters of anything', part({ data: ANYTHING }), part({ data: uri('image/jpeg', ANYTHING) })],
    ...[
      ...[
        'R0lGODlhAQABAAAAACw=',
        'UklGRiQAAABXRUJQ',
        'JVBERi0xLjcK',
        'SUQzBAAAAAAA',
        'AAAAIGZ0eXBpc29t',
        'AAAAGGZ0eXBtcDQy',
      ],
      ...['AAAAFGZ0eXBxdCAg', 'T2dnUwACAAAAAAAA', 'GkXfo59ChoEB', 'ZkxhQwAAACIS', 'UEsDBBQAAAAI', 'PHN2ZyB4bWxucz0i'],
    ].map((data): [string, unknown, unknown] => [
      `what begins ${data}`,
      part({ data }),
      part({ data: uri('image/jpeg', data) }),
    ]),
    [
      'a document',
      part({ mediaType: 'application/pdf' }),
      part({ mediaType: 'application/pdf', data: uri('application/pdf', JPEG) }),
    ],
    [
      'an odd type',
      part({ mediaType: 'image/svg+xml' }),
      part({ mediaType: 'image/svg+xml', data: uri('image/svg+xml', JPEG) }),
    ],
  ])('%s', (_, before, after) => {
    for (const space of [0, 2]) {
      const repaired = withDataUris(JSON.stringify([before, 1], null, space));
      expect(repaired).toBe(JSON.stringify([after, 1], null, space));
      expect(withDataUris(repaired)).toBe(repaired);
    }
  });

  test.each<[string, string, string]>([
    [
      'the members in another order',
      `{"data":"${PNG}","x":[{}],"mediaType":"image/png","type":"file"}`,
      'data:image/png;base64,',
    ],
    [
      'slashes with escapes',
      String.raw`{"type":"file","mediaType":"image\/jpeg","data":"\/9j\/4AAQ"}`,
      String.raw`data:image\/jpeg;base64,`,
    ],
    [
      'signs with escapes',
      String.raw`{"type":"file","mediaType":"image/png","data":"iVBORw0KGgo\u003d"}`,
      'data:image/png;base64,',
    ],
    [
      'white space',
      `\r\n{\t"type" : "file" ,"mediaType"\n:"image/png", "data" :\t"${PNG}" } `,
      'data:image/png;base64,',
    ],
    [
      'strings that look like its end',
      String.raw`{"type":"file","a":"}\\","mediaType":"image/png","b":"\"{[","data":"${PNG}"}`,
      'data:image/png;base64,',
    ],
    [
      'a long string with escapes',
      String.raw`{"type":"file","a":"${'x'.repeat(100)}\\\"${'y'.repeat(100)}\\","mediaType":"image/png","data":"${PNG}"}`,
      'data:image/png;base64,',
    ],
    [
      'all kinds of literals',
      `{"type":"file","a":[-1.5e+3,0,true,false,null],"mediaType":"image/png","data":"${PNG}"}`,
      'data:image/png;base64,',
    ],
    [
      'a type with an escape as of .NET',
      String.raw`{"type":"file","mediaType":"image/svg\u002Bxml","data":"\u002BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAb0Aw"}`,
      String.raw`data:image/svg\u002Bxml;base64,`,
    ],
    [
      'a type that is said twice',
      `{"type":"text","mediaType":"image/png","data":"${PNG}","type":"file"}`,
      'data:image/png;base64,',
    ],
    [
      'letters beyond ASCII',
      `{"type":"file","größe":"😀","mediaType":"image/png","data":"${PNG}"}`,
      'data:image/png;base64,',
    ],
  ])('%s', (_, before, prefix) => {
    const at = /"data"\s*:\s*"/.exec(before)!;
    const start = at.index + at[0].length;
    const repaired = withDataUris(before);
    expect(repaired).toBe(before.slice(0, start) + prefix + before.slice(start));
    expect(JSON.parse(repaired)).toBeDefined();
  });

  test('of two members of one key the last one, which alone counts', () => {
    const before = `{"type":"file","mediaType":"image/png","data":"${JPEG}","data":"${PNG}"}`;
    expect(withDataUris(before)).toBe(before.replace(`"${PNG}"`, `"${uri('image/png', PNG)}"`));
  });
});

describe('left alone', () => {
  test.each<[string, unknown]>([
    ['a data URI', part({ data: uri('image/png', PNG) })],
    ['a web address', part({ data: 'https://example.com/a.png' })],
    ['a reference of Langfuse', part({ data: '@@@langfuseMedia:type=image/png|id=a|source=bytes@@@' })],
    ['an object URL', part({ data: 'blob:https://example.com/1' })],
    ['the id of a file', part({ data: 'file-abcdefgh12345678' })],
    ['base64url', part({ data: `_9j_${PNG}` })],
    ['no base64', part({ data: "b'\\x89PNG'" })],
    ['base64 in lines', part({ data: `${PNG}\n${PNG}` })],
    ['too short a text', part({ data: 'QUJD' })],
    ['a number of characters that base64 never has', part({ data: 'iVBORw0KGgoAA' })],
    ['too little padding', part({ data: 'iVBORw0KGgoAAA=' })],
    ['padding where none is', part({ data: 'iVBORw0KGgoA=' })],
    ['too much padding', part({ data: 'iVBORw0KGgoAA===' })],
    ['padding in the middle', part({ data: 'iVBORw==KGgo' })],
    ['39 characters of anything', part({ data: ANYTHING.slice(0, 39) })],
    ['a beginning of less than 8 characters', part({ data: '/9j/4AA' })],
    ...[
      ...[
        'redacted',
        'REDACTED',
        'imageBytes',
        'base64data',
        'YourBase64EncodedImageHere',
        '12345678',
        'files/abc123def456',
      ],
      ...[
        '/var/tmp/image01',
        'bucket/key/obj1',
        '507f1f77bcf86cd799439011',
        '01ARZ3NDEKTSV4RRFFQ69G5FAV',
        'V1StGXR8Z5jdHi6B',
      ],
      ...['/Users/Ann/Documents/Photos2024/Holiday/Image01', 'ThisIsWhereTheImageWouldBeIfItWereNotRemoved'],
      ...['TheImageWasRemovedForItIsLongerThanAllowed123456', '1234567890'.repeat(4), 'X'.repeat(64)],
      ...['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', '01ARZ3NDEKTSV4RRFFQ69G5FAV'.repeat(2)],
    ].map((data): [string, unknown] => [data, part({ data })]),
    ['letters that are half an A', part({ data: 'ŁŁŁŁŁŁŁŁ' })],
    ['a number', part({ data: 12345678 })],
    ['a list', part({ data: [PNG] })],
    ['an object', part({ data: { a: PNG } })],
    ['a file that is a text', part({ mediaType: 'text/plain', data: 'abcd1234' })],
    ['no media type', { type: 'file', data: PNG }],
    ['a media type that is none', part({ mediaType: 'jpeg' })],
    ['a media type with a parameter', part({ mediaType: 'image/png; a=b' })],
    ['a kind of media', part({ mediaType: 'image/*' })],
    ['a media type in capitals, which Langfuse does not know', part({ mediaType: 'IMAGE/PNG' })],
    ['a media type that is a number', part({ mediaType: 5 })],
    ['a media type without end', part({ mediaType: `image/${'p'.repeat(200)}` })],
    ['another type', part({ type: 'text' })],
    ['no type', { mediaType: 'image/png', data: PNG }],
    ['inline data that are none', { inlineData: [{ mimeType: 'image/png', data: PNG }] }],
    ['a type of inline data', part({ type: 'inline' })],
    ['the members in several objects', [{ type: 'file' }, { mediaType: 'image/png' }, { data: PNG }]],
    ['the members at several levels', { type: 'file', a: { mediaType: 'image/png', b: { data: PNG } } }],
    ['a type that a list says', [{ mediaType: 'image/png', data: PNG, type: ['file'] }, 'file']],
    ['the content of a file', { type: 'file', mediaType: 'image/png', content: PNG }],
    ['the data of a blob', { type: 'blob', mime_type: 'image/png', data: PNG }],
    ['JSON in JSON', text(part())],
    ['deeper than anything is shown', nested(text(part()), 512)],
  ])('%s', (_, value) => {
    const before = text([value]);
    expect(withDataUris(before)).toBe(before);
  });

  const good = text(part());
  test.each([
    ['prose', `Look: ${good}`],
    ['two values', `${good} ${good}`],
    ['a text behind it', `${good}x`],
    ['an end too many', `${good}}`],
    ['an end too few', `[${good}`],
    ['an end of another kind', `[${good}}`],
    ['a comma too many', `[${good},]`],
    ['a comma too few', `[${good}${good}]`],
    ['a member without a key', `{${good}}`],
    ['a member without a value', `[${good},{"a"}]`],
    ['a member without a colon', `[${good},{"a" 1}]`],
    ['a key that is no string', `[${good},{a:1}]`],
    ['a number that is none', `[${good},01]`],
    ['a word', `[${good},nil]`],
    ['a word in capitals', `[${good},NaN]`],
    ['a number without end', `[${good},${'1'.repeat(1001)}]`],
    ['a string without an end', `[${good},"a`],
    ['a long string without an end', String.raw`[${good},"${'a'.repeat(100)}\"`],
    ['a key without an end', `[${good},{"a`],
    ['what was cut', good.slice(0, -1)],
    ['what is in the other quotes', good.replaceAll('"', "'")],
    ['nothing', ''],
  ])('what is no JSON: %s', (_, before) => {
    expect(withDataUris(before)).toBe(before);
  });
});

function nested(inner: string, levels: number): unknown {
  let value = JSON.parse(inner) as unknown;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

test('just as deep as something is shown', () => {
  const before = JSON.stringify(nested(text(part()), 511));
  expect(withDataUris(before)).toBe(before.replace(JPEG, uri('image/jpeg', JPEG)));
});

const BARE = [PNG, JPEG];

/** The same by hand, of a value that was parsed. */
function expected(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => expected(each));
  if (typeof value !== 'object' || value === null) return value;
  const members = value as Record<string, unknown>;
  const type = members.mediaType ?? members.mime_type;
  const isPart = ['file', 'image', 'blob'].includes(String(members.type)) || key === 'inlineData';
  const keys = members.type === 'blob' ? ['content'] : ['data', 'image'];
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => {
      const isBare = keys.includes(name) && typeof member === 'string' && BARE.includes(member);
      const isShown = isPart && isBare && typeof type === 'string' && type.startsWith('image/');
      return [name, isShown ? uri(type, member) : expected(member, name)];
    }),
  );
}

/** Any JSON text of a value: with white space, and escapes where they are allowed. */
function written(value: unknown, random: () => number): string {
  const space = () => oneOf(random, ['', '', ' ', '\n\t']);
  const render = (each: unknown): string => {
    if (typeof each === 'string') {
      const plain = JSON.stringify(each);
      return oneOf(random, [plain, plain.replaceAll('/', '\\/')]);
    }
    if (typeof each !== 'object' || each === null) return JSON.stringify(each);
    const members = Array.isArray(each)
      ? each.map((element) => `${space()}${render(element)}${space()}`)
      : Object.entries(each).map(
          ([key, member]) => `${space()}${JSON.stringify(key)}${space()}:${space()}${render(member)}${space()}`,
        );
    return Array.isArray(each) ? `[${members.join(',') || space()}]` : `{${members.join(',') || space()}}`;
  };
  return space() + render(value) + space();
}

test('any JSON: only data that somebody put so is changed, and nothing else of the text', () => {
  const strings = fc.constantFrom(
    'file',
    'image',
    'blob',
    'text',
    'image/png',
    'image/jpeg',
    'pdf',
    PNG,
    JPEG,
    'a"\\b',
    '😀',
    'x. '.repeat(20),
  );
  const keys = fc.constantFrom('type', 'mediaType', 'data', 'image', 'content', 'inlineData', 'a', '', 'parts');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'large' },
      fc.oneof(
        strings,
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.boolean(),
        fc.constant(null),
      ),
      tie('list'),
      tie('object'),
      tie('part'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    object: fc.dictionary(keys, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    part: fc.record(
      {
        data: fc.oneof(strings, tie('value')),
        mediaType: fc.constantFrom<unknown>('image/png', 'image/jpeg', 5),
        type: fc.constantFrom('file', 'image', 'blob', 'text'),
        content: fc.oneof(strings, tie('value')),
      },
      { requiredKeys: ['mediaType'], noNullPrototype: true },
    ),
  }));
  fc.assert(
    fc.property(value, fc.integer(), (any, seed) => {
      const before = written(any, createRandom(seed));
      const after = withDataUris(before);
      expect(JSON.parse(after)).toEqual(expected(JSON.parse(before)));
      expect(after.replaceAll(/data:image\\?\/(?:png|jpeg);base64,/g, '')).toBe(before);
      expect(withDataUris(after)).toBe(after);
      const bytes = Buffer.from(before);
      expect([true, after !== before]).toContain(mayHoldMedia(bytes, 0, bytes.length));
    }),
    runs(1000),
  );
});

/** Quadratic work on these would take minutes, and recursion would end in an error. */
describe('in linear time', () => {
  const MB = 1024 * 1024;
  const repeated = (each: string, characters: number) => each.repeat(Math.ceil(characters / each.length));
  const big = repeated('Az09+/AA', 32 * MB);

  test.each<[string, string, number]>([
    ['one image', text([part({ data: big })]), 1],
    ['one image in a text beyond Latin letters', text(['😀', part({ data: big })]), 1],
    ['one image with escapes', text([part({ data: repeated('Az09+/AA', 8 * MB) })]).replaceAll('/', '\\/'), 1],
    ['100,000 parts', text(Array.from({ length: 100_000 }, () => part())), 100],
    [
      'one image in a text of escapes',
      text([part({ data: repeated('Az09+/AA', 8 * MB) })]).replaceAll(/[/+]/g, (sign) =>
        sign === '/' ? '\\u002f' : '\\u002B',
      ),
      1,
    ],
    ['beginnings of parts', `"mediaType"${repeated('{"type":"file"', 8 * MB)}`, 0],
    ['beginnings in a list', `["mediaType",${repeated('{"type":"file","a":', 8 * MB)}`, 0],
    ['100,000 brackets', `["mediaType",${'['.repeat(100_000)}`, 0],
    ['as many that end', `["mediaType",${'['.repeat(100_000)}${']'.repeat(100_000)}]`, 0],
    ['a string without end', `["mediaType","${'a'.repeat(8 * MB)}`, 0],
    ['a string of quotes with escapes', `["mediaType","${repeated('\\"', 8 * MB)}"]`, 0],
    ['quotes far from one another', `["mediaType","${repeated(`${'a'.repeat(60)}\\"`, 8 * MB)}"]`, 0],
    ['backslashes', `["mediaType","${repeated('\\\\', 8 * MB)}"]`, 0],
    ['digits', `["mediaType",${'1'.repeat(8 * MB)}]`, 0],
    ['white space', `["mediaType",${' '.repeat(8 * MB)}`, 0],
    ['short strings', `["mediaType"${repeated(',"a"', 8 * MB)}]`, 0],
    ['lines of data: without an image', text(['mediaType', repeated('data:\n', 8 * MB)]), 0],
    ['members of one key', `{"mediaType":"image/png","type":"file"${repeated(',"data":"a"', 8 * MB)}}`, 0],
  ])('%s', (_, before, count) => {
    const after = withDataUris(before);
    expect(after.length - before.length).toBeGreaterThanOrEqual(count * 'data:image/jpeg;base64,'.length);
    expect(after === before).toBe(count === 0);
  });

  test('what is looked for in bytes', () => {
    const bytes = Buffer.from(`{"contentType":"a"${repeated(',"contentType":"_type"', 32 * MB)}}`);
    expect(mayHoldMedia(bytes, 0, bytes.length)).toBe(true);
  });
});

describe('what is looked for in a text ends', () => {
  const shown = uri('image/jpeg', JPEG);
  const list = (length: number, members?: object) => Array.from({ length }, () => part(members));

  test('with the hundredth file; those behind it stay, each time', () => {
    const repaired = withDataUris(text(list(103)));
    expect(repaired).toBe(text([...list(100, { data: shown }), ...list(3)]));
    expect(withDataUris(repaired)).toBe(repaired);
  });

  test('with the hundredth, of which some are data URIs as they came', () => {
    const repaired = withDataUris(text([...list(60, { data: shown }), ...list(43)]));
    expect(repaired).toBe(text([...list(100, { data: shown }), ...list(3)]));
  });

  test('with the hundredth, which has another beside it', () => {
    const both = { image: PNG };
    const repaired = withDataUris(text([...list(99), part(both)]));
    expect(repaired).toBe(text([...list(99, { data: shown }), part({ data: shown, ...both })]));
    expect(withDataUris(repaired)).toBe(repaired);
  });

  const small = (count: number) => Array.from({ length: count }, () => ({ a: 1 }));

  test('behind four million characters of other JSON', () => {
    expect(withDataUris(text([small(400_000), part()]))).toBe(text([small(400_000), part({ data: shown })]));
    const before = text([part(), small(600_000), part()]);
    const repaired = withDataUris(before);
    expect(repaired).toBe(text([part({ data: shown }), small(600_000), part()]));
    expect(withDataUris(repaired)).toBe(repaired);
  });

  test('in a long string of escaped quotes, but not behind one of anything else', () => {
    const quotes = text([part(), '"'.repeat(5_000_000), part()]);
    expect(withDataUris(quotes)).toBe(quotes.replace(JPEG, shown));
    const prose = text([part(), 'a'.repeat(20_000_000), part()]);
    expect(withDataUris(prose)).toBe(prose.replaceAll(JPEG, shown));
  });
});

describe('bytes that may hold a part', () => {
  const around = Buffer.from(`{"mediaType":"image/png"}`);
  test.each<[string, string, boolean]>([
    ['a part', text([part()]), true],
    ['a blob', text([{ type: 'blob', mime_type: 'image/png', content: PNG }]), true],
    ['after another type', text({ contentType: 'a', tool_type: 'b', mimeType: 'image/png', data: PNG }), true],
    ['a media type far behind', text(['x'.repeat(100_000), part()]), true],
    [
      'an ordinary message',
      text([{ role: 'user', content: 'Hello, what is the media type of a mime artist?' }]),
      false,
    ],
    ...['mediaType', 'mimeType', 'media_type', 'mime_type'].flatMap((key): [string, string, boolean][] => [
      [key, text({ type: 'file', [key]: 'a/b', data: PNG }), true],
      [`${key} far behind`, text({ a: 'x'.repeat(2000), type: 'file', [key]: 'a/b', data: PNG }), true],
    ]),
    ['other types, and much else', text({ contentType: 'x', content_type: 'x'.repeat(2000), type: 'file' }), false],
    ['other types', text({ contentType: 'x', content_type: 'y', type: 'file', data: PNG }), false],
    ['prose', `Here the "mediaType": ${text(part())}`, false],
    ['a short text', '{"mediaType":"image/png"}', false],
    ['nothing', '', false],
  ])('%s', (_, content, is) => {
    const bytes = Buffer.concat([around, Buffer.from(content), around]);
    expect(mayHoldMedia(bytes, around.length, bytes.length - around.length)).toBe(is);
  });
});

const before = text([{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, part()] }]);
const after = text([
  { role: 'user', content: [{ type: 'text', text: 'What is it?' }, part({ data: uri('image/jpeg', JPEG) })] },
]);

describe('Langfuse shows the data URI', () => {
  test.each<[string, VisibleGiven, object]>([
    ['its own input', { attributes: { 'langfuse.observation.input': before } }, { input: after }],
    ['its own output', { attributes: { 'langfuse.observation.output': before } }, { output: after }],
    ['the AI SDK', { scope: { name: 'ai' }, attributes: { 'ai.prompt.messages': before } }, { input: after }],
    ['GenAI messages', { attributes: { 'gen_ai.output.messages': before } }, { output: after }],
    [
      'messages in dotted keys',
      { attributes: { 'gen_ai.prompt.0.content': before } },
      { input: text([{ content: after }]) },
    ],
    [
      'other conventions',
      { attributes: { 'input.value': before, 'output.value': before } },
      { input: after, output: after },
    ],
  ])('%s', (_, given, shown) => {
    const draft = new TestDraft(given);
    showMedia(draft);
    expect(observe(draft.span)).toMatchObject(shown);
  });

  test.each([
    ['metadata', 'langfuse.observation.metadata'],
    ['an attribute that is neither', 'my.file'],
  ])('and leaves %s alone', (_, key) => {
    const draft = new TestDraft({ attributes: { [key]: before } });
    showMedia(draft);
    expect(draft.span.attributes).toEqual(kvlist({ [key]: before }));
  });
});

describe.each(ENCODINGS)('in a request, %s', (format) => {
  const attributesOf = (attributes: Record<string, Fields>) =>
    Object.entries(attributes).map(([key, value]) => ({ key, value }));
  const send = (attributes: Record<string, Fields>, off: 'media_data_uri'[] = []) =>
    startJudging({ off }).send(requestOf(spanOf({ kind: 1, attributes: attributesOf(attributes) })), { format });
  const stringValue = before;

  test('it is one repair of one span', async () => {
    const { observations, repairs } = await send({ 'input.value': { stringValue }, 'output.value': { stringValue } });
    expect(observations[0]).toMatchObject({ input: after, output: after });
    expect(repairs).toEqual({ media_data_uri: 1 });
  });

  test('it can be switched off', async () => {
    const { observations, repairs } = await send({ 'input.value': { stringValue } }, ['media_data_uri']);
    expect(observations[0]).toMatchObject({ input: before });
    expect(repairs).toEqual({});
  });

  test('a span without a file leaves byte for byte', async () => {
    const { judgement, repairs } = await send({
      'input.value': { stringValue: text([{ mediaType: 'image/png', data: PNG }]) },
    });
    const sent = await send({ 'input.value': { stringValue: text([{ mediaType: 'image/png', data: PNG }]) } }, [
      'media_data_uri',
    ]);
    expect(repairs).toEqual({});
    expect(judgement.bytes.equals(sent.judgement.bytes)).toBe(true);
  });

  test('a map that becomes JSON, and the bytes in it', async () => {
    const file = (key: string, value: Fields) => ({ key, value });
    const values = [
      file('type', { stringValue: 'file' }),
      file('mediaType', { stringValue: 'image/png' }),
      file('data', { bytesValue: Buffer.from(PNG, 'base64') }),
    ];
    const { observations, repairs } = await send({ 'langfuse.observation.input': { kvlistValue: { values } } });
    expect(repairs).toMatchObject({ values_to_json: 1, media_data_uri: 1 });
    expect(observations[0]).toMatchObject({
      input: text(part({ mediaType: 'image/png', data: uri('image/png', PNG) })),
    });
  });

  test('what the trace says becomes the observation’s with its image', async () => {
    const { observations } = await send({ 'langfuse.trace.input': { stringValue } });
    expect(observations[0]).toMatchObject({ input: after });
  });
});
