import type { RepairName } from '../../src/admission/repairs';
import type { Observation } from '../../src/langfuse/observation/observation';
import {
  LAST_TAGS_KEY,
  PUBLIC_KEYS,
  SESSION_ID_KEYS,
  TAGS_KEYS,
  USER_ID_KEYS,
} from '../../src/langfuse/observation/observation-fields';
import { TRACE_ATTRIBUTES } from '../../src/langfuse/trace-attributes';
import { canonicalFromProtobuf } from '../support/canonical';
import { ENCODINGS, startJudging } from '../support/judging';
import { type Fields, requestOf, spanOf } from '../support/otlp-twins';

const TRACE = '5b8efff798038103d269b633813fc60c';
const ANOTHER = '0af7651916cd43dd8448eb211c80319c';

type Attributes = Record<string, unknown>;

const anyValueOf = (value: unknown): Fields => {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { intValue: String(value) };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValueOf) } };
  return { stringValue: value };
};
const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValueOf(value) }));

const idOf = (name: string) => Buffer.from(name.padEnd(8, '.')).toString('hex');

/** `a` is a root, `a<r` is under another span. */
function span(name: string, attributes: Attributes = {}, traceId = TRACE): Fields {
  const [own = '', parent] = name.split('<');
  const ids = { traceId, spanId: idOf(own), ...(parent === undefined ? {} : { parentSpanId: idOf(parent) }) };
  return spanOf({ ...ids, name: own, kind: 1, attributes: keyValues(attributes) });
}

/** A request of spans below resources. */
const below = (...groups: [resource: Attributes, ...spans: Fields[]][]): Fields => ({
  resourceSpans: groups.map(([resource, ...spans]) => ({
    resource: { attributes: keyValues(resource) },
    scopeSpans: [{ scope: { name: 'l' }, spans }],
  })),
});

type SentAndShown = readonly [sent: unknown, shown: unknown];

interface Row {
  repair: RepairName;
  /** What Langfuse shows. */
  of: (observation: Observation | undefined) => unknown;
  nothing: unknown;
  /** Names on a resource, the first first. */
  resourceKeys: readonly string[];
  /** Keys that Langfuse reads on a span. */
  spanKeys: readonly string[];
  /** Two values and what Langfuse shows for each. */
  values: [SentAndShown, SentAndShown];
}

const TEXTS: Row['values'] = [
  ['one', 'one'],
  ['two', 'two'],
];

/** Written once more, not taken from the table under test. */
const ROWS: Row[] = [
  {
    ...{ repair: 'trace_session_id', of: (o) => o?.sessionId, nothing: null, spanKeys: SESSION_ID_KEYS },
    ...{ resourceKeys: ['langfuse.session.id', 'session.id', 'langfuse_session_id'], values: TEXTS },
  },
  {
    ...{ repair: 'trace_user_id', of: (o) => o?.userId, nothing: null, spanKeys: USER_ID_KEYS },
    ...{ resourceKeys: ['langfuse.user.id', 'user.id', 'langfuse_user_id'], values: TEXTS },
  },
  {
    ...{ repair: 'trace_tags', of: (o) => o?.tags, nothing: [], spanKeys: [...TAGS_KEYS, LAST_TAGS_KEY] },
    resourceKeys: ['langfuse.trace.tags', 'langfuse.tags', 'langfuse_tags'],
    values: [
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      ['c,d', ['c', 'd']],
    ],
  },
  {
    ...{ repair: 'trace_name', of: (o) => o?.traceName, nothing: null, spanKeys: ['langfuse.trace.name'] },
    ...{ resourceKeys: ['langfuse.trace.name', 'langfuse_trace_name'], values: TEXTS },
  },
  {
    ...{ repair: 'trace_release', of: (o) => o?.release, nothing: null, spanKeys: ['langfuse.release'] },
    ...{ resourceKeys: ['langfuse.release'], values: TEXTS },
  },
  {
    ...{ repair: 'trace_version', of: (o) => o?.version, nothing: null, spanKeys: ['langfuse.version'] },
    ...{ resourceKeys: ['langfuse.version', 'langfuse_version'], values: TEXTS },
  },
  {
    ...{ repair: 'trace_environment', of: (o) => o?.environment, nothing: 'default' },
    spanKeys: ['langfuse.environment', 'deployment.environment.name', 'deployment.environment'],
    resourceKeys: ['langfuse.environment', 'deployment.environment.name', 'deployment.environment'],
    values: TEXTS,
  },
  {
    ...{ repair: 'trace_public', of: (o) => o?.public, nothing: false, spanKeys: PUBLIC_KEYS },
    resourceKeys: ['langfuse.trace.public', 'langfuse.public'],
    values: [
      [true, true],
      ['true', true],
    ],
  },
];

test('every trace attribute has its row', () => {
  expect(ROWS.map(({ repair }) => repair)).toEqual(TRACE_ATTRIBUTES.map(({ repair }) => repair));
});

describe.each(ROWS)('$repair', ({ repair, of, nothing, resourceKeys, spanKeys, values }) => {
  const [[sent, shown], [sentToo, shownToo]] = values;
  const key = spanKeys[0] as string;
  const own = { [key]: sent };
  /** Of `public` there is one value only. */
  const isOneOf = (observation: Observation | undefined) => expect([shown, shownToo]).toContainEqual(of(observation));

  test.each(resourceKeys)('from %s of the resource', async (resourceKey) => {
    const { byName, repairs } = await startJudging().send(below([{ [resourceKey]: sent }, span('r'), span('a<r')]));
    expect([of(byName.r), of(byName.a)]).toEqual([shown, shown]);
    // Where Langfuse finds it by itself nothing is put on the span.
    const isShown = ['trace_release', 'trace_environment'].includes(repair);
    expect(repairs[repair]).toBe(isShown ? undefined : 2);
  });

  test('from the resource for spans of the trace under another one', async () => {
    const resource = { [resourceKeys.at(-1) as string]: sent };
    const { byName, repairs } = await startJudging().send(below([{}, span('a<r')], [resource, span('r')]));
    expect([of(byName.a), of(byName.r)]).toEqual([shown, shown]);
    expect(repairs[repair]).toBeGreaterThan(0);
  });

  test('rather from the own resource than from the trace', async () => {
    const resource = { [resourceKeys[0] as string]: sentToo };
    const { byName } = await startJudging().send(below([{}, span('r', own)], [resource, span('a<r')]));
    expect([of(byName.r), of(byName.a)]).toEqual([shown, shownToo]);
  });

  test.each(spanKeys)('from %s of another span of the trace, in any order', async (spanKey) => {
    const spans = [span('a<r'), span('b<a', { [spanKey]: sent }), span('r'), span('c<!')];
    for (const given of [spans, [...spans].reverse()]) {
      const { byName, repairs } = await startJudging().send(requestOf(...given));
      expect(['r', 'a', 'b', 'c'].map((name) => of(byName[name]))).toEqual([shown, shown, shown, shown]);
      expect(repairs[repair]).toBe(3);
    }
  });

  test.each(spanKeys)('never over what the span has as %s', async (spanKey) => {
    const { byName, repairs } = await startJudging().send(
      requestOf(span('r', own), span('a<r', { [spanKey]: sentToo })),
    );
    expect([of(byName.r), of(byName.a), repairs[repair]]).toEqual([shown, shownToo, undefined]);
  });

  test.each(spanKeys)('where the span has an empty text as %s', async (spanKey) => {
    const spans = [span('r', own), span('a<r', { [spanKey]: '' })];
    const { byName, repairs, judgement } = await startJudging().send(requestOf(...spans));
    expect([of(byName.a), repairs[repair]]).toEqual([shown, 1]);
    const keys = canonicalFromProtobuf(judgement.bytes)[1]?.attributes.map((attribute) => attribute.key) ?? [];
    expect(keys.length).toBe(new Set(keys).size);
  });

  test('rather from a root than from others, in any order', async () => {
    const spans = [span('a<r', { [key]: sentToo }), span('r', own), span('b<r')];
    for (const given of [spans, [...spans].reverse()]) {
      const { byName } = await startJudging().send(requestOf(...given));
      expect([of(byName.a), of(byName.b)]).toEqual([shownToo, shown]);
    }
  });

  test('of two roots from the first, then and later', async () => {
    const judging = startJudging();
    const spans = [span('a<r'), span('r', own), span('s', { [key]: sentToo }), span('b<s')];
    const { byName } = await judging.send(requestOf(...spans));
    expect([of(byName.a), of(byName.b), of(byName.s)]).toEqual([shown, shown, shownToo]);
    await judging.send(requestOf(span('t', { [key]: sentToo })));
    expect(of((await judging.send(requestOf(span('c<r')))).byName.c)).toEqual(shown);
  });

  test('never from another trace', async () => {
    const { byName, repairs } = await startJudging().send(requestOf(span('r', own), span('a', {}, ANOTHER)));
    expect([of(byName.a), repairs[repair]]).toEqual([nothing, undefined]);
  });

  test('from an earlier request, within the window', async () => {
    const judging = startJudging({ windowS: 600 });
    await judging.send(requestOf(span('r', own)));
    judging.setForward(600_000);
    const { byName, repairs } = await judging.send(requestOf(span('a<r')));
    expect([of(byName.a), repairs[repair]]).toEqual([shown, 1]);
  });

  test('from the resource of an earlier request', async () => {
    const judging = startJudging();
    await judging.send(below([{ [resourceKeys[0] as string]: sent }, span('b<r')]));
    const { byName } = await judging.send(requestOf(span('a<r')));
    expect(of(byName.a)).toEqual(shown);
  });

  test('from no earlier request when the window is over', async () => {
    const judging = startJudging({ windowS: 600 });
    await judging.send(requestOf(span('r', own)));
    judging.setForward(600_001);
    expect(of((await judging.send(requestOf(span('a<r')))).byName.a)).toEqual(nothing);
  });

  test('from no request to another destination', async () => {
    const judging = startJudging();
    await judging.send(requestOf(span('r', own)), { destination: 'one' });
    const { byName } = await judging.send(requestOf(span('a<r')), { destination: 'two' });
    expect(of(byName.a)).toEqual(nothing);
  });

  test('from no trace that was pushed out', async () => {
    const judging = startJudging({ maxTraces: 1 });
    await judging.send(requestOf(span('r', own)));
    await judging.send(requestOf(span('r', own, ANOTHER)));
    expect(of((await judging.send(requestOf(span('a<r')))).byName.a)).toEqual(nothing);
    expect(of((await judging.send(requestOf(span('a<r', {}, ANOTHER)))).byName.a)).toEqual(shown);
  });

  test('a root that comes later tells what spans after it get', async () => {
    const judging = startJudging();
    await judging.send(requestOf(span('a<r', { [key]: sentToo })));
    isOneOf((await judging.send(requestOf(span('b<r')))).byName.b);
    await judging.send(requestOf(span('r', own)));
    await judging.send(requestOf(span('c<r', { [key]: sentToo })));
    expect(of((await judging.send(requestOf(span('d<r')))).byName.d)).toEqual(shown);
  });

  test('not when it is switched off', async () => {
    const judging = startJudging({ off: [repair] });
    const request = below([{}, span('r', own), span('a<r')], [{ [resourceKeys.at(-1) as string]: sent }, span('b<r')]);
    const { byName, repairs } = await judging.send(request);
    expect([of(byName.a), repairs[repair]]).toEqual([nothing, undefined]);
    expect(of((await judging.send(requestOf(span('c<r')))).byName.c)).toEqual(nothing);
  });

  test.each(ENCODINGS)('is counted once a span, %s', async (format) => {
    const request = requestOf(span('r', own), span('a<r'), span('b<r'), span('c', {}, ANOTHER));
    const { repairs, judgement } = await startJudging().send(request, { format });
    expect(repairs).toEqual({ [repair]: 2 });
    expect([0, 1, 2, 3].map((position) => judgement.notes(position).repairs)).toEqual([[], [repair], [repair], []]);
  });

  test('changes nothing else of the span', async () => {
    const others = { 'langfuse.observation.input': 'hello', 'my.own': 7 };
    const { judgement } = await startJudging().send(requestOf(span('r', own), span('a<r', others)));
    const [first, second] = canonicalFromProtobuf(judgement.bytes);
    expect(second?.attributes.slice(0, 2).map((attribute) => attribute.key)).toEqual(Object.keys(others));
    expect(second?.attributes.length).toBe(3);
    expect({ ...second, attributes: [], name: 'r', spanId: idOf('r'), parentSpanId: '' }).toEqual({
      ...first,
      attributes: [],
    });
  });
});

test.each(ROWS.filter(({ repair }) => repair !== 'trace_environment'))(
  '$repair carries nothing that is longer than 4 KiB',
  async ({ repair, of, nothing, spanKeys: [key] }) => {
    const judging = startJudging();
    const long = span('r', { [key as string]: 'x'.repeat(4097) });
    const { byName, repairs } = await judging.send(requestOf(long, span('a<r')));
    expect([of(byName.a), repairs[repair]]).toEqual([nothing, undefined]);
    expect(of((await judging.send(requestOf(span('b<r')))).byName.b)).toEqual(nothing);
  },
);

describe('what is carried', () => {
  const send = (...spans: Fields[]) => startJudging().send(requestOf(...spans));

  test.each([[false], ['false'], ['yes'], [1]])('public only when true: %p', async (value) => {
    const { byName, repairs } = await send(span('r', { 'langfuse.trace.public': value }), span('a<r'));
    expect([byName.a?.public, repairs.trace_public]).toEqual([false, undefined]);
  });

  test.each<[string, Attributes, Attributes, Row['of'], unknown]>([
    ['public', { 'langfuse.public': false }, { 'langfuse.trace.public': true }, (o) => o?.public, true],
    [
      'an environment',
      { 'langfuse.environment': 'default' },
      { 'deployment.environment': 'staging' },
      (o) => o?.environment,
      'staging',
    ],
    ['a session', { 'session.id': 'x'.repeat(5000) }, { 'gen_ai.conversation.id': 's' }, (o) => o?.sessionId, 's'],
  ])('%s, although another span says what is not carried, in any order', async (_, other, carried, of, expected) => {
    const spans = [span('a<r', other), span('b<r', carried), span('c<r'), span('r', other)];
    for (const given of [spans, [...spans].reverse()]) expect(of((await send(...given)).byName.c)).toBe(expected);
  });

  test.each([
    ['LANGFUSE-Staging', 'staging'],
    ['E'.repeat(50), 'e'.repeat(40)],
  ])('an environment as Langfuse stores it: %s', async (sent, stored) => {
    const { byName, judgement } = await send(span('r', { 'deployment.environment': sent }), span('a<r'));
    expect([byName.r?.environment, byName.a?.environment]).toEqual([stored, stored]);
    expect(canonicalFromProtobuf(judgement.bytes)[1]?.attributes).toEqual([
      { key: 'langfuse.environment', value: { string: stored } },
    ]);
  });

  test.each(['default', 'Prod EU'])('no environment that Langfuse shows as default: %s', async (sent) => {
    const { byName, repairs } = await send(span('r', { 'langfuse.environment': sent }), span('a<r'));
    expect([byName.a?.environment, repairs.trace_environment]).toEqual(['default', undefined]);
  });

  test('no version of a service', async () => {
    const judging = startJudging();
    const request = below([{ 'service.version': '1.2.3' }, span('r')], [{}, span('a<r')]);
    const { byName, repairs } = await judging.send(request);
    expect([byName.r?.version, byName.a?.version, repairs.trace_version]).toEqual(['1.2.3', null, undefined]);
    expect((await judging.send(requestOf(span('b<r')))).byName.b?.version).toBeNull();
  });

  test('no version over that of the own service', async () => {
    const request = below([{}, span('r', { 'langfuse.version': '2' })], [{ 'service.version': '1.2.3' }, span('a<r')]);
    const { byName } = await startJudging().send(request);
    expect([byName.r?.version, byName.a?.version]).toEqual(['2', '1.2.3']);
  });

  test('no environment and no release over that of the own resource', async () => {
    const own = { 'deployment.environment.name': 'own', 'langfuse.release': 'r-own' };
    const root = span('r', { 'langfuse.environment': 'root', 'langfuse.release': 'r-root' });
    const { byName, repairs } = await startJudging().send(below([{}, root], [own, span('a<r')]));
    expect([byName.a?.environment, byName.a?.release]).toEqual(['own', 'r-own']);
    expect(repairs).toEqual({});
  });

  test('what Langfuse finds under a later key, where the first one holds nothing it takes', async () => {
    const root = { 'langfuse.environment': false, 'deployment.environment': 'staging', 'session.id': 0 };
    const { byName } = await send(span('r', { ...root, 'gen_ai.conversation.id': 's' }), span('a<r'));
    expect([byName.r?.environment, byName.a?.environment]).toEqual(['staging', 'staging']);
    expect([byName.r?.sessionId, byName.a?.sessionId]).toEqual(['s', 's']);
  });

  test('a session id that is a number, as it is', async () => {
    const { byName, judgement } = await send(span('r', { 'session.id': 7 }), span('a<r'));
    expect([byName.r?.sessionId, byName.a?.sessionId]).toEqual(['7', '7']);
    expect(canonicalFromProtobuf(judgement.bytes)[1]?.attributes).toEqual([{ key: 'session.id', value: { int: 7n } }]);
  });

  test('everything at once, each counted by itself', async () => {
    const all = Object.fromEntries(ROWS.map(({ spanKeys, values }) => [spanKeys[0], values[0][0]]));
    const { byName, repairs } = await send(span('a<r'), span('r', all));
    expect(ROWS.map(({ of }) => of(byName.a))).toEqual(ROWS.map(({ values }) => values[0][1]));
    expect(repairs).toEqual(Object.fromEntries(ROWS.map(({ repair }) => [repair, 1])));
  });

  test('4 KiB of a session id, as Langfuse gets it', async () => {
    const session = 'x'.repeat(4000);
    const judging = startJudging();
    await judging.send(requestOf(span('r', { 'session.id': session })));
    expect((await judging.send(requestOf(span('a<r')))).byName.a?.sessionId).toBe(session);
  });
});

describe('what is missing is warned of', () => {
  const ID = { 'session.id': 's', 'user.id': 'u' };

  test.each<[string, Fields[], Record<string, number>]>([
    ['nothing', [span('r', ID), span('a<r')], {}],
    ['the session', [span('r', { 'user.id': 'u' }), span('a<r')], { session_id_missing: 2 }],
    ['the user', [span('r', { 'session.id': 's' }), span('a<r')], { user_id_missing: 2 }],
    [
      'both, of one trace of two',
      [span('a', {}, ANOTHER), span('r', ID)],
      { session_id_missing: 1, user_id_missing: 1 },
    ],
    [
      'both, where they are empty texts',
      [span('r', { 'session.id': '', 'user.id': '' })],
      { session_id_missing: 1, user_id_missing: 1 },
    ],
  ])('%s', async (_, spans, expected) => {
    const { warnings } = await startJudging().send(requestOf(...spans));
    expect(warnings).toEqual(expected);
  });

  test('with the ids of the first span', async () => {
    const { judgement } = await startJudging().send(
      requestOf(span('r', ID), span('x', {}, ANOTHER), span('y', {}, ANOTHER)),
    );
    expect(judgement.warnings.get('session_id_missing')).toEqual({ spans: 2, traceId: ANOTHER, spanId: idOf('x') });
    expect(judgement.notes(1).warnings).toEqual(['session_id_missing', 'user_id_missing']);
    expect(judgement.notes(0).warnings).toEqual([]);
  });

  test('also where nothing may be carried', async () => {
    const judging = startJudging({ off: ['trace_session_id', 'trace_user_id'] });
    const { warnings } = await judging.send(requestOf(span('r', ID), span('a<r')));
    expect(warnings).toEqual({ session_id_missing: 1, user_id_missing: 1 });
  });
});

test('a long session on a hundred thousand spans makes a request no larger than can be kept, and nothing is lost', async () => {
  const count = 100_000;
  const session = 's'.repeat(4000);
  const spans = Array.from({ length: count }, (_, at) => {
    const spanId = Buffer.alloc(8);
    spanId.writeUInt32BE(at + 1, 4);
    const attributes = at === 0 ? keyValues({ 'session.id': session }) : [];
    return { traceId: TRACE, spanId: spanId.toString('hex'), startTimeUnixNano: '1', endTimeUnixNano: '2', attributes };
  });
  const judging = startJudging();
  const { judgement } = await judging.send(requestOf(...spans));
  const sentBytes = count * 50;
  const out = canonicalFromProtobuf(judgement.bytes);
  expect([judgement.accepted, out.length]).toEqual([count, count]);
  expect(judgement.bytes.length).toBeLessThan(16 * 2 ** 20 + 4 * sentBytes);
  const carried = judgement.repairs.get('trace_session_id') ?? 0;
  expect(carried).toBeGreaterThan(1000);
  expect(out.filter(({ attributes }) => attributes.length > 0).length).toBe(carried + 1);
  expect(judgement.warnings.get('session_id_missing')?.spans).toBe(count - carried - 1);
}, 60_000);
