import { eventually } from '../support/eventually';
import { type FakeLangfuse, type ForcedAnswer, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';

let fake: FakeLangfuse;
let gateway: RunningGateway;
/** What the fake Langfuse answers, in order; then what the posts deserve. */
let answers: ForcedAnswer[];
beforeEach(async () => {
  answers = [];
  fake = await startFakeLangfuse({ respond: () => answers.shift(), refuseSpan: ({ name }) => name === 'refused' });
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

const SECRET_WORDS = 'what Langfuse says';
const attempts = (outcome: string) => `gateway_delivery_attempts_total{destination="main",outcome="${outcome}"}`;
const deadLettered = (reason: string) => `gateway_dead_lettered_spans_total{destination="main",reason="${reason}"}`;
const metricsBecome = (expected: object) =>
  eventually(async () => expect(await gateway.metrics()).toMatchObject(expected));

function expectKept(answer: Answer, encoding: 'json' | 'protobuf'): void {
  expectSuccess(answer, encoding);
  expect(JSON.stringify(answer.headers)).not.toContain('langfuse');
}

describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  const send = () => post(`${gateway.url}/v1/traces`, sent);

  test('F16 429 with Retry-After: the sender has its 200, and the next attempt waits', async () => {
    answers = [{ status: 429, headers: { 'Retry-After': '30' }, body: SECRET_WORDS }];
    expectKept(await send(), encoding);
    await metricsBecome({ [attempts('http_429')]: 1, gateway_queue_spans: 1 });
    await eventually(() => {
      const waits = gateway.logs.map((line) => JSON.parse(line)).filter(({ waitMs }) => waitMs !== undefined);
      expect(waits).toMatchObject([{ reason: 'http_429', waitMs: 30_000 }]);
    });
    expectKept(await send(), encoding);
    expect(fake.requests).toHaveLength(1);
  });

  test.each([502, 503, 504, 500, 408])('F17 F18 %i is tried again', async (status) => {
    answers = [{ status, body: SECRET_WORDS }];
    expectKept(await send(), encoding);
    expect(await fake.waitForSpans(1)).toEqual([T1]);
    await metricsBecome({ [attempts(`http_${status}`)]: 1, [attempts('delivered')]: 1, gateway_queue_spans: 0 });
  });

  test.each([409, 418, 400, 422])('F18 F19 %i is final: the span is a dead letter', async (status) => {
    answers = [{ status, body: SECRET_WORDS }];
    expectKept(await send(), encoding);
    await metricsBecome({ [attempts(`http_${status}`)]: 1, [deadLettered('refused')]: 1, gateway_queue_spans: 0 });
    expect(fake.requests).toHaveLength(1);
  });

  test.each([401, 403, 404])('F19 %i is kept, counted and visible', async (status) => {
    answers = [{ status, body: SECRET_WORDS }];
    expectKept(await send(), encoding);
    await metricsBecome({ [attempts(`http_${status}`)]: 1, gateway_queue_spans: 1 });
    const readyz = await fetch(`${gateway.adminUrl}/readyz`);
    expect([readyz.status, await readyz.text()]).toEqual([503, expect.stringContaining(`http_${status}`)]);
    expect(await fake.waitForSpans(1)).toEqual([T1]);
  });
});

test.each(twins(requestOf(spanOf(), spanOf({ name: 'refused' }), spanOf({ name: 'other' }))))(
  'F19 400 for one of three: the batch is split, %s',
  async (encoding, sent) => {
    expectKept(await post(`${gateway.url}/v1/traces`, sent), encoding);
    await metricsBecome({
      [deadLettered('refused')]: 1,
      'gateway_delivered_spans_total{destination="main"}': 2,
      gateway_queue_spans: 0,
    });
    expect(fake.spans.map(({ name }) => name).sort()).toEqual(['n', 'other']);
  },
);

afterEach(() => {
  expect(gateway.logs.join('')).not.toContain(SECRET_WORDS);
});
