import { member, parsePayload } from './json';
import type { Attributes } from './span-reading';

const PREFIXES = ['gen_ai.usage.', 'llm.token_count.'];

/** The amount of money lives under the same prefix as the tokens. */
const COST_KEY = 'gen_ai.usage.cost';

interface TokenKind {
  readonly kind: string;
  /** In order: names without their prefix. */
  readonly names: readonly string[];
  /** Kinds that senders count in here, although Langfuse counts them on their own. */
  readonly includes?: readonly string[];
}

/** Langfuse's kinds of tokens and the names of the OTel and OpenInference conventions for them, old and new. */
const TOKEN_KINDS: readonly TokenKind[] = [
  {
    kind: 'input',
    names: ['prompt_tokens', 'input_tokens', 'prompt'],
    includes: ['input_cached_tokens', 'input_cache_creation'],
  },
  {
    kind: 'output',
    names: ['completion_tokens', 'output_tokens', 'completion'],
    includes: ['output_reasoning_tokens', 'output_audio_tokens'],
  },
  { kind: 'total', names: ['total_tokens', 'total'] },
  {
    kind: 'input_cached_tokens',
    names: [
      'cache_read.input_tokens',
      'cache_read_input_tokens',
      'cache_read_tokens',
      'details.cache_read_tokens',
      'details.cache_read_input_tokens',
      'prompt_details.cache_read',
      'input_cached_tokens',
    ],
  },
  {
    kind: 'input_cache_creation',
    names: [
      'cache_creation.input_tokens',
      'cache_creation_input_tokens',
      'cache_write_tokens',
      'details.cache_write_tokens',
      'details.cache_creation_input_tokens',
      'prompt_details.cache_write',
      'input_cache_creation',
    ],
  },
  { kind: 'output_reasoning_tokens', names: ['reasoning.output_tokens', 'completion_details.reasoning'] },
  { kind: 'output_audio_tokens', names: ['completion_details.audio'] },
];

const KNOWN_NAMES = new Set(TOKEN_KINDS.flatMap(({ names }) => names));

/** All `gen_ai.usage.*` and `llm.token_count.*` that are numbers, under Langfuse's names where it knows the kind. */
export function genericUsage(attributes: Attributes): Record<string, number> {
  const counts = countsByName(attributes);
  const usage = new Map<string, number>();
  for (const [name, count] of counts) {
    if (!KNOWN_NAMES.has(name)) usage.set(name.replace(/^details\./, ''), count);
  }
  const ofKind = new Map(
    TOKEN_KINDS.map(({ kind, names }) => [
      kind,
      names.map((name) => counts.get(name)).find((count) => count !== undefined),
    ]),
  );
  for (const { kind, includes } of TOKEN_KINDS) {
    const count = ofKind.get(kind);
    if (count !== undefined) usage.set(kind, includes === undefined ? count : without(count, includes, ofKind));
  }
  return Object.fromEntries(usage);
}

/** Vertex AI's agents tell what came from the cache in the model's response only, and count it in the input. */
export function vertexUsage(attributes: Attributes): Record<string, number> | undefined {
  if (!attributes.has('gcp.vertex.agent.llm_response')) return undefined;
  const usage = new Map(Object.entries(genericUsage(attributes)));
  const response = parsePayload(attributes.get('gcp.vertex.agent.llm_response'));
  const cached = member(member(response, 'usage_metadata'), 'cached_content_token_count');
  if (!usage.has('input_cached_tokens') && typeof cached === 'number' && cached > 0) {
    usage.set('input_cached_tokens', cached);
    const input = usage.get('input');
    if (input !== undefined) usage.set('input', Math.max(input - cached, 0));
  }
  return Object.fromEntries(usage);
}

function countsByName(attributes: Attributes): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [key, value] of attributes) {
    if (key === COST_KEY || !PREFIXES.some((prefix) => key.startsWith(prefix))) continue;
    const count = Number(value);
    if (!Number.isNaN(count))
      counts.set(
        PREFIXES.reduce((name, prefix) => name.replace(prefix, ''), key),
        count,
      );
  }
  return counts;
}

function without(count: number, kinds: readonly string[], ofKind: ReadonlyMap<string, number | undefined>): number {
  const included = kinds.reduce((sum, kind) => sum + (ofKind.get(kind) ?? 0), 0);
  return Math.max(count - included, 0);
}
