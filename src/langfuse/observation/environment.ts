import { isRecord, member, parsePayload } from './json';
import type { SpanReading } from './span-reading';

export const DEFAULT_ENVIRONMENT = 'default';
const LENGTH_MAX = 40;
const LLM_JUDGE_ENVIRONMENT = 'langfuse-llm-as-a-judge';

/** In order; each key is looked for on the span, then on the resource, before the next one. */
export const ENVIRONMENT_KEYS = ['langfuse.environment', 'deployment.environment.name', 'deployment.environment'];

/** The environment as Langfuse stores it for public keys (OtelIngestionProcessor.ts `extractEnvironment`). */
export function environmentOf({ attributes, resourceAttributes }: SpanReading): string {
  for (const key of ENVIRONMENT_KEYS) {
    const value = attributes.get(key) || resourceAttributes.get(key);
    if (value) return normalisedEnvironment(value);
  }
  return isFailedJudgeOfOpenRouter({ attributes, resourceAttributes })
    ? normalisedEnvironment(LLM_JUDGE_ENVIRONMENT)
    : DEFAULT_ENVIRONMENT;
}

/** Lower case, without the reserved prefix, at most 40 characters of a-z, 0-9, - and _; else `default`. */
export function normalisedEnvironment(value: unknown): string {
  if (typeof value !== 'string') return DEFAULT_ENVIRONMENT;
  const name = value
    .toLowerCase()
    .replace(/^(?:langfuse[-_]?)+/, '')
    .slice(0, LENGTH_MAX);
  return /^[a-z0-9_-]+$/.test(name) ? name : DEFAULT_ENVIRONMENT;
}

/** OpenRouter forgets the trace's environment when a request fails, but repeats the request in its completion. */
function isFailedJudgeOfOpenRouter(span: Pick<SpanReading, 'attributes' | 'resourceAttributes'>): boolean {
  if (span.resourceAttributes.get('service.name') !== 'openrouter') return false;
  if (span.attributes.get('openrouter.source') !== 'openrouter') return false;
  const completion = parsePayload(span.attributes.get('gen_ai.completion'));
  if (!isRecord(completion) || member(completion, 'completion') !== null) return false;
  const trace = member(member(completion, 'rawRequest'), 'trace');
  return member(trace, 'environment') === LLM_JUDGE_ENVIRONMENT;
}
