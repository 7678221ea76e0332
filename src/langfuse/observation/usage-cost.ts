import { aiSdkUsage } from './ai-sdk-usage';
import { firstPresent } from './attribute-lookup';
import { genericUsage, vertexUsage } from './generic-usage';
import { isRecord, member, numberOf, parseJson, parsePayload } from './json';
import { isAgentOperation } from './model';
import type { Attributes, SpanReading } from './span-reading';
import { usageDetails } from './usage-details';

/** In order; `undefined` goes on to the next source (Langfuse: `extractUsageDetails`). */
const USAGE_SOURCES: readonly ((span: SpanReading) => Record<string, unknown> | undefined)[] = [
  ({ attributes }) => jsonObject(attributes, 'langfuse.observation.usage_details'),
  ({ attributes, scope }) => (scope.name === 'genkit-tracer' ? genkitUsage(attributes) : undefined),
  ({ attributes, scope }) => (scope.name === 'ai' ? aiSdkUsage(attributes) : undefined),
  ({ attributes, scope }) => (scope.name === 'gcp.vertex.agent' ? vertexUsage(attributes) : undefined),
  ({ attributes }) => genericUsage(attributes),
];

/** Tokens as provided, by kind; what Langfuse adds from its price table is not known here. Null where there are none. */
export function usageOf(span: SpanReading): Record<string, number> | null {
  if (isAgentOperation(span)) return null;
  for (const source of USAGE_SOURCES) {
    const found = source(span);
    if (found !== undefined) return usageDetails(found);
  }
  return null;
}

/** US dollars as provided, by kind. Null where there are none. */
export function costOf(span: SpanReading): Record<string, number> | null {
  if (isAgentOperation(span)) return null;
  const details = jsonObject(span.attributes, 'langfuse.observation.cost_details') ?? totalCost(span.attributes);
  const costs = Object.entries(details).map(([kind, cost]): [string, number] => [kind, decimal(cost)]);
  return costs.length === 0 ? null : Object.fromEntries(costs);
}

function totalCost(attributes: Attributes): Record<string, unknown> {
  for (const key of ['gen_ai.usage.cost', 'llm.cost.total']) {
    const total = firstPresent(attributes, [key]);
    if (total !== undefined && total !== '') return { total };
  }
  return {};
}

/** Of the column, which holds six digits before the point. */
const COST_LIMIT = 1e6;
const COST_MAX = 999_999.999_999;

/** What is no number, a decimal as text included, is stored as 0 (Langfuse: ClickhouseWriter, `clampDecimal64Value`). */
function decimal(cost: unknown): number {
  if (typeof cost !== 'number' || !Number.isFinite(cost)) return 0;
  return Math.abs(cost) < COST_LIMIT ? cost : Math.sign(cost) * COST_MAX;
}

/**
 * An attribute that should be the text of a JSON object. Unset or no JSON: `undefined`, and the search goes on; anything
 * else that is no such text: an empty object, and the search ends.
 */
function jsonObject(attributes: Attributes, key: string): Record<string, unknown> | undefined {
  const value = attributes.get(key);
  if (!value) return undefined;
  if (typeof value !== 'string') return {};
  const parsed = parseJson(value);
  if (parsed === undefined) return undefined;
  return isRecord(parsed) ? parsed : {};
}

/** Genkit counts the model's thoughts among its output. */
function genkitUsage(attributes: Attributes): Record<string, unknown> | undefined {
  const usage = member(parsePayload(attributes.get('genkit:output')), 'usage');
  if (!usage) return undefined;
  const [input, output] = [member(usage, 'inputTokens'), member(usage, 'outputTokens')];
  const [total, thoughts] = [member(usage, 'totalTokens'), member(usage, 'thoughtsTokens')];
  return {
    ...(input ? { input } : {}),
    ...(output ? { output: Math.max(numberOf(output) - numberOf(thoughts ?? 0), 0) } : {}),
    ...(total ? { total } : {}),
    ...(thoughts ? { output_reasoning: thoughts } : {}),
  };
}
