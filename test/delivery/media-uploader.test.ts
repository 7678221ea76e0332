import { createHash, randomBytes } from 'node:crypto';
import { createMediaClient, type MediaClient, type Medium } from '../../src/delivery/media-client';
import { createMediaUploader, type MediaUploader } from '../../src/delivery/media-uploader';
import { mediaIdOf } from '../support/data-uris';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions, MediaStep } from '../support/fake-media';

let fake: FakeLangfuse;
let client: MediaClient;
let stopping: AbortController;
let nowMs: number;
afterEach(async () => {
  await client.close();
  await fake.close();
  expect(fake.violations).toEqual([]);
});

async function start(media: FakeMediaOptions = {}, confirmPauseMs = 1): Promise<MediaUploader> {
  fake = await startFakeLangfuse({ media });
  const { baseUrl, publicKey, secretKey } = fake;
  nowMs = Date.now();
  const now = () => nowMs;
  const destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' as const };
  client = createMediaClient({ destination, proxy: {}, userAgent: 'test/1', now, connections: 8 });
  stopping = new AbortController();
  return createMediaUploader({ client, now, signal: stopping.signal, confirmPauseMs, outside: (waited) => waited });
}

/** Of one span each, by its number. */
function mediumOf(content: Buffer, { span = 1, contentType = 'image/png' } = {}): Medium {
  const sha256 = createHash('sha256').update(content).digest('base64');
  const observationId = span.toString(16).padStart(16, '0');
  return { traceId: 'a'.repeat(32), observationId, field: 'input', contentType, content, sha256 };
}

const CAT = randomBytes(1_000);
const ID = mediaIdOf(CAT);
const UPLOADED = { kind: 'there', mediaId: ID, outcome: 'uploaded' };
const KNOWN = { kind: 'there', mediaId: ID, outcome: 'known' };
const counts = () => (['announce', 'put', 'confirm'] as MediaStep[]).map((step) => fake.media.count(step));
const failing = (failing: MediaStep, times: number, status: number, headers?: Record<string, string>) => {
  let left = times;
  return {
    respond: ({ step }: { step: MediaStep }) => (step === failing && left-- > 0 ? { status, headers } : undefined),
  };
};

test('the same content of many spans at once goes once, and is linked to all of them', async () => {
  const { upload } = await start();
  const results = await Promise.all([1, 2, 3, 4, 5].map((span) => upload(mediumOf(CAT, { span }))));
  expect(results).toEqual([UPLOADED, KNOWN, KNOWN, KNOWN, KNOWN]);
  expect(counts()).toEqual([5, 1, 1]);
  expect(fake.media.shown().get(ID)?.places).toHaveLength(5);
});

test('who waits for the same content shares its failure, and nobody else', async () => {
  let isFirst = true;
  const { upload } = await start({
    respond: ({ headers }) => {
      if (!isFirst || headers['x-amz-checksum-sha256'] !== mediumOf(CAT).sha256) return undefined;
      isFirst = false;
      return { status: 500 };
    },
  });
  const [first, second, other] = await Promise.all([
    upload(mediumOf(CAT)),
    upload(mediumOf(CAT, { span: 2 })),
    upload(mediumOf(randomBytes(10), { span: 3 })),
  ]);
  expect(first).toEqual({ kind: 'retry', reason: 'media_upload_http_500', media: true });
  expect(second).toBe(first);
  expect(other).toMatchObject({ kind: 'there' });
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
});

test('what Langfuse refuses is refused to all who wait for it', async () => {
  const { upload } = await start({ contentBytesMax: 10 });
  const results = await Promise.all([1, 2].map((span) => upload(mediumOf(CAT, { span }))));
  expect(results).toEqual([
    { kind: 'refused', status: 400 },
    { kind: 'refused', status: 400 },
  ]);
  expect(counts()).toEqual([1, 0, 0]);
});

test('a failed confirmation is tried again a little', async () => {
  const { upload } = await start(failing('confirm', 2, 503));
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
  expect(counts()).toEqual([1, 1, 3]);
});

test('a confirmation that keeps failing is a failure; the next time it is all that is left to do', async () => {
  const { upload } = await start(failing('confirm', 3, 503));
  expect(await upload(mediumOf(CAT))).toEqual({ kind: 'retry', reason: 'media_http_503', media: true });
  expect(counts()).toEqual([1, 1, 3]);
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
  expect(counts()).toEqual([2, 1, 4]);
  expect(await upload(mediumOf(CAT, { span: 2 }))).toEqual(KNOWN);
});

test.each([
  ['credentials that are refused', 401, undefined, { configuration: true }],
  ['a request for patience', 503, { 'Retry-After': '9' }, { afterMs: 9_000 }],
])('%s is no reason to try again at once', async (_, status, headers, expected) => {
  const { upload } = await start(failing('confirm', 9, status, headers));
  expect(await upload(mediumOf(CAT))).toMatchObject({ kind: 'retry', reason: `media_http_${status}`, ...expected });
  expect(counts()).toEqual([1, 1, 1]);
});

test('the end cuts the wait between confirmations short', async () => {
  const { upload } = await start(failing('confirm', 9, 503), 3_600_000);
  const underWay = upload(mediumOf(CAT));
  while (fake.media.count('confirm') === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  stopping.abort();
  expect(await underWay).toMatchObject({ kind: 'retry' });
  expect(fake.media.count('confirm')).toBeLessThanOrEqual(2);
});

test('a store that answers 201, of which Langfuse thinks nothing, gets each content once in ten minutes', async () => {
  const { upload } = await start({ storeStatus: 201 });
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
  expect(await upload(mediumOf(CAT, { span: 2 }))).toEqual(KNOWN);
  expect(counts()).toEqual([2, 1, 1]);
  expect(fake.media.shown().get(ID)?.places).toHaveLength(2);
  nowMs += 600_000;
  expect(await upload(mediumOf(CAT, { span: 3 }))).toEqual(UPLOADED);
  expect(counts()).toEqual([3, 2, 2]);
});

test('what Langfuse has lost is uploaded again, whatever is remembered', async () => {
  const { upload } = await start();
  await upload(mediumOf(CAT));
  fake.media.lose();
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
  expect(fake.media.shown().get(ID)?.content.equals(CAT)).toBe(true);
});

test('the same content as another type is another object in the store', async () => {
  const { upload } = await start();
  await upload(mediumOf(CAT));
  expect(await upload(mediumOf(CAT, { contentType: 'image/jpeg' }))).toEqual(UPLOADED);
  expect([counts(), fake.media.shown().get(ID)?.contentType]).toEqual([[2, 2, 2], 'image/jpeg']);
});
