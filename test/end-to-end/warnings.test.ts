import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { type RunningGateway, startGateway } from '../support/gateway';
import { readResponse } from '../support/otlp-answer';
import { requestOf, SPAN_ID, spanOf, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { increases } from '../support/samples';
import { makeTemporary, removeTemporary } from '../support/temporary';

const folder = makeTemporary();
const file = join(folder, 'gateway.yaml');
writeFileSync(file, 'warnings: { response: true }\ntraceAttributes: { windowS: 1 }\n');

let telling: RunningGateway;
let silent: RunningGateway;
beforeAll(async () => {
  telling = await startGateway({ env: { GATEWAY_CONFIG: file } });
  silent = await startGateway();
});
afterAll(async () => {
  await telling.stop();
  await silent.stop();
  removeTemporary(folder);
});

const MISSING = 'gateway_spans_missing_total';
const WARNED = 'gateway_spans_warned_total';
const SESSION_AND_USER = [
  { key: 'session.id', value: { stringValue: 's-1' } },
  { key: 'user.id', value: { stringValue: 'u-1' } },
];
/** A trace of its own for each test: what is known of one would help the other. */
let number = 0;
const nextTraceId = () => (++number).toString(16).padStart(32, 'a');

describe.each(['json', 'protobuf'] as const)('%s', (encoding) => {
  const sent = (request: Parameters<typeof twins>[0]) => twins(request).find(([name]) => name === encoding)![1];

  test('a sender that wants to know hears what to mend, with nothing rejected', async () => {
    const traceId = nextTraceId();
    const before = await telling.metrics();
    const spans = [spanOf({ traceId }), spanOf({ traceId, spanId: 'b7ad6b7169203331', endTimeUnixNano: '1' })];
    const answer = await post(`${telling.url}/v1/traces`, sent(requestOf(...spans)));
    expect(answer.status).toBe(200);
    const read = readResponse(answer.body, encoding);
    expect(Number(read?.rejectedSpans ?? 0)).toBe(0);
    const texts = [
      `2 span(s) without a session id (session.id), first span ${SPAN_ID} of trace ${traceId}`,
      `2 span(s) without a user id (user.id), first span ${SPAN_ID} of trace ${traceId}`,
      `1 span(s) with an end before the start, first span b7ad6b7169203331 of trace ${traceId}`,
    ];
    expect(read?.errorMessage).toBe(`warnings: ${texts.join('; ')}`);
    const after = await telling.metrics();
    expect(increases(MISSING, { before, after })).toEqual({ session_id: 2, user_id: 2 });
    expect(increases(WARNED, { before, after })).toEqual({
      ...{ session_id_missing: 2, user_id_missing: 2, end_before_start: 1 },
    });
  });

  test('there is nothing to say of a span that has all', async () => {
    const request = requestOf(spanOf({ traceId: nextTraceId(), attributes: SESSION_AND_USER }));
    const answer = await post(`${telling.url}/v1/traces`, sent(request));
    expect([answer.status, answer.body.toString()]).toEqual([200, encoding === 'json' ? '{}' : '']);
  });

  test('others hear nothing, but metrics and log do', async () => {
    const traceId = nextTraceId();
    const before = await silent.metrics();
    const request = requestOf(spanOf({ traceId, parentSpanId: '01020304050607' }));
    const answer = await post(`${silent.url}/v1/traces`, {
      ...sent(request),
      headers: { ...sent(request).headers, 'x-trace-id': 'what a proxy says', 'x-parent-span-id': SPAN_ID },
    });
    expect([answer.status, answer.body.toString()]).toEqual([200, encoding === 'json' ? '{}' : '']);
    const after = await silent.metrics();
    expect(increases('gateway_trace_contexts_total', { before, after })).toEqual({ unreadable: 1 });
    expect(increases(MISSING, { before, after })).toEqual({ session_id: 1, user_id: 1 });
    expect(increases(WARNED, { before, after })).toEqual({
      ...{ trace_context_refused: 1, parent_unreadable: 1, session_id_missing: 1, user_id_missing: 1 },
    });
  });
});

test('the log has the first of each kind, with its ids, and no value', async () => {
  const lines = silent.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
  const warnings = lines.filter(({ warning }) => warning !== undefined);
  expect(warnings.map(({ warning }) => warning).sort()).toEqual(
    ['parent_unreadable', 'session_id_missing', 'trace_context_refused', 'user_id_missing'].sort(),
  );
  expect(
    warnings.every(({ traceId, spanId, spans }) => /^a+\d$/.test(String(traceId)) && spanId === SPAN_ID && spans === 1),
  ).toBe(true);
  expect(JSON.stringify(warnings)).not.toMatch(/what a proxy says|01020304050607/);
});

test('what was done and found is shown with the observation', async () => {
  const traceId = nextTraceId();
  const body = JSON.stringify(requestOf(spanOf({ traceId: traceId.toUpperCase(), parentSpanId: '0'.repeat(16) })));
  await post(`${silent.url}/v1/traces`, { headers: { 'content-type': 'application/json' }, body: Buffer.from(body) });
  await post(`${silent.url}/flush`, { headers: {}, body: Buffer.alloc(0) });
  const shown = await fetch(`${silent.adminUrl}/api/traces/${traceId}`);
  expect(await shown.json()).toMatchObject({
    traceId,
    observations: [
      {
        repairs: ['parent_zero', 'kind_to_metadata'],
        warnings: ['session_id_missing', 'user_id_missing'],
        metadata: { 'otel.kind': 'SERVER' },
        isRoot: true,
      },
    ],
  });
  const { traces } = (await (await fetch(`${silent.adminUrl}/api/traces`)).json()) as { traces: object[] };
  expect(traces).toContainEqual(expect.objectContaining({ traceId, warnings: 2 }));
});

test('a parent that does not come is missed when its time is over, and one that comes is not', async () => {
  const [traceId, other] = [nextTraceId(), nextTraceId()];
  const [{ headers, body }] = [
    twins(
      requestOf(
        spanOf({ traceId, spanId: '00000000000000c1', parentSpanId: '00000000000000f0' }),
        spanOf({ traceId: other, spanId: '00000000000000c2', parentSpanId: '00000000000000f0' }),
      ),
    )[0]![1],
  ];
  await post(`${telling.url}/v1/traces`, { headers, body });
  const parent = twins(requestOf(spanOf({ traceId: other, spanId: '00000000000000f0' })))[1]![1];
  await post(`${telling.url}/v1/traces`, parent);
  const orphans = async () => (await telling.metrics())['gateway_spans_warned_total{warning="orphan_parent"}'];
  await eventually(async () => expect(await orphans()).toBe(1));
  const lines = telling.logs.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ warning }) => warning === 'orphan_parent')).toEqual([
    expect.objectContaining({ traceId, spanId: '00000000000000c1', spans: 1 }),
  ]);
});
