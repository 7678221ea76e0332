import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import protobuf from 'protobufjs';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { type Answer, post } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { numberedSpans, postOf } from '../support/trace-request';

const Status = protobuf
  .parse(readFileSync(join(__dirname, '../../proto/status.proto'), 'utf8'))
  .root.lookupType('rpc.Status');

let fake: FakeLangfuse;
let gateway: RunningGateway;
let down = true;
beforeEach(async () => {
  down = true;
  fake = await startFakeLangfuse({ respond: () => (down ? { status: 503 } : undefined) });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
});

/** With a queue of 20,000 bytes. */
async function start(env: Record<string, string> = {}): Promise<void> {
  const bound = { GATEWAY_QUEUE_MAX_BYTES: '20000', GATEWAY_SHUTDOWN_TIMEOUT_S: '0' };
  gateway = await startGateway({ fake, env: { ...bound, ...env } });
}

const padding = (bytes: number) => ({ attributes: { padding: 'x'.repeat(bytes) } });
const sendProtobuf = (from: number, bytes: number) =>
  post(`${gateway.url}/v1/traces`, postOf(numberedSpans(1, { from, ...padding(bytes) })));

/** Fills the queue with ever smaller spans until not even the smallest fits. Answers how many were taken. */
async function fill(): Promise<number> {
  let accepted = 0;
  for (const bytes of [4_000, 500, 1]) {
    while ((await sendProtobuf(accepted, bytes)).status === 200) accepted++;
    // For a second after a refusal the next bodies are refused unread, whatever their size.
    if (bytes > 1) await sleep(1_100);
  }
  return accepted;
}

const retryAfterS = ({ headers }: Answer) => Number(headers['retry-after']);

test.each(['disk', 'memory'])(
  'a full queue (%s): 503 with Retry-After and a Status in the encoding of the request, and nothing is dropped',
  async (kind) => {
    await start({ GATEWAY_QUEUE: kind });
    const accepted = await fill();
    expect(accepted).toBeGreaterThan(4);

    const refusals = await Promise.all(Array.from({ length: 30 }, () => sendProtobuf(900, 1)));
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([503]));
    expect(refusals.every((answer) => [1, 2, 3, 4, 5].includes(retryAfterS(answer)))).toBe(true);
    // Spread, so that not all come back at once.
    expect(new Set(refusals.map(retryAfterS)).size).toBeGreaterThan(1);
    expect(refusals[0]?.headers['content-type']).toBe('application/x-protobuf');
    expect(Status.toObject(Status.decode(refusals[0]!.body))).toMatchObject({
      code: 14,
      message: expect.stringContaining('queue is full'),
    });

    const json = await post(`${gateway.url}/v1/traces`, {
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(
        JSON.stringify({
          resourceSpans: [
            { scopeSpans: [{ spans: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: 'json' }] }] },
          ],
        }),
      ),
    });
    expect([json.status, json.headers['content-type']]).toEqual([503, 'application/json']);
    expect(JSON.parse(json.body.toString())).toMatchObject({ code: 14, message: expect.stringContaining('full') });

    expect(await gateway.metrics()).toMatchObject({
      gateway_receiver_accepted_spans_total: accepted,
      gateway_queue_spans: accepted,
    });
    const readyz = await fetch(`${gateway.adminUrl}/readyz`);
    expect(readyz.status).toBe(200);
    expect(await readyz.json()).toMatchObject({
      status: 'degraded',
      reasons: expect.arrayContaining([expect.stringContaining('queue is full')]),
    });

    down = false;
    // The pause after some failures is as long as it is.
    await fake.waitForSpans(accepted, 35_000);
    expect(fake.spans.map(({ name }) => name)).not.toContain('s900');
    expect((await sendProtobuf(901, 1)).status).toBe(200);
    await eventually(() => expect(fake.spans.map(({ name }) => name)).toContain('s901'));
  },
  60_000,
);

test('a full queue refuses a body before it is read, and instead of 100 Continue; the log says so once', async () => {
  await start();
  await fill();
  const expectations: Record<string, string>[] = [{}, { Expect: '100-continue' }];
  for (const expectation of expectations) {
    const connection = await openConnection(gateway.url);
    const { headers } = postOf(numberedSpans(1));
    await connection.write(rawPost({ headers: { ...headers, 'Content-Length': '50', ...expectation } }));
    expect((await connection.answer()).status).toBe(503);
    connection.socket.destroy();
  }
  const lines = gateway.logs
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => String(msg).startsWith('the queue is full: '));
  expect(lines).toMatchObject([{ level: 40, msg: 'the queue is full: new spans are refused' }]);
});

test('a request that can never fit: 413, whatever room there is', async () => {
  await start();
  const answer = await sendProtobuf(1, 20_000);
  expect(answer.status).toBe(413);
  expect(answer.headers['retry-after']).toBeUndefined();
  expect(Status.decode(answer.body)).toMatchObject({ message: expect.stringContaining('GATEWAY_QUEUE_MAX_BYTES') });
  expect(await gateway.metrics()).toMatchObject({ gateway_receiver_accepted_spans_total: 0, gateway_queue_spans: 0 });
});

test('spans that are rejected are counted once, however often a full queue sends their request away', async () => {
  await start();
  await fill();
  const bad = { name: 'bad', traceId: '0'.repeat(32) };
  for (let time = 0; time < 3; time++) {
    const answer = await post(`${gateway.url}/v1/traces`, postOf([bad, ...numberedSpans(1, { from: 950 })]));
    expect(answer.status).toBe(503);
  }
  const reason = 'gateway_receiver_rejected_spans_total{reason="invalid_trace_id"}';
  expect((await gateway.metrics())[reason]).toBe(0);
});
