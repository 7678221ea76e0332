import { createHash } from 'node:crypto';
import { contextInBody, readTraceContext } from '../../src/admission/trace-context';
import { METADATA } from '../../src/langfuse/visibility';
import { ENCODINGS, type JudgeSettings, type Shown, startJudging } from '../support/judging';
import { type Fields, requestOf, spanOf, twins } from '../support/otlp-twins';

const OWN = '11111111111111111111111111111111';
const OTHER = '22222222222222222222222222222222';
const THEIRS = '99999999999999999999999999999999';
const CALLER = '9999999999999999';
const CONTEXT = { traceId: THEIRS, parentSpanId: CALLER };

/** `b<a` is span `b` under span `a` of the same trace; `b<!` one under a span outside of the request. */
const idOf = (name: string) => (name === '!' ? 'eeeeeeeeeeeeeeee' : Buffer.from(name.padEnd(8, '.')).toString('hex'));

function spansOf(text: string, traceId = OWN): Fields[] {
  return text.split(' ').map((one) => {
    const [name = '', parent] = one.split('<');
    const ids = { traceId, spanId: idOf(name), ...(parent === undefined ? {} : { parentSpanId: idOf(parent) }) };
    return spanOf({ ...ids, name, kind: 1 });
  });
}

const treeOf = (text: string, traceId?: string) => requestOf(...spansOf(text, traceId));

/** Where each span is now: its trace, and under which span. */
type Places = Record<string, [traceId: string, parentSpanId: string | null]>;

const placesOf = (observations: readonly { name: string; traceId: string; parentSpanId: string | null }[]): Places =>
  Object.fromEntries(observations.map(({ name, traceId, parentSpanId }) => [name, [traceId, parentSpanId]]));

/** The places of the tree as it was sent. */
function placesSent(text: string, traceId = OWN): Places {
  return Object.fromEntries(
    text.split(' ').map((one) => {
      const [name = '', parent] = one.split('<');
      return [name, [traceId, parent === undefined ? null : idOf(parent)]];
    }),
  );
}

const judged = (request: Fields, traceContext: object | undefined = CONTEXT, settings?: JudgeSettings) =>
  startJudging(settings).send(request, { traceContext });

describe('spans of a request with a context', () => {
  const under = (parent: string | null): [string, string | null] => [THEIRS, parent === null ? null : idOf(parent)];
  const moved: [string, string | null] = [THEIRS, CALLER];
  const stays = (parent: string): [string, string | null] => [OWN, idOf(parent)];

  test.each<[string, string, Places]>([
    ['a root', 'r', { r: moved }],
    ['a root and its child', 'r a<r', { r: moved, a: under('r') }],
    ['a child before its root', 'a<r r', { r: moved, a: under('r') }],
    ['several levels from below', 'c<b b<a a<r r', { r: moved, a: under('r'), b: under('a'), c: under('b') }],
    ['several levels in no order', 'b<a r c<b a<r', { r: moved, a: under('r'), b: under('a'), c: under('b') }],
    ['several roots', 'r s a<r b<s', { r: moved, s: moved, a: under('r'), b: under('s') }],
    ['a span with a parent outside', 'r a<!', { r: moved, a: stays('!') }],
    ['descendants of one with a parent outside', 'b<a r a<!', { r: moved, a: stays('!'), b: stays('a') }],
    ['two in a circle', 'r a<b b<a', { r: moved, a: stays('b'), b: stays('a') }],
    ['one that is its own parent', 'a<a r', { r: moved, a: stays('a') }],
    ['what hangs under a circle', 'c<a a<b b<a r', { r: moved, a: stays('b'), b: stays('a'), c: stays('a') }],
  ])('%s', async (_, text, expected) => {
    const { observations, judgement, repairs } = await judged(treeOf(text));
    expect(placesOf(observations)).toEqual(expected);
    expect(judgement.traceContext).toBe('adopted');
    const followers = Object.values(expected).filter(([traceId]) => traceId === THEIRS);
    expect(repairs.trace_context).toBe(followers.length);
  });

  test('ids that are the same in two traces are other spans', async () => {
    const request = requestOf(...spansOf('r a<r'), ...spansOf('a<!', OTHER), ...spansOf('b<a', OTHER));
    const { observations } = await judged(request);
    expect(observations.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
      moved,
      under('r'),
      [OTHER, idOf('!')],
      [OTHER, idOf('a')],
    ]);
  });

  test('roots of several traces come together', async () => {
    const { observations } = await judged(requestOf(...spansOf('r'), ...spansOf('s t<s', OTHER)));
    expect(placesOf(observations)).toEqual({ r: moved, s: moved, t: under('s') });
  });

  test('the trace a span came with is kept as metadata', async () => {
    const { byName } = await judged(treeOf('r a<r b<!'));
    const original = METADATA.originalTraceId.replace('langfuse.observation.metadata.', '');
    expect([byName.r, byName.a, byName.b].map((one) => one?.metadata[original])).toEqual([OWN, OWN, undefined]);
  });

  test('that are in that trace already have no other one to tell', async () => {
    const { byName, repairs } = await judged(treeOf('r a<r', THEIRS));
    expect(placesOf(Object.values(byName))).toEqual({ r: moved, a: under('r') });
    expect(byName.r?.metadata).toEqual(byName.a?.metadata);
    expect(repairs.trace_context).toBe(1);
  });

  test('only the ids change', async () => {
    const request = treeOf('r a<r b<!');
    const [before, after] = [await judged(request, {}), await judged(request)];
    const withoutIds = ({ observations }: typeof before) =>
      observations.map(({ traceId, parentSpanId, isRoot, metadata, ...others }) => others);
    expect(withoutIds(after)).toEqual(withoutIds(before));
  });

  test('get what is known of the trace they come into', async () => {
    const session = { attributes: [{ key: 'session.id', value: { stringValue: 's-1' } }] };
    const [known] = spansOf('k<!', THEIRS);
    const { byName } = await judged(requestOf(...spansOf('r a<r'), { ...known, ...session }));
    expect([byName.r?.sessionId, byName.a?.sessionId]).toEqual(['s-1', 's-1']);
  });

  test.each(ENCODINGS)('are judged alike in %s', async (format) => {
    const { observations, repairs } = await startJudging().send(treeOf('a<r r b<!'), { format, traceContext: CONTEXT });
    expect(placesOf(observations)).toEqual({ r: moved, a: under('r'), b: stays('!') });
    expect(repairs.trace_context).toBe(2);
  });
});

describe('the span that the request names as the parent', () => {
  const CALLERS = 'caller';
  const context = { traceId: OWN, parentSpanId: idOf(CALLERS) };

  test.each([
    ['is a root of the request', 'caller a<caller'],
    ['hangs under the root of the request: nothing goes round in a circle', 'r caller<r a<caller'],
    ['hangs deeper', 'a<caller r b<r caller<b'],
  ])('%s', async (_, text) => {
    const { observations, judgement } = await judged(treeOf(text), context);
    expect(placesOf(observations)).toEqual(placesSent(text));
    expect(judgement.traceContext).toBe('ignored');
  });

  test('takes other roots of its trace as children, be it a root or not', async () => {
    const atRoot = await judged(treeOf('s caller'), context);
    expect(placesOf(atRoot.observations)).toEqual({ s: [OWN, idOf(CALLERS)], caller: [OWN, null] });
    const below = await judged(treeOf('r caller<r s'), context);
    expect(placesOf(below.observations)).toEqual({ ...placesSent('r caller<r'), s: [OWN, idOf(CALLERS)] });
  });

  test('stays where it is in another trace, too: there it would be its own parent', async () => {
    const { observations, judgement } = await judged(treeOf(CALLERS), { ...context, traceId: THEIRS });
    expect(placesOf(observations)).toEqual(placesSent(CALLERS));
    expect(judgement.traceContext).toBe('ignored');
    const below = await judged(treeOf(`r ${CALLERS}<r s`), { ...context, traceId: THEIRS });
    const stays = placesSent(`r ${CALLERS}<r`);
    expect(placesOf(below.observations)).toEqual({ ...stays, s: [THEIRS, idOf(CALLERS)] });
  });
});

describe('a trace id alone', () => {
  const alone = { traceId: THEIRS };

  test('is ignored, and that is no fault of the spans', async () => {
    const { observations, judgement, warnings } = await judged(treeOf('r a<r'), alone);
    expect(placesOf(observations)).toEqual(placesSent('r a<r'));
    expect([judgement.traceContext, warnings.trace_context_refused]).toEqual(['ignored', undefined]);
  });

  test('brings roots beside the root of that trace, where it is accepted', async () => {
    const settings = { traceIdAlone: 'accept' } as const;
    const { observations, judgement } = await judged(treeOf('a<r r b<!'), alone, settings);
    expect(placesOf(observations)).toEqual({ r: [THEIRS, null], a: [THEIRS, idOf('r')], b: [OWN, idOf('!')] });
    expect(judgement.traceContext).toBe('adopted');
  });

  test('changes nothing in that trace itself', async () => {
    const [, { body }] = twins(treeOf('a<r r', THEIRS)).at(-1)!;
    const judgement = await startJudging({ traceIdAlone: 'accept' }).judge(body, { traceContext: alone });
    expect([judgement.bytes, judgement.traceContext]).toEqual([body, 'adopted']);
  });

  test('is what remains of a parent of zeros', async () => {
    const { judgement } = await judged(treeOf('r'), { ...alone, parentSpanId: '0'.repeat(16) });
    expect(judgement.traceContext).toBe('ignored');
  });
});

describe('a context that cannot be read', () => {
  test.each([
    ['a parent alone', { parentSpanId: CALLER }],
    ['a trace id of words', { traceId: 'order 4711', parentSpanId: CALLER }],
    ['a parent of words', { traceId: THEIRS, parentSpanId: 'checkout-v2' }],
    ['a parent that is a UUID', { traceId: THEIRS, parentSpanId: '5b8efff7-9803-8103-d269-b633813fc60c' }],
    ['a trace id of zeros', { traceId: '0'.repeat(32), parentSpanId: CALLER }],
    ['a trace id of 15 bytes', { traceId: 'a'.repeat(30), parentSpanId: CALLER }],
    ['a header that came twice', { traceId: `${THEIRS}, ${OTHER}`, parentSpanId: CALLER }],
    ['a megabyte', { traceId: 'a'.repeat(2 ** 20), parentSpanId: CALLER }],
  ])('%s: every span stays, and its sender is warned', async (_, context) => {
    const { observations, judgement, warnings, repairs } = await judged(treeOf('r a<r b<!'), context);
    expect(placesOf(observations)).toEqual(placesSent('r a<r b<!'));
    expect([judgement.traceContext, warnings.trace_context_refused]).toEqual(['unreadable', 3]);
    expect([repairs.trace_context, judgement.notes(1).warnings]).toEqual([
      undefined,
      expect.arrayContaining(['trace_context_refused']),
    ]);
  });

  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['empty texts', { traceId: '', parentSpanId: '' }],
  ])('%s is none', async (_, context) => {
    const { judgement, warnings } = await startJudging().send(treeOf('r'), { traceContext: context });
    expect([judgement.traceContext, warnings.trace_context_refused]).toEqual([undefined, undefined]);
  });

  test('a context for no span is ignored', async () => {
    expect((await judged(requestOf())).judgement.traceContext).toBe('ignored');
    expect((await judged(treeOf('a<!'))).judgement.traceContext).toBe('ignored');
  });
});

describe('ids of a context are read in every form', () => {
  const TRACE = '5b8efff798038103d269b633813fc60c';
  const SPAN = 'fbff9b7ec3c1b174';
  const bytes = { traceId: Buffer.from(TRACE, 'hex'), parentSpanId: Buffer.from(SPAN, 'hex') };
  const read = (context: object, ids: JudgeSettings['ids'] = 'normalise') =>
    readTraceContext(context, { traceIdAlone: 'reject', enabled: (name) => name === 'id_derived' && ids === 'derive' });

  test.each([
    ['lower case', TRACE, SPAN],
    ['upper case', TRACE.toUpperCase(), SPAN.toUpperCase()],
    ['a UUID', '5b8efff7-9803-8103-d269-b633813fc60c', SPAN],
    ['an upper-case UUID', '5B8EFFF7-9803-8103-D269-B633813FC60C', SPAN],
    ['base64', 'W47/95gDgQPSabYzgT/GDA==', '+/+bfsPBsXQ='],
    ['base64url', 'W47_95gDgQPSabYzgT_GDA', '-_-bfsPBsXQ'],
    ['white space around', ` ${TRACE}\t`, `\t${SPAN} `],
  ])('%s', (_, traceId, parentSpanId) => {
    expect(read({ traceId, parentSpanId })).toEqual(bytes);
    expect(read({ traceId, parentSpanId }, 'derive')).toEqual(bytes);
  });

  test('words become what spans of these words become, where ids are derived', () => {
    const derived = (text: string, length: number) => createHash('sha256').update(text).digest().subarray(0, length);
    const words = { traceId: 'order 4711', parentSpanId: 'größe' };
    expect(read(words)).toBe('unreadable');
    expect(read(words, 'derive')).toEqual({ traceId: derived('order 4711', 16), parentSpanId: derived('größe', 8) });
    expect(read({ parentSpanId: 'größe' }, 'derive')).toBe('unreadable');
  });
});

describe('a context in a JSON body', () => {
  const withContext = (context: unknown, name = 'traceContext') => ({ ...treeOf('r'), [name]: context }) as Fields;
  const send = (request: Fields, rest: object = {}, settings?: JudgeSettings) =>
    startJudging(settings).send(request, { format: 'json', ...rest });

  test.each([
    ['traceContext', { traceId: THEIRS, parentSpanId: CALLER }],
    ['traceContext', { trace_id: THEIRS, parent_span_id: CALLER }],
    ['trace_context', { trace_id: THEIRS, parent_span_id: CALLER }],
    ['trace_context', { traceId: THEIRS, parentSpanId: CALLER }],
    ['traceContext', { traceId: THEIRS, parent_span_id: CALLER, sampled: true }],
  ])('%s %j', async (name, context) => {
    const { observations, judgement } = await send(withContext(context, name));
    expect(placesOf(observations)).toEqual({ r: [THEIRS, CALLER] });
    expect(judgement.traceContext).toBe('adopted');
  });

  test('may stand before the spans', async () => {
    const { observations } = await send({ traceContext: CONTEXT, ...treeOf('r') });
    expect(placesOf(observations)).toEqual({ r: [THEIRS, CALLER] });
  });

  test('counts more than what the request says beside it', async () => {
    const beside = { traceContext: { traceId: OTHER, parentSpanId: '2222222222222222' } };
    const { observations } = await send(withContext(CONTEXT), beside);
    expect(placesOf(observations)).toEqual({ r: [THEIRS, CALLER] });
    expect((await send(withContext({ traceId: 'words', parentSpanId: CALLER }), beside)).judgement.traceContext).toBe(
      'unreadable',
    );
  });

  test.each([[null], [{}], [{ traceId: '', parentSpanId: null }]])(
    '%j says nothing, so that what stands beside counts',
    async (inBody) => {
      const { observations } = await send(withContext(inBody), { traceContext: CONTEXT });
      expect(placesOf(observations)).toEqual({ r: [THEIRS, CALLER] });
    },
  );

  const unreadable: [string, unknown][] = [
    ['a text', THEIRS],
    ['a number', 7],
    ['true', true],
    ['a list', [CONTEXT]],
    ['an empty list', []],
    ['ids that are numbers', { traceId: 1, parentSpanId: 2 }],
    ['an id that is an object', { traceId: { traceId: THEIRS }, parentSpanId: CALLER }],
    ['ids of 5,000 characters', { traceId: 'a'.repeat(5000), parentSpanId: CALLER }],
    ['a good context among 5,000 other characters', { ...CONTEXT, more: 'a'.repeat(5000) }],
    ['a thousand lists in lists', JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)],
  ];

  test.each(unreadable)('%s cannot be read', async (_, inBody) => {
    for (const ids of ['normalise', 'derive'] as const) {
      const settings = { ids, traceIdAlone: 'accept' } as const;
      const { observations, judgement } = await send(withContext(inBody), { traceContext: CONTEXT }, settings);
      expect([ids, placesOf(observations), judgement.traceContext]).toEqual([ids, { r: [OWN, null] }, 'unreadable']);
    }
  });

  test('is read by the name of its members alone', () => {
    expect(contextInBody({ traceId: 'a', parent_span_id: 'b' })).toEqual({ traceId: 'a', parentSpanId: 'b' });
    expect(contextInBody(undefined)).toBeUndefined();
  });

  test('is no part of OTLP: in protobuf it is an unknown field', async () => {
    const { judgement } = await startJudging().send(withContext(CONTEXT), { format: 'protobuf' });
    expect(judgement.traceContext).toBeUndefined();
  });
});

test('with traceContext.fromRequest off, no place counts', async () => {
  const judging = startJudging({ off: ['trace_context'] });
  const request = { ...treeOf('r'), traceContext: CONTEXT };
  const { observations, judgement, warnings } = await judging.send(request, { format: 'json', traceContext: CONTEXT });
  expect(placesOf(observations)).toEqual({ r: [OWN, null] });
  expect([judgement.traceContext, warnings.trace_context_refused]).toEqual([undefined, undefined]);
  const bad = await judging.send(request, { traceContext: { traceId: 'words' } });
  expect([bad.judgement.traceContext, bad.warnings.trace_context_refused]).toEqual([undefined, undefined]);
});

describe('an adoption is remembered', () => {
  const settings = { windowS: 600 };
  const started = () => startJudging(settings);
  const adopt = (judging: ReturnType<typeof started>) => judging.send(treeOf('r'), { traceContext: CONTEXT });

  test('for children that come later, in a request without context', async () => {
    const judging = started();
    await adopt(judging);
    const { observations, repairs, judgement } = await judging.send(treeOf('b<a a<r'));
    expect(placesOf(observations)).toEqual({ a: [THEIRS, idOf('r')], b: [THEIRS, idOf('a')] });
    expect([repairs.trace_context, judgement.traceContext]).toEqual([2, undefined]);
  });

  test('and in one with a context of its own', async () => {
    const judging = started();
    await adopt(judging);
    const elsewhere = { traceId: OTHER, parentSpanId: CALLER };
    const { observations } = await judging.send(treeOf('a<r s'), { traceContext: elsewhere });
    expect(placesOf(observations)).toEqual({ a: [THEIRS, idOf('r')], s: [OTHER, CALLER] });
  });

  test('children that came before their root cannot be reached', async () => {
    const judging = started();
    const { judgement } = await judging.send(treeOf('a<r'));
    await adopt(judging);
    expect(judgement.repairs.has('trace_context')).toBe(false);
  });

  test('children in the request of another one that is moved stay', async () => {
    const { observations } = await started().send(treeOf('a<! r'), { traceContext: CONTEXT });
    expect(placesOf(observations)).toEqual({ a: [OWN, idOf('!')], r: [THEIRS, CALLER] });
  });

  test('roots that come later without a context stay, with all that hangs under them', async () => {
    const judging = started();
    await adopt(judging);
    const { observations } = await judging.send(treeOf('s t<s'));
    expect(placesOf(observations)).toEqual(placesSent('s t<s'));
  });

  test('spans of other traces stay', async () => {
    const judging = started();
    await adopt(judging);
    const { observations } = await judging.send(treeOf('a<r', OTHER));
    expect(placesOf(observations)).toEqual(placesSent('a<r', OTHER));
  });

  test('spans for another destination stay', async () => {
    const judging = started();
    await adopt(judging);
    const { observations } = await judging.send(treeOf('a<r'), { destination: 'other' });
    expect(placesOf(observations)).toEqual(placesSent('a<r'));
  });

  test.each([
    ['to the end of the window', 600_000, THEIRS],
    ['and no longer', 600_001, OWN],
  ])('%s', async (_, ms, traceId) => {
    const judging = started();
    await adopt(judging);
    judging.setForward(ms);
    const { observations } = await judging.send(treeOf('a<r'));
    expect(placesOf(observations)).toEqual({ a: [traceId, idOf('r')] });
  });

  test('longer, while the trace is in use', async () => {
    const judging = started();
    await adopt(judging);
    judging.setForward(400_000);
    await judging.send(treeOf('a<r'));
    judging.setForward(400_000);
    const { observations } = await judging.send(treeOf('b<r'));
    expect(placesOf(observations)).toEqual({ b: [THEIRS, idOf('r')] });
  });

  test('and of two the later one counts', async () => {
    const judging = started();
    await adopt(judging);
    await judging.send(treeOf('s'), { traceContext: { traceId: OTHER, parentSpanId: CALLER } });
    const { observations } = await judging.send(treeOf('a<r'));
    expect(placesOf(observations)).toEqual({ a: [OTHER, idOf('r')] });
  });

  test('also where a trace id alone is accepted', async () => {
    const judging = startJudging({ traceIdAlone: 'accept' });
    await judging.send(treeOf('r'), { traceContext: { traceId: THEIRS } });
    const { observations } = await judging.send(treeOf('a<r'));
    expect(placesOf(observations)).toEqual({ a: [THEIRS, idOf('r')] });
  });
});

test('a parent is not missed under the ids that its child leaves with', async () => {
  const judging = startJudging({ windowS: 600 });
  const kept = async (sent: Promise<Shown>) => (await sent).judgement.kept();
  await kept(judging.send(treeOf('a<r r'), { traceContext: CONTEXT }));
  await kept(judging.send(requestOf(spanOf({ traceId: THEIRS, spanId: CALLER }))));
  await kept(judging.send(treeOf('b<!')));
  // Refused by the queue, and sent again.
  await judging.send(treeOf('b<!'));
  judging.setForward(600_001);
  expect(judging.orphans()).toEqual([{ traceId: THEIRS, spanId: idOf('b'), parentSpanId: idOf('!'), spans: 1 }]);
});

test('a context names where its parent was when it was asked, and may have been moved since', async () => {
  const judging = startJudging();
  await judging.send(treeOf('b'), { traceContext: CONTEXT });
  const { observations, judgement } = await judging.send(
    requestOf(
      spanOf({ traceId: OTHER, spanId: idOf('c') }),
      spanOf({ traceId: OTHER, spanId: idOf('d'), parentSpanId: idOf('c') }),
    ),
    { traceContext: { traceId: OWN, parentSpanId: idOf('b') } },
  );
  expect(observations.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
    [THEIRS, idOf('b')],
    [THEIRS, idOf('c')],
  ]);
  expect(judgement.traceContext).toBe('adopted');
});

test('with ids off a parent that cannot be read is a parent all the same', async () => {
  const judging = startJudging({ ids: 'off' });
  const [, sent] = twins(requestOf(spanOf({ traceId: OWN, parentSpanId: Buffer.from('abc') })))[1]!;
  const judgement = await judging.judge(sent.body, { traceContext: CONTEXT });
  expect([judgement.traceContext, judgement.bytes.equals(sent.body)]).toEqual(['ignored', false]);
  expect(judgement.repairs.get('trace_context')).toBeUndefined();
});

test('a proxy’s trace id, in whatever form, is no fault of the spans', async () => {
  const { judgement, warnings } = await judged(treeOf('r'), { traceId: 'Root=1-67891233-abcdef012345678912345678' });
  expect([judgement.traceContext, warnings.trace_context_refused]).toEqual(['ignored', undefined]);
});

test('what stayed when its trace was moved stays when it comes again, and so does what comes beside it', async () => {
  const judging = startJudging();
  const sent = treeOf('r a<r s<!');
  for (let time = 0; time < 2; time++) {
    const { observations } = await judging.send(sent, { traceContext: CONTEXT });
    expect(placesOf(observations)).toEqual({
      ...{ r: [THEIRS, CALLER], a: [THEIRS, idOf('r')] },
      ...placesSent('s<!'),
    });
  }
  const later = await judging.send(treeOf('t<! u<t b<a'));
  expect(placesOf(later.observations)).toEqual({ ...placesSent('t<! u<t'), b: [THEIRS, idOf('a')] });
});
