import pino from 'pino';
import type { Destination } from '../../src/config';
import { createLangfuseRoute, type RouteOptions } from '../../src/delivery/route';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import { type FakeLangfuse, type ReceivedPost, startFakeLangfuse } from '../support/fake-langfuse';
import { encodeSpans, numberedSpans } from '../support/trace-request';

let fake: FakeLangfuse;
/** Where a library that reads the environment would send. */
let elsewhere: FakeLangfuse;
const kept = { ...process.env };
beforeEach(async () => {
  fake = await startFakeLangfuse();
  elsewhere = await startFakeLangfuse();
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
  await fake.close();
  await elsewhere.close();
});

const SPANS = numberedSpans(40, {
  attributes: {
    'langfuse.observation.input': '[{"image":"data:image/png;base64,iVBORw0KGgo="}]',
    'langfuse.trace.metadata': 'text',
    'http.route': '/no/llm/at/all',
  },
});

/** Sends the spans through a route and answers what the fake got. */
async function deliver({
  destination = {},
  isLoopback = true,
}: {
  destination?: Partial<Destination>;
  isLoopback?: boolean;
} = {}): Promise<ReceivedPost> {
  fake.spans.length = 0;
  const { baseUrl, publicKey, secretKey } = fake;
  const queue = createMemoryQueue({ bytesMax: 1e6, now: Date.now });
  const options: RouteOptions = {
    queue,
    onDelivered: () => {},
    writeDeadLetter: undefined,
    onDeadLettered: () => {},
    onAttempt: () => {},
    media: 'inline',
    onMedia: () => {},
    retryMaxAgeMs: 60_000,
    proxy: {},
    userAgent: 'test/1',
    log: pino({ level: 'silent' }),
    now: Date.now,
    random: Math.random,
  };
  const named: Destination = { name: 'main', baseUrl, publicKey, secretKey, compression: 'auto', ...destination };
  const route = createLangfuseRoute(named, { ...options, isLoopback });
  queue.onAvailable(() => route.dispatcher.wake());
  route.dispatcher.start();
  await queue.offer(encodeSpans(SPANS), { destination: 'main', items: SPANS.length });
  await fake.waitForSpans(SPANS.length);
  await route.dispatcher.idle();
  route.dispatcher.stop();
  await route.close();
  expect(fake.requests).toHaveLength(1);
  return fake.requests.splice(0)[0]!;
}

const LEAKS: Record<string, string> = {
  LANGFUSE_PUBLIC_KEY: 'pk-lf-environment',
  LANGFUSE_SECRET_KEY: 'sk-lf-environment',
  LANGFUSE_TRACING_ENVIRONMENT: 'environment',
  LANGFUSE_RELEASE: 'release',
  LANGFUSE_FLUSH_AT: '-5',
  LANGFUSE_FLUSH_INTERVAL: '3600',
  LANGFUSE_TIMEOUT: '0',
  LANGFUSE_MEDIA_UPLOAD_ENABLED: 'true',
  OTEL_BSP_MAX_QUEUE_SIZE: '1',
  OTEL_BSP_SCHEDULE_DELAY: '3600000',
  OTEL_EXPORTER_OTLP_HEADERS: 'x-leak=1,authorization=leak',
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-leak=2',
  OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  OTEL_RESOURCE_ATTRIBUTES: 'service.name=leak',
  OTEL_SERVICE_NAME: 'leak',
  OTEL_SDK_DISABLED: 'true',
};

test.each([...Object.entries(LEAKS), ['LANGFUSE_BASE_URL', ''], ['HTTP_PROXY', ''], ['http_proxy', '']])(
  '%s=%s in the environment changes nothing that is sent',
  async (name, value) => {
    const before = await deliver();
    // Addresses are known only now.
    process.env[name] = value === '' ? elsewhere.baseUrl : value;
    expect(await deliver()).toEqual(before);
    expect(elsewhere.requests).toEqual([]);
  },
);

test('all of them together neither', async () => {
  const before = await deliver();
  Object.assign(process.env, LEAKS, { LANGFUSE_BASE_URL: elsewhere.baseUrl, HTTP_PROXY: elsewhere.baseUrl });
  expect(await deliver()).toEqual(before);
  expect(elsewhere.requests).toEqual([]);
});

test.each([
  ['auto', true, ''],
  ['auto', false, 'gzip'],
  ['gzip', true, 'gzip'],
  ['none', false, ''],
] as const)('compression %s, loopback %s: content-encoding %p', async (compression, isLoopback, expected) => {
  const post = await deliver({ destination: { compression }, isLoopback });
  expect(post.contentEncoding).toBe(expected);
  expect(post.status).toBe(200);
});

test('environment and release of the destination are put on spans without', async () => {
  const { spans } = await deliver({ destination: { environment: 'staging', release: 'r1' } });
  const keys = spans.map(({ attributes }) => attributes.slice(-2));
  expect(keys).toEqual(
    SPANS.map(() => [
      { key: 'langfuse.environment', value: { string: 'staging' } },
      { key: 'langfuse.release', value: { string: 'r1' } },
    ]),
  );
});
