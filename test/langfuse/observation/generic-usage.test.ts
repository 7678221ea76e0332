import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const usage = (given: SpanGiven) => observe(buildSpan(given)).usage;
const PREFIXES = ['gen_ai.usage.', 'llm.token_count.'];

/** Kind and, in order, the names that count it: each must win over all that follow. */
const KINDS: [kind: string, names: string[]][] = [
  ['input', ['prompt_tokens', 'input_tokens', 'prompt']],
  ['output', ['completion_tokens', 'output_tokens', 'completion']],
  ['total', ['total_tokens', 'total']],
  [
    'input_cached_tokens',
    [
      'cache_read.input_tokens',
      'cache_read_input_tokens',
      'cache_read_tokens',
      'details.cache_read_tokens',
      'details.cache_read_input_tokens',
      'prompt_details.cache_read',
      'input_cached_tokens',
    ],
  ],
  [
    'input_cache_creation',
    [
      'cache_creation.input_tokens',
      'cache_creation_input_tokens',
      'cache_write_tokens',
      'details.cache_write_tokens',
      'details.cache_creation_input_tokens',
      'prompt_details.cache_write',
      'input_cache_creation',
    ],
  ],
  ['output_reasoning_tokens', ['reasoning.output_tokens', 'completion_details.reasoning']],
  ['output_audio_tokens', ['completion_details.audio']],
];

describe.each(KINDS)('%s', (kind, names) => {
  test.each(names.map((name, at): [string, number] => [name, at]))('%s', (_name, at) => {
    for (const prefix of PREFIXES) {
      const attributes = Object.fromEntries(names.slice(at).map((each, index) => [`${prefix}${each}`, 10 + index]));
      expect(usage({ attributes })).toEqual({ [kind]: 10 });
    }
  });
});

test.each([
  [
    'cached tokens under Langfuse’s own name',
    { input_tokens: 100, input_cached_tokens: 30 },
    { input: 70, input_cached_tokens: 30 },
  ],
  [
    'written tokens under Langfuse’s own name',
    { input_tokens: 100, input_cache_creation: 20 },
    { input: 80, input_cache_creation: 20 },
  ],
  [
    'cached and written tokens are part of the input',
    { prompt_tokens: 100, cache_read_tokens: 30, cache_write_tokens: 20 },
    { input: 50, input_cached_tokens: 30, input_cache_creation: 20 },
  ],
  [
    'reasoning and audio are part of the output',
    { output_tokens: 100, 'reasoning.output_tokens': 30, 'completion_details.audio': 20 },
    { output: 50, output_reasoning_tokens: 30, output_audio_tokens: 20 },
  ],
  ['never below zero', { input_tokens: 10, cache_read_tokens: 30 }, { input: 0, input_cached_tokens: 30 }],
  ['parts without the whole', { cache_read_tokens: 30 }, { input_cached_tokens: 30 }],
  ['other names stay', { images: 2, 'a.b': 3 }, { images: 2, 'a.b': 3 }],
  ['details lose their prefix', { 'details.images': 2 }, { images: 2 }],
  ['texts are numbers', { input_tokens: '12' }, { input: 12 }],
  ['what is no count is dropped', { a: 'x', b: 1.5, c: -1, d: null, e: 1 }, { e: 1 }],
  ['booleans and empty texts count', { a: true, b: '' }, { a: 1, b: 0 }],
  ['cost is no usage', { cost: 1, cost_details: 2 }, { cost_details: 2 }],
])('%s', (_name, counts, expected) => {
  const attributes = Object.entries(counts).map(([name, value]): [string, unknown] => [`gen_ai.usage.${name}`, value]);
  expect(usage({ attributes })).toEqual(expected);
});

test('the last of both prefixes wins', () => {
  expect(usage({ attributes: { 'gen_ai.usage.total': 1, 'llm.token_count.total': 2 } })).toEqual({ total: 2 });
});

test('names of prototypes', () => {
  expect(
    usage({
      attributes: [
        ['gen_ai.usage.constructor', 1],
        ['gen_ai.usage.__proto__', 2],
      ],
    }),
  ).toEqual({ constructor: 1 });
});

describe('agents of Vertex AI', () => {
  const scope = { name: 'gcp.vertex.agent' };
  const response = { 'gcp.vertex.agent.llm_response': '{"usage_metadata":{"cached_content_token_count":30}}' };
  test.each([
    [
      'cached tokens come from the response',
      { scope, attributes: { 'gen_ai.usage.input_tokens': 100, ...response } },
      { input: 70, input_cached_tokens: 30 },
    ],
    ['without an input', { scope, attributes: response }, { input_cached_tokens: 30 }],
    [
      'unless they are attributes',
      { scope, attributes: { 'gen_ai.usage.cache_read_tokens': 1, ...response } },
      { input_cached_tokens: 1 },
    ],
    [
      'no count',
      { scope, attributes: { 'gen_ai.usage.input_tokens': 100, 'gcp.vertex.agent.llm_response': '{}' } },
      { input: 100 },
    ],
    ['no response', { scope, attributes: { 'gen_ai.usage.input_tokens': 100 } }, { input: 100 }],
    ['another scope', { attributes: { 'gen_ai.usage.input_tokens': 100, ...response } }, { input: 100 }],
  ])('%s', (_name, given, expected) => {
    expect(usage(given)).toEqual(expected);
  });
});
