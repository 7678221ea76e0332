import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const typeOf = (given: SpanGiven) => observe(buildSpan(given)).type;

describe('by the value of one attribute', () => {
  const rows: [key: string, value: unknown, type: string][] = [
    ['langfuse.observation.type', 'span', 'SPAN'],
    ['langfuse.observation.type', 'generation', 'GENERATION'],
    ['langfuse.observation.type', 'event', 'EVENT'],
    ['langfuse.observation.type', 'embedding', 'EMBEDDING'],
    ['langfuse.observation.type', 'agent', 'AGENT'],
    ['langfuse.observation.type', 'tool', 'TOOL'],
    ['langfuse.observation.type', 'chain', 'CHAIN'],
    ['langfuse.observation.type', 'retriever', 'RETRIEVER'],
    ['langfuse.observation.type', 'guardrail', 'GUARDRAIL'],
    ['langfuse.observation.type', 'evaluator', 'EVALUATOR'],
    ['langfuse.observation.type', 'GENERATION', 'SPAN'],
    ['langfuse.observation.type', 'constructor', 'SPAN'],
    ['langfuse.observation.type', '__proto__', 'SPAN'],
    ['langfuse.observation.type', ['tool'], 'TOOL'],
    ['openinference.span.kind', 'LLM', 'GENERATION'],
    ['openinference.span.kind', 'CHAIN', 'CHAIN'],
    ['openinference.span.kind', 'RETRIEVER', 'RETRIEVER'],
    ['openinference.span.kind', 'EMBEDDING', 'EMBEDDING'],
    ['openinference.span.kind', 'AGENT', 'AGENT'],
    ['openinference.span.kind', 'TOOL', 'TOOL'],
    ['openinference.span.kind', 'GUARDRAIL', 'GUARDRAIL'],
    ['openinference.span.kind', 'EVALUATOR', 'EVALUATOR'],
    ['openinference.span.kind', 'RERANKER', 'SPAN'],
    ['openinference.span.kind', 'llm', 'SPAN'],
    ['gen_ai.operation.name', 'chat', 'GENERATION'],
    ['gen_ai.operation.name', 'completion', 'GENERATION'],
    ['gen_ai.operation.name', 'text_completion', 'GENERATION'],
    ['gen_ai.operation.name', 'generate_content', 'GENERATION'],
    ['gen_ai.operation.name', 'generate', 'GENERATION'],
    ['gen_ai.operation.name', 'embeddings', 'EMBEDDING'],
    ['gen_ai.operation.name', 'invoke_agent', 'AGENT'],
    ['gen_ai.operation.name', 'create_agent', 'AGENT'],
    ['gen_ai.operation.name', 'execute_tool', 'TOOL'],
    ['gen_ai.operation.name', 'agent_step', 'SPAN'],
    ['genkit:metadata:subtype', 'model', 'GENERATION'],
    ['genkit:metadata:subtype', 'background-model', 'GENERATION'],
    ['genkit:metadata:subtype', 'embedder', 'EMBEDDING'],
    ['genkit:metadata:subtype', 'tool', 'TOOL'],
    ['genkit:metadata:subtype', 'tool.v2', 'TOOL'],
    ['genkit:metadata:subtype', 'retriever', 'RETRIEVER'],
    ['genkit:metadata:subtype', 'evaluator', 'EVALUATOR'],
    ['genkit:metadata:subtype', 'flow', 'SPAN'],
    ['traceloop.span.kind', 'tool', 'SPAN'],
    ['logfire.span_type', 'tool', 'SPAN'],
  ];
  test.each(rows)('%s = %p is %s', (key, value, type) => {
    expect(typeOf({ attributes: { [key]: value } })).toBe(type);
  });
});

describe('by the presence of an attribute', () => {
  test.each([
    ['gen_ai.tool.name', 'TOOL'],
    ['gen_ai.tool.call.id', 'TOOL'],
    ['flue.tool.name', 'TOOL'],
    ['flue.tool.call_id', 'TOOL'],
    ['flue.task.id', 'AGENT'],
    ['flue.task.agent', 'AGENT'],
    ['langfuse.observation.model.name', 'GENERATION'],
    ['gen_ai.request.model', 'GENERATION'],
    ['gen_ai.response.model', 'GENERATION'],
    ['llm.model_name', 'GENERATION'],
    ['model', 'GENERATION'],
    ['ai.model.id', 'SPAN'],
  ])('%s is %s', (key, type) => {
    expect(typeOf({ attributes: { [key]: 'x' } })).toBe(type);
    expect(typeOf({ attributes: { [key]: '' } })).toBe('SPAN');
    expect(typeOf({ resource: { [key]: 'x' }, scope: { name: 's', attributes: { [key]: 'x' } } })).toBe('SPAN');
  });
});

describe('Vercel AI SDK', () => {
  const rows: [name: string, attributes: Record<string, unknown>, type: string][] = [
    ['generateText', { 'ai.operationId': 'ai.generateText.doGenerate', 'ai.model.id': 'm' }, 'GENERATION'],
    ['streamText', { 'ai.operationId': 'ai.streamText.doStream', 'ai.model.id': 'm' }, 'GENERATION'],
    ['generateObject', { 'ai.operationId': 'ai.generateObject.doGenerate', 'ai.model.id': 'm' }, 'GENERATION'],
    ['streamObject', { 'ai.operationId': 'ai.streamObject.doStream', 'ai.model.id': 'm' }, 'GENERATION'],
    ['embed', { 'ai.operationId': 'ai.embed.doEmbed', 'ai.model.id': 'm' }, 'EMBEDDING'],
    ['embedMany', { 'ai.operationId': 'ai.embedMany.doEmbed', 'ai.model.id': 'm' }, 'EMBEDDING'],
    [
      'operation.name with the function id',
      { 'operation.name': 'ai.streamText.doStream my-fn', 'ai.model.id': 'm' },
      'GENERATION',
    ],
    ['ai.operationId must be exact', { 'ai.operationId': 'ai.streamText.doStream my-fn', 'ai.model.id': 'm' }, 'SPAN'],
    ['no model, no generation', { 'ai.operationId': 'ai.streamText.doStream' }, 'SPAN'],
    ['the outer operation', { 'ai.operationId': 'ai.streamText', 'ai.model.id': 'm' }, 'SPAN'],
    ['tool call', { 'ai.operationId': 'ai.toolCall' }, 'TOOL'],
    ['tool call by operation.name', { 'operation.name': 'ai.toolCall my-fn' }, 'TOOL'],
    ['names that are no strings', { 'operation.name': 5, 'ai.operationId': ['ai.toolCall'], model: 'm' }, 'GENERATION'],
  ];
  test.each(rows)('%s', (_name, attributes, type) => {
    expect(typeOf({ attributes })).toBe(type);
  });
});

test.each(['langfuse.observation.model.name', 'ai.model.id', 'gen_ai.request.model', 'gen_ai.response.model'])(
  'a model call of the AI SDK is known by %s',
  (key) => {
    expect(typeOf({ attributes: { 'ai.operationId': 'ai.embed.doEmbed', [key]: 'm' } })).toBe('EMBEDDING');
    expect(typeOf({ attributes: { 'ai.operationId': 'ai.embed.doEmbed', [key]: '' } })).toBe('SPAN');
  },
);

describe('LiveKit', () => {
  test.each([
    ['agent_turn', 'AGENT'],
    ['start_agent_activity', 'AGENT'],
    ['function_tool', 'TOOL'],
    ['other', 'SPAN'],
  ])('span %s is %s', (name, type) => {
    expect(typeOf({ name, scope: { name: 'livekit-agents' } })).toBe(type);
    expect(typeOf({ name, scope: { name: 'other' } })).toBe('SPAN');
  });
});

describe('the early Langfuse SDK for Python', () => {
  const python = { 'telemetry.sdk.language': 'python' };
  const span = { 'langfuse.observation.type': 'span' };
  test.each([
    'langfuse.observation.model.name',
    'langfuse.observation.cost_details',
    'langfuse.observation.usage_details',
    'langfuse.observation.completion_start_time',
    'langfuse.observation.model.parameters',
    'langfuse.observation.prompt.name',
    'langfuse.observation.prompt.version',
  ])('a span with %s is a generation', (key) => {
    const attributes = { ...span, [key]: '' };
    expect(typeOf({ attributes, resource: python, scope: { name: 'langfuse-sdk', version: '3.3.0' } })).toBe(
      'GENERATION',
    );
  });

  const attributes = { ...span, 'langfuse.observation.model.name': 'm' };
  test.each([
    [
      'version 2.60',
      { attributes, resource: python, scope: { name: 'langfuse-sdk', version: '2.60.1' } },
      'GENERATION',
    ],
    ['no version', { attributes, resource: python, scope: { name: 'langfuse-sdk' } }, 'GENERATION'],
    ['version 3.4', { attributes, resource: python, scope: { name: 'langfuse-sdk', version: '3.4.0' } }, 'SPAN'],
    ['version 4', { attributes, resource: python, scope: { name: 'langfuse-sdk', version: '4.0.0' } }, 'SPAN'],
    ['another language', { attributes, scope: { name: 'langfuse-sdk', version: '3.3.0' } }, 'SPAN'],
    ['another scope', { attributes, resource: python, scope: { name: 'x', version: '3.3.0' } }, 'SPAN'],
    ['no generation attribute', { attributes: span, resource: python, scope: { name: 'langfuse-sdk' } }, 'SPAN'],
  ])('%s', (_name, given: SpanGiven, type) => {
    expect(typeOf(given)).toBe(type);
  });
});

/** One attribute set per rule, in the order of the rules; each must win over all that follow. */
describe('the first rule with an opinion wins', () => {
  const rules: [name: string, attributes: Record<string, unknown>, type: string][] = [
    ['langfuse.observation.type', { 'langfuse.observation.type': 'evaluator' }, 'EVALUATOR'],
    ['openinference.span.kind', { 'openinference.span.kind': 'GUARDRAIL' }, 'GUARDRAIL'],
    ['gen_ai.operation.name', { 'gen_ai.operation.name': 'create_agent' }, 'AGENT'],
    ['genkit:metadata:subtype', { 'genkit:metadata:subtype': 'retriever' }, 'RETRIEVER'],
    ['AI SDK model call', { 'operation.name': 'ai.embed.doEmbed', 'ai.model.id': 'm' }, 'EMBEDDING'],
    ['gen_ai.tool.name', { 'gen_ai.tool.name': 't' }, 'TOOL'],
    ['flue.task.id', { 'flue.task.id': 't' }, 'AGENT'],
    ['LiveKit span name', {}, 'TOOL'],
    ['model', { model: 'm' }, 'GENERATION'],
  ];
  test.each(rules.map(([name, , type], at): [string, string, number] => [name, type, at]))('%s', (_name, type, at) => {
    const attributes = Object.assign({}, ...rules.slice(at).map(([, each]) => each));
    const isLiveKit = at <= rules.findIndex(([name]) => name === 'LiveKit span name');
    expect(typeOf({ name: 'function_tool', scope: { name: isLiveKit ? 'livekit-agents' : 'x' }, attributes })).toBe(
      type,
    );
  });

  test('a rule without an opinion passes to the next one', () => {
    const attributes = { 'langfuse.observation.type': 'nonsense', 'openinference.span.kind': 'RERANKER', model: 'm' };
    expect(typeOf({ attributes })).toBe('GENERATION');
  });

  test('a tool call of Flue comes before its task, and of the AI SDK before both', () => {
    expect(typeOf({ attributes: { 'flue.task.id': 't', 'flue.tool.name': 'n' } })).toBe('TOOL');
    expect(typeOf({ attributes: { 'ai.operationId': 'ai.toolCall', 'flue.task.id': 't' } })).toBe('TOOL');
  });
});
