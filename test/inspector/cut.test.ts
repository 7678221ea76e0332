import { cut, cutObservation } from '../../src/inspector/cut';
import type { Observation } from '../../src/langfuse/observation/observation';
import { having, jsonOf } from '../commands/explain-runs';
import { startInspecting } from '../support/inspecting';
import { observationOf } from '../support/observations';

test.each([
  ['', 3, ''],
  ['abc', 3, 'abc'],
  ['abcd', 3, 'abc… (1 more characters)'],
  ['x'.repeat(1_000), 10, `${'x'.repeat(10)}… (990 more characters)`],
])('%p at %i characters', (text, max, expected) => expect(cut(text, max)).toBe(expected));

const WHOLE = observationOf({
  ...{ name: 'n', statusMessage: 'm', model: 'm', sessionId: 's', userId: 'u', traceName: 't', tags: ['a'] },
  ...{ input: 'in', output: 'out', metadata: { k: 'v' } },
});

test('what is no longer than usual stays as it is', () => {
  expect(cutObservation(WHOLE)).toEqual(WHOLE);
  const empty = observationOf({ input: null, output: null, metadata: {} });
  expect(cutObservation(empty)).toEqual(empty);
  expect(Object.keys(cutObservation(WHOLE))).toEqual(Object.keys(WHOLE));
});

const more = (kept: number, of: number) => `${'x'.repeat(kept)}… (${of - kept} more characters)`;

test.each(['name', 'statusMessage', 'model', 'sessionId', 'userId', 'traceName'] as const)('%s', (field) => {
  const long = 'x'.repeat(20_000);
  expect(cutObservation({ ...WHOLE, [field]: long })).toEqual({ ...WHOLE, [field]: more(10_000, 20_000) });
  expect(cutObservation({ ...WHOLE, [field]: 'x'.repeat(10_000) })[field]).toHaveLength(10_000);
});

test.each(['input', 'output'] as const)('%s: images come as text', (field) => {
  const long = 'x'.repeat(8_000_001);
  expect(cutObservation({ ...WHOLE, [field]: long })[field]).toBe(more(8_000_000, 8_000_001));
  expect(cutObservation({ ...WHOLE, [field]: long.slice(1) })[field]).toHaveLength(8_000_000);
});

test('tags', () => {
  const tags = Array.from({ length: 300 }, () => 'x'.repeat(10_001));
  expect(cutObservation({ ...WHOLE, tags }).tags).toEqual(Array(200).fill(more(10_000, 10_001)));
});

describe('metadata', () => {
  const metadataOf = (metadata: Record<string, string>) => cutObservation({ ...WHOLE, metadata }).metadata;
  const many = (count: number, length = 1) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'x'.repeat(length)]));

  test('two thousand keys, and how many are left out', () => {
    expect(metadataOf(many(2_000))).toEqual(many(2_000));
    expect(metadataOf(many(2_500))).toEqual({ ...many(2_000), '…': '500 more keys' });
  });

  test('four million characters in all', () => {
    const kept = metadataOf(many(10, 1_000_000));
    expect(Object.keys(kept)).toEqual(['k0', 'k1', 'k2', 'k3', '…']);
    expect([kept.k2?.length, kept['…']]).toEqual([1_000_000, '6 more keys']);
    expect(kept.k3).toBe(more(4_000_000 - 3 * 1_000_002, 1_000_000));
  });

  test('a long key', () => {
    expect(Object.keys(metadataOf({ ['x'.repeat(20_000)]: 'v' }))).toEqual([more(10_000, 20_000)]);
  });

  test('names that mean something to JavaScript', () => {
    const names = metadataOf(JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>);
    expect(Object.entries(names)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });
});

describe('in the inspector', () => {
  const TRACE_ID = '5b8efff798038103d269b633813fc60c';
  const [long, characters] = ['x'.repeat(30_000), 30_000];
  const SPAN = {
    ...having({
      ...{ 'session.id': long, 'user.id': long, 'langfuse.trace.name': long, 'gen_ai.request.model': long },
      'langfuse.trace.tags': Array.from({ length: 30 }, (_, at) => `${at}${long}`),
    }),
    name: long,
  };
  const start = async () => {
    const inspecting = startInspecting();
    await inspecting.keep(Buffer.from(jsonOf(SPAN)), { format: 'json' });
    return inspecting;
  };

  test('lists and trees show the beginning', async () => {
    const { list, tree } = await start();
    const short = 'x'.repeat(500);
    expect((await list()).traces).toMatchObject([{ name: short, sessionId: short, userId: short }]);
    expect((await tree(TRACE_ID)).rows).toMatchObject([{ name: short, model: short }]);
    expect((await list({ session: short, text: `19${'x'.repeat(498)}` })).traces).toHaveLength(1);
  });

  test('a span is cut, its trace as explain prints it is not', async () => {
    const { queries, observations } = await start();
    const detail = await queries.span(TRACE_ID, '0000000000000001');
    expect(detail?.observation).toMatchObject({ name: more(10_000, characters), sessionId: more(10_000, characters) });
    expect(await observations(TRACE_ID)).toMatchObject([{ name: long, sessionId: long }]);
  });

  test('but for spans so large that an answer could not hold them', async () => {
    const inspecting = startInspecting({ bytesMax: 200 * 1024 * 1024 });
    const input = 'x'.repeat(17 * 1024 * 1024);
    await inspecting.keep(Buffer.from(jsonOf(having({ 'langfuse.observation.input': input }))), { format: 'json' });
    const [observation] = (await inspecting.observations(TRACE_ID)) as [Observation];
    expect(observation.input).toBe(more(8_000_000, input.length));
  });
});
