import { createHash, randomBytes } from 'node:crypto';
import pino from 'pino';
import { createMediaClient, type Medium } from '../../src/delivery/media-client';
import { createPatientClient, type PatientClient } from '../../src/delivery/media-patience';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions } from '../support/fake-media';

let fake: FakeLangfuse;
let client: PatientClient;
let stopping: AbortController;
let nowMs: number;
let failures: number;
let logs: Record<string, unknown>[];
/** What the media API and the store answer, as long as it is said. */
let answer: ReturnType<NonNullable<FakeMediaOptions['respond']>>;

beforeEach(async () => {
  [nowMs, failures, logs, answer] = [1_000_000, 0, [], undefined];
  fake = await startFakeLangfuse({ media: { respond: () => answer } });
  const { baseUrl, publicKey, secretKey } = fake;
  const now = () => nowMs;
  const destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' as const };
  stopping = new AbortController();
  client = createPatientClient({
    destination: 'main',
    client: createMediaClient({ destination, proxy: {}, userAgent: 'test/1', now, connections: 8 }),
    onFailed: () => failures++,
    signal: stopping.signal,
    log: pino({ level: 'trace' }, { write: (line: string) => logs.push(JSON.parse(line)) }),
    now,
    random: () => 1,
  });
});
afterEach(async () => {
  await client.close();
  await fake.close();
});

const content = randomBytes(100);
const MEDIUM: Medium = {
  ...{ traceId: 'a'.repeat(32), observationId: 'b'.repeat(16), field: 'input', contentType: 'image/png', content },
  sha256: createHash('sha256').update(content).digest('base64'),
};
const announce = () => client.announce(MEDIUM);
const urlOf = async () => ((await announce()) as { uploadUrl: string }).uploadUrl;
const asked = () => fake.media.requests.length;
const FAILED = { kind: 'retry', reason: 'media_http_503', media: true };
const ANNOUNCED = { kind: 'announced' };

test.each([
  [503, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
  [401, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]],
])('%i: the pauses grow to their longest, and nothing is asked in them', async (status, pausesMs) => {
  answer = { status };
  for (const [before, pauseMs] of pausesMs.entries()) {
    const failed = await announce();
    expect([failed, asked()]).toMatchObject([{ kind: 'retry', reason: `media_http_${status}` }, before + 1]);
    expect('afterMs' in failed).toBe(false);
    expect(await announce()).toEqual({ ...failed, afterMs: pauseMs });
    nowMs += pauseMs - 1;
    expect(await client.confirm('id', { status: 200, tookMs: 1 })).toEqual({ ...failed, afterMs: 1 });
    nowMs += 1;
    expect(asked()).toBe(before + 1);
  }
  // What was not asked has not failed.
  expect(failures).toBe(pausesMs.length);
});

test.each([429, 503])('%i with Retry-After: all wait as long as it says', async (status) => {
  answer = { status, headers: { 'Retry-After': '50' } };
  await announce();
  answer = undefined;
  nowMs += 49_999;
  expect([await announce(), asked()]).toMatchObject([{ kind: 'retry', afterMs: 1 }, 1]);
  nowMs += 1;
  expect(await announce()).toMatchObject(ANNOUNCED);
});

test('after the pause one asks whether it is well; the others wait for that, and go on', async () => {
  answer = { status: 503 };
  await Promise.all([announce(), announce(), announce()]);
  expect([asked(), failures]).toEqual([3, 3]);
  nowMs += 1_000;
  answer = { status: 503, delayMs: 200 };
  const probe = announce();
  const others = [announce(), announce(), client.confirm('id', { status: 200, tookMs: 1 })];
  expect(await probe).toEqual(FAILED);
  // That was their answer too. Those that had failed together were one failure.
  expect(await Promise.all(others)).toEqual(Array(3).fill({ ...FAILED, afterMs: 2_000 }));
  expect(asked()).toBe(4);
  nowMs += 2_000;
  answer = { delayMs: 200 };
  const again = [announce(), announce(), announce()];
  await eventually(() => expect(asked()).toBe(5));
  expect(await Promise.all(again)).toMatchObject([ANNOUNCED, ANNOUNCED, ANNOUNCED]);
  expect(asked()).toBe(7);
});

test('a medium that is refused shows that the media API is up', async () => {
  answer = { status: 503 };
  await announce();
  nowMs += 1_000;
  answer = { status: 400 };
  expect(await announce()).toEqual({ kind: 'refused', status: 400 });
  expect([await announce(), client.trouble(), asked()]).toEqual([{ kind: 'refused', status: 400 }, undefined, 3]);
});

test('confirmations that fail pause all, whatever becomes of announcements', async () => {
  for (const pauseMs of [1_000, 2_000, 4_000]) {
    answer = undefined;
    expect(await announce()).toMatchObject(ANNOUNCED);
    answer = { status: 403 };
    expect(await client.confirm('id', { status: 200, tookMs: 1 })).toMatchObject({ reason: 'media_http_403' });
    expect(await announce()).toMatchObject({ reason: 'media_http_403', afterMs: pauseMs });
    nowMs += pauseMs;
  }
  expect(client.trouble()).toMatchObject({ sinceMs: 1_000_000, reason: 'media_http_403' });
});

test('a store that fails pauses nothing', async () => {
  const url = await urlOf();
  answer = { status: 500 };
  for (let time = 0; time < 3; time++) {
    expect(await client.put(url, MEDIUM)).toMatchObject({ reason: 'media_upload_http_500' });
  }
  answer = undefined;
  expect(await announce()).toMatchObject(ANNOUNCED);
  expect([asked(), failures]).toEqual([5, 3]);
});

test('trouble: since when and which, until the same step succeeds', async () => {
  expect(client.trouble()).toBeUndefined();
  const url = await urlOf();
  answer = { status: 403 };
  await client.put(url, MEDIUM);
  nowMs += 5_000;
  await client.put(url, MEDIUM);
  const ofStore = {
    ...{ sinceMs: 1_000_000, reason: 'media_upload_http_403', configuration: true },
    description: 'the media store answered HTTP 403',
  };
  expect(client.trouble()).toEqual(ofStore);
  answer = { status: 503 };
  await announce();
  expect(client.trouble()).toEqual({
    ...{ sinceMs: 1_005_000, reason: 'media_http_503', configuration: false },
    description: 'the media API answered HTTP 503',
  });
  nowMs += 1_000;
  answer = undefined;
  await announce();
  expect(client.trouble()).toEqual(ofStore);
  await client.put(url, MEDIUM);
  expect(client.trouble()).toBeUndefined();
});

test.each([
  ['announce', 503, 40, 'the media API answered HTTP 503); their spans are kept and tried again'],
  ['announce', 401, 50, 'check the keys of this destination, or set media: inline'],
  ['announce', 404, 50, 'check that this Langfuse has a media store set up, or set media: inline'],
  ['put', 403, 50, 'check the bucket of Langfuse’s media store, its endpoint and credentials, or set media: inline'],
] as const)('%s answered with %i is said once in a while, with what to do', async (step, status, level, words) => {
  const url = await urlOf();
  answer = { status };
  for (let time = 0; time < 3; time++) await (step === 'put' ? client.put(url, MEDIUM) : announce());
  expect(logs).toMatchObject([{ level, destination: 'main', msg: expect.stringContaining(words) }]);
});

test('what the end breaks off is no failure', async () => {
  answer = { delayMs: 60_000 };
  const underWay = announce();
  await eventually(() => expect(asked()).toBe(1));
  stopping.abort();
  await client.close();
  expect(await underWay).toMatchObject({ kind: 'retry' });
  expect([failures, logs, client.trouble()]).toEqual([0, [], undefined]);
});
