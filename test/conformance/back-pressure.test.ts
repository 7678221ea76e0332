import { eventually } from '../support/eventually';
import { type FakeLangfuse, type ForcedAnswer, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asProtobuf, requestOf, type Sent, spanOf, twins } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { openConnection, type RawConnection, rawPost } from '../support/raw-connection';

const MIB = 1024 * 1024;
const QUEUE_BYTES = 20_000;

let fake: FakeLangfuse;
let gateway: RunningGateway;
let connections: RawConnection[] = [];
/** What the fake Langfuse answers; undefined: what the post deserves. */
let trouble: ForcedAnswer | undefined;

async function start(env: Record<string, string> = {}): Promise<void> {
  fake = await startFakeLangfuse({ respond: () => trouble });
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: '0', ...env } });
}
beforeEach(() => {
  trouble = undefined;
});
afterEach(async () => {
  for (const { socket } of connections) socket.destroy();
  connections = [];
  await gateway.stop();
  await fake.close();
});

const send = (sent: Sent) => post(`${gateway.url}/v1/traces`, sent);
const open = async () => {
  const connection = await openConnection(gateway.url);
  connections.push(connection);
  return connection;
};

/** Sends until the first refusal; returns what was accepted and the refusals of twenty more. */
async function fill(sent: Sent): Promise<{ accepted: number; refusals: Answer[] }> {
  let accepted = 0;
  for (; accepted < 100; accepted += 1) if ((await send(sent)).status !== 200) break;
  const refusals: Answer[] = [];
  for (let more = 0; more < 20; more += 1) refusals.push(await send(sent));
  return { accepted, refusals };
}

describe.each(twins(requestOf(spanOf({ name: 'x'.repeat(5000) }))))('%s', (encoding: Encoding, sent) => {
  test('F13 F24 F25 a full queue: 503, never 429, and a Retry-After in whole seconds that differs', async () => {
    trouble = { status: 503 };
    await start({ GATEWAY_QUEUE_MAX_BYTES: String(QUEUE_BYTES) });
    const { accepted, refusals } = await fill(sent);
    expect(accepted).toBeGreaterThanOrEqual(2);
    for (const refusal of refusals) {
      expectRefusal(refusal, { status: 503, encoding });
      expect(refusal.headers['retry-after']).toMatch(/^[1-5]$/);
    }
    expect(new Set(refusals.map(({ headers }) => headers['retry-after'])).size).toBeGreaterThan(1);
    // Nothing that was answered 200 is given up to make room.
    trouble = undefined;
    expect(await fake.waitForSpans(accepted)).toHaveLength(accepted);
  });

  test('F15 a request larger than the whole queue: 413, for sending it again would never help', async () => {
    await start({ GATEWAY_QUEUE_MAX_BYTES: '4000' });
    const answer = await send(sent);
    const { message } = expectRefusal(answer, { status: 413, encoding });
    expect(message).toContain('GATEWAY_QUEUE_MAX_BYTES');
    expect(answer.headers).not.toHaveProperty('retry-after');
  });

  test('F27 a Langfuse that does not answer does not hold the sender', async () => {
    trouble = { delayMs: 20_000 };
    await start({ GATEWAY_QUEUE_MAX_BYTES: String(QUEUE_BYTES) });
    const began = performance.now();
    expectSuccess(await send(sent), encoding);
    expect(performance.now() - began).toBeLessThan(1000);
    const { refusals } = await fill(sent);
    expectRefusal(refusals[0]!, { status: 503, encoding });
    expect((performance.now() - began) / 20).toBeLessThan(5000);
  });
});

describe('F14 256 MiB of bodies at the door', () => {
  const small = asProtobuf(requestOf(spanOf()));

  async function expectFull(): Promise<void> {
    const answer = await send(small);
    expectRefusal(answer, { status: 503, encoding: 'protobuf' });
    expect(answer.headers['retry-after']).toMatch(/^[1-5]$/);
  }

  async function expectRoomAgain(): Promise<void> {
    for (const { socket } of connections) socket.destroy();
    await eventually(async () => expectSuccess(await send(small), 'protobuf'));
  }

  test('F14 that are announced: 503 before a body is read, and room again when they are gone', async () => {
    await start();
    const length = { 'Content-Length': String(64 * MIB) };
    for (let sender = 0; sender < 4; sender += 1) {
      await (await open()).write(rawPost({ headers: { ...small.headers, ...length } }));
    }
    await eventually(expectFull);
    const asking = await open();
    await asking.write(rawPost({ headers: { ...small.headers, 'Content-Length': '50', Expect: '100-continue' } }));
    expectRefusal(await asking.answer(), { status: 503, encoding: 'protobuf' });
    await expectRoomAgain();
  });

  test('F14 that come in chunks: 503, and room again when they are gone', async () => {
    await start({ GATEWAY_BODY_MAX_BYTES: String(256 * MIB) });
    const headers = { ...small.headers, 'Transfer-Encoding': 'chunked' };
    const chunk = Buffer.concat([
      Buffer.from(`${(10 * MIB).toString(16)}\r\n`),
      Buffer.alloc(10 * MIB),
      Buffer.from('\r\n'),
    ]);
    for (let sender = 0; sender < 2; sender += 1) {
      const connection = await open();
      const head = rawPost({ headers })
        .toString('latin1')
        .replace(/Content-Length: 0\r\n/, '');
      await connection.write(head);
      for (let sent = 0; sent < 13; sent += 1) await connection.write(chunk);
    }
    await eventually(expectFull, 2000);
    await expectRoomAgain();
  });
});

test('F28 a sender that goes away in the middle of its body is counted, and others are served', async () => {
  await start();
  const sent = asProtobuf(requestOf(spanOf()));
  const whole = rawPost({ headers: sent.headers, body: sent.body });
  for (const bytes of [whole.length - 1, whole.length - sent.body.length, 20]) {
    const connection = await open();
    await connection.write(whole.subarray(0, bytes));
    connection.socket.destroy();
  }
  expectSuccess(await send(sent), 'protobuf');
  await eventually(async () => {
    expect(await gateway.metrics()).toMatchObject({
      'gateway_receiver_requests_total{path="/v1/traces",code="499"}': 2,
      'gateway_receiver_requests_total{path="/v1/traces",code="200"}': 1,
      gateway_receiver_accepted_spans_total: 1,
    });
  });
  expect(gateway.logs.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50)).toEqual([]);
});
