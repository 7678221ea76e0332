import fc from 'fast-check';
import { FEATURES } from '../../src/langfuse/draft';
import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { VISIBILITY_REPAIRS, VISIBILITY_RULES, WATCHED_ATTRIBUTES } from '../../src/langfuse/visibility';
import { runs } from '../support/random';
import { END, kvlist, START } from '../support/span-builder';
import {
  applyRules,
  buildVisible,
  featuresOf,
  LINKED,
  RECEIVED_AT,
  shown,
  TestDraft,
  type VisibleGiven,
} from '../support/visibility-draft';

describe('the table', () => {
  test('every name is there once', () => {
    expect([...VISIBILITY_REPAIRS].sort()).toEqual([
      'crash_averted',
      'dropped_counts_to_metadata',
      'environment_normalised',
      'events_to_metadata',
      'exception_to_level',
      'kind_to_metadata',
      'links_to_metadata',
      'media_data_uri',
      'metadata_text_kept',
      'prompt_version_to_number',
      'prompt_without_version',
      'start_absent',
      'trace_input_output',
      'trace_state_to_metadata',
      'values_to_json',
    ]);
  });

  test.each(VISIBILITY_RULES.map(({ repair = 'a warning', what, why }) => [repair, what, why]))(
    '%s says what and why in a sentence each',
    (_repair, what, why) => {
      for (const sentence of [what, why]) expect(sentence).toMatch(/^\p{Lu}[^.]*(?:\d\.\d[^.]*)?\.$/u);
    },
  );

  test('every feature calls for a rule', () => {
    const called = new Set<string>(VISIBILITY_RULES.flatMap(({ features }) => [...features]));
    expect([...called].sort()).toEqual([...FEATURES].sort());
  });
});

/** A span on which one rule has something to do, that rule, and what Langfuse then shows of it. */
const ROWS: [repair: string, given: VisibleGiven, expected: Partial<Observation>][] = [
  [
    'links_to_metadata',
    { links: [{}] },
    { metadata: expect.objectContaining({ 'otel.links': JSON.stringify([LINKED]) }) },
  ],
  [
    'events_to_metadata',
    { events: [{ name: 'log', time: [1, 2] }] },
    {
      metadata: expect.objectContaining({ 'otel.events': '[{"name":"log","time":"1970-01-01T00:00:01.000000002Z"}]' }),
    },
  ],
  [
    'exception_to_level',
    { events: [{ name: 'exception', attributes: { 'exception.message': 'boom' } }] },
    { level: 'ERROR', statusMessage: 'boom' },
  ],
  [
    'trace_state_to_metadata',
    { traceState: 'a=1' },
    { metadata: expect.objectContaining({ 'otel.traceState': 'a=1' }) },
  ],
  ['kind_to_metadata', { kind: 1 }, { metadata: expect.objectContaining({ 'otel.kind': 'SERVER' }) }],
  [
    'dropped_counts_to_metadata',
    { droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 3 },
    {
      metadata: expect.objectContaining({
        'otel.droppedAttributesCount': '1',
        'otel.droppedEventsCount': '2',
        'otel.droppedLinksCount': '3',
      }),
    },
  ],
  [
    'values_to_json',
    { attributes: { a: kvlist({ b: 1 }), c: [1, 'd'] } },
    { metadata: expect.objectContaining({ 'attributes.a': '{"b":1}', 'attributes.c': '[1,"d"]' }) },
  ],
  [
    'media_data_uri',
    { attributes: { 'input.value': '{"type":"file","mediaType":"image/jpeg","data":"/9j/4AAQSkZJRg=="}' } },
    { input: '{"type":"file","mediaType":"image/jpeg","data":"data:image/jpeg;base64,/9j/4AAQSkZJRg=="}' },
  ],
  [
    'trace_input_output',
    { attributes: { 'langfuse.trace.input': 'i', 'langfuse.trace.output': 'o' } },
    { input: 'i', output: 'o' },
  ],
  [
    'trace_input_output',
    { parentSpanId: LINKED.spanId, attributes: { 'langfuse.trace.input': 'i', 'langfuse.trace.output': 'o' } },
    { input: null, metadata: expect.objectContaining({ 'otel.traceInput': 'i', 'otel.traceOutput': 'o' }) },
  ],
  [
    'prompt_version_to_number',
    { attributes: { model: 'm', 'langfuse.observation.prompt.name': 'p', 'langfuse.observation.prompt.version': '3' } },
    { type: 'GENERATION', promptName: 'p', promptVersion: 3 },
  ],
  [
    'prompt_without_version',
    { attributes: { model: 'm', 'langfuse.prompt.name': 'p', 'langfuse.prompt.version': 'x' } },
    {
      promptName: null,
      promptVersion: null,
      metadata: expect.objectContaining({ 'otel.promptName': 'p', 'otel.promptVersion': 'x' }),
    },
  ],
  [
    'environment_normalised',
    { attributes: { 'deployment.environment': 'Prod' } },
    { environment: 'prod', metadata: expect.objectContaining({ 'otel.originalEnvironment': 'Prod' }) },
  ],
  [
    'start_absent',
    { startTime: [0, 0] },
    { startTime: '2023-11-14T22:13:22.123Z', endTime: '2023-11-14T22:13:22.123Z' },
  ],
  [
    'start_absent',
    { startTime: [0, 0], endTime: [0, 0] },
    { startTime: '2027-01-15T08:00:00.000Z', endTime: '2027-01-15T08:00:00.000Z' },
  ],
  [
    'values_to_json',
    { events: [{ name: 'gen_ai.choice', attributes: { index: 0, message: kvlist({ content: 'a' }) } }] },
    { input: '', output: '{"index":0,"message":{"content":"a"}}' },
  ],
  [
    'metadata_text_kept',
    { attributes: { 'langfuse.observation.metadata': 'a note', 'langfuse.trace.metadata': 5 } },
    { metadata: expect.objectContaining({ 'otel.metadata': 'a note', 'otel.traceMetadata': '5' }) },
  ],
  [
    'crash_averted',
    { attributes: { 'operation.name': 5 } },
    { metadata: expect.objectContaining({ 'attributes.operation.name': '5' }) },
  ],
  [
    'crash_averted',
    { attributes: { events: '{"a":1}' } },
    { input: null, metadata: expect.objectContaining({ events: '{"a":1}' }) },
  ],
  [
    'crash_averted',
    { attributes: { 'gen_ai.operation.name': 'constructor' } },
    { metadata: expect.objectContaining({ 'gen_ai.operation.name': 'constructor' }) },
  ],
  [
    'crash_averted',
    { attributes: { 'gen_ai.prompt.0.content': 'x', 'gen_ai.prompt.0.content.0.type': 'text' } },
    {
      input: '[{"content":[{"type":"text"}]}]',
      metadata: expect.objectContaining({ 'gen_ai.prompt.0.content': 'x' }),
    },
  ],
];

test.each(ROWS)('%s: Langfuse shows it, and it took that rule alone', (repair, given, expected) => {
  const { events } = given;
  const draft = new TestDraft(given);
  const changing = applyRules(draft);
  expect(changing.filter((each) => each !== 'events_to_metadata' || events === undefined || each === repair)).toEqual([
    repair,
  ]);
  expect(observe(draft.span)).toMatchObject(expected);
});

test.each(ROWS)('%s: the span’s features call for it', (repair, given) => {
  const features = featuresOf(buildVisible(given));
  const rules = VISIBILITY_RULES.filter((each) => each.repair === repair);
  expect(rules.flatMap((rule) => [...rule.features]).some((feature) => features.has(feature))).toBe(true);
});

test('warnings', () => {
  const warningsOf = (given: VisibleGiven) => {
    const draft = new TestDraft(given);
    applyRules(draft);
    return draft.warnings;
  };
  expect(warningsOf({ startTime: END, endTime: START })).toEqual(['end_before_start']);
  expect(warningsOf({ startTime: [0, 0] })).toEqual(['start_absent']);
  expect(warningsOf({ startTime: [0, 0], endTime: [0, 0] })).toEqual(['times_absent']);
  expect(warningsOf({ attributes: { 'langfuse.prompt.name': 'p' } })).toEqual(['prompt_without_version']);
  expect(warningsOf({})).toEqual([]);
});

test.each([
  ['an ordinary span', {}],
  [
    'a model call with everything in order',
    {
      attributes: {
        'langfuse.observation.prompt.name': 'p',
        'langfuse.observation.prompt.version': 3,
        'langfuse.environment': 'prod',
        'langfuse.trace.input': 'i',
        'langfuse.observation.input': 'i',
        'gen_ai.operation.name': 'chat',
        'operation.name': 'ai.generateText.doGenerate',
        events: '[{"event.name":"gen_ai.choice"}]',
        'gen_ai.prompt.0.content': 'q',
        'gen_ai.prompt.0.tool_calls.0.name': 'f',
      },
    },
  ],
  ['messages in events that are shown', { events: [{ name: 'gen_ai.user.message', attributes: { content: 'q' } }] }],
])('nothing is done to %s', (_name, given: VisibleGiven) => {
  const draft = new TestDraft(given);
  expect(applyRules(draft)).toEqual([]);
  expect(draft.warnings).toEqual([]);
});

describe('watched attributes', () => {
  test.each(['input', 'langfuse.trace.output', 'gen_ai.prompt.', 'ai.prompt.messages'])(
    '%s for the media in it',
    (name) => {
      const watched = WATCHED_ATTRIBUTES.filter((each) => ('key' in each ? each.key : each.prefix) === name);
      const calls = (text: string) => {
        const bytes = Buffer.from(`x${text}x`);
        return watched.some(({ onlyBytes }) => onlyBytes?.(bytes, 1, bytes.length - 1));
      };
      expect(calls('[{"type":"blob","mime_type":"image/png","content":"iVBORw0KGgo="}]')).toBe(true);
      expect(calls('[{"type":"text","content":"an ordinary answer of some length"}]')).toBe(false);
    },
  );

  const CALLS: [key: string, text: string | undefined, calls: boolean][] = [
    ['langfuse.environment', 'prod', false],
    ['langfuse.environment', 'Prod', true],
    ['deployment.environment', '', false],
    ['deployment.environment.name', undefined, true],
    ['operation.name', 'x', false],
    ['operation.name', '9223372036854775807', true],
    ['ai.operationId', undefined, true],
    ['gen_ai.operation.name', 'chat', false],
    ['gen_ai.operation.name', 'constructor', true],
    ['openinference.span.kind', undefined, true],
    ['events', ' [{"a":1}]', false],
    ['events', '[null]', true],
    ['events', '{}', true],
    ['events', undefined, true],
    ['langfuse.metadata', '{"a":1}', false],
    ['langfuse.metadata', '{"a":', true],
    ['langfuse.metadata', '', false],
  ];
  test.each(CALLS)('%s: %s', (key, text, calls) => {
    const watched = WATCHED_ATTRIBUTES.filter((each) => 'key' in each && each.key === key);
    expect(watched.some(({ only }) => only?.(text))).toBe(calls);
  });
});

/** Whatever rules look at, and now and then something they do not expect there. */
const VALUES = fc.constantFrom<unknown>(
  ...[
    'x',
    '',
    '3',
    'Prod',
    'prod',
    'constructor',
    '{"a":1}',
    '[null]',
    '[{"a":1}]',
    '{"version":2}',
    'ai.toolCall',
    '9223372036854775807',
    '[{"type":"blob","mime_type":"image/png","content":"iVBORw0KGgo="}]',
  ],
  ...[5, 0, 1.5, Number.NaN, true, false, null, [], ['constructor'], ['a', null], [1, 'a'], [Number.NaN]],
  ...[kvlist({ a: kvlist({ b: [1] }) }), new Uint8Array([1])],
);
const KEYS = fc.constantFrom(
  ...WATCHED_ATTRIBUTES.map((watched) => ('key' in watched ? watched.key : `${watched.prefix}.0.a`)),
  ...['gen_ai.prompt', 'gen_ai.prompt.0.a.b', 'gen_ai.prompt.a', 'gen_ai.prompt_id', 'llm.input_messages.0.a.0.c'],
  ...['langfuse.observation.input', 'langfuse.observation.output', 'langfuse.observation.level', 'input', 'prompt'],
  ...['ai.telemetry.metadata.langfusePrompt', 'langfuse.observation.metadata.events', 'ai.prompt', 'a'],
  ...['langfuse.observation.metadata.otel.events', 'langfuse.observation.status_message'],
  ...['langfuse.observation.metadata.otel.links', 'langfuse.observation.metadata.otel.events_'],
);
const ATTRIBUTES = fc.dictionary(KEYS, VALUES, { maxKeys: 8, noNullPrototype: true });
const EVENT_NAMES = ['exception', 'log', 'gen_ai.user.message', 'gen_ai.choice', 'gen_ai.content.prompt'];
const EVENT = fc.record({
  name: fc.constantFrom(...EVENT_NAMES, 'gen_ai.client.inference.operation.details'),
  attributes: fc.dictionary(fc.oneof(KEYS, fc.constantFrom('exception.message', 'gen_ai.input.messages')), VALUES, {
    maxKeys: 3,
    noNullPrototype: true,
  }),
});
const TIME = fc.constantFrom<[number, number]>([0, 0], [5, 1], [5, 2], [6, 0]);
const SPAN: fc.Arbitrary<VisibleGiven> = fc.record(
  {
    attributes: ATTRIBUTES,
    resource: fc.dictionary(fc.constantFrom('langfuse.environment', 'deployment.environment.name'), VALUES),
    events: fc.array(EVENT, { maxLength: 3 }),
    links: fc.array(fc.record({ attributes: ATTRIBUTES }), { maxLength: 2 }),
    scope: fc.record({ name: fc.constantFrom('ai', 'genkit-tracer', 'pydantic-ai', 'other') }),
    kind: fc.integer({ min: 0, max: 5 }),
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: fc.constantFrom('', 'm') }),
    startTime: TIME,
    endTime: TIME,
    parentSpanId: fc.constant(LINKED.spanId),
    droppedLinksCount: fc.integer({ min: 0, max: 1 }),
  },
  { requiredKeys: [] },
);

describe('any span', () => {
  test('all rules twice change no more than once', () => {
    fc.assert(
      fc.property(SPAN, (given) => {
        const draft = new TestDraft(given);
        applyRules(draft);
        expect(applyRules(draft)).toEqual([]);
      }),
      runs(1000),
    );
  });

  test('each rule alone is done after once', () => {
    fc.assert(
      fc.property(SPAN, (given) => {
        for (const rule of VISIBILITY_RULES) {
          const draft = new TestDraft(given);
          rule.apply(draft);
          const once = shown(draft);
          rule.apply(draft);
          expect([rule.repair, shown(draft)]).toEqual([rule.repair, once]);
        }
      }),
      runs(300),
    );
  });

  test('no rule changes a span whose features do not call for it', () => {
    fc.assert(
      fc.property(SPAN, (given) => {
        const features = featuresOf(buildVisible(given));
        const others = VISIBILITY_RULES.filter((rule) => !rule.features.some((feature) => features.has(feature)));
        expect(applyRules(new TestDraft(given), others)).toEqual([]);
      }),
      runs(500),
    );
  });

  test('only the start, never an end that was sent, is moved', () => {
    fc.assert(
      fc.property(SPAN, TIME, (given, endTime) => {
        const draft = new TestDraft({ ...given, endTime });
        applyRules(draft);
        const isSent = endTime[0] > 0;
        const expected = isSent || (given.startTime ?? START)[0] > 0 ? endTime : RECEIVED_AT;
        expect(draft.span.endTime).toEqual(expected);
      }),
      runs(200),
    );
  });
});
