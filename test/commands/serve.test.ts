import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { endAllBuilt, runBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type FakeLangfuseOptions, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
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

test.each([
  ['memory', [expect.stringContaining('200 means received')]],
  ['disk', []],
])('a queue in %s: what 200 means is said where it means less', async (kind, expected) => {
  const gateway = await startBuilt({ GATEWAY_QUEUE: kind });
  await eventually(async () => expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200));
  gateway.kill('SIGTERM');
  await gateway.ended;
  const said = gateway.logs().map(({ msg }) => String(msg));
  expect(said.filter((msg) => msg.startsWith('the queue is in memory'))).toEqual(expected);
});

test.each([
  ['is a file', 'package.json'],
  ['is below a file', 'package.json/data'],
])('a data directory that %s: nothing is started, and the path is said', async (_, path) => {
  const ended = await runBuilt([], { PORT: '0', GATEWAY_ADMIN_PORT: '0', GATEWAY_DATA_DIR: path });
  expect(ended).toMatchObject({ code: 1, stderr: '' });
  const line = JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(line).toMatchObject({ level: 60, msg: expect.stringMatching(/^could not start: .*package\.json/) });
  expect(ended.stdout).not.toContain('receiving OTLP');
});

describe('what it prints', () => {
  test('stdout is JSON lines with a readable msg, stderr stays empty, whatever happens', async () => {
    const fake = await startFake({
      refuseSpan: ({ name }) => name === 's2',
      respond: () => (fake.requests.length === 1 ? { status: 500 } : undefined),
    });
    const gateway = await startBuilt({ ...langfuseVariables(fake), LOG_LEVEL: 'trace', GATEWAY_UNKNOWN: 'x' });
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
    const gateway = await startBuilt(langfuseVariables(fake));
    const line = gateway.logs().find(({ receiverUrl }) => receiverUrl !== undefined);
    expect(line?.msg).toBe(
      `receiving OTLP at ${gateway.url}/v1/traces (to ${fake.baseUrl}); admin at ${gateway.adminUrl}`,
    );
    expect(line?.destinations).toEqual(['main']);
  });

  test('how many destinations and keys there are, and their names', async () => {
    const fake = await startFake();
    const folder = makeTemporary();
    closing.push(async () => removeTemporary(folder));
    const config = join(folder, 'gateway.yaml');
    const further = (name: string) => `{ name: ${name}, baseUrl: "http://127.0.0.1:9", publicKey: p, secretKey: s }`;
    writeFileSync(
      config,
      `
destinations: [{ name: first }, ${further('second')}, ${further('third')}]
keys: [{ name: a, key: gw-start-1, destination: second }, { name: b, key: gw-start-2, destination: third }]
`,
    );
    const gateway = await startBuilt({ ...langfuseVariables(fake), GATEWAY_CONFIG: config });
    const line = gateway.logs().find(({ receiverUrl }) => receiverUrl !== undefined);
    expect(line?.msg).toContain(`(to ${fake.baseUrl} and 2 more, 2 key(s)); admin at`);
    expect(line?.destinations).toEqual(['first', 'second', 'third']);
  });

  test.each([
    ['LANGFUSE_DEBUG', 'true'],
    ['LANGFUSE_LOG_LEVEL', 'DEBUG'],
  ])("%s=%s of Langfuse's own library prints no words and no secret", async (name, value) => {
    const fake = await startFake();
    const gateway = await startBuilt({ ...langfuseVariables(fake), LOG_LEVEL: 'trace', [name]: value });
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
    ...langfuseVariables(fake),
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
