import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { createReceiver } from '../../src/receiver/server';
import { eventually } from '../support/eventually';
import { T1J, T1P } from '../support/literal-cases';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import type { Answer } from '../support/post';
import { openConnection, rawPost } from '../support/raw-connection';
import { OPEN_RECEIVER } from '../support/receiver';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();
const JSON_POST = rawPost({ headers: { 'Content-Type': 'application/json' }, body: T1J });
const HEAD_CUT_IN_HOST = Buffer.from('POST /v1/traces HTTP/1.1\r\nHost: g');
const PROTOBUF_POST = rawPost({ headers: { 'Content-Type': 'application/x-protobuf' }, body: T1P });

describe.each(twins(requestOf(spanOf())))('%s', (encoding, { headers, body }) => {
  test('L01 two requests on one connection', async () => {
    const connection = await openConnection(gateway.url);
    for (let round = 0; round < 2; round += 1) {
      await connection.write(rawPost({ headers, body }));
      const answer = await connection.answer();
      expectSuccess(answer, encoding);
      expect(answer.headers.connection).toBe('keep-alive');
    }
    connection.socket.destroy();
  });

  test('L02 the sender is told that its connection may rest for 75 seconds and more', async () => {
    const connection = await openConnection(gateway.url);
    await connection.write(rawPost({ headers, body }));
    const { headers: answered } = await connection.answer();
    expect(Number(/timeout=(\d+)/.exec(String(answered['keep-alive']))?.[1])).toBeGreaterThanOrEqual(75);
    await sleep(1100);
    await connection.write(rawPost({ headers, body }));
    expectSuccess(await connection.answer(), encoding);
    connection.socket.destroy();
  });

  test.each([
    ['L12 an answer before the body was read', { 'Content-Type': 'image/png' }, 415],
    ['L12 an unknown coding', { ...headers, 'Content-Encoding': 'x' }, 415],
  ])('%s: who writes 8 MiB first reads it then', async (_, sent, status) => {
    const connection = await openConnection(gateway.url);
    const bytes = 8 * 1024 * 1024;
    await connection.write(rawPost({ headers: { ...sent, 'Content-Length': String(bytes) } }));
    connection.socket.pause();
    for (let part = 0; part < 8; part += 1) await connection.write(Buffer.alloc(bytes / 8));
    await sleep(50);
    connection.socket.resume();
    const expected = 'Content-Encoding' in sent ? encoding : 'json';
    expectRefusal(await connection.answer(), { status, encoding: expected });
    await connection.closed;
  });
});

describe('time', () => {
  const server = createReceiver({ ...OPEN_RECEIVER, log: pino({ level: 'silent' }) });
  const { keepAliveTimeout, headersTimeout, requestTimeout } = server;
  let url: string;
  beforeAll(async () => {
    // As configured the test would take minutes.
    Object.assign(server, { headersTimeout: 500, requestTimeout: 1000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  test('L02 L03 L04 limits: idle above 75 s, headers below 60 s, the whole request bounded', () => {
    expect(keepAliveTimeout).toBeGreaterThanOrEqual(75_000);
    expect(headersTimeout).toBeGreaterThan(0);
    expect(headersTimeout).toBeLessThan(60_000);
    expect(requestTimeout).toBeGreaterThanOrEqual(60_000);
    expect(requestTimeout).toBeLessThanOrEqual(300_000);
  });

  /** The answer to a sender that goes on a byte at a time. */
  async function answerToDripping(beginning: Buffer): Promise<Answer> {
    const connection = await openConnection(url);
    await connection.write(beginning);
    const dripping = setInterval(() => connection.socket.write('x'), 100);
    const answer = await connection.answer();
    clearInterval(dripping);
    await connection.closed;
    return answer;
  }

  test('L03 L04 headers or a body that come one byte at a time: 408, and the connection is closed', async () => {
    // Together: the server looks for such senders every five seconds only.
    const answers = await Promise.all([HEAD_CUT_IN_HOST, JSON_POST.subarray(0, -300)].map(answerToDripping));
    for (const answer of answers) expectRefusal(answer, { status: 408, encoding: 'json' });
  });
});

test('L05 1,000 connections with 3 requests each, all at once', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1000 });
  const before = await gateway.gateway.metrics();
  const send = async () => {
    const outgoing = request(gateway.url, {
      ...{ agent, method: 'POST', path: '/v1/traces' },
      headers: { 'content-type': 'application/x-protobuf', 'content-length': T1P.length },
    });
    outgoing.end(T1P);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    await answer.resume().toArray();
    return answer.statusCode;
  };
  const threeTimes = async () => [await send(), await send(), await send()];
  const statuses = await Promise.all(Array.from({ length: 1000 }, threeTimes));
  agent.destroy();
  expect(statuses.flat().filter((status) => status !== 200)).toEqual([]);
  const delivered = 'gateway_delivered_spans_total{destination="main"}';
  await eventually(async () => {
    const after = await gateway.gateway.metrics();
    expect((after[delivered] ?? 0) - (before[delivered] ?? 0)).toBeGreaterThanOrEqual(3000);
  });
});

test('L06 requests in one piece are answered in their order', async () => {
  const bad = rawPost({ headers: { 'Content-Type': 'application/json' }, body: Buffer.from('{') });
  const connection = await openConnection(gateway.url);
  await connection.write(Buffer.concat([JSON_POST, PROTOBUF_POST, bad, PROTOBUF_POST, JSON_POST]));
  expectSuccess(await connection.answer(), 'json');
  expectSuccess(await connection.answer(), 'protobuf');
  expectRefusal(await connection.answer(), { status: 400, encoding: 'json' });
  expectSuccess(await connection.answer(), 'protobuf');
  expectSuccess(await connection.answer(), 'json');
  connection.socket.destroy();
});
