import { createHash } from 'node:crypto';
import { uriOf } from './data-uris';
import { type FakeLangfuse, startFakeLangfuse } from './fake-langfuse';

const CONTENT = Buffer.from('a picture');
const SHA256 = createHash('sha256').update(CONTENT).digest('base64');
const TRACE_ID = '5b8efff798038103d269b633813fc60c';
const SPAN_ID = 'eee19b7ec3c1b174';
const SAID = {
  ...{ contentType: 'image/png', contentLength: CONTENT.length, sha256Hash: SHA256 },
  ...{ traceId: TRACE_ID, observationId: SPAN_ID, field: 'input' },
};

let fake: FakeLangfuse;
beforeEach(async () => {
  fake = await startFakeLangfuse();
});
afterEach(() => fake.close());

const langfuse = () => ({
  authorization: `Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`,
  'content-type': 'application/json',
});
const ask = (method: string, path: string, body: object, headers: Record<string, string> = langfuse()) =>
  fetch(`${fake.baseUrl}/api/public/media${path}`, { method, headers, body: JSON.stringify(body) });
const announce = async () => (await (await ask('POST', '', SAID)).json()) as { mediaId: string; uploadUrl: string };
const SIGNED = { 'content-type': 'image/png', 'x-amz-checksum-sha256': SHA256 };
const put = (url: string, headers: Record<string, string> = SIGNED, body = CONTENT) =>
  fetch(url, { method: 'PUT', headers, body });
const confirm = (mediaId: string, status = 200) =>
  ask('PATCH', `/${mediaId}`, { uploadedAt: new Date(0).toISOString(), uploadHttpStatus: status });

async function postSpan(text: string): Promise<void> {
  const attributes = [{ key: 'input', value: { stringValue: text } }];
  const span = { traceId: TRACE_ID, spanId: SPAN_ID, name: 'n', attributes };
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  await fetch(`${fake.baseUrl}/api/public/otel/v1/traces`, { method: 'POST', headers: langfuse(), body });
}

const tag = (mediaId: string, type = 'image/png') =>
  `@@@langfuseMedia:type=${type}|id=${mediaId}|source=base64_data_uri@@@`;

test('announced, stored and confirmed it can be shown, and is not asked for again', async () => {
  const { mediaId, uploadUrl } = await announce();
  expect((await put(uploadUrl)).status).toBe(200);
  expect(fake.media.shown().size).toBe(0);
  expect((await confirm(mediaId)).status).toBe(200);
  expect(await announce()).toEqual({ mediaId, uploadUrl: null });
  await postSpan(`${tag(mediaId)} ${uriOf(CONTENT)}`);
  expect(fake.violations).toEqual([]);
});

test.each([
  ['an unknown type', { contentType: 'image/x-strange' }],
  ['no length', { contentLength: 0 }],
  ['a hash in hex', { sha256Hash: createHash('sha256').update(CONTENT).digest('hex') }],
  ['no trace', { traceId: undefined }],
  ['an unknown field', { field: 'events' }],
])('%s is refused with 400', async (_, wrong) => {
  expect((await ask('POST', '', { ...SAID, ...wrong })).status).toBe(400);
});

test('without credentials 401, of a medium that nobody announced 404, by another method 405', async () => {
  const status = async (answer: Promise<Response>) => (await answer).status;
  expect(await status(ask('POST', '', SAID, { 'content-type': 'application/json' }))).toBe(401);
  expect(await status(confirm('nobody'))).toBe(404);
  expect(await status(ask('PUT', '', {}))).toBe(405);
});

test.each<[string, Record<string, string>, Buffer<ArrayBuffer>, number]>([
  ['another type than it was signed for', { ...SIGNED, 'content-type': 'image/gif' }, CONTENT, 403],
  ['no checksum', { 'content-type': 'image/png' }, CONTENT, 403],
  ['another length', SIGNED, Buffer.from('a picture!'), 403],
  ['another content', SIGNED, Buffer.from('b picture'), 400],
])('the store refuses %s', async (_, headers, body, status) => {
  expect((await put((await announce()).uploadUrl, headers, body)).status).toBe(status);
});

test('violations: credentials at the store, and what is said to be there and is not', async () => {
  const { mediaId, uploadUrl } = await announce();
  await put(uploadUrl, { ...SIGNED, authorization: 'Basic x' });
  await confirm(mediaId);
  expect(fake.violations).toEqual(['the store was sent authorization', `medium ${mediaId} was said to be there`]);
});

test('violations: tags of spans that lead nowhere', async () => {
  await postSpan(tag('nobody'));
  const { mediaId, uploadUrl } = await announce();
  await postSpan(tag(mediaId));
  await put(uploadUrl);
  await confirm(mediaId);
  await postSpan(tag(mediaId, 'image/gif'));
  const span = `span ${SPAN_ID} shows a medium`;
  expect(fake.violations).toEqual([
    `${span} that is not there`,
    `${span} that is not there`,
    `${span} of another type`,
  ]);
});
