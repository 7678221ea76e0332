import type { Overview } from '../src/inspector/api';
import { eventually } from './support/eventually';
import { exchange } from './support/exchange';
import { type FakeLangfuseOptions, startFakeLangfuse } from './support/fake-langfuse';
import { type RunningGateway, startGateway } from './support/gateway';
import { asJson, requestOf, spanOf } from './support/otlp-twins';
import { post } from './support/post';
import { openConnection, rawPost } from './support/raw-connection';
import { encodeSpans, numberedSpans, postOf } from './support/trace-request';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A gateway in front of a fake; stopped by the test itself, or else after it. */
async function start(env: Record<string, string> = {}, options: FakeLangfuseOptions = {}) {
  const fake = await startFakeLangfuse(options);
  const gateway = await startGateway({ fake, env });
  let stopped: Promise<number> | undefined;
  const stop = () => {
    stopped ??= gateway.stop();
    return stopped;
  };
  closing.push(fake.close, stop);
  return { fake, gateway, stop };
}

const send = ({ url }: RunningGateway, spans = numberedSpans(1)) => post(`${url}/v1/traces`, postOf(spans));
const metricsOf = ({ metrics }: RunningGateway) => metrics();

/** What is on disk waits for no Langfuse that is in trouble. */
const DOWN_IN_MEMORY = { GATEWAY_QUEUE: 'memory', GATEWAY_SHUTDOWN_TIMEOUT_S: '1' };

describe('stopping', () => {
  test('delivers what is queued first, and says that nothing is left', async () => {
    const { fake, gateway, stop } = await start({}, { respond: () => ({ delayMs: 100 }) });
    await send(gateway, numberedSpans(700));
    expect(await stop()).toBe(0);
    expect(fake.spans).toHaveLength(700);
  });

  test('waits no longer than it may, and says how many spans are left', async () => {
    const { gateway, stop } = await start(DOWN_IN_MEMORY, { respond: () => ({ status: 503 }) });
    await send(gateway, numberedSpans(3));
    const began = performance.now();
    expect(await stop()).toBe(3);
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  test('an answer that does not come holds it no longer', async () => {
    const { gateway, stop } = await start(
      { GATEWAY_SHUTDOWN_TIMEOUT_S: '0' },
      { respond: () => ({ delayMs: 60_000 }) },
    );
    await send(gateway);
    await eventually(async () => expect((await metricsOf(gateway)).gateway_queue_spans).toBe(1));
    expect(await stop()).toBe(1);
  });

  test('new requests are told to come back, on connections that are open already', async () => {
    const { gateway, stop } = await start(DOWN_IN_MEMORY, { respond: () => ({ status: 503 }) });
    const connection = await openConnection(gateway.url);
    await connection.write(rawPost({ ...postOf(numberedSpans(1)) }));
    expect((await connection.answer()).status).toBe(200);
    const stopped = stop();
    await connection.write(rawPost({ ...postOf(numberedSpans(1, { from: 2 })) }));
    const answer = await connection.answer();
    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.stringMatching(/^[1-5]$/), connection: 'close' },
    });
    const readyz = await fetch(`${gateway.adminUrl}/readyz`);
    expect([readyz.status, await readyz.json()]).toMatchObject([503, { status: 'draining' }]);
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
    await stopped;
  });

  test('a request whose body is on its way is answered, not cut off', async () => {
    const { gateway, fake, stop } = await start({ GATEWAY_SHUTDOWN_TIMEOUT_S: '5' });
    const request = rawPost({ ...postOf(numberedSpans(1)) });
    const connection = await openConnection(gateway.url);
    await connection.write(request.subarray(0, request.length - 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const stopped = stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await connection.write(request.subarray(request.length - 5));
    const { status } = await connection.answer();
    // Taken and delivered, or told to come back: never silence.
    expect([200, 503]).toContain(status);
    expect(await stopped).toBe(0);
    expect(fake.spans).toHaveLength(status === 200 ? 1 : 0);
  });

  test('afterwards nobody listens', async () => {
    const { gateway, stop } = await start();
    await stop();
    await expect(fetch(`${gateway.url}/healthz`)).rejects.toThrow();
    await expect(fetch(`${gateway.adminUrl}/healthz`)).rejects.toThrow();
  });
});

describe('two listeners', () => {
  test.each([
    ...[
      '/',
      '/index.html',
      '/favicon.svg',
      '/metrics',
      '/readyz',
      '/api',
      '/api/overview',
      '/api/trouble',
      '/api/events',
    ],
    ...['/api/traces', '/api/traces/aa', '/api/traces/aa/tree', '/api/traces/aa/spans/bb', '/api/dead-letters'],
    ...['/api/dead-letters/x', '/api/dead-letters/x/replay'],
  ])('the receiver does not serve %s', async (path) => {
    const { gateway } = await start();
    await send(gateway);
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
      const headers = { 'content-type': 'application/json' };
      const { status, headers: answered, body } = await exchange(gateway.url, { method, path, headers });
      expect([method, status]).toEqual([method, 404]);
      expect(answered['content-type']).not.toMatch(/html|event-stream/);
      expect(body.toString()).not.toMatch(/gateway_queue_spans|"traces"|"observations"/);
    }
  });

  test('the admin listener takes no spans', async () => {
    const { gateway } = await start();
    // In protobuf it has not even the type of a change.
    expect((await post(`${gateway.adminUrl}/v1/traces`, postOf(numberedSpans(1)))).status).toBe(415);
    expect((await post(`${gateway.adminUrl}/v1/traces`, asJson(requestOf(spanOf())))).status).toBe(404);
  });
});

describe('preview mode', () => {
  test('spans take the same way and end where they can be looked at', async () => {
    const gateway = await startGateway();
    closing.push(gateway.stop);
    const traceId = 'aa'.repeat(16);
    const spans = [...numberedSpans(3, { traceId, attributes: { 'session.id': 'session' } })];
    await send(gateway, spans);
    await eventually(async () => {
      const list = await (await fetch(`${gateway.adminUrl}/api/traces`)).json();
      expect(list).toMatchObject({ traces: [{ traceId, observations: 3, sessionId: 'session' }] });
    });
    const trace = await (await fetch(`${gateway.adminUrl}/api/traces/${traceId}`)).json();
    expect(trace).toMatchObject({ traceId, observations: [{ name: 's1' }, { name: 's2' }, { name: 's3' }] });
    expect(await gateway.metrics()).toMatchObject({ 'gateway_delivered_spans_total{destination="preview"}': 3 });
    await eventually(() => expect(gateway.logs.join('')).toContain(`trace ${traceId}: 3 span`), 2_000);
  });

  test('64 MiB are kept, of the last requests', async () => {
    const gateway = await startGateway();
    closing.push(gateway.stop);
    const [first, last] = ['aa'.repeat(16), 'bb'.repeat(16)];
    const input = 'x'.repeat(12 * 1024 * 1024);
    await send(gateway, numberedSpans(1, { traceId: first }));
    for (let request = 0; request < 6; request++) {
      await send(gateway, numberedSpans(1, { from: request, traceId: last, attributes: { input } }));
    }
    const { kept } = (await (await fetch(`${gateway.adminUrl}/api/overview`)).json()) as Overview;
    expect(kept).toEqual({ traces: 1, spans: 5, bytes: expect.any(Number), bytesMax: 64 * 1024 * 1024 });
    expect(kept.bytes).toBeLessThanOrEqual(kept.bytesMax);
    const list = await (await fetch(`${gateway.adminUrl}/api/traces`)).json();
    expect(list).toMatchObject({ traces: [{ traceId: last, observations: 5 }] });
    expect(await (await fetch(`${gateway.adminUrl}/api/traces/${first}`)).json()).toMatchObject({ observations: [] });
  });

  test('a span without times, as people write them by hand, is listed', async () => {
    const gateway = await startGateway();
    closing.push(gateway.stop);
    const span = { traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8), name: 'by hand' };
    const body = Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    await post(`${gateway.url}/v1/traces`, { headers: { 'content-type': 'application/json' }, body });
    await eventually(async () => {
      const answer = await fetch(`${gateway.adminUrl}/api/traces`);
      expect([answer.status, await answer.json()]).toMatchObject([200, { traces: [{ name: 'by hand' }] }]);
    });
  });
});

test('paths are counted by name, those that do not exist together', async () => {
  const { gateway } = await start();
  await send(gateway);
  for (const path of ['/a', '/b', '/v1/logs']) await exchange(gateway.url, { method: 'POST', path });
  await exchange(gateway.url, { method: 'GET', path: '/healthz' });
  await post(`${gateway.url}/v1/traces/`, postOf(numberedSpans(1, { from: 7 })));
  const body = encodeSpans([{ name: 'bad', spanId: '0'.repeat(16) }, ...numberedSpans(1)]);
  await post(`${gateway.url}/api/public/otel/v1/traces`, {
    headers: { 'content-type': 'application/x-protobuf' },
    body,
  });
  await eventually(async () =>
    expect(await metricsOf(gateway)).toMatchObject({
      'gateway_receiver_requests_total{path="/v1/traces",code="200"}': 2,
      'gateway_receiver_requests_total{path="/api/public/otel/v1/traces",code="200"}': 1,
      'gateway_receiver_requests_total{path="/healthz",code="200"}': 1,
      'gateway_receiver_requests_total{path="/v1/logs",code="404"}': 1,
      'gateway_receiver_requests_total{path="other",code="404"}': 2,
      gateway_receiver_request_duration_seconds_count: 7,
      'gateway_receiver_rejected_spans_total{reason="invalid_span_id"}': 1,
      gateway_receiver_accepted_spans_total: 3,
    }),
  );
});
