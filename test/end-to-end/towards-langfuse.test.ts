import { write } from '../support/configuration';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type ForwardProxy, startForwardProxy } from '../support/forward-proxy';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { encodeSpans, numberedSpans } from '../support/trace-request';

let fake: FakeLangfuse;
let proxy: ForwardProxy;
let gateway: RunningGateway | undefined;
beforeEach(async () => {
  fake = await startFakeLangfuse();
  proxy = await startForwardProxy({ target: fake.baseUrl });
});
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  await proxy.close();
  await fake.close();
});

/** Sends spans and answers the one post that Langfuse got of them. */
async function deliver({ env = {}, headers = {} }: { env?: Record<string, string>; headers?: Record<string, string> }) {
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '1', ...env } });
  const body = encodeSpans(numberedSpans(50, { attributes: { padding: 'x'.repeat(500) } }));
  const sent = { headers: { 'content-type': 'application/x-protobuf', ...headers }, body };
  expect((await post(`${gateway.url}/v1/traces`, sent)).status).toBe(200);
  expect(await fake.waitForSpans(50)).toHaveLength(50);
  expect(fake.requests).toHaveLength(1);
  return fake.requests[0]!;
}

test("what a sender says about itself stays here: Langfuse gets the gateway's own headers and no others", async () => {
  const { headers } = await deliver({
    env: { GATEWAY_INGEST_KEYS: 'gw-key' },
    headers: {
      authorization: 'Bearer gw-key',
      'x-api-key': 'gw-key',
      cookie: 'session=1',
      origin: 'https://app.example.com',
      referer: 'https://app.example.com/page',
      'user-agent': 'OTel-OTLP-Exporter-JavaScript/0.1',
      traceparent: '00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01',
      baggage: 'user=1',
      'x-forwarded-for': '10.0.0.1',
      'x-langfuse-sdk-name': 'python',
      'x-langfuse-sdk-version': '2.0.0',
      'x-langfuse-public-key': 'pk-lf-sender',
      'x-langfuse-ingestion-version': '9',
    },
  });
  expect(headers).toEqual({
    host: new URL(fake.baseUrl).host,
    connection: 'keep-alive',
    authorization: `Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`,
    'content-type': 'application/x-protobuf',
    'content-length': expect.any(String),
    'user-agent': expect.stringMatching(/^langfuse-otlp-gateway\/\d/),
    'x-langfuse-sdk-name': 'javascript',
    'x-langfuse-sdk-version': expect.stringMatching(/^5\./),
    'x-langfuse-public-key': fake.publicKey,
  });
});

describe('compression', () => {
  const keys = `publicKey: "\${env:LANGFUSE_PUBLIC_KEY}", secretKey: "\${env:LANGFUSE_SECRET_KEY}"`;
  const file = (compression: string) =>
    write(`destinations: [{ name: main, ${keys}, compression: ${compression} }]`, `${compression}.yaml`);
  const far = () => ({ LANGFUSE_BASE_URL: 'http://langfuse.example:3000', HTTP_PROXY: proxy.url });

  test.each([
    ['auto, to this machine', 'auto', false, ''],
    ['auto, to another machine', 'auto', true, 'gzip'],
    ['gzip, to this machine', 'gzip', false, 'gzip'],
    ['none, to another machine', 'none', true, ''],
  ])('%s', async (_, compression, isFar, expected) => {
    const { encoding, contentEncoding, bodyBytes } = await deliver({
      env: { GATEWAY_CONFIG: file(compression), ...(isFar ? far() : {}) },
    });
    expect([encoding, contentEncoding]).toEqual(['protobuf', expected]);
    // 50 spans of 500 equal characters: compressed they take far less.
    expect(bodyBytes < 5_000).toBe(expected === 'gzip');
  });
});

describe('proxy', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('%s is honoured', async (name) => {
    const { headers } = await deliver({
      env: { LANGFUSE_BASE_URL: 'http://langfuse.example:3000', [name]: proxy.url },
    });
    expect(proxy.asked.map(({ line }) => line)).toEqual([expect.stringContaining('langfuse.example:3000')]);
    expect(headers.host).toBe('langfuse.example:3000');
    expect(headers.authorization).toBe(`Basic ${btoa(`${fake.publicKey}:${fake.secretKey}`)}`);
  });

  test.each([
    ['the host', { NO_PROXY: 'localhost,127.0.0.1' }],
    ['everything', { NO_PROXY: '*' }],
    ['in lower case, which wins', { NO_PROXY: 'other.example', no_proxy: '127.0.0.1' }],
  ])('NO_PROXY: %s', async (_, env) => {
    await deliver({ env: { HTTP_PROXY: proxy.url, ...env } });
    expect(proxy.asked).toEqual([]);
  });

  test("the environment of this process is not looked at: the gateway's own is", async () => {
    const kept = process.env.HTTP_PROXY;
    process.env.HTTP_PROXY = proxy.url;
    try {
      await deliver({});
    } finally {
      delete process.env.HTTP_PROXY;
      Object.assign(process.env, kept === undefined ? {} : { HTTP_PROXY: kept });
    }
    expect(proxy.asked).toEqual([]);
  });

  test('a proxy that is down is trouble of the destination: spans are kept until it is back', async () => {
    const { url } = proxy;
    await proxy.close();
    gateway = await startGateway({
      fake,
      env: { LANGFUSE_BASE_URL: 'http://langfuse.example', HTTP_PROXY: url, GATEWAY_SHUTDOWN_TIMEOUT_S: '0' },
    });
    const headers = { 'content-type': 'application/x-protobuf' };
    await post(`${gateway.url}/v1/traces`, { headers, body: encodeSpans(numberedSpans(1)) });
    proxy = await startForwardProxy({ target: fake.baseUrl, port: Number(new URL(url).port) });
    expect(await fake.waitForSpans(1, 10_000)).toHaveLength(1);
  });
});
