import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, type ForcedAnswer, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asProtobuf, requestOf, type Sent, spanOf, twins } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';
import { openConnection, type RawConnection, rawPost } from '../support/raw-connection';

const MIB = 1024 * 1024;
const QUEUE_BYTES = 20_000;
const NO_OR_CONTINUE: Record<string, string>[] = [{}, { Expect: '100-continue' }];

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
    // Longer than Jest's patience: a sender that is held fails the test.
    trouble = { delayMs: 30_000 };
    await start({ GATEWAY_QUEUE_MAX_BYTES: String(QUEUE_BYTES) });
    expectSuccess(await send(sent), encoding);
    const { refusals } = await fill(sent);
    expectRefusal(refusals[0]!, { status: 503, encoding });
  });
});

const small = asProtobuf(requestOf(spanOf()));

/** A sender of so many MiB more is refused before it sends any of them, and instead of 100 Continue. */
const expectFull = (mib: number) => async () => {
  for (const expectation of NO_OR_CONTINUE) {
    const asking = await open();
    const length = { 'Content-Length': String(mib * MIB) };
    await asking.write(rawPost({ headers: { ...small.headers, ...length, ...expectation } }));
    const answer = await Promise.race([asking.answer(), sleep(200).then(() => undefined)]);
    asking.socket.destroy();
    expect(answer).toBeDefined();
    expectRefusal(answer!, { status: 503, encoding: 'protobuf' });
    expect(answer!.headers['retry-after']).toMatch(/^[1-5]$/);
  }
};

/** Announces nothing and sends so many MiB in chunks, without an end. */
async function sendChunks(connection: RawConnection, mib: number): Promise<void> {
  const head = rawPost({ headers: { ...small.headers, 'Transfer-Encoding': 'chunked' } }).toString('latin1');
  await connection.write(head.replace(/Content-Length: 0\r\n/, ''));
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB), Buffer.from('\r\n')]);
  for (let sent = 0; sent < mib; sent += 1) await connection.write(chunk);
}

describe('F14 256 MiB of bodies at the door', () => {
  async function expectRoomAgain(): Promise<void> {
    for (const { socket } of connections) socket.destroy();
    await eventually(async () => expectSuccess(await send(small), 'protobuf'));
  }

  test('F14 that were announced and sent: 503 before a body is read, and room again when they are gone', async () => {
    await start();
    const length = { 'Content-Length': String(64 * MIB) };
    for (let sender = 0; sender < 4; sender += 1) {
      const connection = await open();
      await connection.write(rawPost({ headers: { ...small.headers, ...length } }));
      for (let sent = 0; sent < 63; sent += 1) await connection.write(Buffer.alloc(MIB));
    }
    await eventually(expectFull(16));
    await expectRoomAgain();
  });

  test('F14 that are only announced take no room', async () => {
    await start();
    const length = { 'Content-Length': String(64 * MIB) };
    for (let sender = 0; sender < 8; sender += 1) {
      await (await open()).write(rawPost({ headers: { ...small.headers, ...length } }));
    }
    await sleep(100);
    for (let round = 0; round < 5; round += 1) expectSuccess(await send(small), 'protobuf');
  });

  test('F14 that come in chunks: 503, and room again when they are gone', async () => {
    await start({ GATEWAY_BODY_MAX_BYTES: String(256 * MIB) });
    for (let sender = 0; sender < 2; sender += 1) await sendChunks(await open(), 125);
    await eventually(expectFull(16));
    await expectRoomAgain();
  });

  test('F14 of which one grows beyond it, in chunks: that one is refused, the others stay', async () => {
    await start({ GATEWAY_BODY_MAX_BYTES: String(256 * MIB) });
    const first = await open();
    await sendChunks(first, 140);
    const second = await open();
    await sendChunks(second, 120);
    const refused = await second.answer();
    expectRefusal(refused, { status: 503, encoding: 'protobuf' });
    expect(refused.headers['retry-after']).toMatch(/^[1-5]$/);
    await second.closed;
    expect(first.socket.destroyed).toBe(false);
    expectSuccess(await send(small), 'protobuf');
  });
});

describe('F14 a body that becomes too large for the door when it is decompressed', () => {
  test.each([
    ['gzip', gzipSync(Buffer.alloc(60 * MIB))],
    ['deflate', deflateSync(Buffer.alloc(60 * MIB))],
  ])('F14 it is refused while it grows, %s', async (coding, body) => {
    await start({ GATEWAY_BODY_MAX_BYTES: String(256 * MIB) });
    await sendChunks(await open(), 200);
    // What the first has sent is there once a body that would only fit without it is refused.
    await eventually(expectFull(60));
    const answer = await send({ headers: { ...small.headers, 'content-encoding': coding }, body });
    expectRefusal(answer, { status: 503, encoding: 'protobuf' });
    expectSuccess(await send(small), 'protobuf');
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
