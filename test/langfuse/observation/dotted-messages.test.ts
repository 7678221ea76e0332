import { observe } from '../../../src/langfuse/observation/observation';
import { type AttributesGiven, buildSpan } from '../../support/span-builder';

const inputOf = (attributes: AttributesGiven) => observe(buildSpan({ attributes })).input;
const prompt = (entries: Record<string, unknown>) =>
  Object.entries(entries).map(([path, value]): [string, unknown] => [`gen_ai.prompt${path}`, value]);

test.each([
  [
    'messages',
    { '.0.role': 'user', '.0.content': 'a', '.1.role': 'assistant' },
    '[{"role":"user","content":"a"},{"role":"assistant"}]',
  ],
  [
    'lists and objects inside',
    { '.0.tool_calls.0.name': 'f', '.0.tool_calls.1.name': 'g', '.0.a.b': 1 },
    '[{"tool_calls":[{"name":"f"},{"name":"g"}],"a":{"b":1}}]',
  ],
  ['gaps', { '.2.role': 'user' }, '[null,null,{"role":"user"}]'],
  ['an object', { '.role': 'user', '.a.b': 1 }, '{"role":"user","a":{"b":1}}'],
  ['the value under the prefix itself', { '': '[1]', '.0.role': 'user' }, '[1]'],
  ['an empty one gives way', { '': '', '.0.role': 'user' }, '[{"role":"user"}]'],
  ['a key that only starts so has no value', { _id: 'x' }, '{"gen_ai":{}}'],
  ['what is no number is lost beside messages', { '.0.role': 'user', '.user': 'x' }, '[{"role":"user"}]'],
  ['a number alone beside messages', { '.0.role': 'user', '.1': 'x' }, '[{"role":"user"},{"undefined":"x"}]'],
  ['10,001 slots', { '.10000.a': 1, '.10001.a': 2 }, `[${'null,'.repeat(10_000)}{"a":1}]`],
  ['slots of inner lists count as well', { '.0.a.9999': 1, '.0.b.9999': 2 }, `[{"a":[${'null,'.repeat(9_999)}1]}]`],
  ['an index in another notation would be a bomb', { '.0.a': 1, '.1e9.a': 2 }, '[{"a":1}]'],
  ['names of prototypes, deep', { '.0.a.__proto__': 1, '.0.a.constructor.x': 2, '.0.a.b': 3 }, '[{"a":{"b":3}}]'],
  [
    'names of prototypes, in a message',
    { '.0.__proto__': 1, '.0.constructor': 2 },
    '[{"__proto__":1,"constructor":2}]',
  ],
  ['a text where a container is wanted', { '.0.content': 'a', '.0.content.0.type': 'text' }, '[{"content":"a"}]'],
  ['the length of a list', { '.0.a.0': 'x', '.0.a.length': 4_000_000_000 }, '[{"a":["x"]}]'],
])('%s', (_name, entries, expected) => {
  expect(inputOf(prompt(entries))).toBe(expected);
});

test('a list of the span is not changed by what is put into it', () => {
  const content = ['a'];
  const span = buildSpan({ attributes: { 'gen_ai.prompt.0.content': content, 'gen_ai.prompt.0.content.1': 'b' } });
  expect(observe(span).input).toBe('[{"content":["a","b"]}]');
  expect(content).toEqual(['a']);
});

test('a path of endless depth is left out', () => {
  expect(inputOf(prompt({ [`.0${'.a'.repeat(50_000)}`]: 1, '.0.b': 2 }))).toBe('[{"b":2}]');
});

test('the other side is an empty object', () => {
  expect(observe(buildSpan({ attributes: { 'gen_ai.prompt.0.role': 'user' } })).output).toBe('{}');
});
