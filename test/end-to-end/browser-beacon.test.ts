import { useBrowser } from '../support/browser';
import { arrivalOf, asJson, asProtobuf, type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { byId, useGatewayForPages } from '../support/page-gateway';

const browser = useBrowser({ scripts: ['test/clients/browser/beacon.mjs'] });
const pages = useGatewayForPages(
  browser,
  ({ origin }) => `
keys:
  - { name: web, key: gw-web-1, browser: true, origins: [${origin}] }
`,
);

const LEAVING = [
  ['for another page', (page: Page) => page.goTo(`${browser.otherOrigin}/beacon.html`)],
  ['by closing the tab', (page: Page) => page.close()],
] as const;
type Page = Awaited<ReturnType<typeof browser.openPage>>;

const FORMS = [
  ['text', asJson],
  ['bytes', asJson],
  ['bytes', asProtobuf],
  ['gzip', asJson],
  ['gzip', asProtobuf],
  ['application/json', asJson],
  ['application/x-protobuf', asProtobuf],
] as const;

const spanId = (number: number) => number.toString(16).padStart(16, '0');
const urlWith = (query = '') => `${pages.url}/v1/traces?key=gw-web-1${query}`;

/** Beacons of every form, a span in each. */
const beaconsOf = (changes: Fields = {}, query = '') =>
  FORMS.map(([form, encode], at) => {
    const { body } = encode(requestOf(spanOf({ spanId: spanId(at + 1), ...changes })));
    return { url: urlWith(query), form, body: form === 'text' ? body.toString() : body.toString('base64') };
  });

describe.each(LEAVING)('a page that is left %s', (_name, leave) => {
  test('beacons of every form arrive', async () => {
    const page = await browser.openPage('/beacon.html');
    await page.call('beaconsOnPageHide', beaconsOf());
    expect(pages.fake.requests).toEqual([]);
    await leave(page);

    const arrived = await pages.fake.waitForSpans(FORMS.length);
    expect(byId(arrived)).toEqual(FORMS.map((_, at) => arrivalOf({ spanId: spanId(at + 1) })));
    expect(pages.fake.violations).toEqual([]);
  });

  test('beacons join the trace that their address names', async () => {
    const [traceId, parentSpanId] = ['3c1a5e0f7b924d6c8a90b1c2d3e4f506', 'c3c3c3c3c3c3c3c3'];
    const page = await browser.openPage('/beacon.html');
    await page.call('beaconsOnPageHide', beaconsOf({}, `&trace_id=${traceId}&parent_span_id=${parentSpanId}`));
    await leave(page);

    const arrived = await pages.fake.waitForSpans(FORMS.length);
    expect(byId(arrived)).toMatchObject(FORMS.map((_, at) => ({ spanId: spanId(at + 1), traceId, parentSpanId })));
  });

  test('beacons of nearly 64 KiB from several frames arrive', async () => {
    // Of one document a browser lets 64 KiB wait.
    const said = { key: 'said', value: { stringValue: 'ü'.repeat(32_000) } };
    const frames = Array.from({ length: 6 }, (_, at) => {
      const { body } = asJson(requestOf(spanOf({ spanId: spanId(at + 1), attributes: [said] })));
      expect(body.length).toBeGreaterThan(64_000);
      return [{ url: urlWith(), form: 'text', body: body.toString() }];
    });
    const page = await browser.openPage('/beacon.html');
    await page.call('framesWithBeacons', frames);
    await leave(page);

    const arrived = await pages.fake.waitForSpans(frames.length);
    const attributes = [{ key: 'said', value: { string: said.value.stringValue } }];
    expect(byId(arrived)).toEqual(frames.map((_, at) => arrivalOf({ spanId: spanId(at + 1), attributes })));
  });
});
