import { type Balance, watchBalance } from '../support/balance';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type ForcedAnswer, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { numberedSpans, postOf } from '../support/trace-request';

let fake: FakeLangfuse;
let gateway: RunningGateway;
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

/** When the posts of a run came, and which of them met the trouble. */
interface Run {
  troubledMs: number[];
  passedMs: number[];
  balance: Balance[];
}

/** 200 spans meet a Langfuse whose first two posts end in trouble; resolves when all have arrived. */
async function run(trouble: () => ForcedAnswer): Promise<Run> {
  const troubledMs: number[] = [];
  const passedMs: number[] = [];
  fake = await startFakeLangfuse({
    respond: () => {
      const isTroubled = troubledMs.length < 2;
      (isTroubled ? troubledMs : passedMs).push(performance.now());
      return isTroubled ? trouble() : undefined;
    },
  });
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
  const watch = watchBalance(gateway);
  for (let request = 0; request < 10; request++) {
    const answer = await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(20, { from: request * 20 })));
    expect(answer.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0), 15_000);
  return { troubledMs, passedMs, balance: await watch.stop() };
}

type Row = [name: string, trouble: ForcedAnswer, outcome: string];
const ROWS: Row[] = [
  ['500', { status: 500 }, 'http_500'],
  ['502 with a page of a proxy', { status: 502, body: '<html>Bad Gateway</html>' }, 'http_502'],
  ['503', { status: 503 }, 'http_503'],
  ['408', { status: 408 }, 'http_408'],
  ['429 without Retry-After', { status: 429 }, 'http_429'],
  ['the connection is reset', { destroy: true }, 'reset'],
  ['no answer for a while, then none at all', { delayMs: 700, destroy: true }, 'reset'],
  ['the answer is lost although the spans were stored', { destroy: true, store: true }, 'reset'],
];

test.each(ROWS)(
  '%s, then well again: nothing is lost and the numbers hold all the time',
  async (_, trouble, outcome) => {
    const { balance } = await run(() => trouble);
    const arrived = new Set(fake.spans.map(({ name }) => name));
    expect(arrived).toEqual(new Set(numberedSpans(200, { from: 0 }).map(({ name }) => name)));
    const samples = await gateway.metrics();
    expect(samples).toMatchObject({
      gateway_receiver_accepted_spans_total: 200,
      'gateway_delivered_spans_total{destination="main"}': 200,
      [`gateway_delivery_attempts_total{destination="main",outcome="${outcome}"}`]: 2,
      gateway_queue_bytes: 0,
    });
    expect(balance.length).toBeGreaterThan(5);
    expect(balance.filter(({ received, accountedFor }) => received !== accountedFor)).toEqual([]);
    expect(fake.violations).toEqual([]);
  },
);

test.each([
  ['in seconds', () => '2'],
  ['as a date', () => new Date(Date.now() + 3_000).toUTCString()],
])('429 with Retry-After %s: nothing is sent before', async (_, retryAfter) => {
  const answer = () => ({ status: 429, headers: { 'Retry-After': retryAfter() } });
  const { troubledMs, passedMs } = await run(answer);
  const [first = 0, second = 0] = troubledMs;
  // Both were under way together, or the second came when the first had waited long enough.
  const apartMs = second - first;
  expect(apartMs < 500 || apartMs >= 1_900).toBe(true);
  expect(Math.min(...passedMs) - first).toBeGreaterThanOrEqual(1_900);
  expect(fake.spans).toHaveLength(200);
});

test('trouble is in the log and in /readyz while it lasts, and afterwards no more', async () => {
  let down = true;
  fake = await startFakeLangfuse({ respond: () => (down ? { status: 503 } : undefined) });
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' } });
  const readyz = async () => {
    const answer = await fetch(`${gateway.adminUrl}/readyz`);
    return { code: answer.status, ...((await answer.json()) as object) };
  };
  expect(await readyz()).toEqual({ code: 200, status: 'ready', reasons: [] });
  await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(1)));
  const degraded = { code: 200, status: 'degraded', reasons: [expect.stringMatching(/^main: http_503 since 20/)] };
  await eventually(async () => expect(await readyz()).toEqual(degraded));
  const warnings = gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
  expect(warnings[0]).toMatchObject({ destination: 'main', reason: 'http_503', failures: 1 });
  expect(warnings[0].waitMs).toBeGreaterThanOrEqual(250);
  down = false;
  await fake.waitForSpans(1);
  await eventually(async () => expect(await readyz()).toEqual({ code: 200, status: 'ready', reasons: [] }));
});
