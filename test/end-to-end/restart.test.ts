import { setTimeout as sleep } from 'node:timers/promises';
import { type BuiltGateway, endAllBuilt, runBuilt, startBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf } from '../support/trace-request';

let fake: FakeLangfuse;
let isDown: boolean;
let env: Record<string, string>;
beforeEach(async () => {
  isDown = true;
  fake = await startFakeLangfuse({ respond: () => (isDown ? { status: 503 } : undefined) });
  env = { ...langfuseVariables(fake), GATEWAY_DATA_DIR: makeTemporary() };
});
afterEach(async () => {
  await endAllBuilt();
  await fake.close();
  removeTemporary(env.GATEWAY_DATA_DIR ?? '');
});

async function send({ url }: BuiltGateway, spans = numberedSpans(3)): Promise<void> {
  expect((await post(`${url}/v1/traces`, postOf(spans))).status).toBe(200);
}

const namesArrived = () => [...new Set(fake.spans.map(({ name }) => name))].sort();
const textOf = (lines: readonly Record<string, unknown>[]) => lines.map(({ msg }) => String(msg)).join('\n');

test('SIGTERM while Langfuse is down: exit code 0, all stays on disk; the next start says how much, and delivers it', async () => {
  const first = await startBuilt({ ...env, GATEWAY_SHUTDOWN_TIMEOUT_S: '1' });
  await send(first);
  await send(first, numberedSpans(4, { from: 11 }));
  await eventually(() => expect(fake.requests.length).toBeGreaterThan(0));
  first.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(textOf(first.logs().slice(-1))).toMatch(/\b7\b.*\b(?:kept|disk|next start)\b/);
  expect(fake.spans).toEqual([]);

  isDown = false;
  const second = await startBuilt(env);
  await fake.waitForSpans(7);
  expect(namesArrived()).toEqual(['s1', 's11', 's12', 's13', 's14', 's2', 's3']);
  expect(textOf(second.logs())).toMatch(/\b7\b.*\b(?:found|recovered)\b|\b(?:found|recovered)\b.*\b7\b/);
  expect(await second.metrics()).toMatchObject({ gateway_queue_recovered_spans_total: 7 });
  await eventually(async () => expect((await second.metrics()).gateway_queue_spans).toBe(0));
  second.kill('SIGTERM');
  expect(await second.ended).toMatchObject({ code: 0, stderr: '' });

  const third = await startBuilt(env);
  expect(await third.metrics()).toMatchObject({ gateway_queue_recovered_spans_total: 0, gateway_queue_spans: 0 });
});

test('a second signal, later than the first: it ends at once, and loses nothing', async () => {
  const first = await startBuilt({ ...env, GATEWAY_SHUTDOWN_TIMEOUT_S: '3600' });
  await send(first);
  first.kill('SIGTERM');
  await eventually(() => expect(first.stdout()).toContain('stopping'));
  await sleep(600);
  first.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ signal: null, stderr: '' });

  isDown = false;
  await startBuilt(env);
  await fake.waitForSpans(3);
  expect(namesArrived()).toEqual(['s1', 's2', 's3']);
});

test('a second gateway on the same data directory does not start and names the first, which goes on', async () => {
  const first = await startBuilt(env);
  await send(first);
  const second = await runBuilt(['serve'], { ...env, PORT: '0', GATEWAY_ADMIN_PORT: '0' });
  expect(second).toMatchObject({ code: 1, stderr: '' });
  const line = JSON.parse(second.stdout.trimEnd().split('\n').at(-1) ?? '') as { level: number; msg: string };
  expect(line).toMatchObject({ level: 60, msg: expect.stringMatching(new RegExp(`\\b${first.pid}\\b`)) });

  isDown = false;
  await send(first, numberedSpans(1, { from: 50 }));
  await fake.waitForSpans(4);
  expect(namesArrived()).toEqual(['s1', 's2', 's3', 's50']);
  expect(first.stderr()).toBe('');
});

test('a gateway that was killed leaves the data directory to the next', async () => {
  for (let life = 0; life < 3; life++) {
    const gateway = await startBuilt(env);
    await send(gateway, numberedSpans(1, { from: life }));
    gateway.kill('SIGKILL');
    await gateway.ended;
  }
  isDown = false;
  await startBuilt(env);
  await fake.waitForSpans(3);
  expect(namesArrived()).toEqual(['s0', 's1', 's2']);
});
