import fc from 'fast-check';
import { type ObservationSummary, observe, summarise } from '../../src/langfuse/observation/observation';
import { SUMMARY_KEYS, SUMMARY_PREFIXES } from '../../src/langfuse/summary-keys';
import { RequestReducer } from '../../src/otlp/reduced-request';
import { scanRequest } from '../../src/otlp/scan';
import { type GivenSpan, having, requestOf } from '../commands/explain-runs';
import { receivedSpans } from '../support/admission';
import { isAllowed } from '../support/allowed-keys';
import { corpusCases, plainBody } from '../support/corpus';
import { startJudging } from '../support/judging';
import { asProtobuf } from '../support/otlp-twins';
import { runs } from '../support/random';
import { buildSpan } from '../support/span-builder';

const reducer = new RequestReducer({ keys: SUMMARY_KEYS, prefixes: SUMMARY_PREFIXES });
const reduced = (bytes: Buffer) => reducer.reduce(scanRequest(bytes, { check: true }));
const summaries = (bytes: Buffer) => receivedSpans(bytes).map(summarise);

/** People's words, which `metadata` mode never knows. */
const WORDS = ['statusMessage', 'modelParameters'];

/** Where the summary of what is left differs, but for people's words: span, field, and its value before and after. */
function differences(bytes: Buffer): [span: string, field: string, whole: unknown, left: unknown][] {
  const left = summaries(reduced(bytes));
  return summaries(bytes).flatMap((summary, at) =>
    (Object.keys(summary) as (keyof ObservationSummary)[])
      .filter((field) => !WORDS.includes(field))
      .filter((field) => JSON.stringify(summary[field]) !== JSON.stringify(left[at]![field]))
      .map((field): [string, string, unknown, unknown] => [summary.name, field, summary[field], left[at]![field]]),
  );
}

/** Of these, providers tell details of their tokens in `ai.response.providerMetadata` only, and may tell anything there. */
const CORPUS_DIFFERENCES: Record<string, ReturnType<typeof differences>> = {
  'ai-sdk-v7/legacy-openai-provider': [
    [
      ...(['oai-chat:ai.generateText.doGenerate', 'usage'] as const),
      {
        ...{ input: 16, output: 9, input_cached_tokens: 5, output_reasoning_tokens: 3 },
        ...{ accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
      },
      { input: 16, output: 9, input_cached_tokens: 5, output_reasoning_tokens: 3 },
    ],
    [
      ...(['oai-chat:ai.generateText', 'usage'] as const),
      {
        ...{ input_cached_tokens: 5, output_reasoning_tokens: 3, accepted_prediction_tokens: 0 },
        ...{ rejected_prediction_tokens: 0, input: 0, output: 0 },
      },
      { input_cached_tokens: 5, output_reasoning_tokens: 3, input: 0, output: 0 },
    ],
  ],
};

describe('the corpus: what is left says the same', () => {
  test.each(corpusCases.map((one) => [one.name, one] as const))('%s', async (name, corpusCase) => {
    const { bytes } = await startJudging().judge(plainBody(corpusCase), { format: corpusCase.encoding });
    expect(differences(bytes)).toEqual(CORPUS_DIFFERENCES[name] ?? []);
    // And what is left of what is left, nothing less.
    expect(summaries(reduced(reduced(bytes)))).toEqual(summaries(reduced(bytes)));
  });

  test('those that differ are in it', () => {
    expect(corpusCases.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(CORPUS_DIFFERENCES)));
  });
});

describe('the corpus: observe says what summarise says, and the payload', () => {
  test.each(corpusCases.map((one) => [one.name, one] as const))('%s', async (_, corpusCase) => {
    const { bytes } = await startJudging().judge(plainBody(corpusCase), { format: corpusCase.encoding });
    const observed = receivedSpans(bytes).map(observe);
    const rest = observed.map(({ input, output, metadata, repairs, warnings, ...summary }) => summary);
    expect(rest).toEqual(summaries(bytes));
  });
});

const JUDGE = JSON.stringify({
  completion: null,
  rawRequest: { trace: { environment: 'langfuse-llm-as-a-judge' } },
});
const scope = (name: string, version?: string): GivenSpan =>
  version === undefined ? { scope: { name } } : { scope: { name, version } };

/** What `metadata` mode does not know, because it stands among people's words. */
const EXCEPTIONS: [name: string, span: GivenSpan, field: string, whole: unknown, left: unknown][] = [
  [
    'tokens of Genkit',
    having({ 'genkit:output': '{"usage":{"inputTokens":3,"outputTokens":4}}' }, scope('genkit-tracer')),
    ...(['usage', { input: 3, output: 4 }, null] as const),
  ],
  [
    "Vertex AI's cache",
    having(
      {
        'gen_ai.usage.input_tokens': 9,
        'gcp.vertex.agent.llm_response': '{"usage_metadata":{"cached_content_token_count":4}}',
      },
      scope('gcp.vertex.agent'),
    ),
    ...(['usage', { input: 5, input_cached_tokens: 4 }, { input: 9 }] as const),
  ],
  [
    "the AI SDK's details",
    having(
      {
        'gen_ai.usage.input_tokens': 9,
        'ai.response.providerMetadata': '{"anthropic":{"usage":{"cache_read_input_tokens":4}}}',
      },
      scope('ai'),
    ),
    'usage',
    { input: 5, input_cached_tokens: 4, output: 0 },
    { input: 9, output: 0 },
  ],
  [
    'a prompt that the AI SDK has among its metadata',
    having({
      'langfuse.observation.type': 'generation',
      'ai.telemetry.metadata.langfusePrompt': '{"name":"p","version":3}',
    }),
    ...(['promptName', 'p', null] as const),
  ],
  [
    'a failed judge of OpenRouter',
    having(
      { 'openrouter.source': 'openrouter', 'gen_ai.completion': JUDGE },
      { resource: { 'service.name': 'openrouter' } },
    ),
    ...(['environment', 'llm-as-a-judge', 'default'] as const),
  ],
  [
    'a generation of an early SDK for Python that is one by its parameters alone',
    having(
      { 'langfuse.observation.type': 'span', 'langfuse.observation.model.parameters': '{"temperature":1}' },
      { ...scope('langfuse-sdk', '3.2.0'), resource: { 'telemetry.sdk.language': 'python' } },
    ),
    ...(['type', 'GENERATION', 'SPAN'] as const),
  ],
  ['tags of more than 4 KiB', having({ 'langfuse.trace.tags': 'x'.repeat(5_000) }), 'tags', ['x'.repeat(5_000)], []],
];

test.each(EXCEPTIONS)('not known: %s', (_, span, field, whole, left) => {
  const found = differences(asProtobuf(requestOf(span)).body);
  expect(found.map(([, ...difference]) => difference)).toContainEqual([field, whole, left]);
});

/** Read by `summarise`, and left out: they may hold prompts, answers and whatever else people write. */
const PAYLOAD_KEYS = [
  ...['langfuse.observation.status_message', 'langfuse.observation.model.parameters', 'llm.invocation_parameters'],
  'logfire.msg',
  ...['model_config', 'genkit:input', 'genkit:output', 'gcp.vertex.agent.llm_response', 'ai.response.providerMetadata'],
  ...['ai.telemetry.metadata.langfusePrompt', 'openrouter.source', 'gen_ai.completion'],
  // Parameters of the AI SDK.
  ...['ai.settings.maxSteps', 'ai.settings.maxRetries', 'ai.settings.mode', 'ai.prompt.toolChoice'],
  ...['gen_ai.request.max_tokens', 'gen_ai.request.temperature', 'gen_ai.request.service_tier'],
  ...['gen_ai.response.finish_reasons', 'gen_ai.finishReason', 'gen_ai.system', 'ai.model.provider'],
];

/** The keys of attributes of spans that `read` asks for, by name; it can do so of a Map only. */
function askedFor(read: () => void): string[] {
  const asked = new Set<string>();
  const isOfSpan = (map: unknown) => has.call(map as Map<unknown, unknown>, MARK);
  const { get, has } = Map.prototype;
  Map.prototype.get = function listening(key) {
    if (typeof key === 'string' && isOfSpan(this)) asked.add(key);
    return get.call(this, key);
  };
  Map.prototype.has = function listening(key) {
    if (typeof key === 'string' && isOfSpan(this)) asked.add(key);
    return has.call(this, key);
  };
  try {
    read();
  } finally {
    Object.assign(Map.prototype, { get, has });
  }
  return [...asked].filter((key) => key !== MARK).sort();
}

/** Tells a span's own attributes from those of its resource and scope. */
const MARK = 'zz.of.the.span';

describe('what the summary reads', () => {
  const SCOPES = ['any', 'ai', 'genkit-tracer', 'gcp.vertex.agent', 'langfuse-sdk', 'livekit-agents'];
  /** Of the questions that are asked only when an answer was such. */
  const SPANS: Record<string, unknown>[] = [
    {},
    { 'genkit:metadata:subtype': 'model' },
    { 'langfuse.observation.type': 'generation' },
    { 'langfuse.observation.type': 'span' },
    { 'openrouter.source': 'openrouter' },
    { 'ai.operationId': 'ai.toolCall', 'ai.model.id': 'm' },
    { 'gcp.vertex.agent.llm_response': '{}' },
    { 'genkit:output': '{}' },
    { 'genkit:name': 'n', 'logfire.msg': 'm', 'ai.toolCall.name': 't', 'gen_ai.tool.name': 'g' },
  ];
  const resource = { 'service.name': 'openrouter', 'telemetry.sdk.language': 'python' };
  const asked = askedFor(() => {
    for (const name of SCOPES) {
      for (const attributes of SPANS) {
        const given = { attributes: { ...attributes, [MARK]: 1 }, resource, scope: { name, version: '3.0' } };
        summarise(buildSpan({ ...given, parentSpanId: 'aa'.repeat(8) }));
      }
    }
  });

  test('is listed, or declared to be payload', () => {
    expect(asked.filter((key) => !isAllowed(key) && !PAYLOAD_KEYS.includes(key))).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining(PAYLOAD_KEYS));
  });

  test('is all that is listed', () => {
    expect(SUMMARY_KEYS.filter((key) => !asked.includes(key))).toEqual([]);
    expect(new Set(SUMMARY_KEYS).size).toBe(SUMMARY_KEYS.length);
  });

  test('nothing is both listed and payload', () => {
    expect(PAYLOAD_KEYS.filter(isAllowed)).toEqual([]);
  });
});

/** What counts something and is no number may be anything, and is left out. */
const countingInNumbers = <Value>(attributes: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(attributes).filter(
      ([key, value]) => !SUMMARY_PREFIXES.some((prefix) => key.startsWith(prefix)) || !Number.isNaN(Number(value)),
    ),
  );

test('without payload, whatever else a span says, what is left says the same', () => {
  const keys = fc.oneof(
    fc.constantFrom(...SUMMARY_KEYS),
    fc
      .constantFrom('input_tokens', 'output_tokens', 'total', 'details.x', '', 'größe')
      .map((name) => `gen_ai.usage.${name}`),
    fc.constantFrom('prompt', 'completion', 'prompt_details.cache_read').map((name) => `llm.token_count.${name}`),
    fc.constantFrom(
      'gen_ai.prompt',
      'input.value',
      'langfuse.observation.input',
      '__proto__',
      'k',
      'gen_ai.request.top_p',
    ),
  );
  const values = fc.oneof(
    fc.constantFrom(
      '',
      'a',
      'span',
      'LLM',
      'chat',
      'invoke_agent',
      'true',
      '["a","b"]',
      '{"total":7}',
      '2026-01-01',
      'x,y',
      '7',
    ),
    fc.nat(9),
    fc.boolean(),
    fc.constant(0.5),
    fc.constant(['a', 'b'] as const),
  );
  const spans = fc.record({
    attributes: fc.dictionary(keys, values, { maxKeys: 8 }).map(countingInNumbers),
    scope: fc.constantFrom('any', 'ai', 'genkit-tracer', 'gcp.vertex.agent', 'langfuse-sdk').map((name) => ({ name })),
    name: fc.constantFrom('n', '', 'function_tool'),
    status: fc.constantFrom({ code: 0 }, { code: 2, message: 'm' }),
  });
  const seen = { tokens: 0, generations: 0 };
  fc.assert(
    fc.property(spans, (span) => {
      const { body } = asProtobuf(requestOf(span));
      expect(differences(body)).toEqual([]);
      const [summary] = summaries(body) as [ObservationSummary];
      seen.tokens += Number(summary.usage !== null);
      seen.generations += Number(summary.type === 'GENERATION');
    }),
    runs(500),
  );
  expect(Math.min(seen.tokens, seen.generations)).toBeGreaterThan(20);
});
