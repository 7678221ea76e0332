import fc from 'fast-check';
import type { SpanDetail } from '../../src/inspector/api';
import type { BodyFormat } from '../../src/receiver/format';
import { receivedSpans } from '../support/admission';
import { type Inspecting, type InspectingOptions, startInspecting } from '../support/inspecting';
import { asJson, asProtobuf, type Fields, requestOf, SPAN_ID, spanOf, TRACE_ID } from '../support/otlp-twins';
import { runs } from '../support/random';
import { asTransparent } from '../support/transparent-twins';

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const SPAN = spanOf({
  ...{ traceId: TRACE_ID.toUpperCase(), parentSpanId: '0'.repeat(16) },
  attributes: [text('session.id', 's'), text('gen_ai.prompt', 'dear diary')],
});

const BODIES: Record<BodyFormat, (request: Fields) => Buffer> = {
  json: (request) => asJson(request).body,
  protobuf: (request) => asProtobuf(request).body,
  transparent: (request) => asTransparent(request).body,
};
const FORMATS = ['json', 'protobuf', 'transparent'] as const;

async function start(format: BodyFormat, request: Fields, options: InspectingOptions = {}): Promise<Inspecting> {
  const inspecting = startInspecting(options);
  await inspecting.keep(BODIES[format](request), { format });
  return inspecting;
}

const detailOf = async ({ queries }: Inspecting) => (await queries.span(TRACE_ID, SPAN_ID)) as SpanDetail;

test('all that is known of a span', async () => {
  const inspecting = startInspecting();
  const sender = { userAgent: 'OTel-JS', address: '192.0.2.7', key: 'web' };
  await inspecting.keep(BODIES.json(requestOf(SPAN)), { format: 'json', destination: 'eu', sender });
  const { observation, ...rest } = await detailOf(inspecting);
  expect(observation).toEqual((await inspecting.observations(TRACE_ID))[0]);
  expect(observation).toMatchObject({ repairs: ['parent_zero', 'kind_to_metadata'], warnings: ['user_id_missing'] });
  expect(rest).toEqual<Omit<SpanDetail, 'observation'>>({
    isFull: true,
    repairs: [
      { name: 'parent_zero', text: 'A parent id of zeros is no parent: the span is a root.' },
      { name: 'kind_to_metadata', text: expect.stringMatching(/^[A-Z].*\.$/) },
    ],
    warnings: [{ name: 'user_id_missing', text: 'A span without a user id (user.id).' }],
    sent: {
      format: 'json',
      span: JSON.stringify(SPAN),
      resource: JSON.stringify({ resource: { attributes: [text('service.name', 's')] } }, undefined, 2),
      scope: JSON.stringify({ scope: { name: 'l' } }, undefined, 2),
    },
    sender: { service: 's', sdk: null, sdkVersion: null, ...sender },
    receivedAt: '2026-01-02T00:00:00.000Z',
    destination: 'eu',
  });
});

test.each<[name: string, traceId: string, spanId: string]>([
  ['trace', 'ab'.repeat(16), SPAN_ID],
  ['span', TRACE_ID, 'ab'.repeat(8)],
  ['text for an id', '__proto__', 'constructor'],
  ['nothing', '', ''],
])('another %s', async (_, traceId, spanId) => {
  const { queries } = await start('json', requestOf(SPAN));
  expect(await queries.span(traceId, spanId)).toBeUndefined();
});

describe('as it was sent', () => {
  test('protobuf: its fields in OTLP JSON, ids in hex', async () => {
    const { sent } = await detailOf(await start('protobuf', requestOf(SPAN)));
    expect(sent.format).toBe('protobuf');
    expect(JSON.parse(sent.span)).toEqual({ ...SPAN, traceId: TRACE_ID });
    expect(sent.span).toContain('\n  "traceId"');
    expect(JSON.parse(sent.resource)).toEqual({ resource: { attributes: [text('service.name', 's')] } });
    expect(JSON.parse(sent.scope)).toEqual({ scope: { name: 'l' } });
  });

  test('transparent: its own text', async () => {
    const { sent } = await detailOf(await start('transparent', requestOf(SPAN)));
    expect(sent.format).toBe('transparent');
    expect(JSON.parse(sent.span)).toMatchObject({
      ...{ spanContext: { traceId: TRACE_ID.toUpperCase(), spanId: SPAN_ID }, kind: 1, startTime: [1544712660, 1] },
      attributes: { 'session.id': 's', 'gen_ai.prompt': 'dear diary' },
    });
    expect(JSON.parse(sent.resource)).toMatchObject({ resource: { attributes: [text('service.name', 's')] } });
  });

  test('JSON: its own text, white space and all', async () => {
    const inspecting = startInspecting();
    const own = `{ "trace_id":"${TRACE_ID}",\n\t"spanId" : "${SPAN_ID}", "unknown": [1.0] }`;
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[ ${own} ]}]}]}`;
    await inspecting.keep(Buffer.from(body), { format: 'json' });
    expect((await detailOf(inspecting)).sent.span).toBe(own);
  });

  test.each(FORMATS)('%s: a million characters', async (format) => {
    const attributes = [text('gen_ai.prompt', 'x'.repeat(1_500_000))];
    const { sent } = await detailOf(await start(format, requestOf(spanOf({ attributes }))));
    expect(sent.span).toHaveLength(1_000_000 + sent.span.slice(1_000_000).length);
    expect(sent.span.slice(1_000_000)).toMatch(/^… \(\d+ more characters\)$/);
  });

  describe.each(FORMATS)('%s', (format) => {
    test('each span has its own, whichever were rejected and wherever they stood', async () => {
      const kinds = fc.constantFrom('good', 'bad', 'elsewhere', 'bad elsewhere');
      await fc.assert(
        fc.asyncProperty(fc.array(kinds, { minLength: 1, maxLength: 12 }), async (spans) => {
          // Of two resources in turns: transparent spans are put together by them.
          const groups = spans.map((kind, at) => ({
            resource: { attributes: [text('service.name', kind.includes('elsewhere') ? 'e' : 's')] },
            scopeSpans: [
              {
                scope: { name: 'l' },
                spans: [
                  spanOf({ name: `s${at}`, spanId: kind.includes('bad') ? '' : at.toString(16).padStart(16, 'a') }),
                ],
              },
            ],
          }));
          const { tree, queries } = await start(format, { resourceSpans: groups });
          const { rows } = await tree(TRACE_ID);
          expect(rows).toHaveLength(spans.filter((kind) => !kind.includes('bad')).length);
          for (const { spanId, name } of rows) {
            const { sent } = (await queries.span(TRACE_ID, spanId)) as SpanDetail;
            expect((JSON.parse(sent.span) as Fields).name).toBe(name);
          }
        }),
        runs(60),
      );
    });
  });
});

describe('in metadata mode', () => {
  test.each(FORMATS)('%s: what is kept, and no word of people', async (format) => {
    const status = { code: 2, message: 'dear diary' };
    const events = [{ name: 'dear diary', timeUnixNano: '1', attributes: [] }];
    const request = requestOf({ ...SPAN, status, events });
    const detail = await detailOf(await start(format, request, { mode: 'metadata' }));
    expect(JSON.stringify(detail)).not.toContain('dear diary');
    expect(detail).toMatchObject({
      ...{ isFull: false, repairs: expect.arrayContaining([expect.objectContaining({ name: 'parent_zero' })]) },
      observation: { input: null, output: null, sessionId: 's', level: 'ERROR', statusMessage: null },
      sent: { format: 'protobuf' },
    });
    const { attributes, ...sent } = JSON.parse(detail.sent.span) as Fields;
    expect(sent).toMatchObject({ name: 'n', spanId: SPAN_ID, status: { code: 2 } });
    expect(attributes).toEqual([text('session.id', 's')]);
  });
});

test('a span of an earlier process: what is known is in it', async () => {
  const inspecting = startInspecting();
  const [span] = receivedSpans(BODIES.protobuf(requestOf(spanOf(), SPAN))).slice(1);
  inspecting.inspector.recovered(span!, 'preview');
  expect(await inspecting.traceIds()).toEqual([TRACE_ID]);
  const detail = await detailOf(inspecting);
  expect(detail).toMatchObject({
    ...{ isFull: true, repairs: [], warnings: [], destination: 'preview', receivedAt: '2026-01-02T00:00:00.000Z' },
    sender: { service: 's', userAgent: null, address: null, key: null },
    sent: { format: 'protobuf' },
  });
  expect(JSON.parse(detail.sent.span)).toEqual({ ...SPAN, traceId: TRACE_ID });
});

test('a large body of which one span came takes no more memory than that', async () => {
  const { keep, inspector } = startInspecting();
  const body = BODIES.json(requestOf(SPAN));
  const large = Buffer.alloc(1_000_000);
  body.copy(large);
  await keep(large.subarray(0, body.length), { format: 'json' });
  const { index } = inspector;
  await index.read();
  const { received, bytes } = index.trace(TRACE_ID)!.row(SPAN_ID)!.request;
  const sizes = [bytes, received!.bytes, received!.texts!.bytes].map(({ buffer }) => buffer.byteLength);
  expect(Math.max(...sizes)).toBeLessThan(20_000);
  expect(index.stats().bytes).toBeLessThan(20_000);
});

test('of a resource and a scope no more is kept than their bytes', async () => {
  const { keep, inspector, queries } = startInspecting();
  await keep(BODIES.protobuf(requestOf(SPAN)));
  const { index } = inspector;
  await index.read();
  const { scope } = index.trace(TRACE_ID)!.row(SPAN_ID)!.scanned;
  expect([scope.view, scope.resource.view]).toEqual([undefined, undefined]);
  expect(await queries.span(TRACE_ID, SPAN_ID)).toMatchObject({ sender: { service: 's' } });
});
