import { createFlush } from '../../src/flush';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import type { Flush } from '../../src/receiver/flush';
import type { ReceiverOptions } from '../../src/receiver/server';
import { eventually } from '../support/eventually';
import { exchange } from '../support/exchange';
import { ingestKey } from '../support/ingest-keys';
import { expectRefusal } from '../support/otlp-answer';
import { asProtobuf, requestOf, spanOf } from '../support/otlp-twins';
import { rawPost } from '../support/raw-connection';
import { type RunningReceiver, startReceiver } from '../support/receiver';

const PATHS = ['/flush', '/api/span-forward/flush'];
const ORIGIN = 'https://app.example.com';
const LONG_MS = 60_000;

let running: RunningReceiver | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

/** A receiver over a queue; `calls` are the flushes that were asked for, as they end. */
async function start({ timeoutMs = LONG_MS, ...options }: Partial<ReceiverOptions> & { timeoutMs?: number } = {}) {
  const now = () => Date.now();
  const queue = createMemoryQueue({ bytesMax: 1e6, now });
  const real = createFlush({ queue, destinations: () => ['main'], now, timeoutMs, checkMs: 5 });
  const calls: Promise<boolean>[] = [];
  let arrived = () => {};
  const called = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const flush: Flush = {
    waiting: real.waiting,
    settled(abandoned, of) {
      const call = real.settled(abandoned, of);
      calls.push(call);
      arrived();
      return call;
    },
  };
  running = await startReceiver({ corsOrigins: [ORIGIN], ...options, flush });
  const offer = (items = 1) => queue.offer(Buffer.from('x'), { destination: 'main', items });
  const settle = async () => queue.settle((await queue.take('main'))!, [0]);
  const ask = (path = '/flush', { method = 'POST', headers = {}, body }: Asked = {}) =>
    exchange(running!.url, { method, path, headers: { origin: ORIGIN, ...headers }, body });
  return { ...{ running, queue, calls, called, offer, settle, ask }, giveUp: real.giveUp };
}

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array;
}

const readable = { 'access-control-allow-origin': ORIGIN, 'access-control-allow-credentials': 'true' };

describe.each([...PATHS, '/flush/', '/flush?x=1'])('POST %s', (path) => {
  test('202 when what was accepted is settled', async () => {
    const { ask, offer, settle, called } = await start();
    await offer();
    const answer = ask(path);
    await called;
    await settle();
    const { status, headers, body } = await answer;
    expect([status, body.toString()]).toEqual([202, '{"status":"flushed"}']);
    expect(headers).toMatchObject({ ...readable, 'content-type': 'application/json', 'content-length': '20' });
  });

  test('504 when it takes too long: says how much waits, and that it is not lost', async () => {
    const { ask, offer } = await start({ timeoutMs: 20 });
    await offer(12);
    const answer = await ask(path);
    const { message } = expectRefusal(answer, { status: 504, encoding: 'json' });
    expect(message).toMatch(/\b12 span.*nothing is lost/);
    expect(answer.headers).toMatchObject(readable);
  });
});

describe.each(PATHS)('%s', (path) => {
  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('%s: 405', async (method) => {
    const { ask, calls } = await start();
    const answer = await ask(path, { method });
    expectRefusal(answer, { status: 405, encoding: 'json' });
    expect(answer.headers).toMatchObject({ ...readable, allow: 'POST, OPTIONS' });
    expect(calls).toEqual([]);
  });

  test('a preflight is answered, without a key', async () => {
    const { ask } = await start({ keys: [ingestKey('gw-1')] });
    const headers = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' };
    expect(await ask(path, { method: 'OPTIONS', headers })).toMatchObject({ status: 204, headers: readable });
  });

  test('needs a key where ingest does', async () => {
    const { ask, calls } = await start({ keys: [ingestKey('gw-1')] });
    const refused = await ask(path);
    expectRefusal(refused, { status: 401, encoding: 'json' });
    expect(refused.headers).toMatchObject({ ...readable, 'www-authenticate': expect.stringContaining('Bearer') });
    expectRefusal(await ask(path, { headers: { 'x-api-key': 'gw-2' } }), { status: 401, encoding: 'json' });
    expect(calls).toEqual([]);
    expect(await ask(path, { headers: { 'x-api-key': 'gw-1' } })).toMatchObject({ status: 202 });
  });

  test('503 while the gateway is shutting down', async () => {
    const { ask, calls } = await start({ isDraining: () => true });
    const answer = await ask(path);
    expectRefusal(answer, { status: 503, encoding: 'json' });
    expect(answer.headers).toMatchObject({ ...readable, 'retry-after': '1', connection: 'close' });
    expect(calls).toEqual([]);
  });
});

test('503 when nothing more is delivered, for the gateway is shutting down', async () => {
  let draining = false;
  const { ask, offer, called, giveUp } = await start({ isDraining: () => draining });
  await offer();
  const answer = ask();
  await called;
  draining = true;
  giveUp();
  expectRefusal(await answer, { status: 503, encoding: 'json' });
  expect((await answer).headers).toMatchObject({ ...readable, 'retry-after': '1', connection: 'close' });
});

describe('a body', () => {
  test.each([
    ['of OTLP', asProtobuf(requestOf(spanOf()))],
    ['of a form', { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: Buffer.from('a=1') }],
    ['in a coding nobody knows', { headers: { 'content-encoding': 'x' }, body: Buffer.from('abc') }],
  ])('%s is ignored', async (_, sent) => {
    const accept = jest.fn();
    const { ask } = await start({ accept });
    expect(await ask('/flush', sent)).toMatchObject({ status: 202 });
    expect(accept).not.toHaveBeenCalled();
  });

  test('that is announced too large is refused unread', async () => {
    const { running } = await start({ bodyBytesMax: 100 });
    const connection = await running.open();
    await connection.write(rawPost({ path: '/flush', headers: { 'Content-Length': '101' } }));
    expectRefusal(await connection.answer(), { status: 413, encoding: 'json' });
  });

  test('in chunks that do not end: 413 as soon as it is too large, not when the flush is over', async () => {
    const { running, offer, calls } = await start({ bodyBytesMax: 100 });
    await offer();
    const connection = await running.open();
    await connection.write(
      rawPost({ path: '/flush', headers: { 'Transfer-Encoding': 'chunked' } })
        .toString()
        .replace(/Content-Length: 0\r\n/, ''),
    );
    await connection.write(`65\r\n${'x'.repeat(0x65)}\r\n`);
    const answer = await connection.answer();
    expectRefusal(answer, { status: 413, encoding: 'json' });
    expect(answer.headers.connection).toBe('close');
    expect(await Promise.all(calls)).toEqual([false]);
  });

  test('that has not come to its end holds the answer no longer', async () => {
    const { running } = await start();
    const connection = await running.open();
    await connection.write(rawPost({ path: '/flush', headers: { 'Content-Length': '100' }, body: Buffer.from('x') }));
    expect(await connection.answer()).toMatchObject({ status: 202, headers: { connection: 'keep-alive' } });
    // Its rest is waited for, but not for long.
    await connection.closed;
  });
});

test.each([
  ['without a body', {}],
  ['in the middle of its body', { headers: { 'Content-Length': '60000' }, body: Buffer.alloc(50_000) }],
])('who goes away %s waits no longer', async (_, sent) => {
  const { running, offer, calls, called } = await start();
  await offer();
  const connection = await running.open();
  await connection.write(rawPost({ path: '/flush', ...sent }));
  await called;
  connection.socket.destroy();
  expect(await Promise.all(calls)).toEqual([false]);
  expect(running.answered).toEqual([['/flush', 499]]);
  expect(running.logs).toEqual([]);
});

test('two on one connection, one behind the other', async () => {
  const { running } = await start();
  const connection = await running.open();
  await connection.write(Buffer.concat([rawPost({ path: '/flush' }), rawPost({ path: '/flush' })]));
  const first = await connection.answer();
  expect(first).toMatchObject({ status: 202, headers: { connection: 'keep-alive' } });
  expect(await connection.answer()).toMatchObject({ status: 202 });
});

test('who hangs up on a row of requests gives all their places back', async () => {
  const key = ingestKey('gw-web-1', { browser: true, origins: [ORIGIN] });
  const { running, calls, offer, settle, ask } = await start({ keys: [key] });
  const headers = { Origin: ORIGIN, 'X-API-Key': 'gw-web-1' };
  await offer();
  const connection = await running.open();
  await connection.write(Buffer.concat(Array.from({ length: 32 }, () => rawPost({ path: '/flush', headers }))));
  await eventually(() => expect(calls).toHaveLength(32));
  connection.socket.destroy();
  expect(await Promise.all(calls)).toEqual(Array(32).fill(false));
  const answer = ask('/flush', { headers });
  await eventually(() => expect(calls).toHaveLength(33));
  await settle();
  expect((await answer).status).toBe(202);
});
