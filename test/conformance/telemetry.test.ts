import { eventually } from '../support/eventually';
import { exchange } from '../support/exchange';
import type { ForcedAnswer } from '../support/fake-langfuse';
import { type Encoding, expectRefusal } from '../support/otlp-answer';
import { asJson, asProtobuf, jsonText, requestOf, type Sent, spanOf } from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';

/** What the fake Langfuse answers; undefined: what the post deserves. */
let trouble: ForcedAnswer | undefined;
const gateway = useGateway({
  env: { GATEWAY_INGEST_KEYS: 'gw-telemetry-1', GATEWAY_BODY_MAX_BYTES: '65536' },
  fake: { respond: () => trouble },
});

beforeEach(async () => {
  trouble = undefined;
  await eventually(async () => expect((await gateway.gateway.metrics()).gateway_queue_spans).toBe(0));
});
afterAll(() => {
  trouble = undefined;
});

const TEN = requestOf(...Array.from({ length: 10 }, (_, index) => spanOf({ spanId: `00000000000000a${index}` })));
const known = ({ headers, body }: Sent): Sent => ({ headers: { ...headers, 'x-api-key': 'gw-telemetry-1' }, body });

/** By how much the samples grow through the action, once they have grown as expected. */
async function expectGrowth(action: () => Promise<unknown>, expected: Record<string, number>): Promise<void> {
  const before = await gateway.gateway.metrics();
  await action();
  await eventually(async () => {
    const after = await gateway.gateway.metrics();
    const grown = Object.keys(expected).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]);
    expect(Object.fromEntries(grown)).toEqual(expected);
  });
}

const requests = (code: number, path = '/v1/traces') =>
  `gateway_receiver_requests_total{path="${path}",code="${code}"}`;

test.each([
  ['N01 ten good spans, json', asJson(TEN)],
  ['N01 ten good spans, protobuf', asProtobuf(TEN)],
])('%s', async (_, sent) => {
  await expectGrowth(() => gateway.post(known(sent)), {
    ...{ gateway_receiver_accepted_spans_total: 10, [requests(200)]: 1 },
    ...{ gateway_receiver_request_duration_seconds_count: 1, 'gateway_delivered_spans_total{destination="main"}': 10 },
  });
});

test('N02 N06 a refusal by Langfuse is no matter of the receiver', async () => {
  trouble = { status: 400 };
  await expectGrowth(() => gateway.post(known(asJson(requestOf(spanOf())))), {
    'gateway_dead_lettered_spans_total{destination="main",reason="refused"}': 1,
    'gateway_delivery_attempts_total{destination="main",outcome="http_400"}': 1,
    ...{ gateway_delivery_duration_seconds_count: 1, 'gateway_delivered_spans_total{destination="main"}': 0 },
    ...{ gateway_receiver_accepted_spans_total: 1, [requests(200)]: 1, [requests(503)]: 0 },
  });
});

test.each<[name: string, sent: Sent, path: string, code: number, counted: string]>([
  ['N03 a body that cannot be read', known(jsonText('{')), '/v1/traces', 400, '/v1/traces'],
  ['N03 no key', asJson({}), '/v1/traces', 401, '/v1/traces'],
  ['N03 too large', known(jsonText(' '.repeat(70_000))), '/v1/traces', 413, '/v1/traces'],
  ['N03 an unknown type', known({ headers: {}, body: Buffer.from('x') }), '/v1/traces', 415, '/v1/traces'],
  ['N03 an unknown path, however it is called', known(asJson({})), '/v1/secret-words', 404, 'other'],
  ['N03 the Langfuse path', known(jsonText('{')), '/api/public/otel/v1/traces', 400, '/api/public/otel/v1/traces'],
])('%s', async (_, sent, path, code, counted) => {
  const encoding: Encoding = 'json';
  await expectGrowth(async () => expectRefusal(await gateway.post(sent, path), { status: code, encoding }), {
    [requests(code, counted)]: 1,
    gateway_receiver_request_duration_seconds_count: 1,
  });
});

test('N04 rejected spans, by reason', async () => {
  const bad = [spanOf({ traceId: '' }), spanOf({ spanId: '' }), spanOf({ spanId: '00' })];
  await expectGrowth(() => gateway.post(known(asJson(requestOf(spanOf(), ...bad)))), {
    'gateway_receiver_rejected_spans_total{reason="invalid_trace_id"}': 1,
    'gateway_receiver_rejected_spans_total{reason="invalid_span_id"}': 2,
    ...{ gateway_receiver_accepted_spans_total: 1, [requests(200)]: 1 },
  });
});

test('N05 N07 while Langfuse is down: the queue shows, and the gateway stays ready', async () => {
  trouble = { status: 503 };
  await gateway.post(known(asProtobuf(TEN)));
  await eventually(async () => {
    const samples = await gateway.gateway.metrics();
    expect(samples.gateway_queue_spans).toBe(10);
    expect(samples.gateway_queue_bytes).toBeGreaterThan(500);
    expect(samples.gateway_queue_oldest_age_seconds).toBeGreaterThan(0.05);
  });
  const degraded = await fetch(`${gateway.gateway.adminUrl}/readyz`);
  expect([degraded.status, await degraded.json()]).toMatchObject([200, { status: 'degraded' }]);
  trouble = undefined;
  await eventually(async () => {
    expect(await gateway.gateway.metrics()).toMatchObject({
      ...{ gateway_queue_spans: 0, gateway_queue_bytes: 0, gateway_queue_oldest_age_seconds: 0 },
    });
  });
  const ready = await fetch(`${gateway.gateway.adminUrl}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ready' }]);
});

test.each(['/metrics', '/readyz', '/api/traces', '/api/', '/debug/tracez'])(
  'N08 %s is not on the port of the receiver',
  async (path) => {
    const answer = await exchange(gateway.url, { method: 'GET', path, headers: { 'x-api-key': 'gw-telemetry-1' } });
    expectRefusal(answer, { status: 404, encoding: 'json' });
  },
);
