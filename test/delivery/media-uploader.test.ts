import { createHash, randomBytes } from 'node:crypto';
import { createMediaClient, type MediaClient, type Medium } from '../../src/delivery/media-client';
import { createMediaUploader, type UploadResult } from '../../src/delivery/media-uploader';
import { mediaIdOf } from '../support/data-uris';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions, MediaStep } from '../support/fake-media';

let fake: FakeLangfuse;
let client: MediaClient;
let nowMs: number;
afterEach(async () => {
  await client.close();
  await fake.close();
  expect(fake.violations).toEqual([]);
});

/** An uploader of which nobody has to leave a place. */
async function start(media: FakeMediaOptions = {}): Promise<{ upload: (medium: Medium) => Promise<UploadResult> }> {
  fake = await startFakeLangfuse({ media });
  const { baseUrl, publicKey, secretKey } = fake;
  nowMs = Date.now();
  const now = () => nowMs;
  const destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' as const };
  client = createMediaClient({ destination, proxy: {}, userAgent: 'test/1', now, connections: 8 });
  const uploader = createMediaUploader({ client, now });
  return { upload: (medium) => uploader.upload(medium, (waitedFor) => waitedFor) };
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
const failing = (failing: MediaStep, times: number, status: number) => {
  let left = times;
  return { respond: ({ step }: { step: MediaStep }) => (step === failing && left-- > 0 ? { status } : undefined) };
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

test('a confirmation that fails is a failure; the next time it is all that is left to do', async () => {
  const { upload } = await start(failing('confirm', 1, 503));
  expect(await upload(mediumOf(CAT))).toEqual({ kind: 'retry', reason: 'media_http_503', media: true });
  expect(counts()).toEqual([1, 1, 1]);
  expect(await upload(mediumOf(CAT))).toEqual(UPLOADED);
  expect(counts()).toEqual([2, 1, 2]);
  expect(await upload(mediumOf(CAT, { span: 2 }))).toEqual(KNOWN);
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

test('what the store does not take is refused, and Langfuse is not told that it is there', async () => {
  const { upload } = await start(failing('put', 1, 413));
  expect(await upload(mediumOf(CAT))).toEqual({ kind: 'refused', status: 413 });
  expect(counts()).toEqual([1, 1, 0]);
});

test('the same content as another type is another object in the store', async () => {
  const { upload } = await start();
  await upload(mediumOf(CAT));
  expect(await upload(mediumOf(CAT, { contentType: 'image/jpeg' }))).toEqual(UPLOADED);
  expect([counts(), fake.media.shown().get(ID)?.contentType]).toEqual([[2, 2, 2], 'image/jpeg']);
});
