import { dataDirectory } from '../../src/data-directory';
import { PREVIEW } from '../../src/delivery/route';
import type { Overview, Trouble } from '../../src/inspector/api';
import { createDiskQueue } from '../../src/queue/disk-queue';
import { realFiles } from '../../src/queue/files';
import { VERSION } from '../../src/version';
import { ask } from '../support/admin';
import { everyAnswer } from '../support/api-walk';
import { listenTo } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { asJson, asProtobuf, type Fields, requestOf, type Sent, spanOf } from '../support/otlp-twins';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { encodeSpans, numberedSpans, postOf, spanIdOf } from '../support/trace-request';
import { asTransparent } from '../support/transparent-twins';

let fake: FakeLangfuse;
let gateway: RunningGateway;
let dataDir: string;
beforeEach(async () => {
  dataDir = makeTemporary();
  fake = await startFakeLangfuse({ refuseSpan: ({ name }) => name === 'refused' });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
  removeTemporary(dataDir);
});

/** People's words; in nothing that lists show. */
const WORDS = 'dear-diary-4711';
const value = { stringValue: WORDS };
const wordy = (number: number, changes: Fields = {}) =>
  spanOf({
    ...{ traceId: number.toString(16).padStart(32, 'd'), spanId: number.toString(16).padStart(16, 'e') },
    attributes: [
      ...['gen_ai.prompt', 'langfuse.observation.input', 'langfuse.observation.metadata.k', 'own', WORDS].map(
        (key) => ({ key, value }),
      ),
      { key: 'session.id', value: { stringValue: 'session-7' } },
      { key: 'langfuse.trace.tags', value: { stringValue: `${WORDS}`.repeat(500) } },
      { key: 'gen_ai.request.model', value: { stringValue: 'model-7' } },
    ],
    events: [
      { name: 'exception', timeUnixNano: '7', attributes: [{ key: 'exception.message', value }] },
      { name: WORDS, timeUnixNano: '7' },
    ],
    links: [
      { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceState: `a=${WORDS}`, attributes: [{ key: 'k', value }] },
    ],
    status: { code: 2, message: WORDS },
    traceState: `a=${WORDS}`,
    ...changes,
  });

const send = (path: string, { headers, body }: Sent) => post(`${gateway.url}${path}`, { headers, body });

/** In each encoding, with spans that are rejected or given up, and requests that are refused. */
async function sendWords(): Promise<void> {
  const bad = wordy(4, { spanId: '0'.repeat(16) });
  expect((await send('/v1/traces', asJson(requestOf(wordy(1), bad)))).status).toBe(200);
  expect((await send('/v1/traces', asProtobuf(requestOf(wordy(2), bad)))).status).toBe(200);
  expect((await send('/otel-ingest', asTransparent(requestOf(wordy(3), bad)))).status).toBeLessThan(300);
  expect((await send('/v1/traces', asJson(requestOf(wordy(5, { name: 'refused' }))))).status).toBe(200);
  const { headers, body } = asJson(requestOf(wordy(6)));
  expect((await send('/v1/traces', { headers, body: Buffer.concat([body, Buffer.from(WORDS)]) })).status).toBe(400);
  expect((await send('/v1/traces', { headers: { 'content-type': WORDS }, body })).status).toBe(415);
  // Of a request without spans nothing is kept either.
  expect((await send('/v1/traces', { headers, body: Buffer.from(`{"x":"${WORDS}"}`) })).status).toBe(200);
  await eventually(async () => {
    const samples = await gateway.metrics();
    expect(samples).toMatchObject({ gateway_queue_spans: 0, gateway_receiver_accepted_spans_total: 4 });
  });
}

const start = async (yaml: string | undefined, env: Record<string, string> = {}) => {
  gateway = await startGateway({ fake, yaml, env: { GATEWAY_DATA_DIR: dataDir, ...env } });
};

const withWords = (answers: ReadonlyMap<string, string>) =>
  [...answers].filter(([, text]) => text.includes(WORDS)).map(([path]) => path);

describe('metadata', () => {
  test.each([
    ['by default, in front of Langfuse', undefined],
    ['where it is asked for', 'inspector: metadata'],
  ])('%s: no word of people is in any answer', async (_, yaml) => {
    await start(yaml);
    const stream = await listenTo(gateway.adminUrl);
    await sendWords();
    const answers = await everyAnswer(gateway.adminUrl);
    expect(withWords(answers)).toEqual([]);
    const told = (await stream.events(1)).flatMap(({ traces }) => traces);
    expect(JSON.stringify(told)).not.toContain(WORDS);
    expect(told.length).toBeGreaterThan(0);
    stream.close();
    // What says what it is and whose it is, is there.
    const { traces } = (await ask(gateway.adminUrl, '/api/traces')).body as { traces: object[] };
    expect(traces).toHaveLength(4);
    expect(traces[0]).toMatchObject({ sessionId: 'session-7', errors: 1, types: { GENERATION: 1 }, services: ['s'] });
    const trouble = (await ask(gateway.adminUrl, '/api/trouble')).body as Trouble;
    expect(trouble.rejections).toMatchObject({ total: 3, latest: [{ name: 'n' }, { name: 'n' }, { name: 'n' }] });
    expect(trouble.refusals.map(({ status }) => status).toSorted()).toEqual([400, 415]);
    // Text is looked for in what is kept alone.
    expect((await ask(gateway.adminUrl, `/api/traces?text=${WORDS}`)).body.traces).toEqual([]);
    expect((await ask(gateway.adminUrl, '/api/traces?text=model-7')).body.traces).toHaveLength(4);
  });
});

test('full: they are where they belong', async () => {
  await start('inspector: full');
  await sendWords();
  const answers = await everyAnswer(gateway.adminUrl);
  const paths = withWords(answers);
  expect(paths.filter((path) => /\/spans\//.test(path))).toHaveLength(4);
  expect(paths.filter((path) => !/^\/api\/traces\/\w+(\/spans\/\w+)?$/.test(path))).toEqual([]);
  expect((await ask(gateway.adminUrl, `/api/traces?text=${WORDS}`)).body.traces).toHaveLength(4);
});

test('off: nothing of spans, but counts, health and dead letters', async () => {
  await start('inspector: off');
  const stream = await listenTo(gateway.adminUrl);
  await sendWords();
  const answers = await everyAnswer(gateway.adminUrl);
  expect(withWords(answers)).toEqual([]);
  expect(JSON.parse(answers.get('/api/traces?limit=500')!)).toEqual({ traces: [], next: null });
  expect(JSON.parse(answers.get('/api/traces?rejected=true')!)).toEqual({ traces: [], next: null });
  const overview = JSON.parse(answers.get('/api/overview')!) as Overview;
  expect(overview).toMatchObject({
    ...{ mode: 'off', clients: [], kept: { traces: 0, spans: 0, bytes: 0 } },
    totals: { accepted: 4, delivered: 3, deadLettered: 1, rejected: 3 },
    coverage: { spans: 4, withSession: 4, withUser: 0 },
  });
  const trouble = JSON.parse(answers.get('/api/trouble')!) as Trouble;
  expect(trouble).toMatchObject({ rejections: { total: 3, byReason: { invalid_span_id: 3 }, latest: [] } });
  for (const path of ['/api/overview', '/api/trouble']) expect(answers.get(path)).not.toMatch(/session-7|model-7/);
  const id = '1'.padStart(32, 'd');
  expect((await ask(gateway.adminUrl, `/api/traces/${id}`)).body).toEqual({ traceId: id, observations: [] });
  expect((await ask(gateway.adminUrl, `/api/traces/${id}/spans/${'1'.padStart(16, 'e')}`)).status).toBe(404);
  expect(JSON.parse(answers.get('/api/dead-letters')!)).toMatchObject({ total: 1, deadLetters: [{ spanCount: 1 }] });
  expect(stream.text()).toBe('retry: 2000\n\n');
  stream.close();
});

describe('spans of an earlier process', () => {
  /** What such a one has left in its queue. */
  async function leave(destination: string): Promise<void> {
    const queue = createDiskQueue({
      ...{ files: realFiles, directory: dataDirectory(dataDir).queue, bytesMax: 1_000_000 },
      ...{ now: () => Date.now() - 60_000, randomMark: () => '0123456789abcdef' },
    });
    await queue.open();
    await queue.offer(encodeSpans(numberedSpans(3)), { destination, items: 3 });
    await queue.close();
  }
  const traces = async () => (await ask(gateway.adminUrl, '/api/traces')).body.traces as object[];
  const isDelivered = () =>
    eventually(async () => expect(await gateway.metrics()).toMatchObject({ gateway_queue_spans: 0 }));

  test.each(['full', 'metadata'])('preview mode shows them, beside those that come, %s', async (mode) => {
    await leave(PREVIEW);
    gateway = await startGateway({ yaml: `inspector: ${mode}`, env: { GATEWAY_DATA_DIR: dataDir } });
    await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(2, { from: 4, traceId: 'ab'.repeat(16) })));
    await isDelivered();
    await eventually(async () =>
      expect(await traces()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ observations: 3, name: 's1' }),
          expect.objectContaining({ observations: 2, traceId: 'ab'.repeat(16) }),
        ]),
      ),
    );
    expect(await traces()).toHaveLength(2);
    // Those that came are kept once, with what is known of their request.
    expect((await ask(gateway.adminUrl, '/api/overview')).body).toMatchObject({ kept: { spans: 5 } });
    const { body } = await ask(gateway.adminUrl, `/api/traces/${'ab'.repeat(16)}/spans/${spanIdOf('s4')}`);
    expect(body).toMatchObject({ warnings: [{ name: 'session_id_missing' }, { name: 'user_id_missing' }] });
  });

  test('in front of Langfuse they are delivered, and not shown', async () => {
    await leave('main');
    await start(undefined);
    await fake.waitForSpans(3);
    await isDelivered();
    expect(await traces()).toEqual([]);
    expect((await ask(gateway.adminUrl, '/api/overview')).body).toMatchObject({
      totals: { recovered: 3, delivered: 3 },
    });
  });
});

test('where senders send, and whether they want a key', async () => {
  await start(undefined, { GATEWAY_INGEST_KEYS: 'gw-1' });
  const { body } = await ask(gateway.adminUrl, '/api/overview');
  expect(body).toMatchObject({
    ...{
      receiverUrl: gateway.url,
      wantsKey: true,
      isPreview: false,
      mode: 'metadata',
      status: 'ready',
      version: VERSION,
    },
    destinations: [{ name: 'main', baseUrl: fake.baseUrl, trouble: null, lastSuccessAt: null }],
  });
  const preview = await startGateway();
  expect((await ask(preview.adminUrl, '/api/overview')).body).toMatchObject({
    ...{ receiverUrl: preview.url, wantsKey: false, isPreview: true, mode: 'full' },
    destinations: [{ name: 'preview', baseUrl: null }],
  });
  await preview.stop();
});

test('a destination that is in trouble, and well again', async () => {
  let isDown = true;
  await fake.close();
  fake = await startFakeLangfuse({ respond: () => (isDown ? { status: 401 } : undefined) });
  await start(undefined);
  await send('/v1/traces', asJson(requestOf(spanOf())));
  const destination = async () => ((await ask(gateway.adminUrl, '/api/overview')).body as Overview).destinations[0];
  await eventually(async () =>
    expect(await destination()).toMatchObject({
      ...{ queued: 1, lastSuccessAt: null },
      trouble: { description: expect.stringContaining('401'), hint: expect.stringContaining('LANGFUSE_SECRET_KEY') },
    }),
  );
  isDown = false;
  await eventually(
    async () =>
      expect(await destination()).toMatchObject({
        queued: 0,
        trouble: null,
        lastSuccessAt: expect.stringMatching(/Z$/),
      }),
    15_000,
  );
});

test('a token is asked for, of programs and of browsers', async () => {
  await start(undefined, { GATEWAY_ADMIN_TOKEN: 'admin-token' });
  const status = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await ask(gateway.adminUrl, '/api/traces', { headers })).status;
  };
  expect([await status(), await status('Bearer nope'), await status(`Basic ${btoa('me:nope')}`)]).toEqual([
    401, 401, 401,
  ]);
  expect([await status('Bearer admin-token'), await status(`Basic ${btoa('me:admin-token')}`)]).toEqual([200, 200]);
  const refused = await listenTo(gateway.adminUrl);
  expect(refused.answer.statusCode).toBe(401);
  const stream = await listenTo(gateway.adminUrl, { authorization: 'Bearer admin-token' });
  expect(stream.answer.statusCode).toBe(200);
  stream.close();
});

test('who listens does not hold up the end', async () => {
  await start('inspector: off');
  const ending = await startGateway({ fake });
  const stream = await listenTo(ending.adminUrl);
  expect(await ending.stop()).toBe(0);
  await stream.closed;
});
