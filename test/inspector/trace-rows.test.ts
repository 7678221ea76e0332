import type { TraceSummary } from '../../src/inspector/api';
import { type GivenSpan, having, jsonOf } from '../commands/explain-runs';
import { startInspecting } from '../support/inspecting';
import { after2026 } from '../support/observations';

/** What a request of these spans comes to, which are of one trace. */
async function summaryOf(...spans: readonly GivenSpan[]): Promise<TraceSummary> {
  // As of a sender whose absent times are left alone.
  const { keep, list } = startInspecting({ judge: { off: ['start_absent'] } });
  await keep(Buffer.from(jsonOf(...spans)), { format: 'json' });
  const { traces } = await list();
  expect(traces).toHaveLength(1);
  return traces[0]!;
}

/** Nanoseconds of a time after 2026 began. */
const nanos = (ms: number) => `${BigInt(Date.UTC(2026, 0, 1) + ms) * 1_000_000n}`;

const at = (startMs: number | undefined, endMs: number | undefined, rest: GivenSpan = {}): GivenSpan => ({
  ...rest,
  fields: {
    startTimeUnixNano: startMs === undefined ? '0' : nanos(startMs),
    endTimeUnixNano: endMs === undefined ? '0' : nanos(endMs),
    ...rest.fields,
  },
});

const A = '00000000000000aa';
const B = '00000000000000bb';

test('a trace in one line', async () => {
  const root = at(100, 400, {
    name: 'root',
    spanId: A,
    attributes: { 'user.id': 'u' },
    resource: { 'service.name': 'web' },
  });
  const child = at(50, 900, {
    ...{ name: 'child', spanId: B, parentSpanId: A, status: { code: 2 }, resource: { 'service.name': 'worker' } },
    attributes: {
      ...{ 'langfuse.observation.type': 'generation', 'user.id': 'u', 'langfuse.trace.name': 'my trace' },
      'langfuse.observation.usage_details': '{"input":3,"output":4}',
      'langfuse.observation.cost_details': '{"input":0.25,"output":0.5}',
    },
  });
  expect(await summaryOf(root, child)).toEqual({
    ...{ traceId: '5b8efff798038103d269b633813fc60c', name: 'my trace', observations: 2 },
    ...{ startTime: after2026(50), durationMs: 850, sessionId: null, userId: 'u' },
    // Both have no session; the name and the status are carried to where Langfuse shows them.
    ...{ warnings: 2, repairs: expect.any(Number), rejected: 0, services: ['web', 'worker'] },
    ...{ types: { SPAN: 1, GENERATION: 1 }, errors: 1, tokens: 7, cost: 0.75 },
    lastSeenAt: new Date(Date.UTC(2026, 0, 2)).toISOString(),
  });
});

const named = (name: string, startMs: number, rest: GivenSpan = {}) => at(startMs, startMs, { name, ...rest });

test.each<[name: string, spans: GivenSpan[], expected: Partial<TraceSummary>]>([
  [
    "the trace's own name wins, wherever it stands",
    [named('root', 1), named('b', 2, having({ 'langfuse.trace.name': 'trace' }, { parentSpanId: A }))],
    { name: 'trace' },
  ],
  [
    'the name of the root, whatever came first',
    [named('b', 2, { parentSpanId: A }), named('a', 1, { spanId: A })],
    { name: 'a' },
  ],
  ['of several roots, the first', [named('late', 2), named('early', 1)], { name: 'early' }],
  [
    'where the root is not here, of the first without a parent here',
    [named('b', 2, { parentSpanId: A }), named('c', 1, { parentSpanId: B })],
    { name: 'c' },
  ],
  [
    'of a circle, the first',
    [named('b', 2, { spanId: B, parentSpanId: A }), named('a', 1, { spanId: A, parentSpanId: B })],
    { name: 'a' },
  ],
  ['a span without a name', [named('', 1)], { name: '' }],
  ['an end before the start lasts nothing', [at(100, 50)], { startTime: after2026(100), durationMs: 0 }],
  ['no end', [at(100, undefined)], { startTime: after2026(100), durationMs: 0 }],
  ['no start', [at(undefined, 100)], { startTime: after2026(100), durationMs: 0 }],
  ['no time at all', [at(undefined, undefined)], { startTime: '1970-01-01T00:00:00.000Z', durationMs: 0 }],
  [
    'one without a time does not hide the time of others',
    [at(undefined, undefined), at(200, 300)],
    { startTime: after2026(200), durationMs: 100 },
  ],
  [
    'a time that no date can say',
    [at(0, 0, { fields: { startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '18446744073709551615' } })],
    { startTime: '2554-07-21T23:34:33.709Z', durationMs: 0 },
  ],
  [
    'a total that is told counts, not the sum',
    [having({ 'langfuse.observation.usage_details': '{"input":3,"output":4,"total":9}' })],
    { tokens: 9, cost: null },
  ],
  ['no tokens and zero tokens are not the same', [having({ 'gen_ai.usage.input_tokens': 0 })], { tokens: 0 }],
  ['tokens of some spans only', [having({}), having({ 'gen_ai.usage.input_tokens': 5 })], { tokens: 5 }],
  [
    'the cost of all',
    [having({ 'gen_ai.usage.cost': 0.5 }), having({ 'llm.cost.total': 0.25 })],
    { cost: 0.75, tokens: null },
  ],
  [
    'a service once',
    [having({}, { resource: { 'service.name': 's' } }), having({}, { resource: { 'service.name': 's' } })],
    { services: ['s'] },
  ],
  ['no service', [having({})], { services: [] }],
  ['a service that is no text', [having({}, { resource: { 'service.name': 7 } })], { services: [] }],
  ['the session of any span', [having({}), having({ 'session.id': 's' })], { sessionId: 's' }],
])('%s', async (_, spans, expected) => {
  expect(await summaryOf(...spans)).toMatchObject(expected);
});

test('what comes and goes later changes it', async () => {
  const { keep, list, tree } = startInspecting({ bytesMax: 9_000 });
  const seen: unknown[] = [];
  const send = async (spanId: string, name: string, tokens: number) => {
    const span = { spanId, name, attributes: { 'gen_ai.usage.input_tokens': tokens } };
    await keep(Buffer.from(jsonOf(span)), { format: 'json' });
    const [trace] = (await list()).traces;
    const { rows } = await tree(trace!.traceId);
    seen.push([trace?.observations, trace?.tokens, rows.map((row) => row.name)]);
  };
  await send(A, 'a', 1);
  await send(B, 'b', 2);
  await send('00000000000000cc', 'c', 4);
  // The first request did not fit any more.
  expect(seen).toEqual([
    [1, 1, ['a']],
    [2, 3, ['a', 'b']],
    [2, 6, ['b', 'c']],
  ]);
});

test('of services the first ten', async () => {
  const spans = Array.from({ length: 12 }, (_, number) => having({}, { resource: { 'service.name': `s${number}` } }));
  expect((await summaryOf(...spans)).services).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9']);
});

test('a span that is sent again replaces itself and is counted once', async () => {
  const { keep, list, observations } = startInspecting();
  for (const name of ['first', 'second', 'third']) {
    await keep(Buffer.from(jsonOf({ name, spanId: A, attributes: { 'gen_ai.usage.input_tokens': 5 } })), {
      format: 'json',
    });
  }
  await keep(Buffer.from(jsonOf({ name: 'other', spanId: B })), { format: 'json' });
  const { traces } = await list();
  expect(traces).toMatchObject([{ observations: 2, tokens: 5, types: { SPAN: 2 } }]);
  const found = await observations(traces[0]!.traceId);
  expect(found.map(({ name }) => name).toSorted()).toEqual(['other', 'third']);
});
