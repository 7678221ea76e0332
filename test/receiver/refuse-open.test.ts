import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { badRequest } from '../../src/errors';
import { finished } from '../../src/listening';
import type { Accepted } from '../../src/receiver/accept';
import { createOpenRequests } from '../../src/receiver/open-requests';
import type { ReceiverOptions } from '../../src/receiver/server';
import { eventually } from '../support/eventually';
import { type Encoding, expectRefusal, expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import type { Answer } from '../support/post';
import { openConnection, type RawConnection, rawPost } from '../support/raw-connection';
import { NOTHING_TO_TELL, type RunningReceiver, startReceiver } from '../support/receiver';

const ORIGIN = 'https://app.example.com';

let running: RunningReceiver | undefined;
let unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
});
afterEach(async () => {
  await running?.close();
  running = undefined;
  // Whatever a refused request still came to, it came to it quietly.
  await sleep(20);
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

async function start(options: Partial<ReceiverOptions> = {}): Promise<RunningReceiver> {
  running = await startReceiver({ corsOrigins: [ORIGIN], random: () => 0.5, ...options });
  return running;
}

/** A promise that the test settles. */
function held<T>() {
  let settle: { resolve: (value: T) => void; reject: (reason: unknown) => void };
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, resolve: (value: T) => settle.resolve(value), reject: (reason: unknown) => settle.reject(reason) };
}

/** Resolves when the receiver has begun with that many requests. */
async function begun({ receiver }: RunningReceiver, count = 1): Promise<void> {
  for (let seen = 0; seen < count; seen += 1) {
    await Promise.race([once(receiver, 'request'), once(receiver, 'checkContinue')]);
  }
  // The handler is at its first wait one turn later.
  await sleep(10);
}

function expectTold(answer: Answer, encoding: Encoding): void {
  expectRefusal(answer, { status: 503, encoding });
  expect(answer.headers).toMatchObject({
    ...{ 'retry-after': '3', connection: 'close' },
    ...{ 'access-control-allow-origin': ORIGIN, 'access-control-expose-headers': 'Retry-After' },
  });
}

const chunkedHead = (headers: Record<string, string>) =>
  rawPost({ headers: { ...headers, 'Transfer-Encoding': 'chunked' } })
    .toString()
    .replace('Content-Length: 0\r\n', '');

describe.each(twins(requestOf(spanOf())))('%s', (encoding, sent) => {
  const headers = { ...sent.headers, Origin: ORIGIN };
  const { body } = sent;
  const whole = rawPost({ headers, body });

  /** A receiver that has begun with what was written on one connection. */
  async function writing(bytes: string | Uint8Array, options: Partial<ReceiverOptions> = {}) {
    const started = await start(options);
    const connection = await started.open();
    const reached = begun(started);
    await connection.write(bytes);
    await reached;
    return { started, connection };
  }

  test.each([
    ['half a body', whole.subarray(0, -5)],
    ['no body yet', whole.subarray(0, -body.length)],
    ['half of the chunks', `${chunkedHead(headers)}3\r\n${body.subarray(0, 3).toString('latin1')}\r\n`],
    ['half a chunk', `${chunkedHead(headers)}64\r\n${body.subarray(0, 3).toString('latin1')}`],
    [
      'a body that waits to be asked for',
      rawPost({ headers: { ...headers, Expect: '100-continue', 'Content-Length': '9' } }),
    ],
  ])('%s: 503 that can be read, and nothing is kept', async (_, bytes) => {
    const accept = jest.fn();
    const { started, connection } = await writing(bytes, { accept });
    started.receiver.refuseOpen();
    expectTold(await finalAnswer(connection), encoding);
    connection.socket.end();
    await connection.closed;
    await expect(connection.answer()).rejects.toThrow('after 0 bytes');
    await eventually(() => expect(started.answered).toEqual([['/v1/traces', 503]]));
    expect(accept).not.toHaveBeenCalled();
  });

  test('a body that is on its way comes to its end: it is not kept, and the connection is closed', async () => {
    const accept = jest.fn();
    const { started, connection } = await writing(whole.subarray(0, -5), { accept });
    started.receiver.refuseOpen();
    await connection.write(whole.subarray(-5));
    expectTold(await connection.answer(), encoding);
    await connection.closed;
    expect(accept).not.toHaveBeenCalled();
    expect(started.answered).toEqual([['/v1/traces', 503]]);
  });

  test('a sender that goes on dripping reads it, and holds up nothing', async () => {
    const { started, connection } = await writing(whole.subarray(0, -50));
    const dripping = setInterval(() => connection.socket.write('x'), 10);
    started.receiver.refuseOpen();
    expectTold(await connection.answer(), encoding);
    await finished(started.receiver, 100);
    await started.close();
    clearInterval(dripping);
    await connection.closed;
    expect(started.answered).toEqual([['/v1/traces', 503]]);
  });

  test('a sender that writes 8 MiB first reads it then', async () => {
    const bytes = 8 * 1024 * 1024;
    const head = rawPost({ headers: { ...headers, 'Content-Length': String(bytes) } });
    const { started, connection } = await writing(head, { bodyBytesMax: bytes });
    connection.socket.pause();
    started.receiver.refuseOpen();
    for (let part = 0; part < 8; part += 1) await connection.write(Buffer.alloc(bytes / 8));
    connection.socket.resume();
    expectTold(await connection.answer(), encoding);
    await connection.closed;
  });

  test.each([
    ['is kept', (kept: Kept) => kept.resolve(NOTHING_TO_TELL)],
    ['is refused', (kept: Kept) => kept.reject(badRequest('no such thing'))],
    ['fails', (kept: Kept) => kept.reject(new Error('no such thing'))],
  ])('a request that %s afterwards has one answer', async (_, settle) => {
    const kept: Kept = held();
    const { started, connection } = await writing(whole, { accept: () => kept.promise });
    started.receiver.refuseOpen();
    settle(kept);
    expectTold(await connection.answer(), encoding);
    await connection.closed;
    await expect(connection.answer()).rejects.toThrow('after 0 bytes');
    expect(started.answered).toEqual([['/v1/traces', 503]]);
  });

  test('a request that is kept in the same moment has one answer, too', async () => {
    const kept: Kept = held();
    const { started, connection } = await writing(whole, { accept: () => kept.promise });
    kept.resolve(NOTHING_TO_TELL);
    started.receiver.refuseOpen();
    expectTold(await connection.answer(), encoding);
    await connection.closed;
    expect(started.answered).toEqual([['/v1/traces', 503]]);
  });

  test('a request that waits for room is not read when there is some', async () => {
    const room = held<() => void>();
    const [accept, offered] = [jest.fn(), jest.fn()];
    const { started, connection } = await writing(whole, { accept, room: () => room.promise });
    started.receiver.refuseOpen();
    room.resolve(offered);
    expectTold(await connection.answer(), encoding);
    await connection.closed;
    expect([accept.mock.calls.length, offered.mock.calls.length]).toEqual([0, 1]);
  });

  test('a body that waits for room is not asked for any more', async () => {
    const room = held<() => void>();
    const offered = held<void>();
    const expecting = rawPost({ headers: { ...headers, Expect: '100-continue', 'Content-Length': '9' } });
    const { started, connection } = await writing(expecting, { room: () => room.promise });
    started.receiver.refuseOpen();
    expectTold(await connection.answer(), encoding);
    room.resolve(offered.resolve);
    await offered.promise;
    connection.socket.end();
    await connection.closed;
    await expect(connection.answer()).rejects.toThrow('after 0 bytes');
  });

  test('a body that is being decompressed is not kept', async () => {
    const accept = jest.fn();
    const offered = held<void>();
    const room = async () => () => offered.resolve();
    const started = await start({ accept, room, bodyBytesMax: 1e8 });
    started.receiver.on('request', (request: IncomingMessage) => {
      request.on('end', () => setImmediate(started.receiver.refuseOpen));
    });
    const connection = await started.open();
    const coded = { ...headers, 'Content-Encoding': 'gzip' };
    await connection.write(rawPost({ headers: coded, body: gzipSync(Buffer.alloc(5e7, ' ')) }));
    expectTold(await connection.answer(), encoding);
    await offered.promise;
    expect(accept).not.toHaveBeenCalled();
  });

  test('requests one behind the other: the first is told, the connection closed', async () => {
    const started = await start({ accept: () => new Promise(() => {}) });
    const connection = await started.open();
    const reached = begun(started, 2);
    await connection.write(Buffer.concat([whole, whole]));
    await reached;
    started.receiver.refuseOpen();
    expectTold(await connection.answer(), encoding);
    await connection.closed;
  });

  test('a flush that waits is told, and nobody waits for it any more', async () => {
    const abandoned = held<void>();
    const settled = (signal: AbortSignal) =>
      new Promise<boolean>((resolve) => {
        signal.addEventListener('abort', () => {
          abandoned.resolve();
          resolve(false);
        });
      });
    const asked = rawPost({ path: '/flush', headers });
    const { started, connection } = await writing(asked, { flush: { settled, waiting: () => 0 } });
    started.receiver.refuseOpen();
    expectTold(await connection.answer(), encoding);
    await connection.closed;
    await abandoned.promise;
    expect(started.answered).toEqual([['/flush', 503]]);
  });

  test('an answer that has begun is left to end', async () => {
    const { started, connection } = await writing(
      rawPost({ headers: { ...headers, 'Content-Encoding': 'x', 'Content-Length': '100000' } }),
      { bodyBytesMax: 1_000_000 },
    );
    started.receiver.refuseOpen();
    expectRefusal(await connection.answer(), { status: 415, encoding });
    await connection.write(Buffer.alloc(100_000));
    await connection.closed;
    expect(started.answered).toEqual([['/v1/traces', 415]]);
  });

  test('a connection at rest is closed, and so is one in the middle of its headers', async () => {
    const { started, connection } = await writing(whole);
    expectSuccess(await connection.answer(), encoding);
    const halfway = await started.open();
    await halfway.write(whole.subarray(0, 20));
    started.receiver.refuseOpen();
    await finished(started.receiver, 100);
    await connection.closed;
    await started.close();
    await halfway.closed;
    expect(started.answered).toEqual([['/v1/traces', 200]]);
  });

  type Kept = ReturnType<typeof held<Accepted>>;
});

/** The answer after `100 Continue`, where there is one. */
async function finalAnswer(connection: RawConnection): Promise<Answer> {
  const answer = await connection.answer();
  return answer.status === 100 ? connection.answer() : answer;
}

test('requests whose connection is gone are not refused, also those whose turn never came', async () => {
  const open = createOpenRequests();
  const refuse = jest.fn();
  const seen = held<void>();
  let count = 0;
  const closed: Promise<unknown>[] = [];
  const server = createServer((_, response) => {
    open.add(response, refuse);
    count += 1;
    if (count === 3) seen.resolve();
  });
  server.on('connection', (socket) => closed.push(once(socket, 'close')));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = await openConnection(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await connection.write(Buffer.concat([rawPost({}), rawPost({}), rawPost({})]));
  await seen.promise;
  connection.socket.destroy();
  server.close();
  await Promise.all(closed);
  open.refuseAll(() => badRequest('never told'));
  expect(refuse).not.toHaveBeenCalled();
});
