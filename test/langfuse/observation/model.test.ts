import { observe } from '../../../src/langfuse/observation/observation';
import { buildSpan, type SpanGiven } from '../../support/span-builder';

describe('model', () => {
  const keys = [
    'langfuse.observation.model.name',
    'gen_ai.response.model',
    'ai.model.id',
    'gen_ai.request.model',
    'llm.response.model',
    'llm.model_name',
    'model',
    'genkit:name',
  ];
  const genkitModel = { 'genkit:metadata:subtype': 'model' };
  test.each(keys.map((key, at): [string, number] => [key, at]))('%s', (key, at) => {
    const attributes = Object.fromEntries(keys.map((each, index) => [each, index < at ? '' : `by ${each}`]));
    expect(observe(buildSpan({ attributes: { ...genkitModel, ...attributes } })).model).toBe(`by ${key}`);
  });

  test.each([
    ['genkit:name of another subtype', { 'genkit:name': 'x', 'genkit:metadata:subtype': 'background-model' }, null],
    ['a number', { model: 4 }, '4'],
    ['none', {}, null],
  ])('%s', (_name, attributes, expected) => {
    expect(observe(buildSpan({ attributes })).model).toBe(expected);
  });

  test.each(['invoke_agent', 'agent_step'])('the sums of %s are left out: no model, usage and cost', (operation) => {
    const attributes = {
      model: 'm',
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.cost': 0.1,
      'gen_ai.request.seed': 1,
    };
    const without = { model: 'm', usage: { input: 5 }, cost: { total: 0.1 }, modelParameters: { seed: 1 } };
    expect(observe(buildSpan({ attributes }))).toMatchObject(without);
    expect(observe(buildSpan({ attributes: { ...attributes, 'gen_ai.operation.name': operation } }))).toMatchObject({
      model: null,
      usage: null,
      cost: null,
      modelParameters: { seed: 1 },
    });
  });
});

const parameters = (given: SpanGiven) => observe(buildSpan(given)).modelParameters;

describe('model parameters', () => {
  /** In order; each must win over all that follow. */
  const sources: [name: string, attributes: Record<string, unknown>, expected: unknown][] = [
    ['langfuse.observation.model.parameters', { 'langfuse.observation.model.parameters': '{"a":1}' }, { a: 1 }],
    ['config of genkit:input', { 'genkit:input': '{"config":{"b":2}}' }, { b: 2 }],
    ['config of genkit:output', { 'genkit:output': '{"request":{"config":{"c":3}}}' }, { c: 3 }],
    ['llm.invocation_parameters', { 'llm.invocation_parameters': '{"d":4}' }, { d: 4 }],
    ['model_config', { model_config: '{"e":5}' }, { e: 5 }],
    [
      'gen_ai.request.* and llm.invocation_parameters.*',
      { 'gen_ai.request.f': 6, 'gen_ai.request.model': 'm', 'llm.invocation_parameters.g': '7' },
      { f: 6, g: '7' },
    ],
    ['none', {}, null],
  ];
  test.each(sources.map(([name, , expected], at): [string, unknown, number] => [name, expected, at]))(
    '%s',
    (_name, expected, at) => {
      const attributes = Object.assign({}, ...sources.slice(at).map(([, each]) => each));
      expect(parameters({ attributes, scope: { name: 'genkit-tracer' } })).toEqual(expected);
    },
  );

  test.each([
    ['Genkit in another scope', { 'genkit:input': '{"config":{"b":2}}' }, null],
    [
      'values are texts and numbers',
      { model_config: '{"a":"x","b":0.5,"c":true,"d":null,"e":["f"],"g":{"h":1}}' },
      { a: 'x', b: 0.5, c: 'true', d: 'null', e: '["f"]', g: '{"h":1}' },
    ],
    [
      'attribute values too',
      { 'gen_ai.request.stop': ['a'], 'gen_ai.request.stream': true },
      { stop: '["a"]', stream: 'true' },
    ],
    ['no JSON goes on', { 'langfuse.observation.model.parameters': 'x', model_config: '{"e":5}' }, { e: 5 }],
    ['zero goes on', { 'langfuse.observation.model.parameters': '0', model_config: '{"e":5}' }, { e: 5 }],
    ['null goes on', { 'langfuse.observation.model.parameters': 'null', model_config: '{"e":5}' }, { e: 5 }],
    [
      'null ends where it is not Langfuse’s own',
      { 'llm.invocation_parameters': 'null', model_config: '{"e":5}' },
      null,
    ],
    ['a number as JSON', { 'langfuse.observation.model.parameters': '5' }, 5],
    ['JSON in JSON', { 'langfuse.observation.model.parameters': '"{\\"a\\":1}"' }, { a: 1 }],
    ['an empty object in JSON', { 'langfuse.observation.model.parameters': '"{}"' }, null],
    ['an empty list in JSON', { 'langfuse.observation.model.parameters': '"[]"' }, []],
    ['a list as JSON', { model_config: '["a"]' }, { 0: 'a' }],
    [
      'names of prototypes',
      [
        ['gen_ai.request.constructor', 'c'],
        ['gen_ai.request.__proto__', 'p'],
      ],
      { constructor: 'c' },
    ],
  ] as [string, SpanGiven['attributes'], unknown][])('%s', (_name, attributes, expected) => {
    expect(parameters({ attributes })).toEqual(expected);
  });
});

test('an empty config of Genkit’s input hides the one of its output', () => {
  const attributes = { 'genkit:input': '{"config":""}', 'genkit:output': '{"request":{"config":{"c":3}}}' };
  expect(parameters({ attributes, scope: { name: 'genkit-tracer' } })).toBeNull();
});

describe('model parameters of the Vercel AI SDK', () => {
  const NONE = {
    maxSteps: null,
    toolChoice: null,
    maxTokens: null,
    finishReason: null,
    system: null,
    maxRetries: null,
    mode: null,
    temperature: null,
    service_tier: null,
  };
  const scope = { name: 'ai' };

  test.each([
    ['none', {}, {}],
    ['ai.settings.maxSteps', { 'ai.settings.maxSteps': 5 }, { maxSteps: '5' }],
    ['ai.prompt.toolChoice', { 'ai.prompt.toolChoice': '{"type":"auto"}' }, { toolChoice: '{"type":"auto"}' }],
    ['gen_ai.request.max_tokens', { 'gen_ai.request.max_tokens': 100 }, { maxTokens: '100' }],
    [
      'gen_ai.response.finish_reasons',
      { 'gen_ai.response.finish_reasons': ['stop', 'length'] },
      { finishReason: 'stop,length' },
    ],
    ['gen_ai.finishReason', { 'gen_ai.finishReason': 'stop' }, { finishReason: 'stop' }],
    [
      'both finish reasons',
      { 'gen_ai.finishReason': 'old', 'gen_ai.response.finish_reasons': ['new'] },
      { finishReason: 'new' },
    ],
    ['gen_ai.system', { 'gen_ai.system': 'openai', 'ai.model.provider': 'x' }, { system: 'openai' }],
    ['ai.model.provider', { 'ai.model.provider': 'openai.chat' }, { system: 'openai.chat' }],
    ['ai.settings.maxRetries', { 'ai.settings.maxRetries': 2 }, { maxRetries: '2' }],
    ['ai.settings.mode', { 'ai.settings.mode': 'json' }, { mode: 'json' }],
    ['gen_ai.request.temperature', { 'gen_ai.request.temperature': 0.2 }, { temperature: '0.2' }],
    ['gen_ai.request.service_tier', { 'gen_ai.request.service_tier': 'flex' }, { service_tier: 'flex' }],
    [
      'service tier of the answer',
      { 'gen_ai.request.service_tier': 'flex', 'ai.response.providerMetadata': '{"openai":{"serviceTier":"default"}}' },
      { service_tier: 'default' },
    ],
    [
      'Langfuse’s own over them',
      { 'langfuse.observation.model.parameters': '{"mode":"x","a":1}', 'ai.settings.mode': 'json' },
      { mode: 'x', a: 1 },
    ],
    ['nothing else', { model_config: '{"e":5}', 'gen_ai.request.top_p': 1 }, {}],
  ])('%s', (_name, attributes, expected) => {
    expect(parameters({ attributes, scope })).toEqual({ ...NONE, ...expected });
  });
});
