import type { RejectionView, Trouble } from '../../src/inspector/api';
import { Troubles } from '../../src/inspector/troubles';
import { type Inspecting, startInspecting } from '../support/inspecting';
import { asJson, asProtobuf, type Fields, requestOf, SPAN_ID, spanOf, TRACE_ID } from '../support/otlp-twins';
import { asTransparent } from '../support/transparent-twins';

const BODIES = { json: asJson, protobuf: asProtobuf, transparent: asTransparent };
const FORMATS = ['json', 'protobuf', 'transparent'] as const;
const NOW = '2026-01-02T00:00:00.000Z';
const BAD = spanOf({ spanId: '0'.repeat(16) });

const viewOf = ({ inspector }: Inspecting): Trouble => inspector.troubles.view();

test('none', () => {
  expect(viewOf(startInspecting())).toEqual<Trouble>({
    rejections: { total: 0, byReason: {}, latest: [] },
    ...{ refusals: [], orphans: { total: 0, latest: [] }, warnings: [] },
  });
});

describe('rejected spans', () => {
  test.each(FORMATS)('%s: what is wrong with each, and from whom it came', async (format) => {
    const inspecting = startInspecting();
    const sender = { userAgent: 'OTel-JS', address: '192.0.2.7', key: 'web' };
    const request = requestOf(spanOf({ name: 'good' }), { ...BAD, name: 'bad' });
    await inspecting.keep(BODIES[format](request).body, { format, sender });
    const { total, byReason, latest } = viewOf(inspecting).rejections;
    expect([total, byReason]).toEqual([1, { invalid_span_id: 1 }]);
    expect(latest).toEqual<RejectionView[]>([
      {
        ...{ at: NOW, reason: 'invalid_span_id', description: expect.any(String), name: 'bad', traceId: TRACE_ID },
        field: expect.stringMatching(/spans\[1\]/),
        spanId: null,
        sender: { service: 's', sdk: null, sdkVersion: null, ...sender },
      },
    ]);
  });

  test('twenty of a request, two hundred in all, the newest first; all are counted', async () => {
    const inspecting = startInspecting();
    const names = () => viewOf(inspecting).rejections.latest.map(({ name }) => name);
    for (let number = 0; number < 12; number++) {
      const spans = Array.from({ length: 30 }, (_, at) => ({ ...BAD, name: `${number}-${at}` }));
      await inspecting.keep(asProtobuf(requestOf(...spans)).body);
    }
    expect(names()).toHaveLength(200);
    expect([names()[0], names()[19], names()[20], names().at(-1)]).toEqual(['11-19', '11-0', '10-19', '2-0']);
    expect(viewOf(inspecting).rejections).toMatchObject({ total: 360, byReason: { invalid_span_id: 360 } });
    expect(inspecting.inspector.troubles.rejectedOf(TRACE_ID)).toBe(12 * 20);
  });

  test('by reason', async () => {
    const inspecting = startInspecting();
    await inspecting.keep(
      asJson(requestOf(BAD, spanOf({ traceId: '' }), spanOf({ startTimeUnixNano: {} }), BAD)).body,
      {
        format: 'json',
      },
    );
    expect(viewOf(inspecting).rejections).toMatchObject({
      ...{ total: 4, byReason: { invalid_span_id: 2, invalid_trace_id: 1, invalid_field: 1 } },
      latest: [{ reason: 'invalid_span_id' }, { reason: 'invalid_field' }, { reason: 'invalid_trace_id' }, {}],
    });
  });

  test('an attribute that a key may not send', async () => {
    const inspecting = startInspecting();
    const attributes = [{ key: 'k', value: { stringValue: 'dear diary'.repeat(50) } }];
    const policy = { name: 'web', browser: false, maxAttributeBytes: 100, stamp: {} };
    await inspecting.keep(asProtobuf(requestOf(spanOf({ attributes }))).body, { policy });
    const { latest } = viewOf(inspecting).rejections;
    expect(latest).toMatchObject([{ reason: 'attribute_too_large', name: 'n', traceId: TRACE_ID, spanId: SPAN_ID }]);
    expect(JSON.stringify(latest)).not.toContain('dear diary');
  });

  type Known = Pick<RejectionView, 'name' | 'traceId' | 'spanId'>;
  const nothing: Known = { name: null, traceId: null, spanId: null };
  const hex = (text: string) => text.toLowerCase();

  /** Each as it stands in JSON, and what can be read of it. */
  test.each<[name: string, span: string, known: Known]>([
    ['a number', '7', nothing],
    ['a list', '[{"name":"n"}]', nothing],
    ['an empty object', '{}', nothing],
    ['a name that is a number', '{"name":7}', nothing],
    ['an empty name', '{"name":""}', nothing],
    ['a long name', `{"name":"${'x'.repeat(500)}"}`, { ...nothing, name: 'x'.repeat(200) }],
    [
      'good ids and a bad field',
      `{"name":"n","traceId":"${TRACE_ID}","spanId":"${SPAN_ID}","startTimeUnixNano":{}}`,
      { name: 'n', traceId: TRACE_ID, spanId: SPAN_ID },
    ],
    [
      'names with underscores',
      `{"trace_id":"${TRACE_ID}","span_id":"${SPAN_ID}","startTimeUnixNano":{}}`,
      { name: null, traceId: TRACE_ID, spanId: SPAN_ID },
    ],
    ['capitals', `{"traceId":"${TRACE_ID.toUpperCase()}"}`, { ...nothing, traceId: hex(TRACE_ID) }],
    ['base64', `{"traceId":"${Buffer.from(TRACE_ID, 'hex').toString('base64')}"}`, { ...nothing, traceId: TRACE_ID }],
    ['zeros', `{"traceId":"${'0'.repeat(32)}","spanId":"${SPAN_ID}"}`, { ...nothing, spanId: SPAN_ID }],
    ['words', '{"traceId":"dear diary","spanId":"dear diary"}', nothing],
    ['ids that are no texts', '{"traceId":7,"spanId":{}}', nothing],
    ['lists in each other', `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, nothing],
    ['more than anybody looks into', `{"name":"n","x":"${'x'.repeat(70_000)}"}`, nothing],
  ])('what can be read of it: %s', async (_, span, known) => {
    const inspecting = startInspecting();
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`;
    await inspecting.keep(Buffer.from(body), { format: 'json' });
    const { total, latest } = viewOf(inspecting).rejections;
    expect([total, latest.length]).toEqual([1, 1]);
    const { name, traceId, spanId } = latest[0]!;
    expect({ name, traceId, spanId }).toEqual(known);
    expect(JSON.stringify(viewOf(inspecting))).not.toContain('dear diary');
  });

  test.each<[name: string, span: object, known: Known]>([
    ['flat', { traceId: TRACE_ID, spanId: '', name: 'n' }, { name: 'n', traceId: TRACE_ID, spanId: null }],
    ['in its context', { spanContext: { traceId: TRACE_ID, spanId: 7 } }, { ...nothing, traceId: TRACE_ID }],
    ['a context that is none', { spanContext: 7, spanId: SPAN_ID }, { ...nothing, spanId: SPAN_ID }],
  ])('of a transparent one: %s', async (_, span, known) => {
    const inspecting = startInspecting();
    await inspecting.keep(Buffer.from(JSON.stringify([span])), { format: 'transparent' });
    expect(viewOf(inspecting).rejections.latest).toMatchObject([known]);
  });

  test('of one in protobuf, large or small', async () => {
    const inspecting = startInspecting();
    const large = { ...BAD, attributes: [{ key: 'k', value: { stringValue: 'x'.repeat(70_000) } }] };
    await inspecting.keep(asProtobuf(requestOf(BAD, large, spanOf({ traceId: 'abcd' }))).body);
    expect(viewOf(inspecting).rejections.latest).toMatchObject([
      { name: 'n', traceId: null, spanId: SPAN_ID },
      nothing,
      { name: 'n', traceId: TRACE_ID, spanId: null },
    ]);
  });

  test('off: they are counted, and nothing of them is kept', async () => {
    const inspecting = startInspecting({ mode: 'off' });
    await inspecting.keep(asJson(requestOf(BAD)).body, { format: 'json' });
    expect(viewOf(inspecting).rejections).toEqual({ total: 1, byReason: { invalid_span_id: 1 }, latest: [] });
    expect(inspecting.inspector.troubles.rejectedTraces()).toEqual([]);
  });
});

describe('refused requests', () => {
  const NOBODY = { status: 401, message: 'no key', path: '/v1/traces', userAgent: undefined };

  test('of one kind are one, those of late first', () => {
    const troubles = new Troubles({ keepsExamples: true });
    troubles.refused(NOBODY, 1_000);
    troubles.refused({ ...NOBODY, userAgent: 'curl' }, 2_000);
    troubles.refused(NOBODY, 3_000);
    const at = (ms: number) => new Date(ms).toISOString();
    expect(troubles.view().refusals).toEqual([
      { ...NOBODY, userAgent: null, requests: 2, lastAt: at(3_000) },
      { ...NOBODY, userAgent: 'curl', requests: 1, lastAt: at(2_000) },
    ]);
  });

  test('a hundred kinds, and of what anybody can write not all', () => {
    const troubles = new Troubles({ keepsExamples: true });
    for (let number = 0; number < 300; number++) troubles.refused({ ...NOBODY, path: `/${number}` }, number);
    expect(troubles.view().refusals.map(({ path }) => path)).toEqual(
      Array.from({ length: 100 }, (_, at) => `/${299 - at}`),
    );
    troubles.refused({ ...NOBODY, path: `/${'x'.repeat(5_000)}`, userAgent: 'y'.repeat(5_000) }, 0);
    const [cut] = troubles.view().refusals;
    expect([cut?.path.length, cut?.userAgent?.length]).toEqual([100, 200]);
  });

  test('through the inspector, with its time', () => {
    const inspecting = startInspecting({ mode: 'off' });
    inspecting.inspector.refused(NOBODY);
    expect(viewOf(inspecting).refusals).toMatchObject([{ status: 401, lastAt: NOW }]);
  });
});

describe('parents that did not come', () => {
  const orphan = (number: number, spans = 1) => ({
    traceId: TRACE_ID,
    ...{ spanId: number.toString(16).padStart(16, 'a'), parentSpanId: number.toString(16).padStart(16, 'b'), spans },
  });

  test('the latest first; of one parent once', () => {
    const inspecting = startInspecting();
    inspecting.inspector.orphans([orphan(1, 2), orphan(2)]);
    inspecting.setForward(1_000);
    inspecting.inspector.orphans([orphan(1, 3)]);
    const { orphans, warnings } = viewOf(inspecting);
    expect(orphans).toEqual({
      total: 3,
      latest: [
        { at: '2026-01-02T00:00:01.000Z', ...orphan(1, 3) },
        { at: NOW, ...orphan(2) },
      ],
    });
    // It is a warning like others, told when its time is over.
    expect(warnings).toMatchObject([{ name: 'orphan_parent', spans: 6, example: { spanId: orphan(1).spanId } }]);
  });

  test('two hundred are told', () => {
    const inspecting = startInspecting();
    inspecting.inspector.orphans(Array.from({ length: 300 }, (_, at) => orphan(at)));
    const { total, latest } = viewOf(inspecting).orphans;
    expect([total, latest.length, latest[0]?.spanId]).toEqual([300, 200, orphan(299).spanId]);
  });

  test('off: they are counted', () => {
    const inspecting = startInspecting({ mode: 'off' });
    inspecting.inspector.orphans([orphan(1, 2)]);
    expect(viewOf(inspecting).orphans).toEqual({ total: 1, latest: [] });
  });
});

describe('warnings', () => {
  const attribute = (key: string): Fields => ({ key, value: { stringValue: 'x' } });

  test('those with most spans first, with the last one as example', async () => {
    const inspecting = startInspecting();
    const whole = { attributes: [attribute('session.id'), attribute('user.id')] };
    await inspecting.keep(asJson(requestOf(spanOf({ attributes: [attribute('user.id')] }))).body, { format: 'json' });
    inspecting.setForward(5_000);
    const other = 'ab'.repeat(16);
    const ids = (number: number) => ({ traceId: other, spanId: number.toString(16).padStart(16, 'c') });
    await inspecting.keep(asJson(requestOf(spanOf(ids(1)), spanOf(ids(2)))).body, { format: 'json' });
    await inspecting.keep(asJson(requestOf(spanOf({ ...whole, ...ids(3), traceId: 'cd'.repeat(16) }))).body, {
      format: 'json',
    });
    const lastAt = '2026-01-02T00:00:05.000Z';
    expect(viewOf(inspecting).warnings).toEqual([
      {
        name: 'session_id_missing',
        text: 'a span without a session id (session.id)',
        spans: 3,
        lastAt,
        example: ids(1),
      },
      { name: 'user_id_missing', text: 'a span without a user id (user.id)', spans: 2, lastAt, example: ids(1) },
    ]);
  });

  test('off: they are counted all the same, for where to look they need an example', async () => {
    const inspecting = startInspecting({ mode: 'off' });
    await inspecting.keep(asProtobuf(requestOf(spanOf())).body);
    expect(viewOf(inspecting).warnings).toMatchObject([
      { name: 'session_id_missing', spans: 1, example: { traceId: TRACE_ID, spanId: SPAN_ID } },
      { name: 'user_id_missing', spans: 1 },
    ]);
  });
});
