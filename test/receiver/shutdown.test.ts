import { once } from 'node:events';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import { openConnection, type RawConnection, rawPost } from '../support/raw-connection';

const [[encoding, sent]] = twins(requestOf(spanOf())) as [ReturnType<typeof twins>[number]];
const whole = rawPost(sent);

let fake: FakeLangfuse;
let gateway: RunningGateway;
let connections: RawConnection[];
beforeEach(async () => {
  connections = [];
  fake = await startFakeLangfuse({ respond: () => ({ status: 503 }) });
});
afterEach(async () => {
  for (const { socket } of connections) socket.destroy();
  await fake.close();
});

const start = async (timeoutS: string) => {
  gateway = await startGateway({ fake, env: { GATEWAY_SHUTDOWN_TIMEOUT_S: timeoutS } });
};

async function writing(bytes: Uint8Array): Promise<RawConnection> {
  const connection = await openConnection(gateway.url);
  connections.push(connection);
  await connection.write(bytes);
  return connection;
}

test('the time to shut down is over: who is still under way is told to come back, and nothing hangs', async () => {
  await start('1');
  const resting = await writing(whole);
  expectSuccess(await resting.answer(), encoding);
  const waiting = [
    await writing(whole.subarray(0, -5)),
    await writing(whole.subarray(0, -sent.body.length)),
    await writing(rawPost({ path: '/flush', headers: sent.headers })),
  ];
  const dripping = await writing(rawPost({ headers: { ...sent.headers, 'Content-Length': '60000' } }));
  await onceAllHaveBegun();
  const drip = setInterval(() => dripping.socket.write(' '), 20);
  const stopped = gateway.stop();
  for (const connection of [...waiting, dripping]) {
    const answer = await connection.answer();
    expectRefusal(answer, { status: 503, encoding });
    expect(answer.headers).toMatchObject({ 'retry-after': expect.stringMatching(/^[1-5]$/), connection: 'close' });
  }
  expect(await stopped).toBe(1);
  clearInterval(drip);
  for (const { closed } of [resting, dripping, ...waiting]) await closed;
});

test('a flush that nothing can come of does not hold up the end', async () => {
  await start('3600');
  const sender = await writing(whole);
  expectSuccess(await sender.answer(), encoding);
  await eventually(() => expect(fake.requests.map(({ status }) => status)).toContain(503));
  await sender.write(rawPost({ path: '/flush', headers: sent.headers }));
  await onceAllHaveBegun();
  const stopped = gateway.stop();
  expectRefusal(await sender.answer(), { status: 503, encoding });
  expect(await stopped).toBe(1);
});

test('a spare connection that never said anything, as browsers keep them, does not hold up the end', async () => {
  await start('3600');
  const spare = await writing(Buffer.alloc(0));
  const stopped = gateway.stop();
  await spare.closed;
  expect(await stopped).toBe(0);
});

/** What was written last is answered when all before it has been read. */
async function onceAllHaveBegun(): Promise<void> {
  const health = await openConnection(gateway.url);
  connections.push(health);
  await health.write('GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n');
  await once(health.socket, 'data');
}
