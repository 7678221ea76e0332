import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

function inputOutput(given: SpanGiven) {
  const { input, output } = observe(buildSpan(given));
  return [input, output];
}

describe('Genkit (scope genkit-tracer)', () => {
  const scope = { name: 'genkit-tracer' };
  test.each([
    [
      'messages and message of a model call',
      { 'genkit:input': '{"messages":[1],"x":2}', 'genkit:output': '{"message":{"a":1},"x":2}' },
      ['[1]', '{"a":1}'],
    ],
    ['the whole of a flow', { 'genkit:input': '{"a": 1}', 'genkit:output': '"text"' }, ['{"a":1}', 'text']],
    ['text that is no JSON', { 'genkit:input': 'hello' }, ['hello', null]],
    ['nothing else is asked', { input: 'x', output: 'y' }, [null, null]],
    ['but Langfuse is', { 'langfuse.observation.input': 'l', 'genkit:input': 'g' }, ['l', null]],
  ])('%s', (_name, attributes, expected) => {
    expect(inputOutput({ scope, attributes })).toEqual(expected);
  });

  test('not in another scope', () => {
    expect(inputOutput({ attributes: { 'genkit:input': 'g', input: 'x' } })).toEqual(['x', null]);
  });
});

describe('Vercel AI SDK (scope ai)', () => {
  const scope = { name: 'ai' };
  const inputs = ['ai.prompt.messages', 'ai.prompt', 'ai.toolCall.args', 'gen_ai.input.messages'];
  const outputs = [
    'ai.response.text',
    'ai.result.text',
    'ai.toolCall.result',
    'ai.response.object',
    'ai.result.object',
    'ai.response.toolCalls',
    'ai.result.toolCalls',
    'gen_ai.output.messages',
  ];

  test.each(inputs.map((key, at): [string, number] => [key, at]))('input: %s', (key, at) => {
    const attributes = Object.fromEntries(inputs.slice(at).map((each) => [each, `by ${each}`]));
    expect(inputOutput({ scope, attributes })).toEqual([`by ${key}`, null]);
  });

  test.each(outputs.map((key, at): [string, number] => [key, at]))('output: %s', (key, at) => {
    const lower = outputs
      .slice(at + 1)
      .filter((each) => key !== 'ai.response.text' || each !== 'ai.response.toolCalls');
    const attributes = Object.fromEntries([key, ...lower].map((each) => [each, `by ${each}`]));
    expect(inputOutput({ scope, attributes })).toEqual([null, `by ${key}`]);
  });

  test.each([
    [
      'text and tool calls are one message',
      { 'ai.response.text': 't', 'ai.response.toolCalls': '[]' },
      [null, '{"role":"assistant","content":"t","tool_calls":"[]"}'],
    ],
    ['an empty text is passed over', { 'ai.response.text': '', 'ai.response.object': '{}' }, [null, '{}']],
    ['an empty prompt is not', { 'ai.prompt': '', 'ai.toolCall.args': 'a' }, ['', null]],
    ['arguments of GenAI tool calls', { 'gen_ai.tool.call.arguments': 'a', 'ai.result.text': 't' }, ['a', 't']],
    ['nothing else is asked', { input: 'x', output: 'y' }, [null, null]],
  ])('%s', (_name, attributes, expected) => {
    expect(inputOutput({ scope, attributes })).toEqual(expected);
  });

  test('not in another scope', () => {
    expect(inputOutput({ attributes: { 'ai.prompt': 'p', input: 'x' } })).toEqual(['x', null]);
  });
});

describe('Flue (scope @flue/opentelemetry)', () => {
  const scope = { name: '@flue/opentelemetry' };
  const inputs = ['flue.turn.input', 'flue.tool.arguments', 'flue.task.prompt', 'flue.workflow.payload'];
  const outputs = [
    'flue.turn.output',
    'flue.tool.result',
    'flue.task.result',
    'flue.operation.result',
    'flue.workflow.result',
  ];

  test.each(inputs.map((key, at): [string, number] => [key, at]))('input: %s', (key, at) => {
    const attributes = Object.fromEntries(inputs.slice(at).map((each) => [each, `by ${each}`]));
    expect(inputOutput({ scope, attributes })).toEqual([`by ${key}`, null]);
  });

  test.each(outputs.map((key, at): [string, number] => [key, at]))('output: %s', (key, at) => {
    const attributes = Object.fromEntries(outputs.slice(at).map((each) => [each, `by ${each}`]));
    expect(inputOutput({ scope, attributes })).toEqual([null, `by ${key}`]);
  });

  test('JSON is read and written anew', () => {
    expect(inputOutput({ scope, attributes: { 'flue.turn.input': '{ "a": 1 }' } })).toEqual(['{"a":1}', null]);
  });

  test('other rules are asked where there is nothing', () => {
    expect(inputOutput({ scope, attributes: { input: 'x' } })).toEqual(['x', null]);
    expect(inputOutput({ attributes: { 'flue.turn.input': 'f', input: 'x' } })).toEqual(['x', null]);
  });
});

describe('Pydantic AI (scope pydantic-ai)', () => {
  const scope = { name: 'pydantic-ai' };
  const attributes = {
    'pydantic_ai.all_messages': '[{"role":"user"}]',
    final_result: 'r',
    'gen_ai.system_instructions': 'be nice',
  };
  test('messages with the instructions in front, and the result', () => {
    expect(inputOutput({ scope, attributes })).toEqual([
      '[{"role":"system","content":"be nice"},{"role":"user"}]',
      'r',
    ]);
  });
  test('after the plain names, before tool arguments', () => {
    expect(inputOutput({ scope, attributes: { ...attributes, input: 'i' } })).toEqual(['i', null]);
    expect(inputOutput({ scope, attributes: { final_result: 'r', tool_arguments: 'a' } })).toEqual([null, 'r']);
  });
  test('not in another scope', () => {
    expect(inputOutput({ attributes })).toEqual([null, null]);
  });
});
