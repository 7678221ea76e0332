import { firstFilledText, firstKept } from './attribute-lookup';
import { isRecord, member, parseIfJson, parseJson, parsePayload } from './json';
import type { Attributes, SpanReading } from './span-reading';

/** Sent as JSON, they may be anything; sent as attributes, they are a record of texts and numbers. */
export type ModelParameters = Record<string, string | number | null> | string | number | boolean;

const MODEL_NAME_KEYS = [
  'langfuse.observation.model.name',
  'gen_ai.response.model',
  'ai.model.id',
  'gen_ai.request.model',
  'llm.response.model',
  'llm.model_name',
  'model',
];

const AGENT_OPERATIONS = new Set(['invoke_agent', 'agent_step']);

/**
 * Such a span repeats in sum what its model calls report one by one, so Langfuse takes neither model nor usage nor cost
 * from it.
 */
export function isAgentOperation({ attributes }: SpanReading): boolean {
  const operation = attributes.get('gen_ai.operation.name');
  return typeof operation === 'string' && AGENT_OPERATIONS.has(operation);
}

export function modelOf(span: SpanReading): string | null {
  if (isAgentOperation(span)) return null;
  const isGenkitModel = span.attributes.get('genkit:metadata:subtype') === 'model';
  return firstFilledText(span.attributes, isGenkitModel ? [...MODEL_NAME_KEYS, 'genkit:name'] : MODEL_NAME_KEYS);
}

/** In order; `undefined` goes on to the next source (Langfuse: `extractModelParameters`). */
const PARAMETER_SOURCES: readonly ((span: SpanReading) => unknown)[] = [
  ({ attributes, scope }) => (scope.name === 'ai' ? undefined : explicitParameters(attributes)),
  ({ attributes, scope }) => (scope.name === 'genkit-tracer' ? genkitParameters(attributes) : undefined),
  ({ attributes, scope }) => (scope.name === 'ai' ? aiSdkParameters(attributes) : undefined),
  ({ attributes }) => jsonParameters(attributes, 'llm.invocation_parameters'),
  ({ attributes }) => jsonParameters(attributes, 'model_config'),
  ({ attributes }) => prefixedParameters(attributes),
];

/** Null where there are none. */
export function modelParametersOf(span: SpanReading): ModelParameters | null {
  for (const source of PARAMETER_SOURCES) {
    const found = source(span);
    // A JSON text inside the JSON is read as well.
    if (found !== undefined) return found ? stored(parseIfJson(found)) : null;
  }
  return null;
}

const stored = (parameters: unknown) =>
  isRecord(parameters) && Object.keys(parameters).length === 0 ? null : (parameters as ModelParameters);

/** Only what is true counts: `null`, `0` and `""` as JSON set nothing. */
function explicitParameters(attributes: Attributes): unknown {
  return jsonParameters(attributes, 'langfuse.observation.model.parameters') || undefined;
}

function genkitParameters(attributes: Attributes): unknown {
  const ofInput = member(parsePayload(attributes.get('genkit:input')), 'config') ?? undefined;
  const request = member(parsePayload(attributes.get('genkit:output')), 'request');
  const config = ofInput ?? member(request, 'config');
  return config ? sanitised(config) : undefined;
}

/** Parameter and attributes, in order, of the AI SDK's scope `ai`. All nine are stored, absent ones as null. */
const AI_SDK_PARAMETERS: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['maxSteps', ['ai.settings.maxSteps']],
  ['toolChoice', ['ai.prompt.toolChoice']],
  ['maxTokens', ['gen_ai.request.max_tokens']],
  ['finishReason', ['gen_ai.response.finish_reasons', 'gen_ai.finishReason']],
  ['system', ['gen_ai.system', 'ai.model.provider']],
  ['maxRetries', ['ai.settings.maxRetries']],
  ['mode', ['ai.settings.mode']],
  ['temperature', ['gen_ai.request.temperature']],
  ['service_tier', ['gen_ai.request.service_tier']],
];

function aiSdkParameters(attributes: Attributes): unknown {
  const parameters = AI_SDK_PARAMETERS.map(([name, keys]) => [name, firstKept(attributes, keys)?.toString() ?? null]);
  const tier = member(member(parsePayload(attributes.get('ai.response.providerMetadata')), 'openai'), 'serviceTier');
  return {
    ...Object.fromEntries(parameters),
    ...(typeof tier === 'string' ? { service_tier: tier } : {}),
    // Whatever the JSON holds is spread, as Langfuse does: of a text that is its characters.
    ...(explicitParameters(attributes) as object | undefined),
  };
}

function jsonParameters(attributes: Attributes, key: string): unknown {
  const value = attributes.get(key);
  return value ? sanitised(parseJson(value)) : undefined;
}

const PARAMETER_PREFIXES = ['gen_ai.request.', 'llm.invocation_parameters.'];

function prefixedParameters(attributes: Attributes): unknown {
  const parameters = new Map<string, unknown>();
  for (const prefix of PARAMETER_PREFIXES) {
    for (const [key, value] of attributes) {
      if (key.startsWith(prefix)) parameters.set(key.slice(prefix.length), value);
    }
  }
  // The model has a field of its own; an assignment to `__proto__` makes no property at Langfuse.
  parameters.delete('model');
  parameters.delete('__proto__');
  return sanitised(Object.fromEntries(parameters));
}

/** Values are texts or numbers; everything else is stored as its JSON. */
function sanitised(parameters: unknown): unknown {
  if (typeof parameters !== 'object' || parameters === null) return parameters;
  const isKept = (value: unknown) => typeof value === 'string' || typeof value === 'number';
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [key, isKept(value) ? value : JSON.stringify(value)]),
  );
}
