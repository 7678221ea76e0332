import { balanceOf } from '../support/balance';
import { type BuiltGateway, endAllBuilt, listening, spawnBuilt } from '../support/built-gateway';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { type Interposer, startInterposer } from '../support/interposer';
import { type Answer, post } from '../support/post';
import { makeSmallDisk, type SmallDisk } from '../support/small-disk';
import { numberedSpans, postOf } from '../support/trace-request';

let fake: FakeLangfuse;
let wire: Interposer;
let isDown = true;
/** Names of spans that were answered 200. */
let kept: string[] = [];
let sent = 0;
beforeEach(async () => {
  [isDown, kept, sent] = [true, [], 0];
  fake = await startFakeLangfuse({ respond: () => (isDown ? { status: 503 } : undefined) });
  wire = await startInterposer(fake.baseUrl);
});
afterEach(async () => {
  await endAllBuilt();
  await wire.close();
  await fake.close();
});

async function send({ url }: BuiltGateway, bytes = 10): Promise<Answer> {
  const spans = numberedSpans(1, { from: sent++, attributes: { padding: 'x'.repeat(bytes) } });
  const answer = await post(`${url}/v1/traces`, postOf(spans));
  const isRefused = answer.status === 503 && /^[1-5]$/.test(answer.headers['retry-after'] ?? '');
  expect(answer.status === 200 || isRefused).toBe(true);
  if (answer.status === 200) kept.push(...spans.map(({ name }) => name));
  return answer;
}

/** Until even the smallest spans are refused, again and again. */
async function fill(gateway: BuiltGateway, disk: SmallDisk): Promise<void> {
  for (let span = 0; span < 20; span++) expect((await send(gateway, 1_000)).status).toBe(200);
  disk.tighten(gateway.pid);
  for (const bytes of [100_000, 10_000, 1_000, 10]) {
    for (let refusals = 0; refusals < 3; ) {
      if ((await send(gateway, bytes)).status === 503) refusals++;
      // For a second after a refusal bodies may be refused unread.
      if (refusals > 0) await new Promise((resolve) => setTimeout(resolve, 400));
    }
  }
}

const readyz = async ({ adminUrl }: BuiltGateway) => {
  const answer = await fetch(`${adminUrl}/readyz`);
  return { code: answer.status, ...((await answer.json()) as { status: string; reasons: string[] }) };
};

async function expectAlive({ url, adminUrl, metrics, stderr }: BuiltGateway): Promise<void> {
  for (const base of [url, adminUrl]) expect((await fetch(`${base}/healthz`)).status).toBe(200);
  const { received, accountedFor } = balanceOf(await metrics());
  expect(received).toBe(accountedFor);
  expect(stderr()).toBe('');
}

async function expectAllDelivered(gateway: BuiltGateway): Promise<void> {
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0), 60_000);
  const arrived = new Set(fake.spans.map(({ name }) => name));
  expect(kept.filter((name) => !arrived.has(name))).toEqual([]);
  expect(fake.violations).toEqual([]);
}

const takesAgain = (gateway: BuiltGateway) =>
  eventually(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await send(gateway)).status).toBe(200);
  }, 30_000);

describe('a disk that is full', () => {
  let disk: SmallDisk;
  beforeEach(async () => {
    disk = await makeSmallDisk();
  });
  afterEach(async () => {
    await endAllBuilt();
    await disk.remove();
  });

  const start = () => {
    const env = { ...langfuseVariables({ ...fake, baseUrl: wire.baseUrl }), GATEWAY_DATA_DIR: disk.dataDir };
    return listening(spawnBuilt(env, { under: disk.under() }));
  };

  test('503 and nothing is lost; when Langfuse is back all is delivered and new spans are taken', async () => {
    process.stdout.write(`full disk: ${disk.kind}\n`);
    const gateway = await start();
    await fill(gateway, disk);
    await expectAlive(gateway);
    expect(await gateway.metrics()).toMatchObject({ gateway_queue_spans: kept.length });
    disk.fillUp();
    // Larger than the rest of a page.
    for (let span = 0; span < 5; span++) expect((await send(gateway, 10_000)).status).toBe(503);
    await expectAlive(gateway);

    isDown = false;
    await expectAllDelivered(gateway);
    disk.loosen(gateway.pid);
    await takesAgain(gateway);
    await expectAllDelivered(gateway);
    await expectAlive(gateway);
    expect(await readyz(gateway)).toMatchObject({ code: 200 });
    gateway.kill('SIGTERM');
    expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
  }, 120_000);

  test('killed while it is full: the next start finds all of it', async () => {
    const killed = await start();
    await fill(killed, disk);
    killed.kill('SIGKILL');
    await killed.ended;

    const gateway = await start();
    expect(await gateway.metrics()).toMatchObject({ gateway_queue_recovered_spans_total: kept.length });
    await expectAlive(gateway);
    isDown = false;
    await expectAllDelivered(gateway);
    disk.loosen(gateway.pid);
    await takesAgain(gateway);
    await expectAllDelivered(gateway);
  }, 120_000);

  test('it turns read-only: 503 and /readyz names the disk; well again without a restart, and nothing is lost', async () => {
    const killed = await start();
    for (let span = 0; span < 20; span++) expect((await send(killed)).status).toBe(200);
    killed.kill('SIGKILL');
    await killed.ended;

    // What was kept is on its way, and nothing is written.
    [isDown, wire.interference] = [false, 'silence'];
    const gateway = await start();
    disk.setReadOnly(true);
    for (let span = 0; span < 20; span++) expect((await send(gateway)).status).toBe(503);
    await expectAlive(gateway);
    expect(await readyz(gateway)).toMatchObject({
      ...{ code: 503, reasons: expect.arrayContaining([expect.stringMatching(/disk/)]) },
    });

    disk.setReadOnly(false);
    await takesAgain(gateway);
    wire.interference = 'none';
    wire.resetAll();
    await expectAllDelivered(gateway);
    await eventually(async () => expect(await readyz(gateway)).toMatchObject({ code: 200, status: 'ready' }));
    expect(gateway.stderr()).toBe('');
    gateway.kill('SIGKILL');
    await gateway.ended;

    const next = await start();
    await takesAgain(next);
    await expectAllDelivered(next);
  }, 60_000);
});
