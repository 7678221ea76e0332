import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createLangfuseClient,
  type LangfuseClient,
  type LangfuseClientOptions,
} from '../../src/delivery/langfuse-client';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { encodeSpans, numberedSpans } from '../support/trace-request';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startFake(options?: FakeLangfuseOptions): Promise<FakeLangfuse> {
  const fake = await startFakeLangfuse(options);
  closing.push(fake.close);
  return fake;
}

function clientOf(
  target: { baseUrl: string; publicKey?: string; secretKey?: string },
  options: Partial<LangfuseClientOptions> = {},
): LangfuseClient {
  const { baseUrl, publicKey = 'pk', secretKey = 'sk' } = target;
  const client = createLangfuseClient({
    destination: { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' },
    proxy: {},
    userAgent: 'langfuse-otlp-gateway/0.0.0',
    gzip: false,
    now: Date.now,
    ...options,
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

const BODY = encodeSpans(numberedSpans(3));
/** The same in pieces, as it comes from the batch. */
const PIECES = [BODY.subarray(0, 10), BODY.subarray(10, 11), BODY.subarray(11)];
const ACCEPTED = { kind: 'accepted', rejected: 0 };

test('what a post looks like: the headers of the SDK, the protobuf as it is, and nothing else', async () => {
  const fake = await startFake();
  expect(await clientOf(fake).post(PIECES)).toEqual(ACCEPTED);
  expect(fake.requests).toHaveLength(1);
  expect(fake.requests[0]?.headers).toEqual({
    host: fake.baseUrl.slice('http://'.length),
    connection: 'keep-alive',
    authorization: `Basic ${Buffer.from('pk-lf-fake:sk-lf-fake').toString('base64')}`,
    'content-type': 'application/x-protobuf',
    'content-length': String(BODY.length),
    'user-agent': 'langfuse-otlp-gateway/0.0.0',
    'x-langfuse-sdk-name': 'javascript',
    // 5 and later: Langfuse writes the batch directly.
    'x-langfuse-sdk-version': expect.stringMatching(/^5\./),
    'x-langfuse-public-key': 'pk-lf-fake',
  });
  expect(fake.spans.map(({ name }) => name)).toEqual(['s1', 's2', 's3']);
});

test('gzip', async () => {
  const fake = await startFake();
  expect(await clientOf(fake, { gzip: true }).post(PIECES)).toEqual(ACCEPTED);
  const [post] = fake.requests;
  expect(post).toMatchObject({ contentEncoding: 'gzip', encoding: 'protobuf' });
  expect(post?.headers['content-length']).toBe(String(post?.bodyBytes));
  expect(fake.spans).toHaveLength(3);
});

test('a base URL with a path keeps it', async () => {
  const paths: (string | undefined)[] = [];
  const baseUrl = await serve((request, response) => {
    paths.push(request.url);
    response.end();
  });
  await clientOf({ baseUrl: `${baseUrl}/langfuse` }).post([BODY]);
  expect(paths).toEqual(['/langfuse/api/public/otel/v1/traces']);
});

test('connections stay open: two do for posts one after the other, at most eight for many at once', async () => {
  const fake = await startFake({ respond: () => ({ delayMs: 20 }) });
  const client = clientOf(fake);
  for (let posts = 0; posts < 10; posts++) await client.post([BODY]);
  expect(fake.connections().opened).toBeLessThanOrEqual(2);
  await Promise.all(Array.from({ length: 24 }, () => client.post([BODY])));
  expect(fake.connections()).toEqual({ opened: 8, postsInFlightMax: 8 });
});

describe('verdicts', () => {
  test.each<[string, FakeLangfuseOptions, object]>([
    ['500', { respond: () => ({ status: 500 }) }, { kind: 'retry', reason: 'http_500' }],
    [
      '429 with Retry-After',
      { respond: () => ({ status: 429, headers: { 'Retry-After': '3' } }) },
      { kind: 'retry', reason: 'http_429', afterMs: 3_000 },
    ],
    ['401', { secretKey: 'another' }, { kind: 'retry', reason: 'http_401', configuration: true }],
    ['400', { refuseSpan: () => true }, { kind: 'refused', status: 400 }],
    ['413', { bodyBytesMax: 10 }, { kind: 'refused', status: 413 }],
    ['a closed connection', { respond: () => ({ destroy: true }) }, { kind: 'retry', reason: 'reset' }],
    [
      'a partial success',
      { respond: () => ({ status: 200, body: '{"partialSuccess":{"rejectedSpans":"2"}}' }) },
      { kind: 'accepted', rejected: 2 },
    ],
    ['a page as the answer', { respond: () => ({ status: 200, body: '<html>' }) }, ACCEPTED],
    ['an endless answer', { respond: () => ({ status: 200, body: 'x'.repeat(5_000_000) }) }, ACCEPTED],
  ])('%s', async (_, options, verdict) => {
    const { baseUrl, publicKey } = await startFake(options);
    expect(await clientOf({ baseUrl, publicKey, secretKey: 'sk-lf-fake' }).post([BODY])).toEqual(verdict);
  });

  test('nobody listens', async () => {
    const { baseUrl, close } = await startFake();
    await close();
    expect(await clientOf({ baseUrl }).post([BODY])).toEqual({ kind: 'retry', reason: 'refused' });
  });

  test('a name that nobody has', async () => {
    expect(await clientOf({ baseUrl: 'http://langfuse.invalid' }).post([BODY])).toEqual({
      kind: 'retry',
      reason: 'dns',
    });
  });

  test('a redirect is not followed: the keys stay home', async () => {
    const other = await startFake();
    const fake = await startFake({ respond: () => ({ status: 307, headers: { location: other.baseUrl } }) });
    const verdict = { kind: 'retry', reason: 'http_307', configuration: true };
    expect(await clientOf(fake).post([BODY])).toEqual(verdict);
    expect(other.requests).toEqual([]);
  });

  test('an answer whose body breaks off has said all with its status', async () => {
    const baseUrl = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{');
      setTimeout(() => response.destroy(), 10);
    });
    expect(await clientOf({ baseUrl }).post([BODY])).toEqual(ACCEPTED);
  });

  test('what is no HTTP is a failure of the network', async () => {
    const baseUrl = await serve((_request, response) => response.socket?.end('SSH-2.0-OpenSSH\r\n'));
    expect(await clientOf({ baseUrl }).post([BODY])).toEqual({ kind: 'retry', reason: 'network' });
  });

  test('after closing it is a verdict too, and no exception', async () => {
    const fake = await startFake({ respond: () => ({ delayMs: 60_000 }) });
    const client = clientOf(fake);
    const underWay = client.post([BODY]);
    while (fake.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await client.close();
    expect(await underWay).toMatchObject({ kind: 'retry' });
    expect(await client.post([BODY])).toMatchObject({ kind: 'retry' });
  });
});
