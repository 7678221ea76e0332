import fc from 'fast-check';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { METADATA } from '../../src/langfuse/visibility';
import { type CanonicalAttribute, type CanonicalSpan, canonicalFromProtobuf } from '../support/canonical';
import { expectedAdmission } from '../support/expected-admission';
import { type JudgeSettings, type Judging, shown, startJudging } from '../support/judging';
import { meaningfulRequests } from '../support/meaningful-requests';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import { runs } from '../support/random';
import { renderJson } from '../support/request-json';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';

const seeds = fc.integer({ min: 1 });

const contexts = fc.option(
  fc.record({
    traceId: fc.constantFrom('a1'.repeat(16), 'c3'.repeat(16), 'words'),
    parentSpanId: fc.constantFrom('01'.repeat(8), '0f'.repeat(8), ''),
  }),
  { nil: undefined },
);
const settings: fc.Arbitrary<JudgeSettings> = fc.record({
  ids: fc.constantFrom('normalise', 'derive', 'off'),
  off: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray([...REPAIRS])),
  traceIdAlone: fc.constantFrom('accept', 'reject'),
});

type Judged = Awaited<ReturnType<Judging['judge']>>;

/** What is told of each span: of the second gateway nothing, warnings aside. */
const repairsOf = ({ repairs }: Judged) => Object.fromEntries(repairs);

describe('two gateways in a row change no more than one', () => {
  test.each([
    ['requests that have much to repair', meaningfulRequests({ rejectable: true })],
    ['any requests', requests({ repairable: true, rejectable: true, invalidUtf8: true, legacy: true })],
  ])('%s', async (_, models) => {
    await fc.assert(
      fc.asyncProperty(models, seeds, contexts, settings, async (request, seed, traceContext, given) => {
        const body = renderProtobuf(request, seed);
        const first = await startJudging(given).judge(body, { traceContext });
        const second = await startJudging(given).judge(first.bytes);
        expect(repairsOf(second)).toEqual({});
        expect(second.bytes).toBe(first.bytes);
        expect([second.accepted, second.rejections]).toEqual([first.accepted, []]);
      }),
      runs(400),
    );
  });
});

describe('what needs nothing', () => {
  const attributes = ['session.id', 'user.id'].map((key) => ({ key, value: { stringValue: 'x' } }));
  const clean = spanOf({ kind: 1, attributes });

  test('leaves as the buffer it came in, byte for byte', async () => {
    const [, { body }] = twins(requestOf(clean, { ...clean, spanId: '0102030405060708' })).at(-1)!;
    const judgement = await startJudging().judge(body);
    expect(judgement.bytes).toBe(body);
    expect([judgement.accepted, repairsOf(judgement), judgement.warnings.size]).toEqual([2, {}, 0]);
    expect(judgement.notes(0)).toEqual({ repairs: [], warnings: [] });
  });

  test('leaves so beside a span that is changed', async () => {
    const rest = { ...clean, spanId: '0102030405060708', kind: 2 };
    const [, { body }] = twins(requestOf(clean, rest)).at(-1)!;
    const [, alone] = twins(requestOf(clean)).at(-1)!;
    const judgement = await startJudging().judge(body);
    const span = canonicalFromProtobuf(alone.body)[0];
    expect(canonicalFromProtobuf(judgement.bytes)[0]).toEqual(span);
    expect(repairsOf(judgement)).toEqual({ kind_to_metadata: 1 });
  });
});

test('with every repair off, whatever protobuf can hold leaves as it came', async () => {
  const off: JudgeSettings = { ids: 'off', off: REPAIRS };
  const models = fc.oneof(meaningfulRequests(), requests({ repairable: true, invalidUtf8: true }));
  await fc.assert(
    fc.asyncProperty(models, seeds, contexts, async (request, seed, traceContext) => {
      const body = renderProtobuf(request, seed);
      const judgement = await startJudging(off).judge(body, { traceContext });
      expect(judgement.bytes).toBe(body);
      expect([repairsOf(judgement), judgement.rejections]).toEqual([{}, []]);
    }),
    runs(300),
  );
});

test('JSON and protobuf of one request give the same spans, repairs and warnings', async () => {
  await fc.assert(
    fc.asyncProperty(
      meaningfulRequests({ rejectable: true }),
      seeds,
      contexts,
      settings.filter(({ ids }) => ids !== 'off'),
      async (request, seed, traceContext, given) => {
        const fromJson = await startJudging(given).judge(Buffer.from(renderJson(request, seed)), {
          ...{ format: 'json', traceContext },
        });
        const fromProtobuf = await startJudging(given).judge(renderProtobuf(request, seed), { traceContext });
        expect(outcomeOf(fromJson)).toEqual(outcomeOf(fromProtobuf));
        expect(canonicalFromProtobuf(fromJson.bytes)).toEqual(canonicalFromProtobuf(fromProtobuf.bytes));
      },
    ),
    runs(300),
  );

  function outcomeOf(judgement: Judged) {
    const { repairs, warnings } = shown(judgement);
    const { accepted, rejections, traceContext } = judgement;
    const notes = Array.from({ length: accepted }, (_, position) => sortedNotes(judgement.notes(position)));
    const reasons = rejections.map(({ ordinal, reason }) => [ordinal, reason]);
    return { accepted, repairs, warnings, traceContext, notes, reasons };
  }

  function sortedNotes({ repairs, warnings }: ReturnType<Judged['notes']>) {
    return { repairs: [...repairs].sort(), warnings: [...warnings].sort() };
  }
});

test('an accepted span is changed in nothing but what its repairs say, and every span is accounted for', async () => {
  await fc.assert(
    fc.asyncProperty(
      meaningfulRequests({ rejectable: true }),
      seeds,
      contexts,
      settings,
      async (request, seed, traceContext, given) => {
        const body = renderProtobuf(request, seed);
        const judgement = await startJudging(given).judge(body, { traceContext });
        const sent = canonicalFromProtobuf(body);
        const out = canonicalFromProtobuf(judgement.bytes);
        expect([judgement.accepted, judgement.accepted + judgement.rejections.length]).toEqual([
          out.length,
          sent.length,
        ]);
        const wire = WIRE.filter((name) => judgement.repairs.has(name));
        const expected = expectedAdmission(sent, wire).spans;
        const notes = expected.map((_, position) => judgement.notes(position).repairs);
        expect(out.map((span, at) => without(span, notes[at]!, expected[at]!))).toEqual(
          expected.map((span, at) => without(span, notes[at]!, span)),
        );
        expect(countsOf(notes)).toEqual(repairsOf(judgement));
      },
    ),
    runs(400),
  );
});

/** Those of `expectedAdmission` that these requests may need. */
const WIRE = ['bytes_to_base64', 'parent_zero'] as const;

function countsOf(notes: readonly (readonly RepairName[])[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of notes.flat()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const OBSERVATION = ['langfuse.observation.input', 'langfuse.observation.output'];
const PROMPT = ['observation.prompt.name', 'observation.prompt.version', 'prompt.name', 'prompt.version'];
const CRASHING =
  /^(langfuse\.observation\.metadata\.)?(operation\.name|ai\.operationId|langfuse\.observation\.type|openinference\.span\.kind|gen_ai\.operation\.name|genkit:metadata:subtype|events|gen_ai\.prompt.*|gen_ai\.completion.*|llm\.(input|output)_messages.*)_*$/;

/** Attributes that a repair may set, change or remove. */
const KEYS: Partial<Record<RepairName, readonly string[] | RegExp>> = {
  trace_context: [METADATA.originalTraceId],
  trace_session_id: ['session.id'],
  trace_user_id: ['user.id'],
  trace_tags: ['langfuse.trace.tags'],
  trace_name: ['langfuse.trace.name'],
  trace_release: ['langfuse.release'],
  trace_version: ['langfuse.version'],
  trace_environment: ['langfuse.environment'],
  trace_public: ['langfuse.trace.public'],
  links_to_metadata: [METADATA.links],
  events_to_metadata: [METADATA.events],
  exception_to_level: [
    ...['langfuse.observation.level', 'langfuse.observation.status_message', METADATA.originalLevel],
  ],
  values_to_json: OBSERVATION,
  metadata_text_kept: [METADATA.metadata, METADATA.traceMetadata],
  trace_state_to_metadata: [METADATA.traceState],
  kind_to_metadata: [METADATA.kind],
  dropped_counts_to_metadata: [
    ...[METADATA.droppedAttributesCount, METADATA.droppedEventsCount, METADATA.droppedLinksCount],
  ],
  trace_input_output: [
    ...OBSERVATION,
    ...['langfuse.trace.input', 'langfuse.trace.output', METADATA.traceInput, METADATA.traceOutput],
  ],
  prompt_version_to_number: PROMPT.map((key) => `langfuse.${key}`),
  prompt_without_version: [...PROMPT.map((key) => `langfuse.${key}`), METADATA.promptName, METADATA.promptVersion],
  environment_normalised: ['langfuse.environment', METADATA.originalEnvironment],
  crash_averted: new RegExp(`${CRASHING.source}|^langfuse\\.observation\\.(input|output)$`),
};

/** Behind the name where the sender has something else under it. */
const withoutUnderscores = (key: string) => (key.includes('.otel.') ? key.replace(/_+$/, '') : key);

/** The span without what these repairs may change; `sent` is the span before them. */
function without(span: CanonicalSpan, repairs: readonly RepairName[], sent: CanonicalSpan): unknown {
  const isJson = repairs.includes('values_to_json');
  const masks = repairs.map((repair) => KEYS[repair] ?? []);
  const isMasked = (key: string) =>
    masks.some((mask) => (mask instanceof RegExp ? mask.test(key) : mask.includes(withoutUnderscores(key))));
  const kept = (attributes: readonly CanonicalAttribute[], before: readonly CanonicalAttribute[]) => {
    const complex = new Set(isJson ? before.filter(isComplex).map(({ key }) => key) : []);
    return attributes.filter(({ key }) => !complex.has(key));
  };
  const { traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano, ...others } = span;
  return {
    ...others,
    ...(repairs.includes('trace_context') ? {} : { traceId, parentSpanId }),
    ...(repairs.includes('start_absent') ? {} : { startTimeUnixNano, endTimeUnixNano }),
    attributes: kept(span.attributes, sent.attributes).filter(({ key }) => !isMasked(key)),
    resource: { ...span.resource, attributes: kept(span.resource.attributes, sent.resource.attributes) },
    scope: { ...span.scope, attributes: kept(span.scope.attributes, sent.scope.attributes) },
  };
}

/** What may become a JSON text: which values exactly is for the tests of that repair. */
const isComplex = ({ value }: CanonicalAttribute) =>
  value !== null && ('array' in value || 'kvlist' in value || 'bytes' in value);
