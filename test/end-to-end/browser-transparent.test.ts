import { useBrowser } from '../support/browser';
import { useGatewayForPages } from '../support/page-gateway';

const browser = useBrowser({ scripts: ['test/clients/browser/transparent.mjs', 'test/clients/browser/ask.mjs'] });
const pages = useGatewayForPages(
  browser,
  ({ origin }) => `
keys:
  - { name: web, key: gw-web-1, browser: true, origins: [${origin}] }
`,
);
const urlOf = (path: string, query = '') => `${pages.url}${path}?key=gw-web-1${query}`;
/** Whether a parent is remote is not said. */
const SAMPLED = 1;
const ALL = { status: 202, body: { accepted: 3, rejected: 0, errors: [] } };

describe.each(['/otel-ingest', '/api/span-forward/ingest'])('spans of a web tracer, posted to %s', (path) => {
  test.each(['list', 'object', 'flat'])('by fetch, as %s', async (shape) => {
    const page = await browser.openPage('/transparent.html');
    expect(await page.call('exportTransparently', { url: urlOf(path), shape })).toEqual(ALL);
    await pages.expectArrival(page, SAMPLED);
  });

  test('by a beacon', async () => {
    const page = await browser.openPage('/transparent.html');
    expect(await page.call('exportTransparently', { url: urlOf(path), how: 'beacon' })).toBe(true);
    await pages.expectArrival(page, SAMPLED);
  });

  test('with ?flush=true the answer waits until they are delivered', async () => {
    const page = await browser.openPage('/transparent.html');
    const answer = await page.call('exportTransparently', { url: urlOf(path, '&flush=true') });
    expect(pages.fake.spans).toHaveLength(3);
    expect(answer).toMatchObject(ALL);
  });

  test('one bad span is one error, with its place', async () => {
    const page = await browser.openPage('/transparent.html');
    expect(await page.call('exportTransparently', { url: urlOf(path), shape: 'oneBad' })).toEqual({
      status: 207,
      body: { accepted: 2, rejected: 1, errors: [{ index: 1, message: expect.stringContaining('traceId') }] },
    });
    expect((await pages.fake.waitForSpans(2)).map(({ name }) => name)).toEqual(['chat gpt-4o', 'agent run']);
  });
});

test('what was sent is delivered when the flush path answers', async () => {
  const page = await browser.openPage('/transparent.html');
  await page.call('exportTransparently', { url: urlOf('/otel-ingest') });
  const asking = await browser.openPage('/ask.html');
  const flushed = await asking.call<Answer>('ask', { method: 'POST', url: urlOf('/api/span-forward/flush') });
  expect(pages.fake.spans).toHaveLength(3);
  expect([flushed.status, JSON.parse(flushed.body)]).toEqual([202, { status: 'flushed' }]);
});

test('a page reads the health of the gateway without a key', async () => {
  const page = await browser.openPage('/ask.html');
  const health = await page.call<Answer>('ask', { url: `${pages.url}/api/span-forward/health` });
  expect([health.status, JSON.parse(health.body)]).toEqual([
    200,
    { status: 'healthy', langfuse_configured: true, message: expect.any(String) },
  ]);
});

interface Answer {
  status: number;
  body: string;
}
