import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { useInspectorPages } from '../support/inspector-page';
import { asJson, type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { post } from '../support/post';

const inspector = useInspectorPages();

let fake: FakeLangfuse | undefined;
let gateway: RunningGateway;
afterEach(async () => {
  await gateway?.stop();
  await fake?.close();
  fake = undefined;
});

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const TRACE = '3c1a5e0f7b924d6c8a90b1c2d3e4f506';
const DASHED = '3c1a5e0f-7b92-4d6c-8a90-b1c2d3e4f506';

const MESSAGES = [
  { role: 'system', content: 'You describe pictures.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is on it?\nIn one word.' },
      { type: 'file', mediaType: 'image/png', data: PNG },
    ],
  },
];

const generation = (changes: Fields = {}) =>
  spanOf({
    traceId: DASHED,
    spanId: 'b2b2b2b2b2b2b2b2',
    name: 'describe',
    attributes: [
      text('langfuse.observation.type', 'generation'),
      text('langfuse.observation.model.name', 'gpt-4o'),
      text('langfuse.observation.usage_details', '{"input":42,"output":7}'),
      text('langfuse.observation.input', JSON.stringify(MESSAGES)),
      text('langfuse.observation.output', JSON.stringify({ role: 'assistant', content: 'A dot.' })),
      text('langfuse.observation.metadata.team', 'web'),
      text('user.id', 'u-1'),
    ],
    ...changes,
  });

const send = (...spans: Fields[]) => post(`${gateway.url}/v1/traces`, asJson(requestOf(...spans)));

test.each<[string, Record<string, string>]>([
  ['open', {}],
  ['with keys', { GATEWAY_INGEST_KEYS: 'key-of-mine' }],
])('%s: from an empty page to a first trace, with the line that the page gives, without reloading', async (_, env) => {
  gateway = await startGateway({ env });
  const { page, messages, urls } = await inspector.open(gateway.adminUrl);
  await page.getByRole('heading', { name: 'Send a first trace' }).waitFor();
  await inspector.shoot(page, 'empty');
  const line = (await page.locator('pre').first().textContent()) ?? '';
  expect(line).toMatch(/^curl /);

  const { stdout } = await promisify(execFile)('bash', ['-c', line.replace('YOUR_KEY', 'key-of-mine')]);
  expect(stdout).toBe('{}');
  await page.getByRole('link', { name: 'Open hello' }).click();
  await page.getByRole('heading', { name: 'hello' }).first().waitFor();
  await page.getByText('Yes: the gateway.').waitFor();
  expect(messages).toEqual([]);
  expect(urls.filter((url) => !url.startsWith(gateway.adminUrl))).toEqual([]);
});

describe('a generation', () => {
  beforeEach(async () => {
    gateway = await startGateway();
  });

  test('comes into the list by itself; its messages, its image, its repaired id and what it lacks can be read', async () => {
    const { page, messages } = await inspector.open(gateway.adminUrl, { hash: '#/traces' });
    await page.getByText('No traces yet.').waitFor();
    await send(generation());
    await page.getByRole('link', { name: 'describe' }).click();

    const pane = page.getByRole('region', { name: 'Selected observation' });
    await pane.getByRole('heading', { name: 'Input' }).waitFor();
    const chat = pane.locator('.chat');
    expect(await chat.first().locator('.message-role').allTextContents()).toEqual(['system', 'user']);
    expect(await chat.first().textContent()).toContain('What is on it?\nIn one word.');
    expect(await chat.nth(1).textContent()).toContain('A dot.');
    const image = chat.first().locator('img');
    await eventually(async () =>
      expect(await image.evaluate((img: { naturalWidth: number }) => img.naturalWidth)).toBe(1),
    );
    const notes = await pane.locator('.notes').textContent();
    for (const name of ['id_uuid', 'media_data_uri', 'session_id_missing']) expect(notes).toContain(name);
    expect(notes).toContain('An id written as a UUID becomes hex.');
    expect(notes).not.toContain('user_id_missing');

    await pane.getByRole('tab', { name: 'As sent (OTLP)' }).click();
    const sent = await pane.getByRole('tabpanel').textContent();
    expect(sent).toContain(DASHED);
    await inspector.shoot(page, 'as-sent');
    expect(messages).toEqual([]);
  });

  test('in metadata mode is listed, without what people wrote', async () => {
    await gateway.stop();
    gateway = await startGateway({ yaml: 'inspector: metadata' });
    await send(generation());
    const { page } = await inspector.open(gateway.adminUrl, { hash: `#/traces/${TRACE}` });
    const pane = page.getByRole('region', { name: 'Selected observation' });
    await pane
      .getByText(/not kept: inspector: metadata/)
      .first()
      .waitFor();
    const shown = (await page.locator('body').textContent()) ?? '';
    expect(shown).toContain('gpt-4o');
    for (const word of ['You describe pictures', 'A dot.', 'web']) expect(shown).not.toContain(word);
  });

  test('is found by what is in it, and by what it lacks', async () => {
    await send(
      generation(),
      spanOf({ traceId: 'aa'.repeat(16), name: 'other', attributes: [text('session.id', 's'), text('user.id', 'u')] }),
    );
    const { page } = await inspector.open(gateway.adminUrl, { hash: '#/traces' });
    const names = () => page.locator('.trace-rows .c-name').allTextContents();
    await eventually(async () => expect(await names()).toHaveLength(2));
    await page.getByLabel('Text').fill('describe pictures');
    await eventually(async () => expect(await names()).toEqual(['describe']));
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('Session').fill('S');
    await eventually(async () => expect(await names()).toEqual(['other']));
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('checkbox', { name: 'Warnings' }).check();
    await eventually(async () => expect(await names()).toEqual(['describe']));
  });

  test('whose name is markup is shown as text, everywhere', async () => {
    const markup = '<img src=x onerror=document.body.id="taken">';
    const everywhere = [
      ...['langfuse.trace.name', 'session.id', 'user.id', 'langfuse.observation.model.name', 'langfuse.release'],
      ...['langfuse.observation.input', 'langfuse.observation.output', 'langfuse.observation.metadata.x'],
    ].map((key) => text(key, markup));
    const span = generation({ traceId: TRACE, name: markup, attributes: [...everywhere, text(markup, markup)] });
    const resource = { attributes: [text('service.name', markup), text('telemetry.sdk.name', markup)] };
    const request = { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: markup }, spans: [span] }] }] };
    await post(`${gateway.url}/v1/traces`, asJson(request));
    await send(generation({ traceId: 'not an id', name: markup, attributes: [text('user.id', markup)] }));
    for (const hash of ['', '#/traces', `#/traces/${TRACE}`, '#/trouble']) {
      const { page, messages, urls } = await inspector.open(gateway.adminUrl, { hash });
      await page.getByText(markup).first().waitFor();
      expect([hash, await page.evaluate('document.body.id'), await page.locator('img[src="x"]').count()]).toEqual([
        hash,
        '',
        0,
      ]);
      expect(messages).toEqual([]);
      expect(urls.filter((url) => !url.startsWith(gateway.adminUrl))).toEqual([]);
    }
  });
});

test('a tree is gone through by keys', async () => {
  gateway = await startGateway();
  const child = (spanId: string, parentSpanId: string, name: string) =>
    spanOf({ traceId: TRACE, spanId, parentSpanId, name });
  await send(
    spanOf({ traceId: TRACE, spanId: 'a1a1a1a1a1a1a1a1', name: 'root' }),
    child('b1b1b1b1b1b1b1b1', 'a1a1a1a1a1a1a1a1', 'first'),
    child('c1c1c1c1c1c1c1c1', 'b1b1b1b1b1b1b1b1', 'below'),
    child('d1d1d1d1d1d1d1d1', 'a1a1a1a1a1a1a1a1', 'second'),
  );
  const { page } = await inspector.open(gateway.adminUrl, { hash: `#/traces/${TRACE}` });
  const items = page.getByRole('treeitem');
  const shown = () => page.locator('[role=treeitem] .t-title').allTextContents();
  const selected = () => page.locator('[role=treeitem][aria-selected=true] .t-title').allTextContents();
  await eventually(async () => expect(await shown()).toEqual(['root', 'first', 'below', 'second']));
  await items.first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await eventually(async () => expect(await shown()).toEqual(['root', 'first', 'second']));
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await eventually(async () => expect(await selected()).toEqual(['second']));
  await page.getByRole('region', { name: 'Selected observation' }).getByRole('heading', { name: 'second' }).waitFor();
});

describe('dead letters', () => {
  let isRefusing: boolean;
  beforeEach(async () => {
    isRefusing = true;
    fake = await startFakeLangfuse({ refuseSpan: () => isRefusing });
    gateway = await startGateway({ fake });
    await send(generation({ traceId: TRACE }));
    await eventually(() => expect(fake!.requests.map(({ status }) => status)).toContain(400));
  });

  test('are replayed, and dropped by who says so twice', async () => {
    const { page } = await inspector.open(gateway.adminUrl, { hash: '#/trouble' });
    await page.getByRole('button', { name: /^Drop / }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('heading', { name: /^Drop/ }).waitFor();
    await inspector.shoot(page, 'drop-asks');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });

    isRefusing = false;
    await page.getByRole('button', { name: /^Replay / }).click();
    await dialog.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('No dead letters').waitFor();
    const [span] = await fake!.waitForSpans(1);
    expect(span).toMatchObject({ traceId: TRACE, name: 'describe' });

    isRefusing = true;
    await send(generation({ traceId: TRACE, spanId: 'c3c3c3c3c3c3c3c3' }));
    await page.getByRole('button', { name: /^Drop / }).click();
    await dialog.getByRole('button', { name: 'Drop' }).click();
    await page.getByText('No dead letters').waitFor();
    await eventually(async () => expect((await gateway.metrics()).gateway_dead_letters).toBe(0));
    expect(fake!.spans).toHaveLength(1);
  });
});

test('a destination that refuses the keys is said in a sentence with what to look at', async () => {
  fake = await startFakeLangfuse({ secretKey: 'sk-lf-other' });
  gateway = await startGateway({ fake: { ...fake, secretKey: 'sk-lf-wrong' } });
  await send(generation({ traceId: TRACE }));
  const { page } = await inspector.open(gateway.adminUrl);
  await page.getByText(/^main: HTTP 401 since .*check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY/).waitFor();
});

test('with a token the page asks for it, and shows nothing without', async () => {
  gateway = await startGateway({ env: { GATEWAY_ADMIN_TOKEN: 'an-admin-token' } });
  await send(generation({ traceId: TRACE }));
  const httpCredentials = { username: 'anybody', password: 'an-admin-token' };
  const { page } = await inspector.open(gateway.adminUrl, { hash: '#/traces', httpCredentials });
  await page.getByRole('link', { name: 'describe' }).waitFor();
  await page.getByText('live').waitFor();
  await expect(inspector.open(gateway.adminUrl)).rejects.toThrow(/ERR_INVALID_AUTH_CREDENTIALS|401/);
});
