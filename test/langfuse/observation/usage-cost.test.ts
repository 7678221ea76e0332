import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

const usage = (given: SpanGiven) => observe(buildSpan(given)).usage;
const cost = (attributes: SpanGiven['attributes']) => observe(buildSpan({ attributes })).cost;

describe('usage', () => {
  const generic = { 'gen_ai.usage.input_tokens': 1 };
  const genkitOutput = (tokens: Record<string, unknown>) => ({ 'genkit:output': JSON.stringify({ usage: tokens }) });
  const rows: [name: string, given: SpanGiven, expected: unknown][] = [
    [
      'langfuse.observation.usage_details',
      { attributes: { 'langfuse.observation.usage_details': '{"input":9,"x":2}', ...generic } },
      { input: 9, x: 2 },
    ],
    [
      'the same as kvlist ends the search',
      { attributes: { 'langfuse.observation.usage_details': { input: 9 }, ...generic } },
      null,
    ],
    [
      'the same as a number ends the search',
      { attributes: { 'langfuse.observation.usage_details': 5, ...generic } },
      null,
    ],
    [
      'the same as a JSON list ends the search',
      { attributes: { 'langfuse.observation.usage_details': '[1]', ...generic } },
      null,
    ],
    [
      'the same as no JSON goes on',
      { attributes: { 'langfuse.observation.usage_details': 'x', ...generic } },
      { input: 1 },
    ],
    [
      'the same as an empty string goes on',
      { attributes: { 'langfuse.observation.usage_details': '', ...generic } },
      { input: 1 },
    ],
    [
      'Genkit takes the thoughts out of the output',
      {
        scope: { name: 'genkit-tracer' },
        attributes: {
          ...genkitOutput({ inputTokens: 5, outputTokens: 9, thoughtsTokens: 2, totalTokens: 14 }),
          ...generic,
        },
      },
      { input: 5, output: 7, total: 14, output_reasoning: 2 },
    ],
    [
      'Genkit without usage',
      { scope: { name: 'genkit-tracer' }, attributes: { 'genkit:output': '{}', ...generic } },
      { input: 1 },
    ],
    [
      'Genkit with an empty usage',
      { scope: { name: 'genkit-tracer' }, attributes: { ...genkitOutput({}), ...generic } },
      null,
    ],
    ['Genkit in another scope', { attributes: { ...genkitOutput({ inputTokens: 5 }), ...generic } }, { input: 1 }],
    [
      'Langfuse before Genkit',
      {
        scope: { name: 'genkit-tracer' },
        attributes: { 'langfuse.observation.usage_details': '{"x":2}', ...genkitOutput({ inputTokens: 5 }) },
      },
      { x: 2 },
    ],
    ['the scope of the AI SDK', { scope: { name: 'ai' }, attributes: generic }, { input: 1, output: 0 }],
    ['the scope of Pydantic AI', { scope: { name: 'pydantic-ai' }, attributes: generic }, { input: 1 }],
    ['generic', { attributes: generic }, { input: 1 }],
    ['none', {}, null],
  ];
  test.each(rows)('%s', (_name, given, expected) => {
    expect(usage(given)).toEqual(expected);
  });
});

describe('cost', () => {
  const DETAILS = 'langfuse.observation.cost_details';
  test.each([
    ['cost details', { [DETAILS]: '{"input":0.1,"output":0.2}', 'gen_ai.usage.cost': 5 }, { input: 0.1, output: 0.2 }],
    ['a decimal as text is stored as 0', { [DETAILS]: '{"total":"0.5"}' }, { total: 0 }],
    [
      'so is everything that is no number',
      { [DETAILS]: '{"a":"x","b":null,"c":"","d":true,"e":[1],"f":1}' },
      { a: 0, b: 0, c: 0, d: 0, e: 0, f: 1 },
    ],
    [
      'six digits before the point',
      { [DETAILS]: '{"a":1000000,"b":-1e9,"c":999999.5,"d":-0.5}' },
      { a: 999_999.999_999, b: -999_999.999_999, c: 999_999.5, d: -0.5 },
    ],
    ['a number beyond all bounds', { [DETAILS]: '{"a":1e999}' }, { a: 0 }],
    ['no details', { [DETAILS]: '{}', 'gen_ai.usage.cost': 5 }, null],
    ['details that are no string end the search', { [DETAILS]: 5, 'gen_ai.usage.cost': 5 }, null],
    ['no JSON goes on', { [DETAILS]: 'x', 'gen_ai.usage.cost': 5 }, { total: 5 }],
    ['gen_ai.usage.cost', { 'gen_ai.usage.cost': 0.25, 'llm.cost.total': 9 }, { total: 0.25 }],
    ['zero is a cost', { 'gen_ai.usage.cost': 0, 'llm.cost.total': 9 }, { total: 0 }],
    ['gen_ai.usage.cost as text', { 'gen_ai.usage.cost': '0.25' }, { total: 0 }],
    ['an empty text goes on', { 'gen_ai.usage.cost': '', 'llm.cost.total': 9 }, { total: 9 }],
    ['llm.cost.total', { 'llm.cost.total': 9 }, { total: 9 }],
    ['none', {}, null],
  ])('%s', (_name, attributes, expected) => {
    expect(cost(attributes)).toEqual(expected);
  });
});
