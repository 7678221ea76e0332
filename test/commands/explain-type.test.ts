import type { ObservationType } from '../../src/langfuse/observation/observation-type';
import { explainsRows, type GivenSpan, having, type Row } from './explain-runs';

const each = (key: string, types: Record<string, ObservationType>): Row[] =>
  Object.entries(types).map(([value, type]) => [`${key}=${value}`, having({ [key]: value }), { type }]);

const typed = (row: string, span: GivenSpan, type: ObservationType): Row => [row, span, { type }];

const model = { 'gen_ai.request.model': 'm' };
const python = { 'telemetry.sdk.language': 'python' };

describe('the type of an observation, by priority', () => {
  explainsRows([
    typed(
      '0: a generation of an early Langfuse SDK for Python',
      having(
        { 'langfuse.observation.type': 'span', 'langfuse.observation.model.name': 'm' },
        { scope: { name: 'langfuse-sdk', version: '3.3.0' }, resource: python },
      ),
      'GENERATION',
    ),
    typed(
      '0: a span of a later one',
      having(
        { 'langfuse.observation.type': 'span', 'langfuse.observation.model.name': 'm' },
        { scope: { name: 'langfuse-sdk', version: '3.4.0' }, resource: python },
      ),
      'SPAN',
    ),
    ...each('langfuse.observation.type', {
      span: 'SPAN',
      generation: 'GENERATION',
      event: 'EVENT',
      embedding: 'EMBEDDING',
      agent: 'AGENT',
      tool: 'TOOL',
      chain: 'CHAIN',
      retriever: 'RETRIEVER',
      guardrail: 'GUARDRAIL',
      evaluator: 'EVALUATOR',
      GENERATION: 'SPAN',
    }),
    ...each('openinference.span.kind', {
      LLM: 'GENERATION',
      CHAIN: 'CHAIN',
      RETRIEVER: 'RETRIEVER',
      EMBEDDING: 'EMBEDDING',
      AGENT: 'AGENT',
      TOOL: 'TOOL',
      GUARDRAIL: 'GUARDRAIL',
      EVALUATOR: 'EVALUATOR',
      RERANKER: 'SPAN',
      llm: 'SPAN',
    }),
    ...each('gen_ai.operation.name', {
      chat: 'GENERATION',
      completion: 'GENERATION',
      text_completion: 'GENERATION',
      generate_content: 'GENERATION',
      generate: 'GENERATION',
      embeddings: 'EMBEDDING',
      invoke_agent: 'AGENT',
      create_agent: 'AGENT',
      execute_tool: 'TOOL',
    }),
    ...each('genkit:metadata:subtype', {
      model: 'GENERATION',
      'background-model': 'GENERATION',
      embedder: 'EMBEDDING',
      tool: 'TOOL',
      'tool.v2': 'TOOL',
      retriever: 'RETRIEVER',
      evaluator: 'EVALUATOR',
    }),
    ...['generateText.doGenerate', 'streamText.doStream', 'generateObject.doGenerate', 'streamObject.doStream'].map(
      (name) =>
        typed(
          `5: operation.name begins with ai.${name}`,
          having({ 'operation.name': `ai.${name} my-function`, 'ai.model.id': 'm', ...model }),
          'GENERATION',
        ),
    ),
    ...['ai.embed.doEmbed', 'ai.embedMany.doEmbed'].map((name) =>
      typed(`5: ai.operationId=${name}`, having({ 'ai.operationId': name, ...model }), 'EMBEDDING'),
    ),
    typed('5: without a model', having({ 'ai.operationId': 'ai.embed.doEmbed' }), 'SPAN'),
    typed('6: a tool call of the Vercel AI SDK', having({ 'ai.operationId': 'ai.toolCall' }), 'TOOL'),
    typed('7: gen_ai.tool.name', having({ 'gen_ai.tool.name': 't' }), 'TOOL'),
    typed('7: gen_ai.tool.call.id', having({ 'gen_ai.tool.call.id': 'c' }), 'TOOL'),
    typed('8: a tool of Flue', having({ 'flue.tool.name': 't' }), 'TOOL'),
    typed('8: a task of Flue', having({ 'flue.task.id': 't' }), 'AGENT'),
    ...Object.entries({ agent_turn: 'AGENT', start_agent_activity: 'AGENT', function_tool: 'TOOL' } as const).map(
      ([name, type]) => typed(`9: ${name} of LiveKit`, { name, scope: { name: 'livekit-agents' } }, type),
    ),
    ...[
      'langfuse.observation.model.name',
      'gen_ai.request.model',
      'gen_ai.response.model',
      'llm.model_name',
      'model',
    ].map((key) => typed(`10: ${key}`, having({ [key]: 'm' }), 'GENERATION')),
    typed('nothing of it', having({ 'traceloop.span.kind': 'agent', 'logfire.msg': 'm' }), 'SPAN'),
    typed(
      'resource and scope do not count',
      { resource: model, scope: { name: 'lib', attributes: { 'langfuse.observation.type': 'tool' } } },
      'SPAN',
    ),
    typed('1 before 2', having({ 'openinference.span.kind': 'TOOL', 'langfuse.observation.type': 'chain' }), 'CHAIN'),
    typed('2 before 3', having({ 'gen_ai.operation.name': 'chat', 'openinference.span.kind': 'TOOL' }), 'TOOL'),
    typed('3 before 10', having({ 'gen_ai.operation.name': 'embeddings', ...model }), 'EMBEDDING'),
  ]);
});
