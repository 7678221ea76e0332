import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../src/config';
import { endAllBuilt, runBuilt, startBuilt } from '../support/built-gateway';
import { type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { startGateway } from '../support/gateway';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asProtobuf, requestOf, spanOf, T1, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { openConnection, type RawConnection, rawPost } from '../support/raw-connection';

/** What a test has started, ended also where it fails. */
const started: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of started.splice(0).reverse()) await end();
  await endAllBuilt();
});

async function start(options: FakeLangfuseOptions = {}) {
  const fake = await startFakeLangfuse(options);
  started.push(() => fake.close());
  const gateway = await startGateway({ fake });
  let stopped: Promise<number> | undefined;
  const stop = () => {
    stopped ??= gateway.stop();
    return stopped;
  };
  started.push(stop);
  const open = async () => {
    const connection = await openConnection(gateway.url);
    started.push(() => connection.socket.destroy());
    return connection;
  };
  return { fake, stop, open };
}

describe.each(twins(requestOf(spanOf())))('%s', (encoding, { headers, body }) => {
  const whole = rawPost({ headers, body });

  /** A gateway that is stopping, with a span that Langfuse takes its time for, and a connection from before. */
  async function draining(): Promise<Awaited<ReturnType<typeof start>> & { connection: RawConnection }> {
    const running = await start({ respond: () => ({ delayMs: 400 }) });
    const connection = await running.open();
    await connection.write(whole);
    expectSuccess(await connection.answer(), encoding);
    void running.stop();
    return { ...running, connection };
  }

  test('L07 a request whose body is under way is answered, and what is answered 200 is delivered', async () => {
    const { fake, stop, open } = await start();
    const connection = await open();
    await connection.write(whole.subarray(0, -5));
    await sleep(50);
    const stopped = stop();
    await sleep(50);
    await connection.write(whole.subarray(-5));
    const answer = await connection.answer();
    expect([200, 503]).toContain(answer.status);
    expect(await stopped).toBe(0);
    expect(fake.spans).toHaveLength(Number(answer.status === 200));
  });

  test('L08 a new request is told to come back elsewhere', async () => {
    const { fake, stop, connection } = await draining();
    await connection.write(whole);
    const answer = await connection.answer();
    expectRefusal(answer, { status: 503, encoding });
    expect(answer.headers).toMatchObject({ 'retry-after': expect.stringMatching(/^[1-5]$/), connection: 'close' });
    await connection.closed;
    expect(await stop()).toBe(0);
    expect(fake.spans).toEqual([T1]);
  });

  test('L08 so is a request on a new connection', async () => {
    const { open } = await draining();
    const connection = await open();
    await connection.write(whole);
    expectRefusal(await connection.answer(), { status: 503, encoding });
    await connection.closed;
  });

  test('L08 before its body is asked for', async () => {
    const { connection } = await draining();
    const expecting = { ...headers, Expect: '100-continue', 'Content-Length': '50' };
    await connection.write(rawPost({ headers: expecting }));
    expectRefusal(await connection.answer(), { status: 503, encoding });
  });
});

test('L07 SIGTERM: what was accepted is delivered, the exit code is 0', async () => {
  const fake = await startFakeLangfuse({ respond: () => ({ delayMs: 300 }) });
  started.push(() => fake.close());
  const { baseUrl, publicKey, secretKey } = fake;
  const keys = { LANGFUSE_PUBLIC_KEY: publicKey, LANGFUSE_SECRET_KEY: secretKey };
  const built = await startBuilt({ LANGFUSE_BASE_URL: baseUrl, ...keys });
  expectSuccess(await post(`${built.url}/v1/traces`, asProtobuf(requestOf(spanOf()))), 'protobuf');
  built.kill('SIGTERM');
  expect(await built.ended).toMatchObject({ code: 0, stderr: '' });
  expect(fake.spans).toEqual([T1]);
});

test('L09 a port that is taken: exit code 1, and the log says so', async () => {
  const first = await startBuilt();
  const port = new URL(first.url).port;
  const second = await runBuilt(['serve'], { PORT: port, GATEWAY_ADMIN_PORT: '0' });
  expect(second).toMatchObject({ code: 1, stderr: '' });
  expect(second.stdout).toContain('EADDRINUSE');
  expect(second.stdout).toContain(port);
});

test('L10 by default it listens on loopback, on the port of OTLP/HTTP', () => {
  expect(loadConfig({ env: {} })).toMatchObject({ config: { receiver: { host: '127.0.0.1', port: 4318 } } });
});

test.each([
  ['0.0.0.0', {}],
  ['::', {}],
  ['192.0.2.1', {}],
  ['0.0.0.0', { GATEWAY_ALLOW_ANONYMOUS: 'false' }],
  ['0.0.0.0', { GATEWAY_INGEST_KEYS: '' }],
])('L10 beyond loopback without keys it does not start: %s %j', async (host, env) => {
  const ended = await runBuilt(['serve'], { HOST: host, PORT: '0', GATEWAY_ADMIN_PORT: '0', ...env });
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('GATEWAY_INGEST_KEYS');
  expect(ended.stderr).toContain('GATEWAY_ALLOW_ANONYMOUS');
});

test.each<Record<string, string>>([{ GATEWAY_INGEST_KEYS: 'gw-1' }, { GATEWAY_ALLOW_ANONYMOUS: 'true' }])(
  'L10 beyond loopback with %j it starts',
  async (env) => {
    const built = await startBuilt({ HOST: '0.0.0.0', ...env });
    expect(new URL(built.url).hostname).toBe('0.0.0.0');
  },
);
