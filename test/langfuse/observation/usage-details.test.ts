import { usageDetails } from '../../../src/langfuse/observation/usage-details';

test.each([
  [
    'OpenAI’s chat completions',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 4, audio_tokens: null },
      completion_tokens_details: { reasoning_tokens: 2 },
    },
    { input: 6, output: 3, total: 15, input_cached_tokens: 4, output_reasoning_tokens: 2 },
  ],
  [
    'OpenAI’s responses',
    {
      input_tokens: 10,
      output_tokens: 5,
      total_tokens: 15,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens_details: null,
    },
    { input: 6, output: 5, total: 15, input_cached_tokens: 4 },
  ],
  [
    'without breakdowns',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    { input: 1, output: 2, total: 3 },
  ],
  [
    'parts beyond the whole',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { a: 5 } },
    { input: 0, output: 2, total: 3, input_a: 5 },
  ],
  [
    'one name too many',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, x: 4 },
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, x: 4 },
  ],
  ['one name missing', { prompt_tokens: 1, completion_tokens: 2 }, { prompt_tokens: 1, completion_tokens: 2 }],
  [
    'a count that is none',
    { prompt_tokens: 1.5, completion_tokens: 2, total_tokens: 3 },
    { completion_tokens: 2, total_tokens: 3 },
  ],
  [
    'a breakdown that is none',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: { a: -1 } },
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  ],
  [
    'a breakdown that is a list',
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, prompt_tokens_details: [] },
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  ],
  ['integers and their texts', { a: 0, b: '7', c: '8.9 tokens' }, { a: 0, b: 7, c: 8 }],
  ['anything else is dropped', { a: 1.5, b: -1, c: 'x', d: true, e: null, f: {}, g: Number.NaN, h: '-2' }, null],
  ['names of prototypes', JSON.parse('{"__proto__":1,"constructor":2}'), { constructor: 2 }],
  ['nothing', {}, null],
])('%s', (_name, usage, expected) => {
  expect(usageDetails(usage)).toEqual(expected);
});
