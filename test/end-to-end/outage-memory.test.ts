import { readFileSync } from 'node:fs';
import { type BuiltGateway, endAllBuilt, startBuilt } from '../support/built-gateway';
import { type CountingLangfuse, startCountingLangfuse } from '../support/counting-langfuse';
import { eventually } from '../support/eventually';
import { post } from '../support/post';
import { numberedSpans, postOf } from '../support/trace-request';

const SPANS_PER_REQUEST = 500;
const WARM_UP_REQUESTS = 60;
const OUTAGE_REQUESTS = 400;
const GROWTH_BYTES_MAX = 100 * 1024 * 1024;
/** So that all of them are twice what memory may grow by. */
const attributes = { padding: 'x'.repeat(1_000) };

let langfuse: CountingLangfuse;
let gateway: BuiltGateway;
let requests = 0;
beforeEach(async () => {
  langfuse = await startCountingLangfuse();
  const { baseUrl, publicKey, secretKey } = langfuse;
  const keys = { LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey };
  gateway = await startBuilt({ LANGFUSE_BASE_URL: baseUrl, ...keys });
});
afterEach(async () => {
  await endAllBuilt();
  await langfuse.close();
});

async function sendRequest(): Promise<void> {
  const spans = numberedSpans(SPANS_PER_REQUEST, { from: requests * SPANS_PER_REQUEST, attributes });
  requests++;
  expect((await post(`${gateway.url}/v1/traces`, postOf(spans))).status).toBe(200);
}

/** What the process has that no file is behind: pages of the queue's files are the system's to take back. */
function anonymousBytes(): number {
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

const allTaken = () =>
  eventually(async () => {
    expect(langfuse.taken.size).toBe(requests * SPANS_PER_REQUEST);
    expect((await gateway.metrics()).gateway_queue_spans).toBe(0);
  }, 60_000);

test('an outage of 200,000 spans: memory stays, and when it is over nothing is lost', async () => {
  for (let request = 0; request < WARM_UP_REQUESTS; request++) await sendRequest();
  await allTaken();
  const before = anonymousBytes();
  expect(before).toBeGreaterThan(10 * 1024 * 1024);

  langfuse.isDown = true;
  let most = before;
  for (let request = 0; request < OUTAGE_REQUESTS; request++) {
    await sendRequest();
    most = Math.max(most, anonymousBytes());
  }
  expect(await gateway.metrics()).toMatchObject({ gateway_queue_spans: OUTAGE_REQUESTS * SPANS_PER_REQUEST });
  expect(most - before).toBeLessThan(GROWTH_BYTES_MAX);

  langfuse.isDown = false;
  await allTaken();
  expect(langfuse.violations).toEqual([]);
  expect(gateway.stderr()).toBe('');
}, 180_000);
