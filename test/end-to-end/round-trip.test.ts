import type { CanonicalSpan } from '../support/canonical';
import { Traces } from '../support/carried-attributes';
import { type CorpusCase, canonicalOfCase, corpusCases } from '../support/corpus';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { repairSpans, type ValueRepair } from '../support/named-repairs';
import { post } from '../support/post';
import { increases } from '../support/samples';
import { withJsonValues } from '../support/visible-span';

/** What is wrong on the wire, and what makes it right. */
const DIFFERENCES: readonly (readonly [name: string, repair: ValueRepair, spans: number, reason: string])[] = [
  ...(['1x', '2x', '3x'] as const).flatMap((line) =>
    ['json-attrs-links-events', 'json-gzip-attrs-links-events'].map(
      (name) => [`otel-js-${line}/${name}`, 'attribute_retyped', 1, 'the exporter writes "intValue":1e+21'] as const,
    ),
  ),
  ['otel-js-2x/json-simple-processor.5', 'attribute_retyped', 1, 'the exporter writes "intValue":1e+21'],
  ...['grpc', 'json', 'json-gzip', 'proto', 'proto-gzip'].map(
    (kind) =>
      [
        `otel-js-3x/${kind}-attrs-links-events`,
        'bytes_to_base64',
        1,
        'a Uint8Array attribute, which Langfuse does not decode',
      ] as const,
  ),
  ['ai-sdk-v7/legacy-image-input', 'media_data_uri', 1, 'the AI SDK writes an image in bare base64'],
  ['ai-sdk-v7/otel-image-input', 'media_data_uri', 2, 'so does its newer integration, as a blob'],
  ['traceloop/openai-image', 'media_data_uri', 1, 'so does OpenLLMetry'],
];

/** Spans of the whole corpus that each repair touches. */
const REPAIRED = {
  ...{ attribute_retyped: 7, bytes_to_base64: 5, values_to_json: 17 },
  ...{ links_to_metadata: 23, events_to_metadata: 42, exception_to_level: 2, trace_state_to_metadata: 24 },
  ...{ kind_to_metadata: 149, dropped_counts_to_metadata: 11, trace_input_output: 4, metadata_text_kept: 4 },
  ...{ trace_session_id: 8, trace_user_id: 8, trace_tags: 5, trace_name: 2, trace_release: 2, trace_version: 12 },
  ...{ trace_environment: 11, trace_public: 4, media_data_uri: 4 },
};

let fake: FakeLangfuse;
let gateway: RunningGateway;
/** What the gateway knows of traces by now. */
const traces = new Traces();
beforeAll(async () => {
  fake = await startFakeLangfuse({ media: { isElsewhere: true } });
  gateway = await startGateway({ fake });
});
afterAll(async () => {
  await gateway.stop();
  await fake.close();
});
beforeEach(() => {
  fake.spans.length = 0;
});

test.each(corpusCases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
  const rows = DIFFERENCES.filter(([where]) => where === name);
  const repairs = rows.map(([, repair]) => repair);
  const repaired = repairSpans(canonicalOfCase(one), repairs);
  const expected = traces.leave(repaired.spans);
  const before = await gateway.metrics();

  expect(await answerTo(one)).toEqual(successOf(one));

  const arrived = await fake.waitForSpans(one.spans);
  expect(inOrder(arrived)).toEqual(inOrder(expected.spans));
  expect(inOrder(arrived).map((span, at) => withoutAdditions(span, inOrder(repaired.spans)[at]!))).toEqual(
    inOrder(repaired.spans).map(withJsonValues),
  );
  expect(fake.violations).toEqual([]);
  expect(repaired.touched).toEqual(Object.fromEntries(rows.map(([, repair, spans]) => [repair, spans])));
  const after = await gateway.metrics();
  expect(increases('gateway_spans_repaired_total', { before, after })).toEqual({
    ...expected.repairs,
    ...repaired.touched,
  });
});

test('every difference belongs to a case', () => {
  const names = new Set(corpusCases.map(({ name }) => name));
  expect(DIFFERENCES.filter(([name]) => !names.has(name))).toEqual([]);
});

test('every span is accounted for', async () => {
  const total = corpusCases.reduce((sum, one) => sum + one.spans, 0);
  // What the last post carried is counted only when its answer has come back.
  await eventually(async () => {
    const samples = await gateway.metrics();
    expect(samples).toMatchObject({
      gateway_receiver_accepted_spans_total: total,
      'gateway_delivered_spans_total{destination="main"}': total,
      gateway_queue_spans: 0,
    });
    const since = { before: {}, after: samples };
    expect(increases('gateway_spans_repaired_total', since)).toEqual(REPAIRED);
    expect(increases('gateway_receiver_rejected_spans_total', since)).toEqual({});
    expect(increases('gateway_dead_lettered_spans_total', since)).toEqual({});
  });
});

/** Without the attributes that were not sent; the others in the order in which they were. */
function withoutAdditions(arrived: CanonicalSpan, sent: CanonicalSpan): CanonicalSpan {
  const keys = sent.attributes.map(({ key }) => key);
  const place = ({ key }: CanonicalSpan['attributes'][number]) => keys.indexOf(key);
  const kept = arrived.attributes.filter(({ key }) => keys.includes(key));
  return { ...arrived, attributes: kept.toSorted((a, b) => place(a) - place(b)) };
}

async function answerTo(one: CorpusCase) {
  const { status, headers, body } = await post(`${gateway.url}${one.path}`, one);
  return { status, type: headers['content-type'], body: body.toString() };
}

/** A full success is `{}` in JSON and zero bytes in protobuf, with a bare content type. */
function successOf({ encoding }: CorpusCase) {
  return encoding === 'json'
    ? { status: 200, type: 'application/json', body: '{}' }
    : { status: 200, type: 'application/x-protobuf', body: '' };
}

/** Batches may overtake each other. */
function inOrder(spans: readonly CanonicalSpan[]): CanonicalSpan[] {
  return spans.toSorted((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));
}
