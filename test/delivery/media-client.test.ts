import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createMediaClient,
  MEDIA_TIMEOUTS,
  type MediaClient,
  type MediaClientOptions,
  type Medium,
} from '../../src/delivery/media-client';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import type { FakeMediaOptions } from '../support/fake-media';
import { startForwardProxy } from '../support/forward-proxy';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startFake(media: FakeMediaOptions = {}): Promise<FakeLangfuse> {
  const fake = await startFakeLangfuse({ media });
  closing.push(fake.close);
  return fake;
}

function clientOf(
  { baseUrl, publicKey = 'pk', secretKey = 'sk' }: { baseUrl: string; publicKey?: string; secretKey?: string },
  options: Partial<MediaClientOptions> = {},
): MediaClient {
  const client = createMediaClient({
    destination: { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' },
    ...{ proxy: {}, userAgent: 'langfuse-otlp-gateway/0.0.0', now: Date.now, connections: 8, ...options },
  });
  closing.push(client.close);
  return client;
}

/** A server of one's own, for answers that no Langfuse gives. */
async function serve(handle: RequestListener): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function mediumOf(content: Buffer, contentType = 'image/png'): Medium {
  const sha256 = createHash('sha256').update(content).digest('base64');
  return { traceId: 'a'.repeat(32), observationId: 'b'.repeat(16), field: 'input', contentType, content, sha256 };
}

const MEDIUM = mediumOf(randomBytes(300));

test.each([1, 300, 65_535, 65_536, 65_537, 70_001, 3_000_000])('%i bytes, in the three steps', async (bytes) => {
  const fake = await startFake();
  const client = clientOf(fake);
  const medium = mediumOf(randomBytes(bytes), 'audio/wav');
  const announced = await client.announce(medium);
  expect(announced).toEqual({
    kind: 'announced',
    mediaId: medium.sha256.replaceAll('+', '-').replaceAll('/', '_').slice(0, 22),
    uploadUrl: expect.stringContaining(fake.baseUrl),
  });
  const { mediaId, uploadUrl } = announced as { mediaId: string; uploadUrl: string };
  expect(await client.put(uploadUrl, medium)).toEqual({ kind: 'put', status: 200 });
  expect(await client.confirm(mediaId, { status: 200, tookMs: 5 })).toEqual({ kind: 'confirmed' });
  expect(fake.media.shown().get(mediaId)?.content.equals(medium.content)).toBe(true);
  expect(await client.announce(medium)).toEqual({ kind: 'announced', mediaId });
  expect(fake.violations).toEqual([]);
});

test('what is sent: credentials to Langfuse alone, to the store what the URL was signed with', async () => {
  const fake = await startFake();
  const client = clientOf(fake, { now: () => Date.UTC(2026, 0, 2) });
  const announced = await client.announce(MEDIUM);
  await client.put((announced as { uploadUrl: string }).uploadUrl, MEDIUM);
  await client.confirm((announced as { mediaId: string }).mediaId, { status: 201, tookMs: 7 });
  const common = {
    ...{ host: fake.baseUrl.slice('http://'.length), connection: 'keep-alive' },
    ...{ 'user-agent': 'langfuse-otlp-gateway/0.0.0', 'content-length': expect.any(String) },
  };
  const langfuse = {
    ...common,
    authorization: `Basic ${btoa('pk-lf-fake:sk-lf-fake')}`,
    'content-type': 'application/json',
    ...{ 'x-langfuse-sdk-name': 'javascript', 'x-langfuse-public-key': 'pk-lf-fake' },
    'x-langfuse-sdk-version': expect.any(String),
  };
  const { traceId, observationId, field, contentType, sha256 } = MEDIUM;
  expect(fake.media.requests.map(({ headers, said }) => [headers, said])).toEqual([
    [langfuse, { traceId, observationId, field, contentType, contentLength: 300, sha256Hash: sha256 }],
    [
      {
        ...common,
        'content-type': 'image/png',
        'content-length': '300',
        'x-amz-checksum-sha256': sha256,
        'x-ms-blob-type': 'BlockBlob',
      },
      {},
    ],
    [langfuse, { uploadedAt: '2026-01-02T00:00:00.000Z', uploadHttpStatus: 201, uploadTimeMs: 7 }],
  ]);
});

test.each([
  ['storage.googleapis.com', false],
  ['bucket.storage.googleapis.com', false],
  ['storage.googleapis.com.example', true],
  ['bucket.s3.eu-west-1.amazonaws.com', true],
])('a store at %s, through a proxy: headers of other stores %p', async (host, hasOthers) => {
  const headers: IncomingMessage['headers'][] = [];
  const target = await serve((request, response) => {
    headers.push(request.headers);
    request.resume().on('end', () => response.end());
  });
  const proxy = await startForwardProxy({ target });
  closing.push(proxy.close);
  const client = clientOf({ baseUrl: 'https://langfuse.example' }, { proxy: { httpProxy: proxy.url } });
  expect(await client.put(`http://${host}/key?signature=1`, MEDIUM)).toEqual({ kind: 'put', status: 200 });
  expect(proxy.asked.map(({ line }) => line)).toEqual([`PUT http://${host}/key?signature=1`]);
  expect(headers[0]).toMatchObject({ 'content-type': 'image/png', 'content-length': '300' });
  expect(['x-amz-checksum-sha256' in headers[0]!, 'x-ms-blob-type' in headers[0]!]).toEqual([hasOthers, hasOthers]);
});

test('the proxy is chosen by the scheme of the store, and NO_PROXY counts for it', async () => {
  const fake = await startFake();
  const proxy = await startForwardProxy({ target: fake.baseUrl, tunnels: 'none' });
  closing.push(proxy.close);
  const settings = { httpsProxy: proxy.url, httpProxy: proxy.url, noProxy: '127.0.0.1' };
  const client = clientOf(fake, { proxy: settings });
  const announced = await client.announce(MEDIUM);
  expect(await client.put((announced as { uploadUrl: string }).uploadUrl, MEDIUM)).toMatchObject({ kind: 'put' });
  expect(await client.put('https://store.example/key', MEDIUM)).toMatchObject({ kind: 'retry' });
  expect(proxy.asked.map(({ line }) => line)).toEqual(['CONNECT store.example:443']);
});

const RETRY = { kind: 'retry', media: true };
const HTTP: [string, number, Record<string, string>, { announce: object; put: object; confirm: object }][] = [
  ...[500, 502, 503, 408, 425].map((status): (typeof HTTP)[number] => {
    const api = { ...RETRY, reason: `media_http_${status}` };
    return [
      String(status),
      status,
      {},
      { announce: api, confirm: api, put: { ...RETRY, reason: `media_upload_http_${status}` } },
    ];
  }),
  ...[401, 403, 404, 405, 302].map((status): (typeof HTTP)[number] => {
    const api = { ...RETRY, reason: `media_http_${status}`, configuration: true };
    return [
      String(status),
      status,
      {},
      { announce: api, confirm: api, put: { ...api, reason: `media_upload_http_${status}` } },
    ];
  }),
  ...[413, 415].map((status): (typeof HTTP)[number] => {
    const refused = { kind: 'refused', status };
    const isConfiguration = status === 415 ? { configuration: true } : {};
    const confirm = { ...RETRY, reason: `media_http_${status}`, ...isConfiguration };
    return [String(status), status, {}, { announce: refused, put: refused, confirm }];
  }),
  ...[400, 422].map((status): (typeof HTTP)[number] => {
    const put = { ...RETRY, reason: `media_upload_http_${status}` };
    return [
      String(status),
      status,
      {},
      { announce: { kind: 'refused', status }, put, confirm: { ...RETRY, reason: `media_http_${status}` } },
    ];
  }),
  [
    '429 with Retry-After',
    429,
    { 'Retry-After': '7' },
    {
      announce: { ...RETRY, reason: 'media_http_429', afterMs: 7_000 },
      put: { ...RETRY, reason: 'media_upload_http_429', afterMs: 7_000 },
      confirm: { ...RETRY, reason: 'media_http_429', afterMs: 7_000 },
    },
  ],
];

test.each(HTTP)('%s', async (_, status, headers, expected) => {
  const baseUrl = await serve((request, response) => {
    request.resume().on('end', () => response.writeHead(status, headers).end('{"message":"no"}'));
  });
  const client = clientOf({ baseUrl });
  expect({
    announce: await client.announce(MEDIUM),
    put: await client.put(`${baseUrl}/store/key`, MEDIUM),
    confirm: await client.confirm('id', { status: 200, tookMs: 1 }),
  }).toEqual(expected);
});

test.each([
  ['too large for S3', '<Error><Code>EntityTooLarge</Code></Error>', { kind: 'refused', status: 400 }],
  ['cut on its way', '<Error><Code>IncompleteBody</Code></Error>', { ...RETRY, reason: 'media_upload_http_400' }],
])('400 of a store may mean many things: %s', async (_, body, expected) => {
  const baseUrl = await serve((request, response) => {
    request.resume().on('end', () => response.writeHead(400).end(body));
  });
  expect(await clientOf({ baseUrl }).put(`${baseUrl}/store/key`, MEDIUM)).toEqual(expected);
});

test.each([
  ['<html>'],
  ['null'],
  ['{}'],
  ['{"mediaId":7}'],
  ['{"mediaId":""}'],
  ['{"mediaId":"a|source=b@@@"}'],
  ['{"mediaId":"a","uploadUrl":"file:///etc/passwd"}'],
  ['{"mediaId":"a","uploadUrl":{}}'],
])('an answer that is none of Langfuse’s: %s', async (body) => {
  const baseUrl = await serve((_request, response) => response.end(body));
  const strange = { kind: 'retry', reason: 'media_answer', configuration: true, media: true };
  expect(await clientOf({ baseUrl }).announce(MEDIUM)).toEqual(strange);
});

test('nobody listens, and a URL that is none', async () => {
  const { baseUrl, close } = await startFake();
  await close();
  const client = clientOf({ baseUrl });
  expect(await client.announce(MEDIUM)).toEqual({ ...RETRY, reason: 'media_refused' });
  expect(await client.put(`${baseUrl}/store/key`, MEDIUM)).toEqual({ ...RETRY, reason: 'media_upload_refused' });
  expect(await client.put('http://', MEDIUM)).toEqual({ ...RETRY, reason: 'media_upload_network' });
});

test.each([
  ['takes nothing', { silenceMs: 300 }],
  ['does not answer in time', { putMs: 300, putBytesPerSecond: 1e9 }],
])('a store that %s is given up', async (_, limits) => {
  const baseUrl = await serve((request) => request.pause());
  const client = clientOf({ baseUrl }, { limits: { ...MEDIA_TIMEOUTS, ...limits } });
  const large = mediumOf(Buffer.alloc(30_000_000));
  expect(await client.put(`${baseUrl}/store/key`, large)).toEqual({ ...RETRY, reason: 'media_upload_timeout' });
});

test('a Langfuse that does not answer in time is given up', async () => {
  const baseUrl = await serve(() => {});
  const client = clientOf({ baseUrl }, { limits: { ...MEDIA_TIMEOUTS, apiMs: 200 } });
  expect(await client.announce(MEDIUM)).toEqual({ ...RETRY, reason: 'media_timeout' });
  expect(await client.confirm('id', { status: 200, tookMs: 1 })).toEqual({ ...RETRY, reason: 'media_timeout' });
});

test('closing breaks off what is under way', async () => {
  const fake = await startFake({ respond: () => ({ delayMs: 60_000 }) });
  const client = clientOf(fake);
  const underWay = client.announce(MEDIUM);
  while (fake.media.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await client.close();
  expect(await underWay).toMatchObject(RETRY);
  expect(await client.announce(MEDIUM)).toMatchObject(RETRY);
});
