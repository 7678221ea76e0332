import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan } from '../../support/span-builder';

const usage = (attributes: Record<string, unknown>) => observe(buildSpan({ scope: { name: 'ai' }, attributes })).usage;
const METADATA = 'ai.response.providerMetadata';
const given = (input: number, output: number, metadata: unknown) => ({
  'gen_ai.usage.input_tokens': input,
  'gen_ai.usage.output_tokens': output,
  [METADATA]: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
});

describe('counts', () => {
  test.each([
    ['none', {}, { input: 0, output: 0 }],
    [
      'the names of today',
      { 'gen_ai.usage.input_tokens': 3, 'gen_ai.usage.output_tokens': '4' },
      { input: 3, output: 4 },
    ],
    [
      'the old names win',
      {
        'gen_ai.usage.input_tokens': 3,
        'gen_ai.usage.prompt_tokens': 5,
        'gen_ai.usage.output_tokens': 4,
        'gen_ai.usage.completion_tokens': 6,
      },
      { input: 5, output: 6 },
    ],
    ['ai.usage.tokens', { 'ai.usage.tokens': 9 }, { input: 0, output: 0, total: 9 }],
    ['a hexadecimal text', { 'ai.usage.tokens': '0x10' }, { input: 0, output: 0, total: 16 }],
    ['a text with a zero in front is decimal', { 'ai.usage.tokens': '010' }, { input: 0, output: 0, total: 10 }],
    ['no number', { 'gen_ai.usage.input_tokens': 'x' }, { output: 0 }],
    ['other usage attributes are not read', { 'gen_ai.usage.images': 1 }, { input: 0, output: 0 }],
  ])('%s', (_name, attributes, expected) => {
    expect(usage(attributes)).toEqual(expected);
  });
});

describe('details', () => {
  const counts = { 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 10 };
  test.each([
    ['cached input', { ...counts, 'ai.usage.cachedInputTokens': 4 }, { input: 6, output: 10, input_cached_tokens: 4 }],
    ['reasoning', { ...counts, 'ai.usage.reasoningTokens': '4' }, { input: 10, output: 6, output_reasoning_tokens: 4 }],
    [
      'the text of an OTLP int',
      { ...counts, 'ai.usage.reasoningTokens': '{"intValue":4}' },
      { input: 10, output: 6, output_reasoning_tokens: 4 },
    ],
    [
      'unreadable: the generic reading',
      { ...counts, 'ai.usage.reasoningTokens': 'x', 'gen_ai.usage.images': 1 },
      { input: 10, output: 10, images: 1 },
    ],
    [
      'null: the generic reading',
      { ...counts, 'ai.usage.reasoningTokens': 'null', 'gen_ai.usage.images': 1 },
      { input: 10, output: 10, images: 1 },
    ],
  ])('%s', (_name, attributes, expected) => {
    expect(usage(attributes)).toEqual(expected);
  });
});

describe('metadata of the provider', () => {
  const openai = {
    cachedPromptTokens: 4,
    reasoningTokens: 3,
    acceptedPredictionTokens: 2,
    rejectedPredictionTokens: 1,
  };
  const rows: [name: string, attributes: Record<string, unknown>, expected: unknown][] = [
    [
      'OpenAI',
      given(10, 10, { openai }),
      {
        input: 6,
        output: 7,
        input_cached_tokens: 4,
        output_reasoning_tokens: 3,
        accepted_prediction_tokens: 2,
        rejected_prediction_tokens: 1,
      },
    ],
    [
      'an attribute before OpenAI',
      { ...given(10, 10, { openai: { cachedPromptTokens: 4 } }), 'ai.usage.cachedInputTokens': 1 },
      { input: 9, output: 10, input_cached_tokens: 1 },
    ],
    [
      'Anthropic',
      given(100, 1, { anthropic: { usage: { cache_creation_input_tokens: 30, cache_read_input_tokens: 7 } } }),
      { input: 63, output: 1, input_cache_creation: 30, input_cached_tokens: 7 },
    ],
    [
      'Anthropic by duration',
      given(100, 1, {
        anthropic: {
          usage: {
            cache_creation_input_tokens: 30,
            cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 4 },
          },
        },
      }),
      { input: 70, output: 1, input_cache_creation: 6, input_cache_creation_5m: 20, input_cache_creation_1h: 4 },
    ],
    ['Anthropic without usage', given(100, 1, { anthropic: {} }), { input: 100, output: 1 }],
    [
      'Bedrock',
      given(100, 1, {
        bedrock: { usage: { cacheReadInputTokens: 10, cacheWriteInputTokens: 5, cacheCreationInputTokens: 3 } },
      }),
      { input: 87, output: 1, input_cache_read: 10, input_cache_write: 5, input_cache_creation: 3 },
    ],
    ['Bedrock without usage', given(100, 1, { bedrock: {} }), { input: 100, output: 1 }],
    ['never below zero', given(1, 1, { openai }), expect.objectContaining({ input: 0, output: 0 })],
    ['another provider', given(10, 10, { google: { x: 1 } }), { input: 10, output: 10 }],
  ];
  test.each(rows)('%s', (_name, attributes, expected) => {
    expect(usage(attributes)).toEqual(expected);
  });

  test.each([
    ['no JSON', 'x'],
    ['no object', '5'],
    ['OpenAI is null', { openai: null }],
    ['Anthropic is no object', { anthropic: 5 }],
    ['Anthropic’s usage is null', { anthropic: { usage: null } }],
    ['Bedrock is null', { bedrock: null }],
  ])('%s: the generic reading', (_name, metadata) => {
    expect(usage({ ...given(10, 10, metadata), 'gen_ai.usage.images': 1 })).toEqual({
      input: 10,
      output: 10,
      images: 1,
    });
  });
});
