import fc from 'fast-check';
import { messagesOf } from '../../ui/src/span/messages';
import { runs } from '../support/random';

/** Words that the conventions use, so that what chance makes of them comes close to a chat; and two every object answers. */
const KEYS = [
  ...[
    'role',
    'content',
    'parts',
    'messages',
    'system',
    'name',
    'type',
    'text',
    'thinking',
    'image',
    'image_url',
    'url',
  ],
  ...['source', 'data', 'file', 'tool_calls', 'toolCalls', 'function_call', 'function', 'arguments', 'input', 'output'],
  ...['refusal', 'reasoning', 'mediaType', 'id', 'toString', 'valueOf'],
];
const TYPES = [
  ...['text', 'input_text', 'thinking', 'reasoning', 'image', 'image_url', 'blob', 'uri', 'file', 'document'],
  ...[
    'tool-call',
    'tool_call',
    'tool_use',
    'function_call',
    'tool-result',
    'tool_result',
    'tool_call_response',
    'audio',
  ],
];

const wild = (): fc.Arbitrary<unknown> =>
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6, depthSize: 'large' },
      fc.jsonValue({ maxDepth: 1 }),
      fc.constantFrom('user', 'tool', '{"a":1}', '[', ...TYPES),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  })).value;

/** Messages whose parts may be anything. */
const wildChats = () =>
  fc.array(
    fc.record(
      { role: fc.constantFrom('user', 'tool', 'function'), content: wild(), parts: wild(), tool_calls: wild() },
      { requiredKeys: ['role', 'content'] },
    ),
    {
      ...{ minLength: 1, maxLength: 3 },
    },
  );

test('whatever is read, it is a chat or none', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), wild()), (value) => {
      const messages = messagesOf(value);
      expect(messages === null || messages.length > 0).toBe(true);
    }),
    runs(1_000),
  );
});

test('whatever its parts are, a chat is one', () => {
  fc.assert(
    fc.property(wildChats(), (chat) => {
      expect(messagesOf(chat)?.map(({ role }) => role)).toEqual(chat.map(({ role }) => role));
    }),
    runs(1_000),
  );
});

/** Something that is written, and the texts that have to be seen of it. */
interface Written {
  readonly value: unknown;
  readonly texts: readonly string[];
}

/** Between marks, so that it is found in no other word. */
const said = () => fc.string({ unit: 'grapheme' }).map((text) => `«${text}»`);
const written = (write: (text: string) => unknown) =>
  said().map((text): Written => ({ value: write(text), texts: [text] }));

const PARTS: ((text: string) => unknown)[] = [
  (text) => text,
  (text) => ({ text }),
  (text) => ({ type: 'text', text }),
  (text) => ({ type: 'text', content: text }),
  (text) => ({ type: 'output_text', text, annotations: [] }),
  (text) => ({ type: 'thinking', thinking: text }),
  (text) => ({ type: 'reasoning', text }),
  (text) => ({ type: 'tool_use', id: '1', name: text, input: {} }),
  (text) => ({ type: 'tool_use', id: '1', name: 'add', input: { text } }),
  (text) => ({ type: 'tool-call', toolCallId: '1', args: { text } }),
  (text) => ({ type: 'tool_call', id: '1', unknown: text }),
  (text) => ({ type: 'tool_result', content: JSON.stringify([text]) }),
  (text) => ({ type: 'tool-result', output: { type: 'text', value: text } }),
  (text) => ({ type: 'tool_result', is_error: true, error: text }),
  (text) => ({ type: 'file', mediaType: 'text/plain', url: text }),
  (text) => ({ type: 'document', source: { type: 'text', data: text } }),
  (text) => ({ type: 'image', source: { type: 'url', url: text } }),
  (text) => ({ type: 'image', image: { path: text } }),
  (text) => ({ type: 'step-start', text }),
  (text) => ({ type: null, text }),
  (text) => ({ type: 7, text }),
  (text) => [text],
];

const FIELDS: ((text: string) => object)[] = [
  (text) => ({ reasoning_content: text }),
  (text) => ({ reasoning: text }),
  (text) => ({ refusal: text }),
  (text) => ({ tool_calls: [{ id: '1', function: { name: 'add', arguments: JSON.stringify({ text }) } }] }),
  (text) => ({ tool_calls: [{ type: 'custom', custom: { input: text } }] }),
  (text) => ({ tool_calls: { unknown: text } }),
  (text) => ({ toolCalls: [{ toolName: text }] }),
  (text) => ({ function_call: { name: text } }),
  (text) => ({ function_call: text }),
];

const part = () => fc.constantFrom(...PARTS).chain(written);
const body = (): fc.Arbitrary<Written> =>
  fc.oneof(
    written((text) => text),
    part(),
    fc
      .array(part())
      .map((parts) => ({ value: parts.map(({ value }) => value), texts: parts.flatMap(({ texts }) => texts) })),
  );
const fields = () => fc.constantFrom(...FIELDS).chain(written);

const messages = (): fc.Arbitrary<Written> =>
  fc
    .record({
      role: fc.constantFrom('user', 'assistant', 'tool'),
      content: body(),
      parts: fc.option(body()),
      more: fc.option(fields()),
    })
    .map(({ role, content, parts, more }) => ({
      value: { role, content: content.value, parts: parts?.value ?? null, ...(more?.value as object) },
      texts: [role, ...content.texts, ...(parts?.texts ?? []), ...(more?.texts ?? [])],
    }));

function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) yield* textsIn(member);
}

const unseen = ({ value, texts }: Written): readonly string[] => {
  const seen = [...textsIn(messagesOf(value))].join('\n');
  return texts.filter((text) => !seen.includes(text));
};

test('no text of a message is lost', () => {
  fc.assert(
    fc.property(messages(), (message) => {
      expect(unseen(message)).toEqual([]);
    }),
    runs(2_000),
  );
});

test('no text of a request is lost', () => {
  fc.assert(
    fc.property(messages(), body(), said(), ({ value, texts }, system, model) => {
      const request = { system: system.value, model, messages: [value] };
      expect(unseen({ value: request, texts: [...system.texts, model, ...texts] })).toEqual([]);
    }),
    runs(500),
  );
});
