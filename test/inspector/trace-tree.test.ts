import type { TreeRow } from '../../src/inspector/api';
import type { Observation } from '../../src/langfuse/observation/observation';
import { explained, type GivenSpan, having, jsonOf } from '../commands/explain-runs';
import { KEYS } from '../support/configuration';
import { corpusCases, plainBody } from '../support/corpus';
import { startInspecting } from '../support/inspecting';
import { after2026 } from '../support/observations';

const TRACE_ID = '5b8efff798038103d269b633813fc60c';
const UNKNOWN = 'ab'.repeat(16);
const [A, B, C, D] = ['0a', '0b', '0c', '0d'].map((id) => id.padStart(16, '0')) as [string, string, string, string];

/** Milliseconds after 2026 began. */
const at = (startMs: number, endMs: number, rest: GivenSpan): GivenSpan => {
  const [startTimeUnixNano, endTimeUnixNano] = [startMs, endMs].map(
    (ms) => `${BigInt(Date.parse(after2026(ms))) * 1_000_000n}`,
  );
  return { ...rest, fields: { startTimeUnixNano, endTimeUnixNano } };
};

const SPANS = [
  at(30, 40, { name: 'late', spanId: C, parentSpanId: A }),
  at(10, 60, { name: 'root', spanId: A, resource: { 'service.name': 'web' }, attributes: { 'session.id': 's' } }),
  at(20, 25, {
    ...{ name: 'chat', spanId: B, parentSpanId: A, status: { code: 2 } },
    attributes: {
      ...{ 'gen_ai.request.model': 'm', 'gen_ai.usage.input_tokens': 3, 'gen_ai.usage.output_tokens': 4 },
      'gen_ai.usage.cost': 0.5,
    },
  }),
  at(5, 6, { name: 'orphan', spanId: D, parentSpanId: '00000000000000ff' }),
];

async function start(spans: readonly GivenSpan[] = SPANS) {
  const inspecting = startInspecting({ judge: { off: ['start_absent'] } });
  await inspecting.keep(Buffer.from(jsonOf(...spans)), { format: 'json' });
  return inspecting;
}

describe('the tree', () => {
  test('its rows, each behind its parent, with what they took', async () => {
    const { tree } = await start();
    const { trace, rows, next } = await tree(TRACE_ID);
    expect(trace).toMatchObject({ traceId: TRACE_ID, name: 'orphan', observations: 4, durationMs: 55, rejected: 0 });
    const plain = {
      ...{ isOrphan: false, type: 'SPAN', level: 'DEFAULT', model: null, tokens: null, cost: null, service: null },
      ...{ repairs: expect.any(Number), warnings: 1 },
    };
    expect(rows).toEqual<TreeRow[]>([
      {
        ...plain,
        spanId: D,
        parentSpanId: '00000000000000ff',
        depth: 0,
        isOrphan: true,
        name: 'orphan',
        startMs: 0,
        durationMs: 1,
      },
      { ...plain, spanId: A, parentSpanId: null, depth: 0, name: 'root', startMs: 5, durationMs: 50, service: 'web' },
      {
        ...{
          ...plain,
          spanId: B,
          parentSpanId: A,
          depth: 1,
          name: 'chat',
          startMs: 15,
          durationMs: 5,
          type: 'GENERATION',
        },
        ...{ level: 'ERROR', model: 'm', tokens: 7, cost: 0.5 },
      },
      { ...plain, spanId: C, parentSpanId: A, depth: 1, name: 'late', startMs: 25, durationMs: 10 },
    ]);
    expect(next).toBeNull();
  });

  test('repairs and warnings are counted', async () => {
    const { tree } = await start([
      {
        ...having({ 'session.id': 's', 'user.id': 'u' }),
        traceId: TRACE_ID.toUpperCase(),
        fields: { parentSpanId: '0'.repeat(16) },
      },
    ]);
    const { rows } = await tree(TRACE_ID);
    expect(rows).toMatchObject([{ repairs: 1, warnings: 0, parentSpanId: null, isOrphan: false }]);
  });

  test('spans without a time', async () => {
    const none = { startTimeUnixNano: '0', endTimeUnixNano: '0' };
    const { tree } = await start([at(10, 20, { spanId: A }), { spanId: B, parentSpanId: A, fields: none }]);
    const { rows } = await tree(TRACE_ID);
    expect(rows.map(({ spanId, startMs, durationMs }) => [spanId, startMs, durationMs])).toEqual([
      [A, 0, 10],
      [B, null, null],
    ]);
  });

  test.each<[name: string, page: { limit?: number; after?: string }, expected: string[], next: string | null]>([
    ['a first page', { limit: 2 }, [D, A], A],
    ['the next page', { limit: 2, after: A }, [B, C], null],
    ['one row', { limit: 1, after: D }, [A], A],
    ['more than there are', { limit: 9, after: D }, [A, B, C], null],
    ['behind the last', { after: C }, [], null],
    ['behind one that is not known', { after: '00000000000000ff' }, [], null],
  ])('paging: %s', async (_, page, expected, next) => {
    const { tree, observations } = await start();
    const { rows, next: after } = await tree(TRACE_ID, page);
    expect([rows.map(({ spanId }) => spanId), after]).toEqual([expected, next]);
    expect((await observations(TRACE_ID, page)).map(({ spanId }) => spanId)).toEqual(expected);
  });

  test('a trace that is not known', async () => {
    const { tree, observations } = await start();
    expect(await tree(UNKNOWN)).toEqual({ trace: null, rows: [], next: null });
    expect(await observations(UNKNOWN)).toEqual([]);
  });
});

/** Of a list of observations those of each trace, by span. */
function byTrace(observations: readonly Observation[]): Record<string, Observation[]> {
  const traces: Record<string, Observation[]> = {};
  for (const observation of observations) {
    traces[observation.traceId] = [...(traces[observation.traceId] ?? []), observation];
  }
  for (const spans of Object.values(traces)) spans.sort((a, b) => (a.spanId < b.spanId ? -1 : 1));
  return traces;
}

describe('observations are what explain prints', () => {
  // Of nothing explain says that it is no request.
  const cases = corpusCases.filter((one) => plainBody(one).length > 0);
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_, corpusCase) => {
    const body = plainBody(corpusCase);
    const { observations } = await explained(body);
    const inspecting = startInspecting();
    await inspecting.keep(body, { format: corpusCase.encoding });
    const expected = byTrace(observations);
    expect((await inspecting.traceIds()).toSorted()).toEqual(Object.keys(expected).toSorted());
    for (const [traceId, spans] of Object.entries(expected)) {
      const found = JSON.parse(JSON.stringify(await inspecting.observations(traceId))) as Observation[];
      expect(byTrace(found)).toEqual({ [traceId]: spans });
    }
  });

  test('with what a destination puts on spans', async () => {
    const body = jsonOf(having({}), { ...having({ 'langfuse.environment': 'own' }), traceId: UNKNOWN });
    const env = { ...KEYS, LANGFUSE_TRACING_ENVIRONMENT: 'staging', LANGFUSE_RELEASE: 'v1' };
    const { observations } = await explained(body, { env });
    expect(observations.map(({ environment, release }) => [environment, release])).toEqual([
      ['staging', 'v1'],
      ['own', 'v1'],
    ]);
    const stampsOf = (destination: string) => (destination === 'main' ? { environment: 'staging', release: 'v1' } : {});
    const inspecting = startInspecting({ stampsOf });
    await inspecting.keep(Buffer.from(body), { format: 'json' });
    const found = [...(await inspecting.observations(TRACE_ID)), ...(await inspecting.observations(UNKNOWN))];
    expect(JSON.parse(JSON.stringify(found))).toEqual(observations);
    await inspecting.keep(Buffer.from(body), { format: 'json', destination: 'other' });
    expect(await inspecting.observations(TRACE_ID)).toMatchObject([{ environment: 'default', release: null }]);
  });

  test('in metadata mode without input, output and metadata of people', async () => {
    const body = jsonOf({
      ...having({
        'langfuse.observation.input': 'in',
        'langfuse.observation.output': 'out',
        'session.id': 's',
        own: 'words',
      }),
      status: { code: 2, message: 'oh no' },
    });
    const [whole] = (await explained(body)).observations as [Observation];
    const inspecting = startInspecting({ mode: 'metadata' });
    await inspecting.keep(Buffer.from(body), { format: 'json' });
    const [left] = (await inspecting.observations(TRACE_ID)) as [Observation];
    expect(whole).toMatchObject({
      input: 'in',
      output: 'out',
      statusMessage: 'oh no',
      metadata: { 'attributes.own': 'words' },
    });
    const { metadata, ...summary } = left;
    const { metadata: _, ...rest } = whole;
    expect(summary).toEqual({ ...rest, input: null, output: null, statusMessage: null });
    expect(JSON.stringify(metadata)).not.toMatch(/words|own/);
  });
});
