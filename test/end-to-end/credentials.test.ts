import { balanceOf } from '../support/balance';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { numberedSpans, postOf } from '../support/trace-request';

let fake: FakeLangfuse;
let gateway: RunningGateway;
/** While set, Langfuse answers every post with it. */
let refusing: number | undefined;
beforeEach(async () => {
  fake = await startFakeLangfuse({ respond: () => (refusing === undefined ? undefined : { status: refusing }) });
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

async function readyz() {
  const answer = await fetch(`${gateway.adminUrl}/readyz`);
  return { code: answer.status, ...((await answer.json()) as { status: string; reasons: string[] }) };
}

const send = (from: number) => post(`${gateway.url}/v1/traces`, postOf(numberedSpans(5, { from })));
const becomes = (expected: object) => eventually(async () => expect(await readyz()).toMatchObject(expected), 10_000);

test.each([401, 403, 404])('%i: not ready, loud, the spans kept; accepted later they are delivered', async (status) => {
  refusing = status;
  expect((await send(1)).status).toBe(200);
  const reasons = [expect.stringMatching(new RegExp(`^main: http_${status} since .*check its URL and keys`))];
  await becomes({ code: 503, status: 'misconfigured', reasons });
  // It goes on taking spans: whoever sends does not have to suffer.
  expect((await send(6)).status).toBe(200);
  const samples = await gateway.metrics();
  expect(samples).toMatchObject({ gateway_queue_spans: 10, gateway_receiver_accepted_spans_total: 10 });
  expect(balanceOf(samples)).toEqual({ received: 10, accountedFor: 10 });
  const errors = gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  expect(errors[0]).toMatchObject({ destination: 'main', reason: `http_${status}` });
  expect(errors[0].msg).toContain('check its URL and keys');
  const { authorization } = fake.requests[0]!.headers;
  expect(gateway.logs.join('')).not.toContain(fake.secretKey);
  expect(gateway.logs.join('')).not.toContain(String(authorization).slice('Basic '.length));

  refusing = undefined;
  expect((await fake.waitForSpans(10, 10_000)).length).toBe(10);
  await becomes({ code: 200, status: 'ready', reasons: [] });
  expect(await gateway.metrics()).toMatchObject({ 'gateway_delivered_spans_total{destination="main"}': 10 });
  expect(balanceOf(await gateway.metrics())).toEqual({ received: 10, accountedFor: 10 });
});

test('a key that is revoked later does not take the gateway out of service', async () => {
  refusing = undefined;
  await send(1);
  await fake.waitForSpans(5);
  refusing = 401;
  await send(6);
  await becomes({ code: 200, status: 'degraded', reasons: [expect.stringMatching(/^main: http_401 since /)] });
  refusing = undefined;
  await fake.waitForSpans(10, 10_000);
  await becomes({ code: 200, status: 'ready', reasons: [] });
});
