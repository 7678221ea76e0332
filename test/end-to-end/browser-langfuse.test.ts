import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { useBrowser } from '../support/browser';
import type { CanonicalSpan } from '../support/canonical';
import { useGatewayForPages } from '../support/page-gateway';
import { valueAt } from '../support/visible-span';

const ROOT = join(__dirname, '../..');
const EXAMPLE = 'examples/browser';
const KEY = 'gw-web-example-1';
const example = (file: string) => readFileSync(join(ROOT, EXAMPLE, file), 'utf8');

const browser = useBrowser({
  scripts: [`${EXAMPLE}/main.mjs`, 'test/clients/browser/langfuse.mjs'],
  folder: `${EXAMPLE}/page`,
});
// The example's own file, for a page that is served here on a port of its own.
const pages = useGatewayForPages(browser, ({ origin }) =>
  example('gateway.yaml').replace('http://localhost:8080', origin),
);

test('the page of the example', async () => {
  const page = await browser.openPage(`/?gateway=${pages.url}`);
  await page.click('button');
  const answer = await page.waitForText('output', /traced as/);

  const [agent, generation] = await expectTree();
  expect(answer).toBe(`29.50, traced as ${agent?.traceId}`);
  expect(imageOf(generation).subarray(1, 4).toString()).toBe('PNG');
  expect(page.messages).toEqual([]);
});

test('the page of the example says that it is not traced', async () => {
  const page = await browser.openPage(`/?gateway=${pages.url}&key=gw-wrong-1`);
  await page.click('button');
  expect(await page.waitForText('output', /traced/)).toBe("29.50, not traced: see the console and the gateway's log");
});

test('@langfuse/tracing with what its documentation says, and a screenshot', async () => {
  const screenshot = await (await browser.openPage('/')).screenshot();
  const page = await browser.openPage('/langfuse.html');
  await page.call('traceAgent', { gateway: pages.url, key: KEY, screenshot: screenshot.toString('base64') });

  const [agent, generation] = await expectTree();
  expect(textAt(agent, 'session.id')).toBe('session-1');
  expect(imageOf(generation).equals(screenshot)).toBe(true);
  // What a page may not say.
  expect(agent?.attributes.map(({ key }) => key)).not.toContain('langfuse.trace.public');
  expect(generation?.attributes.map(({ key }) => key)).not.toContain('langfuse.observation.cost_details');
  expect(page.messages).toEqual([]);
});

test('the example asks for what is tested here', () => {
  const dependencies = (text: string) => (JSON.parse(text) as { dependencies: object }).dependencies;
  const tested = readFileSync(join(ROOT, 'test/clients/package.json'), 'utf8');
  expect(dependencies(tested)).toMatchObject(dependencies(example('package.json')));
});

/** Agent, generation and tool: each under the one before, of one session and one user, stamped by the key. */
async function expectTree(): Promise<(CanonicalSpan | undefined)[]> {
  const arrived = await pages.fake.waitForSpans(3);
  const ofType = (type: string) => arrived.find((span) => textAt(span, 'langfuse.observation.type') === type);
  const tree = [ofType('agent'), ofType('generation'), ofType('tool')];
  const [agent, generation] = tree;
  expect(tree.map((span) => [span?.name, span?.traceId, span?.parentSpanId])).toEqual([
    ['page agent', agent?.traceId, ''],
    ['choose action', agent?.traceId, agent?.spanId],
    ['read column', agent?.traceId, generation?.spanId],
  ]);
  const session = textAt(agent, 'session.id');
  expect(session).toMatch(/^[\w-]+$/);
  for (const span of tree) {
    expect([textAt(span, 'session.id'), textAt(span, 'user.id')]).toEqual([session, 'user-1']);
    expect(textAt(span, 'langfuse.environment')).toBe('development');
  }
  expect(pages.fake.violations).toEqual([]);
  expect(JSON.stringify(pages.fake.requests.map(({ headers }) => headers))).not.toContain(KEY);
  return tree;
}

/** The image in a generation's input, which has become a data URI. */
function imageOf(generation: CanonicalSpan | undefined): Buffer {
  const [message] = JSON.parse(textAt(generation, 'langfuse.observation.input') ?? '[]') as {
    content: { type: string; mediaType?: string; data?: string }[];
  }[];
  const { data = '', ...part } = message?.content.find(({ type }) => type === 'file') ?? {};
  expect(part).toEqual({ type: 'file', mediaType: 'image/png' });
  const [head, base64] = data.split(',', 2);
  expect(head?.slice(0, 100)).toBe('data:image/png;base64');
  return Buffer.from(base64 ?? '', 'base64');
}

function textAt(span: CanonicalSpan | undefined, key: string): string | undefined {
  const value = span && valueAt(span, key);
  return value && 'string' in value ? value.string : undefined;
}
