import fc from 'fast-check';
import { createJudge } from '../src/judge';
import { type CanonicalSpan, canonicalFromProtobuf } from './support/canonical';
import { Traces } from './support/carried-attributes';
import { switches } from './support/judging';
import { asProtobuf, requestOf, spanOf } from './support/otlp-twins';
import { runs } from './support/random';
import { requests } from './support/request-model';
import { renderProtobuf } from './support/request-protobuf';

const newJudge = () =>
  createJudge({
    ...{ repairs: switches(), now: () => Date.now() },
    traceContext: { traceIdAlone: 'reject' },
    traceAttributes: { maxTraces: 1000, windowS: 600 },
  }).judge;

test.each([
  ['as everybody writes protobuf', () => undefined],
  ['in any way protobuf allows', (seed: number) => seed],
])('spans of all kinds leave as Langfuse shows them, %s', async (_, styleOf) => {
  await fc.assert(
    fc.asyncProperty(requests(), fc.integer({ min: 1 }), async (request, seed) => {
      const bytes = renderProtobuf(request, styleOf(seed));
      const sent = canonicalFromProtobuf(bytes);
      fc.pre(sent.every(hasUniqueKeys));
      const { bytes: left, repairs } = await newJudge()({ format: 'protobuf', bytes, destination: 'main' });
      const expected = new Traces().leave(sent);
      expect(inOrderOfKeys(canonicalFromProtobuf(left))).toEqual(inOrderOfKeys(expected.spans));
      expect(Object.fromEntries(repairs)).toEqual(expected.repairs);
    }),
    runs(200),
  );
});

const BEYOND_A_DOUBLE = { intValue: '9007199254740993' };
const MAP = { key: 'm', value: { kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }] } } };

test.each([
  ['a list of integers beside a map', [{ intValue: '1' }, BEYOND_A_DOUBLE], [{ int: 1n }, { int: 9007199254740993n }]],
  ['a text and an integer in a list', [{ stringValue: 'a' }, BEYOND_A_DOUBLE], undefined],
])('%s, one of them beyond what a double can count', async (_, values, array) => {
  const attributes = [{ key: 'l', value: { arrayValue: { values } } }, MAP];
  const { body: bytes } = asProtobuf(requestOf(spanOf({ kind: 1, attributes })));
  const { bytes: left } = await newJudge()({ format: 'protobuf', bytes, destination: 'main' });
  const list = array === undefined ? { string: '["a","9007199254740993"]' } : { array };
  expect(inOrderOfKeys(canonicalFromProtobuf(left))[0]?.attributes).toEqual([
    { key: 'l', value: list },
    { key: 'm', value: { string: '{"a":true}' } },
  ]);
});

test.each(['operation.name', 'ai.operationId'])(
  '%s: an integer beyond what a double can count is no number when it leaves, for Langfuse calls startsWith on it',
  async (key) => {
    const attributes = [{ key, value: { intValue: '9223372036854775807' } }];
    const { body: bytes } = asProtobuf(requestOf(spanOf({ kind: 1, attributes })));
    const { bytes: left, repairs } = await newJudge()({ format: 'protobuf', bytes, destination: 'main' });
    const kept = { key: `langfuse.observation.metadata.${key}`, value: { string: '9223372036854775807' } };
    expect(canonicalFromProtobuf(left)[0]?.attributes).toEqual([kept]);
    expect(Object.fromEntries(repairs)).toEqual({ crash_averted: 1 });
    const again = await newJudge()({ format: 'protobuf', bytes: left, destination: 'main' });
    expect(again.bytes.equals(left)).toBe(true);
  },
);

/** Where a key is twice, its values may be repaired one by one or as one. */
const hasUniqueKeys = (span: CanonicalSpan) =>
  [span, span.resource, span.scope].every(
    ({ attributes }) => new Set(attributes.map(({ key }) => key)).size === attributes.length,
  );

/** What is written anew stands behind the rest; in which order among itself says nothing. */
const inOrderOfKeys = (spans: readonly CanonicalSpan[]) =>
  spans.map((span) => ({ ...span, attributes: span.attributes.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }));

const KEYS = [
  ...['session.id', 'langfuse.session.id', 'gen_ai.conversation.id', 'langfuse_session_id', 'user.id', 'other'],
  ...['langfuse.trace.name', 'langfuse_trace_name', 'langfuse.release', 'langfuse.version', 'service.version'],
  ...['langfuse.environment', 'deployment.environment.name', 'deployment.environment'],
];
const KEY_VALUES = fc.oneof(
  fc.record({
    key: fc.constantFrom(...KEYS),
    value: fc.constantFrom('a', 'b').map((stringValue) => ({ stringValue })),
  }),
  fc.constant({ key: 'langfuse.public', value: { boolValue: true } }),
  fc.record({
    key: fc.constantFrom('langfuse.trace.tags', 'langfuse.tags'),
    value: fc.constantFrom('a', 'b').map((stringValue) => ({ arrayValue: { values: [{ stringValue }] } })),
  }),
);
const ATTRIBUTES = fc.uniqueArray(KEY_VALUES, { selector: ({ key }) => key, maxLength: 3 });
const TWO_TRACES = fc.constantFrom('aa'.repeat(16), 'bb'.repeat(16));
const SPANS = fc.array(
  fc.record({
    ...{ traceId: TWO_TRACES, parentSpanId: fc.constantFrom('', 'cc'.repeat(8)), attributes: ATTRIBUTES },
    ...{ spanId: fc.constant('dd'.repeat(8)), startTimeUnixNano: fc.constant('1'), endTimeUnixNano: fc.constant('2') },
  }),
  { minLength: 1, maxLength: 3 },
);
const RESOURCE_SPANS = fc.record({
  resource: fc.record({ attributes: ATTRIBUTES }),
  scopeSpans: SPANS.map((spans) => [{ spans }]),
});
const REQUESTS = fc.array(fc.array(RESOURCE_SPANS, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });

test('spans get what they lack from their resource or their trace, within a request and from those before it', async () => {
  await fc.assert(
    fc.asyncProperty(REQUESTS, async (sent) => {
      const [judge, traces] = [newJudge(), new Traces()];
      for (const resourceSpans of sent) {
        const bytes = asProtobuf({ resourceSpans }).body;
        const { bytes: left, repairs } = await judge({ format: 'protobuf', bytes, destination: 'main' });
        const expected = traces.leave(canonicalFromProtobuf(bytes));
        expect(canonicalFromProtobuf(left)).toEqual(expected.spans);
        expect(Object.fromEntries(repairs)).toEqual(expected.repairs);
      }
    }),
    runs(200),
  );
});
