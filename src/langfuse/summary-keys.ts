import { ENVIRONMENT_KEYS } from './observation/environment';
import {
  LAST_TAGS_KEY,
  PUBLIC_KEYS,
  RELEASE_KEY,
  SESSION_ID_KEYS,
  TAGS_KEYS,
  TRACE_NAME_KEY,
  USER_ID_KEYS,
  VERSION_KEY,
} from './observation/observation-fields';

/**
 * Attributes that say what an observation is, how much it took and whose it is: what `summarise` reads, but for what may hold
 * prompts and answers (parameters, Logfire's message, the provider's metadata, a framework's whole output). Without those, tokens of Genkit, of
 * Vertex AI's cache and of the AI SDK's details are not known, nor are status messages, nor parameters.
 */
export const SUMMARY_KEYS: readonly string[] = [
  ...USER_ID_KEYS,
  ...SESSION_ID_KEYS,
  ...TAGS_KEYS,
  ...PUBLIC_KEYS,
  ...ENVIRONMENT_KEYS,
  ...[LAST_TAGS_KEY, TRACE_NAME_KEY, VERSION_KEY, RELEASE_KEY],
  'langfuse.observation.type',
  'langfuse.observation.level',
  'langfuse.internal.is_app_root',
  'openinference.span.kind',
  'operation.name',
  'gen_ai.operation.name',
  'ai.operationId',
  'ai.telemetry.functionId',
  'ai.toolCall.name',
  'genkit:metadata:subtype',
  'genkit:name',
  'gen_ai.tool.name',
  'gen_ai.tool.call.id',
  'flue.tool.name',
  'flue.tool.call_id',
  'flue.task.id',
  'flue.task.agent',
  'langfuse.observation.model.name',
  'gen_ai.response.model',
  'gen_ai.request.model',
  'ai.model.id',
  'llm.response.model',
  'llm.model_name',
  'model',
  'langfuse.observation.usage_details',
  'langfuse.observation.cost_details',
  'llm.cost.total',
  'ai.usage.tokens',
  'ai.usage.cachedInputTokens',
  'ai.usage.reasoningTokens',
  'langfuse.observation.completion_start_time',
  'ai.response.msToFirstChunk',
  'ai.stream.msToFirstChunk',
  'langfuse.observation.prompt.name',
  'langfuse.observation.prompt.version',
  'langfuse.prompt.name',
  'langfuse.prompt.version',
];

/** All with such a beginning that are numbers; the amount of money is among them. */
export const SUMMARY_PREFIXES: readonly string[] = ['gen_ai.usage.', 'llm.token_count.'];
