import { eventually } from '../support/eventually';
import { type RunningGateway, startGateway } from '../support/gateway';
import { useInspectorPages } from '../support/inspector-page';
import { asProtobuf, requestOf, spanOf } from '../support/otlp-twins';
import { post } from '../support/post';

const inspector = useInspectorPages();

const TRACES = 2_000;
const SPANS = 10_000;
const LARGE = 'ab'.repeat(16);
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
  const send = (spans: object[]) => post(`${gateway.url}/v1/traces`, asProtobuf(requestOf(...(spans as never[]))));
  const inLarge = Array.from({ length: SPANS }, (_, at) =>
    spanOf({
      ...{ traceId: LARGE, spanId: hex(at + 1, 16), name: `span ${at}` },
      ...(at === 0 ? {} : { parentSpanId: hex(Math.ceil(at / 10), 16) }),
    }),
  );
  await send(inLarge);
  const alone = Array.from({ length: TRACES }, (_, at) =>
    spanOf({ traceId: hex(at + 1, 32), spanId: hex(at + 1, 16), name: `trace ${at}` }),
  );
  for (let from = 0; from < TRACES; from += 500) await send(alone.slice(from, from + 500));
}, 60_000);
afterAll(() => gateway?.stop());

/** How many rows there are in the document, whatever there is to scroll through. */
const drawn = (selector: string) => `document.querySelectorAll('${selector}').length`;
const scrollToEnd = (selector: string) =>
  `(box => { box.scrollTop = box.scrollHeight; })(document.querySelector('${selector}'))`;

test('of 2,001 traces the last is reached by scrolling, and only what is seen is drawn', async () => {
  const { page, messages } = await inspector.open(gateway.adminUrl, { hash: '#/traces' });
  await page.getByRole('link', { name: 'trace 1999', exact: true }).waitFor();
  const oldest = page.getByRole('link', { name: 'span 0', exact: true });
  await eventually(async () => {
    await page.evaluate(scrollToEnd('.trace-rows'));
    expect(await oldest.count()).toBe(1);
  }, 30_000);
  expect(await page.evaluate(drawn('.trace-rows .trace-row'))).toBeLessThan(150);
  expect(messages).toEqual([]);
}, 60_000);

test('a trace of 10,000 spans opens, its last span is reached by one key, and only what is seen is drawn', async () => {
  const { page, messages } = await inspector.open(gateway.adminUrl, { hash: `#/traces/${LARGE}` });
  const items = page.getByRole('treeitem');
  await items.first().waitFor();
  await items.first().focus();
  await page.keyboard.press('End');
  const { rows } = (await (await fetch(`${gateway.adminUrl}/api/traces/${LARGE}/tree`)).json()) as Tree;
  expect(rows).toHaveLength(SPANS);
  await page.locator(`[role=treeitem][data-span-id="${rows.at(-1)?.spanId}"]`).waitFor();
  expect(await page.evaluate(drawn('[role=treeitem]'))).toBeLessThan(150);
  expect(messages).toEqual([]);
}, 60_000);

test('what is kept stays within its bound', async () => {
  const overview = async () => (await (await fetch(`${gateway.adminUrl}/api/overview`)).json()) as Overview;
  const large = 'x'.repeat(1_000_000);
  for (let number = 0; number < 80; number++) {
    const attributes = [{ key: 'langfuse.observation.input', value: { stringValue: large } }];
    const span = spanOf({ traceId: hex(number + 1, 32).replace(/^0/, 'f'), attributes });
    await post(`${gateway.url}/v1/traces`, asProtobuf(requestOf(span)));
  }
  await fetch(`${gateway.adminUrl}/api/traces`);
  const { kept } = await overview();
  expect(kept.bytesMax).toBe(64 * 1024 * 1024);
  expect(kept.bytes).toBeLessThanOrEqual(kept.bytesMax);
  // Of 1 MB each, and of what was repaired as it came and as it leaves. What came before them has gone.
  expect(kept.spans).toBeGreaterThan(30);
  expect(kept.spans).toBeLessThan(67);
  expect(kept.traces).toBe(kept.spans);
}, 60_000);

type Tree = { rows: { spanId: string }[] };
type Overview = { kept: { bytes: number; bytesMax: number; spans: number; traces: number } };
