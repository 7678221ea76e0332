import { explainsRows, type GivenSpan, having, type Row } from './explain-runs';

/** Input and output as they are stored: texts. */
const io = (input: string | null, output: string | null) => ({ input, output });
const both = (row: string, span: GivenSpan): Row => [row, span, io('i', 'o')];
const pair = (input: string, output: string, scope?: string): Row =>
  both(
    `${input} and ${output}`,
    having({ [input]: 'i', [output]: 'o' }, scope === undefined ? {} : { scope: { name: scope } }),
  );
const user = '{"role":"user","content":"i"}';
const answer = '{"role":"assistant","content":"o"}';
const event = (name: string, attributes: Record<string, string>) => ({ name, attributes });
const operationDetails = {
  events: [
    event('gen_ai.client.inference.operation.details', {
      'gen_ai.input.messages': `[${user}]`,
      'gen_ai.output.messages': `[${answer}]`,
    }),
  ],
};

describe('input and output, in the order of the rules', () => {
  explainsRows([
    pair('langfuse.observation.input', 'langfuse.observation.output'),
    [
      '1: an empty text blocks the rest',
      having({ 'langfuse.observation.input': '', input: 'i', output: 'o' }),
      io('', null),
    ],
    [
      '1: the input of the trace, on a root',
      having({ 'langfuse.trace.input': 'i', 'langfuse.trace.output': 'o' }),
      { ...io('i', 'o'), repairs: ['trace_input_output'] },
    ],
    pair('genkit:input', 'genkit:output', 'genkit-tracer'),
    [
      '2: the messages of Genkit',
      having(
        { 'genkit:input': `{"messages":[${user}]}`, 'genkit:output': `{"message":${answer}}` },
        { scope: { name: 'genkit-tracer' } },
      ),
      io(`[${user}]`, answer),
    ],
    pair('ai.prompt.messages', 'ai.response.text', 'ai'),
    pair('ai.prompt', 'ai.result.text', 'ai'),
    pair('ai.toolCall.args', 'ai.toolCall.result', 'ai'),
    pair('ai.prompt', 'ai.response.object', 'ai'),
    pair('ai.prompt', 'ai.response.toolCalls', 'ai'),
    pair('gen_ai.input.messages', 'gen_ai.output.messages', 'ai'),
    ['3: not in another scope', having({ 'ai.prompt': 'i', 'ai.response.text': 'o' }), io(null, null)],
    ...[
      ['flue.turn.input', 'flue.turn.output'],
      ['flue.tool.arguments', 'flue.tool.result'],
      ['flue.task.prompt', 'flue.task.result'],
      ['flue.workflow.payload', 'flue.workflow.result'],
    ].map(([input, output]) => pair(input!, output!, '@flue/opentelemetry')),
    ['5: the event with the details', operationDetails, { ...io(`[${user}]`, `[${answer}]`), repairs: [] }],
    [
      '6: an event for each message',
      {
        events: [
          event('gen_ai.system.message', { content: 's' }),
          event('gen_ai.user.message', { content: 'i' }),
          event('gen_ai.choice', { content: 'o' }),
        ],
      },
      io('[{"role":"system","content":"s"},{"role":"user","content":"i"}]', '{"content":"o"}'),
    ],
    [
      '7: events with the content',
      {
        events: [
          event('gen_ai.content.prompt', { 'gen_ai.prompt': 'i' }),
          event('gen_ai.content.completion', { 'gen_ai.completion': 'o' }),
        ],
      },
      io('i', 'o'),
    ],
    pair('gcp.vertex.agent.llm_request', 'gcp.vertex.agent.llm_response'),
    pair('gcp.vertex.agent.tool_call_args', 'gcp.vertex.agent.tool_response'),
    pair('prompt', 'all_messages_events'),
    ...['lk.input_text', 'lk.user_transcript', 'lk.chat_ctx'].map((input) => pair(input, 'lk.response.text')),
    pair('lk.input_text', 'lk.function_tool.output'),
    [
      '11: the events of Logfire',
      having({ events: '[{"content":"i"},{"event.name":"gen_ai.choice","content":"o"}]' }),
      io('[{"content":"i"}]', '{"event.name":"gen_ai.choice","content":"o"}'),
    ],
    pair('mlflow.spanInputs', 'mlflow.spanOutputs'),
    pair('traceloop.entity.input', 'traceloop.entity.output'),
    pair('input.value', 'output.value'),
    pair('input', 'output'),
    pair('pydantic_ai.all_messages', 'final_result', 'pydantic-ai'),
    pair('tool_arguments', 'tool_response'),
    [
      '18: gen_ai.prompt and gen_ai.completion in dotted keys',
      having({
        ...{ 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'i' },
        ...{ 'gen_ai.completion.0.role': 'assistant', 'gen_ai.completion.0.content': 'o' },
      }),
      io(`[${user}]`, `[${answer}]`),
    ],
    [
      '19: llm.input_messages and llm.output_messages',
      having({ 'llm.input_messages.0.message.content': 'i', 'llm.output_messages.0.message.content': 'o' }),
      io('[{"message":{"content":"i"}}]', '[{"message":{"content":"o"}}]'),
    ],
    pair('gen_ai.input.messages', 'gen_ai.output.messages'),
    [
      '20: system instructions in front',
      having({ 'gen_ai.input.messages': `[${user}]`, 'gen_ai.system_instructions': 's' }),
      io(`[{"role":"system","content":"s"},${user}]`, null),
    ],
    pair('gen_ai.tool.call.arguments', 'gen_ai.tool.call.result'),
    ['none', {}, io(null, null)],
  ]);
});

describe('both sides are of the first rule that finds something', () => {
  /** Rules for spans of any scope, in order: what each reads its input from. */
  const inputs = [
    'langfuse.observation.input',
    'gcp.vertex.agent.llm_request',
    'prompt',
    'lk.input_text',
    'mlflow.spanInputs',
    'traceloop.entity.input',
    'input.value',
    'input',
    'tool_arguments',
    'gen_ai.prompt',
    'llm.input_messages',
    'gen_ai.input.messages',
    'gen_ai.tool.call.arguments',
  ];
  explainsRows(
    inputs.slice(1).map((key, index): Row => {
      const before = inputs[index]!;
      return [`${before} before ${key}`, having({ [key]: 'second', [before]: 'first' }), { input: 'first' }];
    }),
  );
  explainsRows([
    ['not the output of another', having({ 'input.value': 'i', output: 'o' }), { input: 'i', output: null }],
    ['events before attributes', { ...operationDetails, attributes: { input: 'second' } }, { input: `[${user}]` }],
  ]);
});

const tool = '{"type":"function","function":{"name":"t"}}';
const withTools = (input: string) => ({ input: `{"messages":${input},"tools":[${tool}]}` });

describe('tool definitions move into the input', () => {
  const messages = { 'gen_ai.input.messages': `[${user}]` };
  explainsRows([
    ['ai.prompt.tools', having({ ...messages, 'ai.prompt.tools': [tool] }), withTools(`[${user}]`)],
    [
      'gen_ai.tool.definitions',
      having({ ...messages, 'gen_ai.tool.definitions': `[${tool}]` }),
      withTools(`[${user}]`),
    ],
    [
      'model_request_parameters.function_tools',
      having({ ...messages, model_request_parameters: `{"function_tools":[${tool}]}` }),
      withTools(`[${user}]`),
    ],
    [
      'llm.tools.N.tool.json_schema',
      having({ ...messages, 'llm.tools.0.tool.json_schema': tool }),
      withTools(`[${user}]`),
    ],
  ]);
});

describe('metadata', () => {
  const scope = { name: 'lib', version: '1', attributes: { s: 'x' } };
  const sdk = { name: 'langfuse-sdk', version: '5' };
  const one = { metadata: { k: 'v', 'scope.name': 'lib' } };
  explainsRows([
    [
      'attributes, resource and scope',
      having({ a: 'x', n: 1, list: ['a'] }, { resource: { r: true }, scope }),
      {
        metadata: {
          ...{ 'attributes.a': 'x', 'attributes.n': '1', 'attributes.list': '["a"]', 'resourceAttributes.r': 'true' },
          ...{ 'scope.name': 'lib', 'scope.version': '1', 'scope.attributes.s': 'x' },
        },
      },
    ],
    [
      'no attributes of the Langfuse SDK',
      having({ a: 'x' }, { scope: sdk }),
      { metadata: { 'scope.name': 'langfuse-sdk', 'scope.version': '5' } },
    ],
    ...['langfuse.observation.metadata', 'langfuse.trace.metadata', 'langfuse.metadata'].flatMap((key): Row[] => [
      [`${key} as JSON`, having({ [key]: '{"k":"v"}' }), { metadata: expect.objectContaining(one.metadata) }],
      [`${key}.k`, having({ [`${key}.k`]: 'v' }), { metadata: expect.objectContaining(one.metadata) }],
    ]),
    [
      'ai.telemetry.metadata.k',
      having({ 'ai.telemetry.metadata.k': 'v' }),
      { metadata: expect.objectContaining(one.metadata) },
    ],
    [
      'flat, as texts',
      having({ 'langfuse.observation.metadata': '{"a":{"b":1,"c":[1,2]},"d":null}' }),
      { metadata: { 'a.b': '1', 'a.c': '[1,2]', d: '', 'scope.name': 'lib' } },
    ],
    [
      'what is no object, and is kept under a name',
      having({ 'langfuse.observation.metadata': 'a text' }),
      { metadata: { 'otel.metadata': 'a text', 'scope.name': 'lib' } },
    ],
    [
      'lost among the attributes: what was used as input and output',
      having({ input: 'i', 'gen_ai.prompt.x': '1', 'llm.input_messages.0.x': '1' }),
      { input: 'i', metadata: { 'scope.name': 'lib' } },
    ],
    [
      'a key of the sender in place of a block',
      having({ 'langfuse.observation.metadata': '{"scope":"mine"}' }),
      { metadata: { scope: 'mine' } },
    ],
    [
      'a map, which Langfuse does not decode',
      having({ map: { kvlist: { a: 1 } } }),
      { metadata: { 'attributes.map': '{"a":1}', 'scope.name': 'lib' }, repairs: ['values_to_json'] },
    ],
    [
      'what Langfuse drops',
      {
        fields: {
          kind: 2,
          traceState: 'a=b',
          droppedEventsCount: 3,
          links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16) }],
        },
      },
      {
        metadata: {
          ...{ 'otel.kind': 'SERVER', 'otel.traceState': 'a=b', 'otel.droppedEventsCount': '3', 'scope.name': 'lib' },
          'otel.links': expect.stringContaining('1'.repeat(32)),
        },
        repairs: [
          ...['links_to_metadata', 'trace_state_to_metadata', 'kind_to_metadata', 'dropped_counts_to_metadata'],
        ],
      },
    ],
  ]);
});
