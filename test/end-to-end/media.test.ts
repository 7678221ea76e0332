import { randomBytes } from 'node:crypto';
import { dataDirectory } from '../../src/data-directory';
import { createKeeper } from '../../src/dead-letter-keeper';
import { lettersOf, storeAt } from '../dead-letters/letters';
import { type Balance, watchBalance } from '../support/balance';
import type { CanonicalSpan } from '../support/canonical';
import { mediaIdOf, tagOf, uriOf } from '../support/data-uris';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions, MediaRequest, MediaStep } from '../support/fake-media';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf, type SpanToSend, spanIdOf, TRACE_ID } from '../support/trace-request';

let dataDir: string;
let fake: FakeLangfuse;
let gateway: RunningGateway | undefined;
let watch: ReturnType<typeof watchBalance> | undefined;
let seen: Balance[];
beforeEach(() => {
  dataDir = makeTemporary();
  seen = [];
});
afterEach(async () => {
  await stop();
  await fake.close();
  removeTemporary(dataDir);
  // Whatever happened: each span stood on both sides of the sum, and what Langfuse got can be shown.
  expect(seen.filter(({ received, accountedFor }) => received !== accountedFor)).toEqual([]);
  expect(fake.violations).toEqual([]);
});

async function stop(): Promise<void> {
  seen.push(...((await watch?.stop()) ?? []));
  watch = undefined;
  await gateway?.stop();
  gateway = undefined;
}

async function start({ env = {}, media = 'upload' }: { env?: Record<string, string>; media?: string } = {}) {
  const own = { GATEWAY_DATA_DIR: dataDir, GATEWAY_SHUTDOWN_TIMEOUT_S: '0' };
  gateway = await startGateway({ fake, env: { ...own, ...env }, yaml: `media: ${media}\n` });
  watch = watchBalance(gateway);
  return gateway;
}

async function startBoth(media: FakeMediaOptions = {}, options: FakeLangfuseOptions = {}) {
  fake = await startFakeLangfuse({ ...options, media });
  return start();
}

async function send(spans: readonly SpanToSend[]): Promise<void> {
  expect((await post(`${gateway?.url}/v1/traces`, postOf(spans))).status).toBe(200);
}

/** Delivered or a dead letter, all of them. */
async function settle(): Promise<Record<string, number>> {
  let metrics: Record<string, number> = {};
  await eventually(async () => {
    metrics = (await gateway?.metrics()) ?? {};
    expect(metrics.gateway_queue_spans).toBe(0);
  }, 15_000);
  return metrics;
}

async function readiness(): Promise<[number, unknown]> {
  const answer = await fetch(`${gateway?.adminUrl}/readyz`);
  return [answer.status, await answer.json()];
}

const counted = (metrics: Record<string, number>) =>
  Object.fromEntries(
    ['uploaded', 'known', 'refused', 'failed'].map((outcome) => {
      return [outcome, metrics[`gateway_media_total{destination="main",outcome="${outcome}"}`] ?? 0];
    }),
  );

const INPUT = 'langfuse.observation.input';
const OUTPUT = 'langfuse.observation.output';
const image = (name: string, content: Buffer): SpanToSend => ({ name, attributes: { [INPUT]: uriOf(content) } });
const placeOf = (name: string, field = 'input') => `${TRACE_ID}/${spanIdOf(name)}/${field}`;

const names = () => fake.spans.map(({ name }) => name).toSorted();
const textsOf = (span: CanonicalSpan | undefined) =>
  Object.fromEntries(
    (span?.attributes ?? []).map(({ key, value }) => [key, value && 'string' in value && value.string]),
  );
const spanOf = (name: string) => fake.spans.find((span) => span.name === name);

const CAT = randomBytes(300);
const DOG = randomBytes(70_001);

test('an image is in Langfuse’s store before its span, which refers to it; all else is byte for byte as it came', async () => {
  await startBoth();
  const before = `{"text":"né 🐈","url":"`;
  await send([{ name: 's1', attributes: { first: 'a', [INPUT]: `${before}${uriOf(CAT)}"}`, last: uriOf(CAT) } }]);
  const metrics = await settle();
  expect(textsOf(spanOf('s1'))).toEqual({ first: 'a', [INPUT]: `${before}${tagOf(CAT)}"}`, last: uriOf(CAT) });
  const stored = { contentType: 'image/png', content: CAT, places: [placeOf('s1')] };
  expect([...fake.media.shown()]).toEqual([[mediaIdOf(CAT), stored]]);
  expect(fake.media.requests.map(({ step, status }) => [step, status])).toEqual([
    ['announce', 201],
    ['put', 200],
    ['confirm', 200],
  ]);
  expect(counted(metrics)).toEqual({ uploaded: 1, known: 0, refused: 0, failed: 0 });
});

test('several media in several attributes, and the same one in many places: each is stored once and linked everywhere', async () => {
  await startBoth();
  const both = `${uriOf(CAT)} and ${uriOf(DOG, 'audio/wav')} and ${uriOf(CAT)}`;
  await send([
    { name: 's1', attributes: { [INPUT]: both, [OUTPUT]: uriOf(CAT) } },
    ...[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((number) => image(`s${number}`, CAT)),
  ]);
  const metrics = await settle();
  expect(textsOf(spanOf('s1'))).toEqual({
    [INPUT]: `${tagOf(CAT)} and ${tagOf(DOG, 'audio/wav')} and ${tagOf(CAT)}`,
    [OUTPUT]: tagOf(CAT),
  });
  expect(textsOf(spanOf('s12'))).toEqual({ [INPUT]: tagOf(CAT) });
  expect(fake.media.count('put')).toBe(2);
  const shown = fake.media.shown();
  expect(shown.get(mediaIdOf(DOG))?.content.equals(DOG)).toBe(true);
  expect(shown.get(mediaIdOf(CAT))?.places.toSorted()).toEqual(
    [placeOf('s1', 'output'), ...Array.from({ length: 12 }, (_, index) => placeOf(`s${index + 1}`))].toSorted(),
  );
  expect(counted(metrics)).toEqual({ uploaded: 2, known: 12, refused: 0, failed: 0 });
});

test.each<[MediaStep, ReturnType<NonNullable<FakeMediaOptions['respond']>>]>([
  ['announce', { status: 503 }],
  ['announce', { status: 401 }],
  ['announce', { destroy: true }],
  ['announce', { status: 200, body: '<html>' }],
  ['put', { status: 403 }],
  ['put', { status: 500 }],
  ['put', { destroy: true, store: true }],
  ['confirm', { status: 404 }],
])('%s fails with %j: the span waits and is delivered with its image, others pass', async (failing, failure) => {
  let failures = 2;
  await startBoth({ respond: ({ step }) => (step === failing && failures-- > 0 ? failure : undefined) });
  await send([image('s1', CAT), ...numberedSpans(3, { from: 2 })]);
  await eventually(() => expect(names()).toEqual(['s2', 's3', 's4']));
  // The others may be delivered before the upload has failed.
  await eventually(async () =>
    expect(await readiness()).toMatchObject([
      200,
      { reasons: [expect.stringContaining('main: media cannot be uploaded')] },
    ]),
  );
  await send(numberedSpans(1, { from: 5 }));
  const metrics = await settle();
  expect(names()).toEqual(['s1', 's2', 's3', 's4', 's5']);
  expect(textsOf(spanOf('s1'))).toEqual({ [INPUT]: tagOf(CAT) });
  expect(counted(metrics)).toEqual({ uploaded: 1, known: 0, refused: 0, failed: 2 });
  const posts = Object.entries(metrics).filter(([name, count]) => /_attempts_total.*outcome/.test(name) && count > 0);
  expect(posts).toEqual([['gateway_delivery_attempts_total{destination="main",outcome="delivered"}', 3]]);
  expect(await readiness()).toMatchObject([200, { status: 'ready' }]);
  const said = gateway?.logs.filter((line) => line.includes('media could not be uploaded for main')) ?? [];
  // Neither what is in it nor where it goes.
  expect([said.length, said.join().includes('http:'), said.join().includes('Signature')]).toEqual([1, false, false]);
});

test('what Langfuse does not take stays in its span, which is delivered as it came', async () => {
  await startBoth({ contentBytesMax: 1_000 });
  const span = { name: 's1', attributes: { [INPUT]: `${uriOf(CAT, 'image/x-strange')} ${uriOf(DOG)} ${uriOf(CAT)}` } };
  await send([span, { name: 's2', attributes: { [INPUT]: uriOf(DOG) } }]);
  const metrics = await settle();
  const kept = `${uriOf(CAT, 'image/x-strange')} ${uriOf(DOG)} ${tagOf(CAT)}`;
  expect(textsOf(spanOf('s1'))).toEqual({ [INPUT]: kept });
  expect(textsOf(spanOf('s2'))).toEqual({ [INPUT]: uriOf(DOG) });
  expect(counted(metrics)).toEqual({ uploaded: 1, known: 0, refused: 3, failed: 0 });
  const said = gateway?.logs.filter((line) => line.includes('does not take media'));
  expect(said).toHaveLength(1);
});

test('uploads that hang delay their own spans alone, be they five of 5 MB', async () => {
  let isHanging = true;
  await startBoth({ respond: ({ step }) => (step === 'put' && isHanging ? { stall: true } : undefined) });
  const large = Array.from({ length: 5 }, () => randomBytes(5_000_000));
  const hanging = large.map((content, index) => image(`s${index + 1}`, content));
  await send([hanging[0]!, ...numberedSpans(3, { from: 11 })]);
  for (const span of hanging.slice(1)) await send([span]);
  await eventually(() => expect(fake.media.count('put')).toBe(5), 15_000);
  await send(numberedSpans(200, { from: 100 }));
  await eventually(() => expect(names()).toHaveLength(203));
  isHanging = false;
  await send([image('s20', CAT)]);
  await eventually(() => expect(textsOf(spanOf('s20'))).toEqual({ [INPUT]: tagOf(CAT) }));
  expect((await gateway?.metrics())?.gateway_queue_spans).toBe(5);
  // What hangs is broken off, and found again.
  await stop();
  await start();
  const metrics = await settle();
  for (const [index, content] of large.entries()) {
    expect(textsOf(spanOf(`s${index + 1}`))).toEqual({ [INPUT]: tagOf(content) });
  }
  expect(metrics).toMatchObject({ gateway_queue_recovered_spans_total: 5, gateway_dead_letters: 0 });
});

test('the end of the gateway waits for uploads as for posts', async () => {
  fake = await startFakeLangfuse({ media: { respond: ({ step }) => (step === 'put' ? { delayMs: 300 } : undefined) } });
  await start({ env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '20' } });
  await send([image('s1', CAT)]);
  await eventually(() => expect(fake.media.count('put')).toBe(1));
  await stop();
  expect(textsOf(spanOf('s1'))).toEqual({ [INPUT]: tagOf(CAT) });
});

test.each<[string, MediaStep]>([
  ['the media API', 'announce'],
  ['the media store', 'put'],
])(
  'where %s refuses what it is asked, that is a reason of readiness, and the end does not wait for it',
  async (whom, failing) => {
    const refuse = ({ step, headers }: MediaRequest) =>
      headers['content-length'] === '777' ? { stall: true } : step === failing ? { status: 403 } : undefined;
    fake = await startFakeLangfuse({ media: { respond: refuse } });
    await start({ env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '3600' } });
    // One that hangs is held all the time.
    await send([image('s60', randomBytes(777))]);
    for (let number = 1; number <= 20; number++) await send([image(`s${number}`, randomBytes(300))]);
    await send(numberedSpans(1, { from: 50 }));
    await fake.waitForSpans(1);
    const about = `main: media cannot be uploaded (${whom} answered HTTP 403) since `;
    await eventually(async () => {
      const hint = expect.stringMatching(/; check the media storage of Langfuse, or set media: inline$/);
      expect(await readiness()).toEqual([200, { status: 'degraded', reasons: [hint] }]);
      expect(JSON.stringify(await readiness())).toContain(about);
    });
    await stop();
    expect(names()).toEqual(['s50']);
  },
);

test('10 MB of images in one span', async () => {
  await startBoth();
  const images = Array.from({ length: 4 }, () => randomBytes(2_500_000));
  await send([{ name: 's1', attributes: { [INPUT]: images.map((content) => uriOf(content)).join('\n') } }]);
  await settle();
  expect(textsOf(spanOf('s1'))).toEqual({ [INPUT]: images.map((content) => tagOf(content)).join('\n') });
  const shown = fake.media.shown();
  expect(images.map((content) => shown.get(mediaIdOf(content))?.content.equals(content))).toEqual([
    true,
    true,
    true,
    true,
  ]);
});

test('inline, images leave as they came, and nobody is asked', async () => {
  fake = await startFakeLangfuse();
  await start({ media: 'inline' });
  const spans = [image('s1', CAT), image('s2', DOG)];
  await send(spans);
  await settle();
  expect(spans.map(({ name }) => textsOf(spanOf(name)))).toEqual([{ [INPUT]: uriOf(CAT) }, { [INPUT]: uriOf(DOG) }]);
  expect(fake.media.requests).toEqual([]);
});

test('a dead letter keeps the image, and its replay uploads it', async () => {
  let isStrict = true;
  await startBoth({}, { refuseSpan: () => isStrict });
  await send([image('s1', CAT)]);
  await settle();
  const [letter] = await lettersOf(storeAt(dataDirectory(dataDir).deadLetters));
  expect(letter?.spans).toEqual([{ traceId: TRACE_ID, spanId: spanIdOf('s1') }]);
  isStrict = false;
  fake.media.lose();
  const keeper = createKeeper(dataDir);
  await keeper.replay(letter!.id);
  await keeper.close();
  await fake.waitForSpans(1);
  expect(textsOf(spanOf('s1'))).toEqual({ [INPUT]: tagOf(CAT) });
  expect(fake.media.shown().get(mediaIdOf(CAT))?.content.equals(CAT)).toBe(true);
});
