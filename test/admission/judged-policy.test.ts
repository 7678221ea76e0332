import type { SenderPolicy } from '../../src/admission/sender-policy';
import type { RequestToJudge } from '../../src/judgement';
import { ENCODINGS, type Encoding, type JudgeSettings, shown, startJudging } from '../support/judging';
import { type Fields, requestOf, SPAN_ID, spanOf, TRACE_ID, twins } from '../support/otlp-twins';

const PAGE: SenderPolicy = { name: 'web', browser: true, stamp: {} };
const PREVIEW: SenderPolicy = {
  name: 'web',
  browser: true,
  stamp: { 'langfuse.environment': 'preview', 'langfuse.release': 'r1' },
};

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const DENIED = [
  ...[text('langfuse.environment', 'production'), text('langfuse.release', 'evil')],
  ...[{ key: 'langfuse.trace.public', value: { boolValue: true } }, text('gen_ai.usage.cost', '7')],
];
const under = (resource: Fields[], ...spans: Fields[]): Fields => ({
  resourceSpans: [{ resource: { attributes: resource }, scopeSpans: [{ scope: { name: 'l' }, spans }] }],
});
const page = spanOf({ name: 'page', kind: 1 });
const server = spanOf({ name: 'server', kind: 1, spanId: '0102030405060708', parentSpanId: SPAN_ID });

const NOTHING = { environment: 'default', release: null, public: false, cost: null };

describe.each(ENCODINGS)('in %s', (format: Encoding) => {
  const judged = async (request: Fields, policy?: SenderPolicy, settings: JudgeSettings = {}) =>
    startJudging(settings).send(request, { format, policy });

  test.each<[string, Fields]>([
    ['its span', under([], { ...page, attributes: DENIED })],
    ['its resource', under(DENIED, page)],
  ])('what a page must not say by %s is not said, and counted', async (_, request) => {
    const { byName, repairs } = await judged(request, PAGE);
    expect(byName.page).toMatchObject(NOTHING);
    expect(repairs).toEqual({ browser_denied: 1 });
    expect((await judged(request)).byName.page).toMatchObject({ environment: 'production', release: 'evil' });
  });

  test('the stamps of the key are said instead', async () => {
    const { byName, repairs, judgement } = await judged(under(DENIED, { ...page, attributes: DENIED }), PREVIEW);
    expect(byName.page).toMatchObject({ ...NOTHING, environment: 'preview', release: 'r1' });
    expect(repairs).toEqual({ browser_denied: 1 });
    expect(judgement.notes(0).repairs).toEqual(['browser_denied']);
  });

  test('with the repair off the page may say it, but for what is stamped', async () => {
    const { byName, repairs } = await judged(under([], { ...page, attributes: DENIED }), PREVIEW, {
      off: ['browser_denied'],
    });
    expect(byName.page).toMatchObject({ environment: 'preview', release: 'r1', public: true, cost: { total: 0 } });
    expect(repairs).toEqual({});
  });

  test.each<[string, Fields]>([
    ['its span', under([], { ...page, attributes: DENIED })],
    ['its resource', under(DENIED, page)],
  ])('spans of the same trace in later requests learn nothing of it from %s', async (_, request) => {
    const judging = startJudging();
    await judging.send(request, { format, policy: PAGE });
    const { byName, repairs } = await judging.send(requestOf(server), { format });
    expect(byName.server).toMatchObject(NOTHING);
    expect(repairs).toEqual({});
  });

  test('nor do those in its own', async () => {
    const { byName, repairs } = await judged(under([], { ...page, attributes: DENIED }, server), PAGE);
    expect(byName.server).toMatchObject(NOTHING);
    expect(repairs).toEqual({ browser_denied: 1 });
  });

  test('what the page may say of its trace is carried', async () => {
    const judging = startJudging();
    const session = [...DENIED, text('session.id', 's')];
    await judging.send(under([], { ...page, attributes: session }), { format, policy: PREVIEW });
    const { byName } = await judging.send(requestOf(server), { format });
    expect(byName.server).toMatchObject({ ...NOTHING, sessionId: 's', environment: 'preview', release: 'r1' });
  });

  test('what is repaired at the door is judged as it is then', async () => {
    const { repairs } = await judged(under([{ key: 'langfuse.release' }], page), PAGE);
    expect(repairs).toEqual({ attribute_value_absent: 1, browser_denied: 1 });
  });

  describe('the number of spans', () => {
    const request = under([], page, spanOf({ traceId: '' }), server);

    test('is told with those that are rejected, before anything is learned from them', async () => {
      const judging = startJudging();
      const told: number[] = [];
      const sent = await judging.send(request, { format, onRead: ({ spans }) => told.push(spans) });
      expect(told).toEqual([3]);
      expect([sent.judgement.accepted, sent.judgement.rejections.length]).toEqual([2, 1]);
    });

    test('may be refused, and nothing is remembered', async () => {
      const judging = startJudging();
      const refusal = new Error('too many');
      const onRead = () => {
        throw refusal;
      };
      const guilty = under([text('langfuse.release', 'r')], page);
      await expect(judging.send(guilty, { format, onRead })).rejects.toBe(refusal);
      expect((await judging.send(requestOf(server), { format })).byName.server).toMatchObject(NOTHING);
    });
  });

  test('a key that bounds attributes has those of its spans measured', async () => {
    const large = spanOf({ name: 'large', kind: 1, attributes: [text('a', '1'), text('b', 'x'.repeat(100))] });
    const policy = { name: 'web', browser: false, stamp: { a: 'y'.repeat(200) }, maxAttributeBytes: 100 };
    const { judgement, byName } = await judged(under([], page, large), policy);
    expect(judgement.rejections).toEqual([
      {
        reason: 'attribute_too_large',
        ordinal: 1,
        position: 1,
        field: 'resourceSpans[0].scopeSpans[0].spans[1].attributes[1]',
        description: 'is larger than 100 bytes, which is what its key allows (maxAttributeBytes)',
      },
    ]);
    expect(Object.keys(byName)).toEqual(['page']);
    expect((await judged(under([], page, large))).judgement.accepted).toBe(2);
  });
});

describe('transparent spans', () => {
  const span = (name: string, more: object = {}) => ({
    ...{ traceId: TRACE_ID, spanId: SPAN_ID, name, kind: 0, startTime: [1, 0], endTime: [2, 0] },
    ...more,
  });
  const judge = (body: object, rest: Partial<RequestToJudge>) =>
    startJudging().judge(Buffer.from(JSON.stringify(body)), { ...rest, format: 'transparent' });
  const denied = { 'langfuse.environment': 'production', 'langfuse.trace.public': true };

  test('are of a page like all others', async () => {
    const spans = [
      span('own', { attributes: denied }),
      span('of its resource', { resource: { attributes: denied } }),
      span('clean'),
    ];
    const told: number[] = [];
    const { byName, repairs } = shown(
      await judge(spans, { policy: PREVIEW, onRead: ({ spans: count }) => told.push(count) }),
    );
    const expected = { ...NOTHING, environment: 'preview', release: 'r1' };
    expect(byName).toMatchObject({ own: expected, 'of its resource': expected, clean: expected });
    expect([repairs.browser_denied, told]).toEqual([2, [3]]);
  });

  test('follow the trace context in their body', async () => {
    const traceContext = { traceId: 'ab'.repeat(16), parentSpanId: 'cd'.repeat(8) };
    const judgement = await judge({ spans: [span('a')], traceContext }, { policy: PAGE });
    expect(shown(judgement).byName.a).toMatchObject({ traceId: 'ab'.repeat(16), parentSpanId: 'cd'.repeat(8) });
  });

  test('are named by their own places when they are too large', async () => {
    const large = { a: '1', b: 'x'.repeat(100) };
    const spans = [
      span('clean'),
      span('resource', { resource: { attributes: large } }),
      span('own', { attributes: large }),
      span('event', { events: [{ name: 'e', time: [1, 0], attributes: large }] }),
    ];
    const { rejections, accepted } = await judge(spans, { policy: { ...PAGE, maxAttributeBytes: 100 } });
    const places = rejections.map(({ reason, ordinal, field }) => [ordinal, reason, field]);
    expect([...places].sort(([one], [other]) => Number(one) - Number(other))).toEqual([
      [1, 'attribute_too_large', 'spans[1].resource.attributes[1]'],
      [2, 'attribute_too_large', 'spans[2].attributes[1]'],
      [3, 'attribute_too_large', 'spans[3].events[0]'],
    ]);
    expect(accepted).toBe(1);
  });
});

describe('what a page says of traces', () => {
  const context = { traceId: 'f'.repeat(32), parentSpanId: 'e'.repeat(16) };
  const child = (name: string, spanId: string) => requestOf(spanOf({ name, kind: 1, spanId, parentSpanId: SPAN_ID }));
  const root = requestOf(page);

  test('moves its own later spans, and nobody else’s', async () => {
    const judging = startJudging();
    expect((await judging.send(root, { policy: PAGE, traceContext: context })).byName.page).toMatchObject(context);
    const ofServer = await judging.send(child('of the server', `${'0'.repeat(15)}1`));
    expect(ofServer.byName['of the server']).toMatchObject({ traceId: TRACE_ID, parentSpanId: SPAN_ID });
    const ofOther = await judging.send(child('of another', `${'0'.repeat(15)}2`), {
      policy: { ...PAGE, name: 'shop' },
    });
    expect(ofOther.byName['of another']).toMatchObject({ traceId: TRACE_ID });
    const own = await judging.send(child('its own', `${'0'.repeat(15)}3`), { policy: PAGE });
    expect(own.byName['its own']).toMatchObject({ traceId: context.traceId, parentSpanId: SPAN_ID });
  });

  test('what a server says moves the spans of pages, too', async () => {
    const judging = startJudging();
    await judging.send(root, { traceContext: context });
    const { byName } = await judging.send(child('of the page', `${'0'.repeat(15)}1`), { policy: PAGE });
    expect(byName['of the page']).toMatchObject({ traceId: context.traceId });
  });
});

test('what floods one destination pushes nothing out of what is remembered for another', async () => {
  const judging = startJudging({ maxTraces: 10, destinationCount: 2 });
  const session = { attributes: [text('session.id', 's-1')] };
  await judging.send(requestOf(spanOf({ name: 'root', kind: 1, ...session })));
  for (let at = 0; at < 50; at += 1) {
    const traceId = String(at).padStart(32, '1');
    await judging.send(requestOf(spanOf({ name: 'flood', kind: 1, traceId, ...session })), { destination: 'pages' });
  }
  const later = await judging.send(requestOf(spanOf({ name: 'later', kind: 1, spanId: '0102030405060708' })));
  expect(later.byName.later).toMatchObject({ sessionId: 's-1' });
});

describe.each([...ENCODINGS, 'transparent'] as const)('what small bodies unfold to, %s', (format) => {
  const values = Array.from({ length: 200_000 }, () => ({ stringValue: '' }));
  const list = { key: 'list', value: { arrayValue: { values } } };
  const spans = [
    { traceId: TRACE_ID, spanId: SPAN_ID, name: 'n', startTime: [1, 0], attributes: { list: Array(200_000).fill('') } },
  ];
  const bytes = () =>
    format === 'transparent'
      ? Buffer.from(JSON.stringify(spans))
      : twins(requestOf(spanOf({ attributes: [list] }))).find(([encoding]) => encoding === format)![1].body;

  test('200,000 values are too many for a browser key, and not for another', async () => {
    const judging = startJudging();
    await expect(judging.judge(bytes(), { format, policy: PAGE })).rejects.toThrow(
      'more than 200000 attributes, values',
    );
    expect((await judging.judge(bytes(), { format })).accepted).toBe(1);
  });

  test('their number is told before they are judged', async () => {
    const sizes: object[] = [];
    await startJudging().judge(bytes(), { format, onRead: (size) => sizes.push(size) });
    expect(sizes).toEqual([{ spans: 1, messages: expect.any(Number) }]);
    expect((sizes[0] as { messages: number }).messages).toBeGreaterThan(200_000);
  });
});
