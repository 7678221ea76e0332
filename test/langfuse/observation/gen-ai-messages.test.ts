import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan } from '../../support/span-builder';

const inputOf = (messages: unknown, instructions: unknown) =>
  observe(buildSpan({ attributes: { 'gen_ai.input.messages': messages, 'gen_ai.system_instructions': instructions } }))
    .input;

const USER = '[{"role":"user"}]';
const withSystem = (content: string) => JSON.stringify([{ role: 'system', content }, { role: 'user' }]);

test.each([
  ['text', USER, 'be nice', withSystem('be nice')],
  ['parts', USER, '[{"type":"text","content":"a"},{"content":"b"}]', withSystem('a\nb')],
  [
    'parts of other kinds',
    USER,
    '["a",5,{"x":1},{"content":""},null]',
    withSystem('a\n5\n[object Object]\n[object Object]\nnull'),
  ],
  ['a list of texts', USER, ['a', 'b'], withSystem('a\nb')],
  ['a JSON text', USER, '"a"', withSystem('a')],
  ['a JSON object', USER, '{"a":1}', withSystem('[object Object]')],
  ['a JSON object that would break String()', USER, '[{"toString":1}]', withSystem('[object Object]')],
  ['none', USER, undefined, USER],
  ['empty', USER, '', USER],
  ['a system message is there already', '[{"role":"system"}]', 'x', '[{"role":"system"}]'],
  ['messages that are no list', '{"role":"user"}', 'x', '{"role":"user"}'],
  ['messages that are no JSON', 'hello', 'x', 'hello'],
  ['messages as a list', ['hello'], 'x', '[{"role":"system","content":"x"},"hello"]'],
  ['no messages', undefined, 'x', null],
])('instructions: %s', (_name, messages, instructions, expected) => {
  expect(inputOf(messages, instructions)).toBe(expected);
});

test('messages come before tool calls, as a pair', () => {
  const attributes = { 'gen_ai.output.messages': 'o', 'gen_ai.tool.call.arguments': 'a' };
  expect(observe(buildSpan({ attributes }))).toMatchObject({ input: null, output: 'o' });
});
