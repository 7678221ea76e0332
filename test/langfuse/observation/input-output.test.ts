import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, kvlist, type SpanGiven } from '../../support/span-builder';

function inputOutput(given: SpanGiven) {
  const { input, output } = observe(buildSpan(given));
  return [input, output];
}

/** One span per rule, in the order of the rules; each must win over all that follow. */
const RULES: [name: string, given: SpanGiven, expected: [unknown, unknown]][] = [
  [
    'Langfuse',
    { attributes: { 'langfuse.observation.input': 'i1', 'langfuse.observation.output': 'o1' } },
    ['i1', 'o1'],
  ],
  [
    'operation details event',
    {
      events: [
        {
          name: 'gen_ai.client.inference.operation.details',
          attributes: { 'gen_ai.input.messages': 'i5', 'gen_ai.output.messages': 'o5' },
        },
      ],
    },
    ['i5', 'o5'],
  ],
  [
    'message events',
    {
      events: [
        { name: 'gen_ai.user.message', attributes: { content: 'i6' } },
        { name: 'gen_ai.choice', attributes: { message: 'o6' } },
      ],
    },
    ['[{"role":"user","content":"i6"}]', '{"message":"o6"}'],
  ],
  [
    'content events',
    {
      events: [
        { name: 'gen_ai.content.prompt', attributes: { input: 'i7' } },
        { name: 'gen_ai.content.completion', attributes: { output: 'o7' } },
      ],
    },
    ['i7', 'o7'],
  ],
  [
    'Google ADK',
    { attributes: { 'gcp.vertex.agent.llm_request': 'i8', 'gcp.vertex.agent.llm_response': 'o8' } },
    ['i8', 'o8'],
  ],
  ['Logfire', { attributes: { prompt: 'i9', all_messages_events: 'o9' } }, ['i9', 'o9']],
  ['LiveKit', { attributes: { 'lk.input_text': 'i10', 'lk.response.text': 'o10' } }, ['i10', 'o10']],
  [
    'Logfire events',
    { attributes: { events: '[{"event.name":"gen_ai.user.message"},{"event.name":"gen_ai.choice"}]' } },
    ['[{"event.name":"gen_ai.user.message"}]', '{"event.name":"gen_ai.choice"}'],
  ],
  ['MLflow', { attributes: { 'mlflow.spanInputs': 'i12', 'mlflow.spanOutputs': 'o12' } }, ['i12', 'o12']],
  [
    'Traceloop entity',
    { attributes: { 'traceloop.entity.input': 'i13', 'traceloop.entity.output': 'o13' } },
    ['i13', 'o13'],
  ],
  ['OpenInference value', { attributes: { 'input.value': 'i14', 'output.value': 'o14' } }, ['i14', 'o14']],
  ['plain names', { attributes: { input: 'i15', output: 'o15' } }, ['i15', 'o15']],
  ['tool arguments', { attributes: { tool_arguments: 'i17', tool_response: 'o17' } }, ['i17', 'o17']],
  [
    'gen_ai.prompt*',
    { attributes: { 'gen_ai.prompt.0.content': 'i18', 'gen_ai.completion.0.content': 'o18' } },
    ['[{"content":"i18"}]', '[{"content":"o18"}]'],
  ],
  [
    'llm.input_messages*',
    { attributes: { 'llm.input_messages.0.message.role': 'i19', 'llm.output_messages.0.message.role': 'o19' } },
    ['[{"message":{"role":"i19"}}]', '[{"message":{"role":"o19"}}]'],
  ],
  [
    'GenAI messages',
    { attributes: { 'gen_ai.input.messages': 'i20', 'gen_ai.output.messages': 'o20' } },
    ['i20', 'o20'],
  ],
  [
    'GenAI tool call',
    { attributes: { 'gen_ai.tool.call.arguments': 'i21', 'gen_ai.tool.call.result': 'o21' } },
    ['i21', 'o21'],
  ],
  ['none', {}, [null, null]],
];

describe('the first rule that hits wins', () => {
  test.each(RULES.map(([name, , expected], at): [string, [unknown, unknown], number] => [name, expected, at]))(
    '%s',
    (_name, expected, at) => {
      const given = RULES.slice(at).map(([, each]) => each);
      const attributes = Object.assign({}, ...given.map((each) => each.attributes ?? {}));
      expect(inputOutput({ attributes, events: given.flatMap((each) => each.events ?? []) })).toEqual(expected);
    },
  );

  test.each(RULES.filter(([name]) => name !== 'none'))('%s alone', (_name, given, expected) => {
    expect(inputOutput(given)).toEqual(expected);
  });

  test('both sides come from the same rule', () => {
    const attributes = { 'langfuse.observation.input': 'i', input: 'other', output: 'o' };
    expect(inputOutput({ attributes })).toEqual(['i', null]);
  });

  test('an empty string of Langfuse counts as set, of the others as unset', () => {
    expect(inputOutput({ attributes: { 'langfuse.observation.input': '', input: 'x' } })).toEqual(['', null]);
    expect(inputOutput({ attributes: { 'input.value': '', input: 'x' } })).toEqual(['x', null]);
    expect(inputOutput({ attributes: { 'input.value': '', 'output.value': 'o' } })).toEqual(['', 'o']);
  });

  test('the trace’s input and output are read nowhere', () => {
    expect(inputOutput({ attributes: { 'langfuse.trace.input': 'i', 'langfuse.trace.output': 'o' } })).toEqual([
      null,
      null,
    ]);
  });

  test.each([
    ['a number', 5, '5'],
    ['false', false, 'false'],
    ['a list', ['a', 1], '["a",1]'],
    ['a kvlist', kvlist({ a: 'b' }), '{"kvlistValue":{"values":[{"key":"a","value":{"stringValue":"b"}}]}}'],
    ['an empty value', null, '{}'],
  ])('%s is stored as text', (_name, value, expected) => {
    expect(inputOutput({ attributes: { 'langfuse.observation.input': value } })).toEqual([expected, null]);
  });
});

describe('choices within a rule', () => {
  test.each([
    [
      'ADK tool arguments',
      {
        'gcp.vertex.agent.llm_request': '{}',
        'gcp.vertex.agent.tool_call_args': 'a',
        'gcp.vertex.agent.llm_response': '{}',
        'gcp.vertex.agent.tool_response': 'r',
      },
      ['a', 'r'],
    ],
    ['ADK without tool', { 'gcp.vertex.agent.llm_request': 'q', 'gcp.vertex.agent.tool_call_args': 'a' }, ['q', null]],
    ['LiveKit transcript', { 'lk.user_transcript': 't', 'lk.chat_ctx': 'c' }, ['t', null]],
    ['LiveKit chat', { 'lk.chat_ctx': 'c', 'lk.function_tool.output': 'f', 'lk.response.text': 'r' }, ['c', 'f']],
    ['LiveKit user input is not read', { 'lk.user_input': 'u' }, [null, null]],
    ['events as a list', { events: ['a', 'b'] }, ['["a","b"]', null]],
    [
      'only a choice',
      { events: '[{"event.name":"gen_ai.choice","n":1},{"event.name":"gen_ai.choice","n":2}]' },
      [null, '{"event.name":"gen_ai.choice","n":1}'],
    ],
    ['events that are no list', { events: '{"a":1}', input: 'x' }, ['x', null]],
    ['events with null, on which Langfuse stumbles', { events: '[{},null]', input: 'x' }, ['x', null]],
    ['empty events', { events: '[]', input: 'x' }, ['x', null]],
    ['events that are no JSON', { events: 'x', input: 'y' }, ['y', null]],
  ])('%s', (_name, attributes, expected) => {
    expect(inputOutput({ attributes })).toEqual(expected);
  });
});
