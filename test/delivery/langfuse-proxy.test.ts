import {
  createLangfuseClient,
  type LangfuseClient,
  type LangfuseClientOptions,
} from '../../src/delivery/langfuse-client';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type ForwardProxy, type ForwardProxyOptions, startForwardProxy } from '../support/forward-proxy';
import { encodeSpans, numberedSpans } from '../support/trace-request';

const BODY = encodeSpans(numberedSpans(1));
const ACCEPTED = { kind: 'accepted', rejected: 0 };
const PATH = '/api/public/otel/v1/traces';

let fake: FakeLangfuse;
let proxy: ForwardProxy;
let client: LangfuseClient;
beforeEach(async () => {
  fake = await startFakeLangfuse();
});
afterEach(async () => {
  await client.close();
  await proxy.close();
  await fake.close();
});

/** Posts to `baseUrl` through a proxy that brings everything to the fake. */
async function post(
  baseUrl: string,
  settings: (proxyUrl: string) => LangfuseClientOptions['proxy'],
  options: Partial<ForwardProxyOptions> = {},
) {
  proxy = await startForwardProxy({ target: fake.baseUrl, ...options });
  const { publicKey, secretKey } = fake;
  client = createLangfuseClient({
    destination: { name: 'main', baseUrl, publicKey, secretKey, compression: 'none' },
    proxy: settings(proxy.url),
    userAgent: 'test/1',
    gzip: false,
    now: Date.now,
  });
  return client.post([BODY]);
}
const lines = () => proxy.asked.map(({ line }) => line);

test('HTTP_PROXY brings spans to a Langfuse that only the proxy reaches', async () => {
  expect(await post('http://langfuse.example:3000', (httpProxy) => ({ httpProxy }))).toEqual(ACCEPTED);
  expect(lines()).toHaveLength(1);
  expect(lines()[0]).toContain('langfuse.example:3000');
  expect(fake.requests[0]?.headers.host).toBe('langfuse.example:3000');
});

test('without TLS the proxy is asked to forward, as curl does: many tunnel to port 443 only', async () => {
  const verdict = await post('http://langfuse.example', (httpProxy) => ({ httpProxy }), { tunnels: '443 only' });
  expect([verdict, lines()]).toEqual([ACCEPTED, [`POST http://langfuse.example${PATH}`]]);
});

test('with TLS the proxy is asked for a tunnel, and sees neither keys nor spans', async () => {
  const settings = (httpsProxy: string) => ({ httpsProxy });
  const verdict = await post('https://langfuse.example', settings, { tunnels: 'none' });
  expect(verdict).toEqual({ kind: 'retry', reason: 'network' });
  expect(lines()).toEqual(['CONNECT langfuse.example:443']);
  expect(proxy.asked[0]?.headers.authorization).toBeUndefined();
});

test('credentials of the proxy go to the proxy, and to it alone', async () => {
  const settings = (url: string) => ({ httpProxy: url.replace('//', '//user:p%40ss@') });
  expect(await post('http://langfuse.example', settings)).toEqual(ACCEPTED);
  expect(proxy.asked[0]?.headers['proxy-authorization']).toBe(`Basic ${btoa('user:p@ss')}`);
  expect(fake.requests[0]?.headers['proxy-authorization']).toBeUndefined();
});

test('a proxy that refuses is trouble of the way, never of the spans', async () => {
  const verdict = await post('http://langfuse.example', (httpProxy) => ({ httpProxy }), { status: 407 });
  expect(verdict).toMatchObject({ kind: 'retry' });
  expect(fake.requests).toEqual([]);
});

test.each<[string, (url: string, host: string) => LangfuseClientOptions['proxy']]>([
  ['no proxy', () => ({})],
  ['a proxy for TLS alone', (httpsProxy) => ({ httpsProxy })],
  ['the host in NO_PROXY', (httpProxy, host) => ({ httpProxy, noProxy: `localhost,${host}` })],
  ['everything in NO_PROXY', (httpProxy) => ({ httpProxy, noProxy: '*' })],
])('%s: straight to Langfuse', async (_, settings) => {
  expect(await post(fake.baseUrl, (url) => settings(url, new URL(fake.baseUrl).hostname))).toEqual(ACCEPTED);
  expect(lines()).toEqual([]);
});

test('HTTP_PROXY alone is not for https', async () => {
  expect(await post('https://127.0.0.1:1', (httpProxy) => ({ httpProxy }))).toMatchObject({ kind: 'retry' });
  expect(lines()).toEqual([]);
});

test('a host that only ends like one in NO_PROXY goes through the proxy, a host below it does not', async () => {
  const settings = (httpProxy: string) => ({ httpProxy, noProxy: 'example' });
  expect(await post('http://notexample', settings)).toEqual(ACCEPTED);
  expect(lines()).toHaveLength(1);
  await client.close();
  await proxy.close();
  expect(await post('http://langfuse.example', settings)).toMatchObject({ kind: 'retry' });
  expect(lines()).toEqual([]);
});
