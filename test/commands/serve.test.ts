import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { endAllBuilt, runBuilt, runScript, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { post } from '../support/post';
import { numberedSpans, postOf } from '../support/trace-request';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await endAllBuilt();
  for (const close of closing.splice(0)) await close();
});

async function startFake(options: FakeLangfuseOptions = {}): Promise<FakeLangfuse> {
  const fake = await startFakeLangfuse(options);
  closing.push(fake.close);
  return fake;
}

const keysOf = ({ baseUrl, publicKey, secretKey }: FakeLangfuse) => ({
  LANGFUSE_BASE_URL: baseUrl,
  LANGFUSE_PUBLIC_KEY: publicKey,
  LANGFUSE_SECRET_KEY: secretKey,
});

const send = (url: string, spans = numberedSpans(3)) => post(`${url}/v1/traces`, postOf(spans));

test.each([
  ['PORT', 'PORT (receiver)'],
  ['GATEWAY_ADMIN_PORT', 'GATEWAY_ADMIN_PORT (admin)'],
])('%s is taken: it says so and ends with 1', async (name, setting) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  closing.push(async () => taken.close());
  const port = String((taken.address() as AddressInfo).port);
  const { code, stdout, stderr } = await runBuilt([], { PORT: '0', GATEWAY_ADMIN_PORT: '0', [name]: port });
  expect([code, stderr]).toEqual([1, '']);
  const line = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(line).toMatchObject({
    level: 60,
    code: 'EADDRINUSE',
    msg: expect.stringContaining(`port ${port} is taken: set ${setting}`),
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: waits for Langfuse, delivers what is left, ends with 0',
  async (signal) => {
    let down = true;
    const fake = await startFake({ respond: () => (down ? { status: 503 } : undefined) });
    const gateway = await startBuilt(keysOf(fake));
    expect((await send(gateway.url)).status).toBe(200);
    await eventually(() => expect(fake.requests.length).toBeGreaterThan(0));
    gateway.kill(signal);
    await eventually(async () => expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503));
    expect((await send(gateway.url)).status).toBe(503);
    down = false;
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(fake.spans.map(({ name }) => name)).toEqual(['s1', 's2', 's3']);
    expect(gateway.logs().at(-1)).toMatchObject({ msg: expect.stringContaining('nothing was left') });
  },
);

test('SIGTERM while Langfuse stays down: ends with 1 when its time is up, and says what is lost', async () => {
  const fake = await startFake({ respond: () => ({ status: 503 }) });
  const gateway = await startBuilt({ ...keysOf(fake), GATEWAY_SHUTDOWN_TIMEOUT_S: '1' });
  await send(gateway.url);
  const began = performance.now();
  gateway.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 1, signal: null, stderr: '' });
  expect(performance.now() - began).toBeGreaterThanOrEqual(900);
  expect(gateway.logs().at(-1)).toMatchObject({ level: 50, spans: 3 });
});

test('a second signal right after the first is the same one: Ctrl-C reaches npm and the gateway both', async () => {
  let down = true;
  const fake = await startFake({ respond: () => (down ? { status: 503 } : undefined) });
  const gateway = await startBuilt(keysOf(fake));
  await send(gateway.url);
  gateway.kill('SIGINT');
  await eventually(() => expect(gateway.stdout()).toContain('stopping'));
  gateway.kill('SIGTERM');
  gateway.kill('SIGINT');
  await setTimeout(100);
  down = false;
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null });
  expect(fake.spans).toHaveLength(3);
});

test('a second signal later: at once', async () => {
  const fake = await startFake({ respond: () => ({ status: 503 }) });
  const gateway = await startBuilt(keysOf(fake));
  await send(gateway.url);
  gateway.kill('SIGTERM');
  await eventually(() => expect(gateway.stdout()).toContain('stopping'));
  await setTimeout(600);
  gateway.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 1, signal: null });
});

test('a gateway that was stopped keeps no process alive', async () => {
  const fake = await startFake();
  const script = `
    const { loadConfig } = require('./dist/config');
    const { createGateway } = require('./dist/gateway');
    const { createLog } = require('./dist/log');
    (async () => {
      const { config } = loadConfig({ env: { ...process.env, PORT: '0', GATEWAY_ADMIN_PORT: '0' } });
      const gateway = await createGateway(config, { log: createLog('silent') });
      const body = Buffer.from(process.env.BODY, 'base64');
      const headers = { 'content-type': 'application/x-protobuf', connection: 'close' };
      const { status } = await fetch(gateway.receiverUrl + '/v1/traces', { method: 'POST', headers, body });
      process.stdout.write(status + ' ' + (await gateway.stop()));
    })();`;
  const body = postOf(numberedSpans(1)).body.toString('base64');
  const ended = await runScript(script, { ...keysOf(fake), GATEWAY_SHUTDOWN_TIMEOUT_S: '0', BODY: body });
  expect(ended).toMatchObject({ code: 0, stdout: '200 1', stderr: '' });
  // A timer of half a minute that was left behind would be longer than this.
}, 20_000);

describe('what it prints', () => {
  test('stdout is JSON lines with a readable msg, stderr stays empty, whatever happens', async () => {
    const fake = await startFake({
      refuseSpan: ({ name }) => name === 's2',
      respond: () => (fake.requests.length === 1 ? { status: 500 } : undefined),
    });
    const gateway = await startBuilt({ ...keysOf(fake), LOG_LEVEL: 'trace', GATEWAY_UNKNOWN: 'x' });
    await send(gateway.url);
    await fake.waitForSpans(2, 10_000);
    for (const body of ['{', '[]', '\u0000']) {
      await post(`${gateway.url}/v1/traces`, {
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(body),
      });
    }
    await post(`${gateway.url}/nothing`, { headers: {}, body: Buffer.alloc(0) });
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
    const lines = gateway.logs();
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      expect(line).toMatchObject({ level: expect.any(Number), time: expect.stringMatching(/^20\d\d-/) });
      expect(line.msg).toMatch(/\w+ \w+/);
    }
    expect(lines.find(({ level, msg }) => level === 40 && String(msg).includes('GATEWAY_UNKNOWN'))).toBeDefined();
  });

  test('where it listens and where spans go', async () => {
    const fake = await startFake();
    const gateway = await startBuilt(keysOf(fake));
    const line = gateway.logs().find(({ receiverUrl }) => receiverUrl !== undefined);
    expect(line?.msg).toBe(
      `receiving OTLP at ${gateway.url}/v1/traces (to ${fake.baseUrl}); admin at ${gateway.adminUrl}`,
    );
  });

  test.each([
    ['LANGFUSE_DEBUG', 'true'],
    ['LANGFUSE_LOG_LEVEL', 'DEBUG'],
  ])("%s=%s of Langfuse's own library prints no words and no secret", async (name, value) => {
    const fake = await startFake();
    const gateway = await startBuilt({ ...keysOf(fake), LOG_LEVEL: 'trace', [name]: value });
    await send(gateway.url, numberedSpans(3, { attributes: { 'gen_ai.prompt': 'dear diary' } }));
    await fake.waitForSpans(3);
    gateway.kill('SIGTERM');
    const { stdout, stderr } = await gateway.ended;
    expect(`${stdout}${stderr}`).not.toContain('dear diary');
    expect(`${stdout}${stderr}`).not.toContain(fake.secretKey);
  });
});

test("variables of Langfuse's and OpenTelemetry's libraries change nothing that is sent", async () => {
  const fake = await startFake();
  const gateway = await startBuilt({
    ...keysOf(fake),
    LANGFUSE_FLUSH_AT: '-5',
    LANGFUSE_FLUSH_INTERVAL: '3600',
    LANGFUSE_MEDIA_UPLOAD_ENABLED: 'true',
    OTEL_BSP_MAX_QUEUE_SIZE: '1',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-leak=1',
    OTEL_SDK_DISABLED: 'true',
  });
  const input = '["data:image/png;base64,iVBORw0KGgo="]';
  await send(gateway.url, numberedSpans(20, { attributes: { 'langfuse.observation.input': input } }));
  const spans = await fake.waitForSpans(20);
  expect(spans.map(({ attributes }) => attributes)).toEqual(
    Array(20).fill([{ key: 'langfuse.observation.input', value: { string: input } }]),
  );
  expect(fake.requests.map(({ status, headers }) => [status, headers['x-leak']])).toEqual([[200, undefined]]);
});

test('preview mode: the example of the README is one line in the log and a tree at the admin listener', async () => {
  const file = join(__dirname, '../../examples/curl/first-trace.json');
  expect(existsSync(file)).toBe(true);
  const body = readFileSync(file);
  const traceId = /"traceId":\s*"([0-9a-f]{32})"/.exec(body.toString())?.[1] ?? '';
  const gateway = await startBuilt();
  const answer = await post(`${gateway.url}/v1/traces`, { headers: { 'content-type': 'application/json' }, body });
  expect([answer.status, answer.body.toString()]).toEqual([200, '{}']);
  const read = async (path: string) => (await fetch(`${gateway.adminUrl}${path}`)).json();
  await eventually(async () => expect(await read('/api/traces')).toMatchObject({ traces: [{ traceId }] }), 1_000);

  const { observations } = (await read(`/api/traces/${traceId}`)) as { observations: Record<string, unknown>[] };
  const spans = [...body.toString().matchAll(/"spanId":/g)].length;
  expect(observations).toHaveLength(spans);
  expect(observations[0]).toMatchObject({ traceId, parentSpanId: null, isRoot: true });
  await eventually(() => {
    const lines = gateway.logs().filter((line) => line.traceId === traceId);
    expect(lines).toMatchObject([{ level: 30, observations: spans, msg: expect.stringContaining(gateway.adminUrl) }]);
  }, 2_000);
  expect(gateway.stderr()).toBe('');
});
