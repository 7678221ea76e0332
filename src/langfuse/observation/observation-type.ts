import { isMeaningful } from './attribute-lookup';
import type { PlainValue } from './plain-value';
import type { Attributes, SpanReading } from './span-reading';

export type ObservationType =
  | 'SPAN'
  | 'EVENT'
  | 'GENERATION'
  | 'AGENT'
  | 'TOOL'
  | 'CHAIN'
  | 'RETRIEVER'
  | 'EVALUATOR'
  | 'EMBEDDING'
  | 'GUARDRAIL';

/** The type that the first rule with an opinion gives, else SPAN (Langfuse: ObservationTypeMapper.ts). */
export function observationType(span: SpanReading): ObservationType {
  for (const { typeOf } of TYPE_RULES) {
    const type = typeOf(span);
    if (type !== undefined) return type;
  }
  return 'SPAN';
}

interface TypeRule {
  readonly name: string;
  readonly typeOf: (span: SpanReading) => ObservationType | undefined;
}

const GENERATION_OPERATIONS = [
  'ai.generateText.doGenerate',
  'ai.streamText.doStream',
  'ai.generateObject.doGenerate',
  'ai.streamObject.doStream',
];
const EMBEDDING_OPERATIONS = ['ai.embedMany.doEmbed', 'ai.embed.doEmbed'];

/** In order; the comments give the priorities of Langfuse's mappers. Values are compared case-sensitively. */
const TYPE_RULES: readonly TypeRule[] = [
  { name: 'generation of an early Langfuse SDK for Python', typeOf: earlyPythonGeneration }, // 0
  // 1
  byValue('langfuse.observation.type', {
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
  }),
  // 2
  byValue('openinference.span.kind', {
    LLM: 'GENERATION',
    CHAIN: 'CHAIN',
    RETRIEVER: 'RETRIEVER',
    EMBEDDING: 'EMBEDDING',
    AGENT: 'AGENT',
    TOOL: 'TOOL',
    GUARDRAIL: 'GUARDRAIL',
    EVALUATOR: 'EVALUATOR',
  }),
  // 3
  byValue('gen_ai.operation.name', {
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
  // 4
  byValue('genkit:metadata:subtype', {
    model: 'GENERATION',
    'background-model': 'GENERATION',
    embedder: 'EMBEDDING',
    tool: 'TOOL',
    'tool.v2': 'TOOL',
    retriever: 'RETRIEVER',
    evaluator: 'EVALUATOR',
  }),
  { name: 'model call of the Vercel AI SDK', typeOf: aiSdkModelCall }, // 5
  { name: 'tool call of the Vercel AI SDK', typeOf: aiSdkToolCall }, // 6
  byAnyOf('TOOL', ['gen_ai.tool.name', 'gen_ai.tool.call.id']), // 7
  byAnyOf('TOOL', ['flue.tool.name', 'flue.tool.call_id']), // 8
  byAnyOf('AGENT', ['flue.task.id', 'flue.task.agent']),
  // 9
  bySpanName('livekit-agents', { agent_turn: 'AGENT', start_agent_activity: 'AGENT', function_tool: 'TOOL' }),
  // 10
  byAnyOf('GENERATION', [
    'langfuse.observation.model.name',
    'gen_ai.request.model',
    'gen_ai.response.model',
    'llm.model_name',
    'model',
  ]),
];

function byValue(key: string, types: Record<string, ObservationType>): TypeRule {
  const byText = new Map(Object.entries(types));
  return { name: key, typeOf: ({ attributes }) => byText.get(String(attributes.get(key))) };
}

function byAnyOf(type: ObservationType, keys: readonly string[]): TypeRule {
  return {
    name: keys.join(' or '),
    typeOf: ({ attributes }) => (keys.some((key) => isMeaningful(attributes.get(key))) ? type : undefined),
  };
}

function bySpanName(scopeName: string, types: Record<string, ObservationType>): TypeRule {
  const byName = new Map(Object.entries(types));
  return { name: scopeName, typeOf: ({ scope, name }) => (scope.name === scopeName ? byName.get(name) : undefined) };
}

const EARLY_PYTHON_GENERATION_KEYS = [
  'langfuse.observation.model.name',
  'langfuse.observation.cost_details',
  'langfuse.observation.usage_details',
  'langfuse.observation.completion_start_time',
  'langfuse.observation.model.parameters',
  'langfuse.observation.prompt.name',
  'langfuse.observation.prompt.version',
];

/** Langfuse's SDK for Python up to 3.3 called every observation a span (langfuse/langfuse#8682). */
function earlyPythonGeneration({ attributes, resourceAttributes, scope }: SpanReading): ObservationType | undefined {
  if (attributes.get('langfuse.observation.type') !== 'span' || scope.name !== 'langfuse-sdk') return undefined;
  if (resourceAttributes.get('telemetry.sdk.language') !== 'python') return undefined;
  const [major = Number.NaN, minor = Number.NaN] = (scope.version ?? '').split('.').map(Number);
  if (major > 3 || (major === 3 && minor > 3)) return undefined;
  return EARLY_PYTHON_GENERATION_KEYS.some((key) => attributes.has(key)) ? 'GENERATION' : undefined;
}

const AI_SDK_MODEL_KEYS = [
  'langfuse.observation.model.name',
  'ai.model.id',
  'gen_ai.request.model',
  'gen_ai.response.model',
];

function aiSdkModelCall({ attributes }: SpanReading): ObservationType | undefined {
  if (!AI_SDK_MODEL_KEYS.some((key) => isMeaningful(attributes.get(key)))) return undefined;
  if (isAiSdkOperation(attributes, GENERATION_OPERATIONS)) return 'GENERATION';
  return isAiSdkOperation(attributes, EMBEDDING_OPERATIONS) ? 'EMBEDDING' : undefined;
}

function aiSdkToolCall({ attributes }: SpanReading): ObservationType | undefined {
  if (isAiSdkOperation(attributes, [...GENERATION_OPERATIONS, ...EMBEDDING_OPERATIONS])) return undefined;
  return isAiSdkOperation(attributes, ['ai.toolCall']) ? 'TOOL' : undefined;
}

/**
 * `operation.name` may have the function's id behind the operation, `ai.operationId` may not. Values that are no strings
 * match nothing here; Langfuse stumbles over them and loses the batch.
 */
function isAiSdkOperation(attributes: Attributes, operations: readonly string[]): boolean {
  const name: PlainValue | undefined = attributes.get('operation.name');
  if (typeof name === 'string' && operations.some((operation) => name.startsWith(operation))) return true;
  const id = attributes.get('ai.operationId');
  return typeof id === 'string' && operations.includes(id);
}
