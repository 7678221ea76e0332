import { parseJson } from './json';
import type { Attributes, SpanReading } from './span-reading';

/** Input and output of Flue's spans. */
export const FLUE_KEYS = [
  'flue.turn.input',
  'flue.turn.output',
  'flue.tool.arguments',
  'flue.tool.result',
  'flue.task.prompt',
  'flue.task.result',
  'flue.operation.result',
  'flue.workflow.payload',
  'flue.workflow.result',
];

/** Attributes that Langfuse takes for a side of input or output, and removes even where another source won. */
const INPUT_OUTPUT_KEYS = new Set([
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
  ...FLUE_KEYS,
]);

/** Removed as well: messages in dotted keys, and what becomes metadata of its own. There is no dot at the end. */
const REMOVED_PREFIXES = [
  'gen_ai.prompt',
  'gen_ai.completion',
  'llm.input_messages',
  'llm.output_messages',
  'langfuse.trace.metadata',
  'langfuse.observation.metadata',
  'ai.telemetry.metadata',
];

const SHARED_METADATA_KEY = 'langfuse.metadata';
const AI_SDK_METADATA_KEY = 'ai.telemetry.metadata';

/** These have fields of their own. */
const AI_SDK_FIELD_KEYS = new Set(
  ['userId', 'sessionId', 'tags', 'langfusePrompt'].map((field) => `${AI_SDK_METADATA_KEY}.${field}`),
);

/**
 * Metadata before it is flattened: three blocks of Langfuse's own, over them what the sender set for the observation,
 * over that what it set for the trace. Spans of a Langfuse SDK have no block of attributes.
 */
export function metadataOf({ attributes, resourceAttributes, scope }: SpanReading): Record<string, unknown> {
  const isLangfuseSdk = scope.name.startsWith('langfuse-sdk');
  const blocks: [string, unknown][] = [
    ...(isLangfuseSdk ? [] : [['attributes', remainingAttributes(attributes)] as [string, unknown]]),
    ['resourceAttributes', Object.fromEntries(resourceAttributes)],
    ['scope', scopeBlock(scope)],
  ];
  return Object.fromEntries([
    ...blocks,
    ...senderMetadata(attributes, 'langfuse.observation.metadata'),
    ...senderMetadata(attributes, 'langfuse.trace.metadata'),
  ]);
}

function remainingAttributes(attributes: Attributes): Record<string, unknown> {
  const remaining = [...attributes].filter(
    ([key]) => !INPUT_OUTPUT_KEYS.has(key) && !REMOVED_PREFIXES.some((prefix) => key.startsWith(prefix)),
  );
  return Object.fromEntries(
    remaining.map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** A view cannot tell an empty name from one that was not sent; a sender that wrote an empty version wrote both. */
function scopeBlock({ name, version, attributes }: SpanReading['scope']): Record<string, unknown> {
  return {
    ...(name === '' && version !== '' ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    attributes: Object.fromEntries(attributes),
  };
}

/** The JSON object under the key itself, and over it what dotted keys say; the AI SDK's metadata counts for both. */
function senderMetadata(attributes: Attributes, key: string): Map<string, unknown> {
  const metadata = new Map(Object.entries(metadataObject(attributes.get(key) || attributes.get(SHARED_METADATA_KEY))));
  for (const [attributeKey, value] of attributes) {
    if (AI_SDK_FIELD_KEYS.has(attributeKey)) continue;
    for (const prefix of [key, SHARED_METADATA_KEY, AI_SDK_METADATA_KEY]) {
      const name = attributeKey.startsWith(`${prefix}.`) ? attributeKey.slice(prefix.length + 1) : '';
      // Langfuse puts them into a plain object, where `__proto__` makes no property.
      if (name !== '' && name !== '__proto__') metadata.set(name, value);
    }
  }
  return metadata;
}

/** Lost where it is neither an object nor a list, nor the JSON of one. */
function metadataObject(value: unknown): object {
  const metadata = typeof value === 'string' ? parseJson(value) : value;
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}
