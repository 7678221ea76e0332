import { observe } from '../../../src/langfuse/observation/observation';
import { type AttributesGiven, buildSpan, kvlist, type SpanGiven } from '../../support/span-builder';

const metadata = (given: SpanGiven) => observe(buildSpan(given)).metadata;
const SCOPE = { 'scope.name': 'my.library' };

describe('Langfuse’s own blocks', () => {
  test('attributes, resource and scope', () => {
    const given = {
      attributes: { a: 'x', n: 1, b: true, l: ['y', 2], e: null, m: kvlist({ k: 'v' }), nan: Number.NaN },
      resource: { 'service.name': 's', n: 1, l: ['y'], e: null, nan: Number.NaN },
      scope: { name: 'my.library', version: '1', attributes: { k: 'v', n: 2 } },
    };
    expect(metadata(given)).toEqual({
      'attributes.a': 'x',
      'attributes.n': '1',
      'attributes.b': 'true',
      'attributes.l': '["y",2]',
      'attributes.e': '{}',
      'attributes.m': '{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}}]}}',
      'attributes.nan': 'null',
      'resourceAttributes.service.name': 's',
      'resourceAttributes.n': '1',
      'resourceAttributes.l': '["y"]',
      'resourceAttributes.e': '{}',
      'resourceAttributes.nan': '',
      'scope.name': 'my.library',
      'scope.version': '1',
      'scope.attributes.k': 'v',
      'scope.attributes.n': '2',
    });
  });

  test.each(['langfuse-sdk', 'langfuse-sdk-custom'])('spans of scope %s have no attributes', (name) => {
    expect(metadata({ attributes: { a: 'x' }, scope: { name } })).toEqual({ 'scope.name': name });
  });

  test.each([
    ['neither name nor version', { name: '' }, {}],
    ['a version without name', { name: '', version: '1' }, { 'scope.version': '1' }],
    ['both written empty', { name: '', version: '' }, { 'scope.name': '', 'scope.version': '' }],
  ])('a scope with %s', (_name, scope, expected) => {
    expect(metadata({ scope })).toEqual(expected);
  });

  test('keys with names of prototypes', () => {
    const attributes = [
      ['__proto__', 'lost'],
      ['constructor', 'c'],
      ['hasOwnProperty', 'h'],
    ] as const;
    expect(metadata({ attributes })).toEqual({
      ...SCOPE,
      'attributes.constructor': 'c',
      'attributes.hasOwnProperty': 'h',
    });
  });
});

describe('attributes that do not come into metadata, whoever won as input and output', () => {
  test.each([
    'langfuse.trace.input',
    'langfuse.trace.output',
    'langfuse.observation.input',
    'langfuse.observation.output',
    'ai.prompt.messages',
    'ai.prompt',
    'ai.toolCall.args',
    'ai.response.text',
    'ai.result.text',
    'ai.toolCall.result',
    'ai.response.object',
    'ai.result.object',
    'ai.response.toolCalls',
    'ai.result.toolCalls',
    'gcp.vertex.agent.llm_request',
    'gcp.vertex.agent.llm_response',
    'gcp.vertex.agent.tool_call_args',
    'gcp.vertex.agent.tool_response',
    'prompt',
    'all_messages_events',
    'events',
    'lk.input_text',
    'lk.user_transcript',
    'lk.chat_ctx',
    'lk.user_input',
    'lk.function_tool.output',
    'lk.response.text',
    'mlflow.spanInputs',
    'mlflow.spanOutputs',
    'traceloop.entity.input',
    'traceloop.entity.output',
    'input.value',
    'output.value',
    'final_result',
    'pydantic_ai.all_messages',
    'gen_ai.system_instructions',
    'input',
    'output',
    'gen_ai.input.messages',
    'gen_ai.output.messages',
    'gen_ai.tool.call.arguments',
    'gen_ai.tool.call.result',
    'genkit:input',
    'genkit:output',
    'flue.turn.input',
    'flue.turn.output',
    'flue.tool.arguments',
    'flue.tool.result',
    'flue.task.prompt',
    'flue.task.result',
    'flue.operation.result',
    'flue.workflow.payload',
    'flue.workflow.result',
    'gen_ai.prompt',
    'gen_ai.prompt.0.content',
    'gen_ai.prompt_anything',
    'gen_ai.completion.0.content',
    'llm.input_messages.0.message.role',
    'llm.output_messages.0.message.role',
    'ai.telemetry.metadata.userId',
    'ai.telemetry.metadata.sessionId',
    'ai.telemetry.metadata.tags',
    'ai.telemetry.metadata.langfusePrompt',
    'langfuse.observation.metadata',
    'langfuse.trace.metadata',
  ])('%s', (key) => {
    expect(metadata({ attributes: { [key]: 'x', kept: 'y' } })).toEqual({ ...SCOPE, 'attributes.kept': 'y' });
  });

  test.each(['tool_arguments', 'tool_response', 'langfuse.observation.type', 'langfuse.metadata', 'model', 'user.id'])(
    'but %s does',
    (key) => {
      expect(metadata({ attributes: { [key]: 'x' } })).toEqual({ ...SCOPE, [`attributes.${key}`]: 'x' });
    },
  );
});

describe('the sender’s metadata', () => {
  const sdk = { name: 'langfuse-sdk' };
  const own = (attributes: AttributesGiven) => {
    const { 'scope.name': _scope, ...rest } = metadata({ scope: sdk, attributes });
    return rest;
  };

  test.each(['langfuse.observation.metadata', 'langfuse.trace.metadata', 'langfuse.metadata'])('%s', (key) => {
    expect(own({ [key]: '{"a":{"b":1,"c":["d"]},"e":null,"f":"g"}', [`${key}.h`]: 2 })).toEqual({
      'a.b': '1',
      'a.c': '["d"]',
      e: '',
      f: 'g',
      h: '2',
    });
  });

  test.each([
    ['ai.telemetry.metadata.*', { 'ai.telemetry.metadata.a': 1 }, { a: '1' }],
    ['ai.telemetry.metadata alone is nothing', { 'ai.telemetry.metadata': '{"a":1}' }, {}],
    [
      'a dotted key over the object',
      { 'langfuse.observation.metadata': '{"a":1}', 'langfuse.observation.metadata.a': 2 },
      { a: '2' },
    ],
    [
      'the trace over the observation',
      { 'langfuse.trace.metadata.a': 'trace', 'langfuse.observation.metadata.a': 'observation' },
      { a: 'trace' },
    ],
    [
      'its own key before the shared one',
      {
        'langfuse.observation.metadata': '{"a":1}',
        'langfuse.trace.metadata': '{"b":1}',
        'langfuse.metadata': '{"c":1}',
      },
      { a: '1', b: '1' },
    ],
    [
      'the shared one where its own is missing',
      { 'langfuse.observation.metadata': '{"a":1}', 'langfuse.metadata': '{"c":1}' },
      { a: '1', c: '1' },
    ],
    ['lost: text', { 'langfuse.observation.metadata': 'text' }, {}],
    ['lost: JSON that is no object', { 'langfuse.observation.metadata': '5' }, {}],
    ['lost: a number', { 'langfuse.observation.metadata': 5 }, {}],
    ['a list', { 'langfuse.observation.metadata': ['a', 'b'] }, { 0: 'a', 1: 'b' }],
    ['a JSON list', { 'langfuse.observation.metadata': '["a"]' }, { 0: 'a' }],
    [
      'a kvlist shows its wire form',
      { 'langfuse.observation.metadata': kvlist({ a: 'b' }) },
      { 'kvlistValue.values': '[{"key":"a","value":{"stringValue":"b"}}]' },
    ],
    ['a list under a dotted key', { 'langfuse.observation.metadata.a': ['b', 1] }, { a: '["b",1]' }],
    ['NaN under a dotted key', { 'langfuse.observation.metadata.a': Number.NaN }, { a: '' }],
    ['JSON under a dotted key stays text', { 'langfuse.observation.metadata.a': '{"b":1}' }, { a: '{"b":1}' }],
    ['an empty name', { 'langfuse.observation.metadata.': 'x' }, {}],
    ['the ids of older integrations', { 'langfuse.trace.metadata.langfuse_user_id': 'u' }, { langfuse_user_id: 'u' }],
  ])('%s', (_name, attributes, expected) => {
    expect(own(attributes)).toEqual(expected);
  });

  test('names of prototypes: kept in JSON, __proto__ lost in a dotted key', () => {
    const fromJson = own({ 'langfuse.observation.metadata': '{"__proto__":{"a":1},"constructor":"c"}' });
    expect(Object.entries(fromJson)).toEqual([
      ['__proto__.a', '1'],
      ['constructor', 'c'],
    ]);
    expect(
      own({ 'langfuse.observation.metadata.__proto__': 'p', 'langfuse.observation.metadata.constructor': 'c' }),
    ).toEqual({ constructor: 'c' });
  });

  test('overwrites Langfuse’s blocks', () => {
    const attributes = { a: 'x', 'langfuse.observation.metadata': '{"scope":"mine","attributes":{"b":1}}' };
    expect(metadata({ attributes, resource: { r: '1' } })).toEqual({
      scope: 'mine',
      'attributes.b': '1',
      'resourceAttributes.r': '1',
    });
  });
});

test('tools move from metadata into the input', () => {
  const attributes = { 'ai.prompt.tools': ['{"name":"f"}'], input: '[{"role":"user"}]' };
  expect(observe(buildSpan({ attributes }))).toMatchObject({
    input: '{"messages":[{"role":"user"}],"tools":[{"name":"f"}]}',
    metadata: SCOPE,
  });
});
