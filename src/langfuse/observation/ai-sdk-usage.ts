import { firstKept } from './attribute-lookup';
import { member, numberOf, parseJson } from './json';
import type { Attributes } from './span-reading';

/** Kinds of tokens and, in order, the attributes that count them. */
const COUNTS: readonly (readonly [kind: string, keys: readonly string[]])[] = [
  ['input', ['gen_ai.usage.prompt_tokens', 'gen_ai.usage.input_tokens']],
  ['output', ['gen_ai.usage.completion_tokens', 'gen_ai.usage.output_tokens']],
  ['total', ['ai.usage.tokens']],
];

const DETAILS: readonly (readonly [kind: string, key: string])[] = [
  ['input_cached_tokens', 'ai.usage.cachedInputTokens'],
  ['output_reasoning_tokens', 'ai.usage.reasoningTokens'],
];

type Fields = readonly (readonly [kind: string, field: string])[];

const OPENAI_FIELDS: Fields = [
  ['input_cached_tokens', 'cachedPromptTokens'],
  ['accepted_prediction_tokens', 'acceptedPredictionTokens'],
  ['rejected_prediction_tokens', 'rejectedPredictionTokens'],
  ['output_reasoning_tokens', 'reasoningTokens'],
];

const ANTHROPIC_FIELDS: Fields = [
  ['input_cache_creation', 'cache_creation_input_tokens'],
  ['input_cached_tokens', 'cache_read_input_tokens'],
];

const ANTHROPIC_CACHE_CREATION_FIELDS: Fields = [
  ['input_cache_creation_5m', 'ephemeral_5m_input_tokens'],
  ['input_cache_creation_1h', 'ephemeral_1h_input_tokens'],
];

const BEDROCK_FIELDS: Fields = [
  ['input_cache_read', 'cacheReadInputTokens'],
  ['input_cache_write', 'cacheWriteInputTokens'],
  ['input_cache_creation', 'cacheCreationInputTokens'],
];

/** Kinds that the AI SDK counts in its input and output as well. */
const INCLUDED_IN_INPUT = [
  'input_cached_tokens',
  'input_cache_creation',
  'input_cache_creation_5m',
  'input_cache_creation_1h',
  'input_cache_read',
];
const INCLUDED_IN_OUTPUT = ['output_reasoning_tokens'];

type Usage = Map<string, unknown>;

/** Thrown by a step that cannot read what it finds, where Langfuse gives the whole reading up. */
class Unreadable extends Error {}

/**
 * Usage of a span of the Vercel AI SDK (scope `ai`): always with input and output, 0 where nothing was counted.
 * `undefined` where a detail or the provider's metadata cannot be read: Langfuse then reads the generic attributes.
 */
export function aiSdkUsage(attributes: Attributes): Record<string, unknown> | undefined {
  const usage: Usage = new Map();
  try {
    for (const [kind, keys] of COUNTS) readCount(usage, kind, firstKept(attributes, keys));
    for (const [kind, key] of DETAILS) readDetail(usage, kind, attributes.get(key));
    readProviderMetadata(usage, attributes.get('ai.response.providerMetadata'));
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
  usage.set('input', without(usage, 'input', INCLUDED_IN_INPUT));
  usage.set('output', without(usage, 'output', INCLUDED_IN_OUTPUT));
  return Object.fromEntries(usage);
}

/** Langfuse gives none here, and so reads hexadecimal texts too. */
const NO_RADIX = 0;

function readCount(usage: Usage, kind: string, value: unknown): void {
  if (value !== undefined) usage.set(kind, Number.parseInt(String(value ?? 0), NO_RADIX));
}

/** A number, its text, or the text of an OTLP int. */
function readDetail(usage: Usage, kind: string, value: unknown): void {
  if (value === undefined) return;
  const parsed = parseJson(value);
  if (parsed === undefined || parsed === null) throw new Unreadable();
  usage.set(kind, typeof parsed === 'number' ? parsed : member(parsed, 'intValue'));
}

function readProviderMetadata(usage: Usage, value: unknown): void {
  if (!value) return;
  const metadata = parseJson(value);
  if (typeof metadata !== 'object' || metadata === null) throw new Unreadable();
  if (Object.hasOwn(metadata, 'openai')) fill(usage, OPENAI_FIELDS, member(metadata, 'openai'));
  if (Object.hasOwn(metadata, 'anthropic')) readAnthropic(usage, member(metadata, 'anthropic'));
  if (Object.hasOwn(metadata, 'bedrock')) readBedrock(usage, member(metadata, 'bedrock'));
}

function readAnthropic(usage: Usage, anthropic: unknown): void {
  if (typeof anthropic !== 'object' || anthropic === null) throw new Unreadable();
  if (!Object.hasOwn(anthropic, 'usage')) return;
  const reported = member(anthropic, 'usage');
  fill(usage, ANTHROPIC_FIELDS, reported);
  const creation = member(reported, 'cache_creation');
  if (typeof creation !== 'object' || creation === null) return;
  for (const [kind, field] of ANTHROPIC_CACHE_CREATION_FIELDS) {
    const count = member(creation, field);
    if (typeof count === 'number') fill(usage, [[kind, field]], creation);
  }
  const byDuration = ANTHROPIC_CACHE_CREATION_FIELDS.map(([kind]) => kind);
  usage.set('input_cache_creation', without(usage, 'input_cache_creation', byDuration));
}

function readBedrock(usage: Usage, bedrock: unknown): void {
  if (bedrock === null) throw new Unreadable();
  const reported = member(bedrock, 'usage');
  if (reported) fill(usage, BEDROCK_FIELDS, reported);
}

/** What is known already stays. */
function fill(usage: Usage, fields: Fields, source: unknown): void {
  if (source === undefined || source === null) throw new Unreadable();
  for (const [kind, field] of fields) usage.set(kind, usage.get(kind) ?? member(source, field));
}

function without(usage: Usage, kind: string, included: readonly string[]): number {
  const count = (of: string) => numberOf(usage.get(of) ?? 0);
  return Math.max(
    included.reduce((rest, of) => rest - count(of), count(kind)),
    0,
  );
}
