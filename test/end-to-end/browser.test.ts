import { type BrowserPage, useBrowser } from '../support/browser';
import { eventually } from '../support/eventually';
import { asJson, requestOf, spanOf } from '../support/otlp-twins';
import { useGatewayForPages } from '../support/page-gateway';

const browser = useBrowser({ scripts: ['test/clients/browser/otlp.mjs', 'test/clients/browser/ask.mjs'] });
const pages = useGatewayForPages(
  browser,
  ({ origin }) => `
receiver: { bodyMaxBytes: 100000 }
keys:
  - { name: web, key: gw-web-1, browser: true, origins: [${origin}] }
  - { name: narrow, key: gw-narrow-1, browser: true, origins: [${origin}], paths: [/otel-ingest] }
  - { name: slow, key: gw-slow-1, browser: true, origins: [${origin}], spansPerSecond: 1, burstSeconds: 1 }
  - { name: daily, key: gw-daily-1, browser: true, origins: [${origin}], dailySpans: 1 }
  - { name: few, key: gw-few-1, browser: true, origins: [${origin}], maxSpansPerRequest: 1 }
  - { name: elsewhere, key: gw-elsewhere-1, browser: true, origins: [https://elsewhere.example.com] }
  - { name: expired, key: gw-expired-1, browser: true, origins: [${origin}], expires: 2020-01-01T00:00:00Z }
`,
);

const spans = (count: number) =>
  Array.from({ length: count }, (_, at) => spanOf({ spanId: (at + 1).toString(16).padStart(16, '0') }));
const bodyOf = (count: number) => asJson(requestOf(...spans(count))).body.toString();
const JSON_TYPE = { 'Content-Type': 'application/json' };

interface Request {
  method: string;
  headers: Record<string, string>;
  body: string | undefined;
}
interface Learned {
  status?: number;
  retryAfter?: string | null;
  body?: string;
  /** Name of what `fetch` threw. */
  error?: string;
}
const ask = (page: BrowserPage, { key, ...request }: Partial<Request> & { key: string }) =>
  page.call<Learned>('ask', {
    url: `${pages.url}/v1/traces`,
    method: 'POST',
    body: bodyOf(1),
    ...request,
    headers: { 'X-API-Key': key, ...request.headers },
  });

describe('the web SDK of OpenTelemetry, on another origin than the gateway', () => {
  test.each(
    ['json', 'protobuf'].flatMap((encoding) => [
      { encoding, how: 'X-API-Key', headers: { 'X-API-Key': 'gw-web-1' }, query: '' },
      { encoding, how: 'a bearer token', headers: { Authorization: 'Bearer gw-web-1' }, query: '' },
      { encoding, how: '?key=', headers: {}, query: '?key=gw-web-1' },
    ]),
  )('$encoding, $how', async ({ encoding, headers, query }) => {
    const page = await browser.openPage('/otlp.html');
    await page.call('exportAgentRun', { encoding, headers, url: `${pages.url}/v1/traces${query}` });

    // Sampled; and no parent is remote, which the exporters say.
    await pages.expectArrival(page, 0x101);
    // The exporter has nothing to complain of.
    expect(page.messages).toHaveLength(1);
    expect(JSON.stringify(pages.fake.requests.map((post) => post.headers))).not.toContain('gw-web-1');
  });
});

describe('an origin that is not allowed', () => {
  test('the page gets no answer, and the gateway keeps nothing', async () => {
    const page = await browser.openPage('/ask.html', browser.otherOrigin);
    const url = `${pages.url}/v1/traces?key=gw-web-1`;
    const body = bodyOf(1);
    const unread = { error: 'TypeError' };

    expect(await ask(page, { key: 'gw-web-1', headers: JSON_TYPE })).toEqual(unread);
    // The next two need no preflight, so the gateway gets them.
    expect(await page.call('ask', { url, body, method: 'POST' })).toEqual(unread);
    expect(await page.call('beacon', { url, body })).toBe(true);
    await eventually(async () => expect(await refusals()).toEqual({ web: { origin: 2 } }));
    // This one does, and the browser tells the page nothing of its failing.
    expect(await page.call('beacon', { url, body, type: 'application/json' })).toBe(true);

    const allowed = await browser.openPage('/ask.html');
    expect(await ask(allowed, { key: 'gw-web-1' })).toMatchObject({ status: 200 });
    await pages.fake.waitForSpans(1);
    expect((await pages.metrics()).gateway_receiver_accepted_spans_total).toBe(1);
    expect(await refusals()).toEqual({ web: { origin: 2 } });
  });
});

describe('a refusal can be read by the page', () => {
  test.each<[name: string, request: Partial<Request> & { key: string }, status: number, message: RegExp]>([
    ['an unknown key', { key: 'gw-unknown-1' }, 401, /not known/],
    ['an expired key', { key: 'gw-expired-1' }, 401, /expired/],
    ['a key of another origin', { key: 'gw-elsewhere-1' }, 403, /origin/],
    ['a path that is not the key’s', { key: 'gw-narrow-1' }, 403, /path/],
    ['a body over the limit', { key: 'gw-web-1', body: bodyOf(10_000) }, 413, /100000/],
    ['more spans than the key takes at once', { key: 'gw-few-1', body: bodyOf(2) }, 413, /1 span/],
    ['an unknown type', { key: 'gw-web-1', headers: { 'Content-Type': 'text/csv' } }, 415, /text\/csv|known/],
    ['no OTLP', { key: 'gw-web-1', body: '{', headers: JSON_TYPE }, 400, /JSON/],
    ['a method', { key: 'gw-web-1', method: 'GET', body: undefined }, 405, /POST/],
  ])('%s', async (_name, request, status, message) => {
    const page = await browser.openPage('/ask.html');
    const learned = await ask(page, request);
    expect(learned).toMatchObject({ status, retryAfter: null });
    expect((JSON.parse(learned.body ?? '') as { message: string }).message).toMatch(message);
    expect((await pages.metrics()).gateway_receiver_accepted_spans_total).toBe(0);
  });

  test('the day’s budget', async () => {
    const page = await browser.openPage('/ask.html');
    expect(await ask(page, { key: 'gw-daily-1' })).toMatchObject({ status: 200 });
    expect(await ask(page, { key: 'gw-daily-1' })).toMatchObject({
      ...{ status: 403, retryAfter: null },
      body: expect.stringMatching(/until \d{4}-\d\d-\d\dT00:00:00/),
    });
  });

  test('the rate, with the time to wait', async () => {
    const page = await browser.openPage('/ask.html');
    // More than the burst passes once, and leaves a debt of minutes.
    expect(await ask(page, { key: 'gw-slow-1', body: bodyOf(300) })).toMatchObject({ status: 200 });
    expect(await ask(page, { key: 'gw-slow-1' })).toMatchObject({
      ...{ status: 429, retryAfter: expect.stringMatching(/^[1-5]$/) },
      body: expect.stringContaining('rate'),
    });
    expect(await refusals()).toEqual({ slow: { rate: 1 } });
  });
});

/** Refused requests by key and reason, without those that did not happen. */
async function refusals(): Promise<Record<string, Record<string, number>>> {
  const found: Record<string, Record<string, number>> = {};
  for (const [sample, value] of Object.entries(await pages.metrics())) {
    const [, labels] = /^gateway_receiver_refused_requests_total\{(.*)\}$/.exec(sample) ?? [];
    if (labels === undefined || value === 0) continue;
    const key = /key="([^"]*)"/.exec(labels)?.[1] ?? '';
    const reason = /reason="([^"]*)"/.exec(labels)?.[1] ?? '';
    found[key] = { ...found[key], [reason]: value };
  }
  return found;
}
