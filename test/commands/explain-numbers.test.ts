import { explainsRows, having, type Row } from './explain-runs';

const AI = { scope: { name: 'ai' } };
const GENKIT = { scope: { name: 'genkit-tracer' } };

describe('model parameters', () => {
  const temperature = { modelParameters: { temperature: 0.5 } };
  const sent = '{"temperature":0.5}';
  explainsRows([
    ['langfuse.observation.model.parameters', having({ 'langfuse.observation.model.parameters': sent }), temperature],
    [
      'before the others',
      having({
        ...{ 'langfuse.observation.model.parameters': sent, 'gen_ai.request.top_p': 1 },
        ...{ 'llm.invocation_parameters': '{"x":1}', model_config: '{"y":1}' },
      }),
      temperature,
    ],
    ['Genkit: of the input', having({ 'genkit:input': '{"config":{"temperature":0.5}}' }, GENKIT), temperature],
    [
      'Genkit: of the request in the output',
      having({ 'genkit:output': '{"request":{"config":{"temperature":0.5}}}' }, GENKIT),
      temperature,
    ],
    [
      'the scope ai',
      having({ 'gen_ai.request.temperature': 0.5, 'ai.settings.maxRetries': 2, 'ai.model.provider': 'p' }, AI),
      { modelParameters: expect.objectContaining({ temperature: '0.5', maxRetries: '2', system: 'p', mode: null }) },
    ],
    ['llm.invocation_parameters', having({ 'llm.invocation_parameters': sent }), temperature],
    ['model_config', having({ model_config: sent }), temperature],
    [
      'gen_ai.request.*, without the model',
      having({ 'gen_ai.request.temperature': 0.5, 'gen_ai.request.model': 'm' }),
      temperature,
    ],
    ['llm.invocation_parameters.*', having({ 'llm.invocation_parameters.temperature': 0.5 }), temperature],
    ['none', {}, { modelParameters: null }],
  ]);
});

const DETAILS = 'langfuse.observation.usage_details';
const METADATA = 'ai.response.providerMetadata';

describe('usage', () => {
  const generic: Row[] = [
    ['gen_ai.usage.prompt_tokens', { input: 7 }],
    ['gen_ai.usage.input_tokens', { input: 7 }],
    ['gen_ai.usage.completion_tokens', { output: 7 }],
    ['gen_ai.usage.output_tokens', { output: 7 }],
    ['gen_ai.usage.total_tokens', { total: 7 }],
    ['gen_ai.usage.cache_read.input_tokens', { input_cached_tokens: 7 }],
    ['gen_ai.usage.cache_creation.input_tokens', { input_cache_creation: 7 }],
    ['gen_ai.usage.reasoning.output_tokens', { output_reasoning_tokens: 7 }],
    ['gen_ai.usage.other', { other: 7 }],
    ['llm.token_count.prompt', { input: 7 }],
    ['llm.token_count.completion', { output: 7 }],
    ['llm.token_count.total', { total: 7 }],
    ['llm.token_count.prompt_details.cache_read', { input_cached_tokens: 7 }],
    ['llm.token_count.prompt_details.cache_write', { input_cache_creation: 7 }],
    ['llm.token_count.completion_details.reasoning', { output_reasoning_tokens: 7 }],
    ['llm.token_count.completion_details.audio', { output_audio_tokens: 7 }],
  ].map(([key, usage]) => [key as string, having({ [key as string]: 7 }), { usage } as Row[2]]);
  explainsRows([
    ...generic,
    [DETAILS, having({ [DETAILS]: '{"input":1,"mine":2}' }), { usage: { input: 1, mine: 2 } }],
    [
      'before the others',
      having({ [DETAILS]: '{"input":1}', 'gen_ai.usage.input_tokens': 7 }),
      { usage: { input: 1 } },
    ],
    ['no text: the search ends', having({ [DETAILS]: 5, 'gen_ai.usage.input_tokens': 7 }), { usage: null }],
    [
      'in the form of OpenAI',
      having({ [DETAILS]: '{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}' }),
      { usage: { input: 3, output: 4, total: 7 } },
    ],
    [
      'Genkit',
      having({ 'genkit:output': '{"usage":{"inputTokens":3,"outputTokens":5,"thoughtsTokens":2}}' }, GENKIT),
      { usage: { input: 3, output: 3, output_reasoning: 2 } },
    ],
    [
      'the scope ai: what was cached is not counted twice',
      having({ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 4, 'ai.usage.cachedInputTokens': 3 }, AI),
      { usage: { input: 7, output: 4, input_cached_tokens: 3 } },
    ],
    [
      "the scope ai: the provider's metadata",
      having({ 'gen_ai.usage.output_tokens': 9, [METADATA]: '{"openai":{"reasoningTokens":4}}' }, AI),
      { usage: expect.objectContaining({ output: 5, output_reasoning_tokens: 4 }) },
    ],
    [
      'what was cached is not counted twice',
      having({ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.cache_read.input_tokens': 4 }),
      { usage: { input: 6, input_cached_tokens: 4 } },
    ],
    ['the text of a number', having({ 'gen_ai.usage.input_tokens': '7' }), { usage: { input: 7 } }],
    [
      'what is not whole or below zero is left out',
      having({ [DETAILS]: '{"input":1.5,"output":-1,"total":"7"}' }),
      { usage: { total: 7 } },
    ],
  ]);
});

describe('cost', () => {
  explainsRows([
    [
      'langfuse.observation.cost_details, before the others',
      having({ 'langfuse.observation.cost_details': '{"input":0.25,"total":1}', 'gen_ai.usage.cost': 7 }),
      { cost: { input: 0.25, total: 1 } },
    ],
    [
      'gen_ai.usage.cost, which is no token',
      having({ 'gen_ai.usage.cost': 0.5, 'llm.cost.total': 7 }),
      { cost: { total: 0.5 } },
    ],
    ['llm.cost.total', having({ 'llm.cost.total': 0.5 }), { cost: { total: 0.5 } }],
    ['none', {}, { cost: null }],
  ]);
});
