import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { endAllBuilt, runScript, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
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

/** A Langfuse that answers nobody before it may. */
async function startHolding(until: Promise<void>) {
  let posts = 0;
  const server = createServer((request, response) => {
    posts++;
    request.resume();
    void until.then(() => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { LANGFUSE_BASE_URL: baseUrl, LANGFUSE_PUBLIC_KEY: 'pk', LANGFUSE_SECRET_KEY: 'sk' };
  return { keys, posts: () => posts };
}

const send = (url: string, spans = numberedSpans(3)) => post(`${url}/v1/traces`, postOf(spans));

/** What is in memory is lost with the process: only there a Langfuse in trouble is waited for. */
const MEMORY = { GATEWAY_QUEUE: 'memory' };

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s with a queue in memory: waits for Langfuse, delivers what is left, ends with 0',
  async (signal) => {
    let down = true;
    const fake = await startFake({ respond: () => (down ? { status: 503 } : undefined) });
    const gateway = await startBuilt({ ...langfuseVariables(fake), ...MEMORY });
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

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s with a queue on disk: waits for what is under way, ends with 0, and nothing is left',
  async (signal) => {
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const slow = await startHolding(answered);
    const gateway = await startBuilt(slow.keys);
    expect((await send(gateway.url)).status).toBe(200);
    await eventually(() => expect(slow.posts()).toBe(1));
    gateway.kill(signal);
    await eventually(async () => expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503));
    expect((await send(gateway.url)).status).toBe(503);
    answer();
    expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(slow.posts()).toBe(1);
    expect(gateway.logs().at(-1)).toMatchObject({ msg: 'stopped; nothing was left to deliver' });
  },
);

test('SIGTERM while Langfuse is down, with a queue on disk: waits for nobody, ends with 0, and says what stays', async () => {
  const fake = await startFake({ respond: () => ({ status: 503 }) });
  // Longer than Jest's patience: to wait would fail the test.
  const gateway = await startBuilt({ ...langfuseVariables(fake), GATEWAY_SHUTDOWN_TIMEOUT_S: '3600' });
  await send(gateway.url);
  await eventually(() => expect(fake.requests.length).toBeGreaterThan(0));
  gateway.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  const msg = 'stopped; 3 span(s) stay in the queue until the next start';
  expect(gateway.logs().at(-1)).toMatchObject({ level: 30, spans: 3, msg });
});

test('SIGTERM while Langfuse stays down, with a queue in memory: ends with 1 in time, and says what is lost', async () => {
  const fake = await startFake({ respond: () => ({ status: 503 }) });
  const gateway = await startBuilt({ ...langfuseVariables(fake), ...MEMORY, GATEWAY_SHUTDOWN_TIMEOUT_S: '1' });
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
  const gateway = await startBuilt({ ...langfuseVariables(fake), ...MEMORY });
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

test.each(['memory', 'disk'])('a second signal later: at once (%s)', async (kind) => {
  const { keys, posts } = await startHolding(new Promise(() => {}));
  const gateway = await startBuilt({ ...keys, GATEWAY_QUEUE: kind, GATEWAY_SHUTDOWN_TIMEOUT_S: '3600' });
  await send(gateway.url);
  await eventually(() => expect(posts()).toBe(1));
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
  const ended = await runScript(script, { ...langfuseVariables(fake), GATEWAY_SHUTDOWN_TIMEOUT_S: '0', BODY: body });
  expect(ended).toMatchObject({ code: 0, stdout: '200 1', stderr: '' });
  // A timer of half a minute that was left behind would be longer than this.
}, 20_000);
