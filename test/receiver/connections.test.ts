import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import pino from 'pino';
import { type ConnectionLimits, type Connections, limitConnections } from '../../src/receiver/connections';
import { tlsOptions, watchTls } from '../../src/receiver/tls';
import { createAuthority } from '../support/certificates';
import { eventually } from '../support/eventually';

const authority = createAuthority('authority');
const { cert, key } = authority.issue({ hosts: ['127.0.0.1'] });
const material = { cert: Buffer.from(cert), key: Buffer.from(key) };
const GET = 'GET / HTTP/1.1\r\nHost: gateway\r\n\r\n';

/** More than the buffers of both ends take. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

const clients: Socket[] = [];
let server: http.Server;
let connections: Connections;
let dropped: number;

/** A server that answers `ok`, and what is not HTTP in time with a 408 that ends the connection. */
async function start(kind: string, options: Partial<ConnectionLimits> = {}) {
  dropped = 0;
  const limits = { headersTimeout: 100, connectionsCheckingInterval: 20 };
  const answer: http.RequestListener = ({ url }, response) => void response.end(url === '/large' ? LARGE : 'ok');
  if (kind === 'HTTPS') {
    const secure = https.createServer({ ...tlsOptions(material), ...limits }, answer);
    const watch = watchTls(secure, { read: () => material, log: pino({ level: 'silent' }) });
    server = secure.on('close', () => watch.close());
  } else server = http.createServer(limits, answer);
  server.on('clientError', (_error, socket) => void socket.end('HTTP/1.1 408 Request Timeout\r\n\r\n'));
  const onDropped = () => {
    dropped += 1;
  };
  connections = limitConnections(server, { max: 100, ...options, onDropped });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

/** A client that does not hang up when the server does. */
async function open(kind: string): Promise<{ socket: Socket; received: () => string }> {
  const { port } = server.address() as AddressInfo;
  const to = { port, host: '127.0.0.1', allowHalfOpen: true };
  const socket = kind === 'HTTPS' ? connectTls({ ...to, ca: authority.cert }) : connectTcp(to);
  clients.push(socket);
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString();
  });
  // A reset is an end like any other here.
  socket.on('error', () => {});
  await once(socket, kind === 'HTTPS' ? 'secureConnect' : 'connect');
  return { socket, received: () => received };
}

const count = () => new Promise<number>((resolve) => server.getConnections((_error, number) => resolve(number)));
const haveClosed = () => eventually(async () => expect(await count()).toBe(0));

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  server.close();
  connections.closeAll();
  await once(server, 'close');
});

describe.each(['HTTP', 'HTTPS'])('%s', (kind) => {
  test('as many connections as there may be, the next one is dropped and counted, until one has gone', async () => {
    await start(kind, { max: 3 });
    Object.assign(server, { headersTimeout: 0 });
    const there = [await open(kind), await open(kind), await open(kind)];
    const { port } = server.address() as AddressInfo;
    for (const expected of [1, 2]) {
      const surplus = connectTcp(port, '127.0.0.1');
      surplus.on('error', () => {});
      clients.push(surplus);
      await once(surplus, 'close');
      await eventually(() => expect(dropped).toBe(expected));
    }
    for (const { socket, received } of there) {
      socket.write(GET);
      await eventually(() => expect(received()).toContain('ok'));
    }
    there[0]?.socket.destroy();
    await eventually(async () => expect(await count()).toBe(2));
    const next = await open(kind);
    next.socket.write(GET);
    await eventually(() => expect(next.received()).toContain('ok'));
    expect(dropped).toBe(2);
  });

  test.each([
    ['says nothing', ''],
    ['stops in its headers', 'POST / HTTP/1.1\r\nHo'],
    ['speaks no HTTP', 'hello\r\n\r\n'],
    ['has its last answer', GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')],
  ])('L03 a sender that %s gets an answer, and is cut off even if it does not hang up', async (_, bytes) => {
    await start(kind, { lingerMs: 50 });
    const { socket, received } = await open(kind);
    socket.write(bytes);
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 \d{3} /));
    await haveClosed();
    expect(dropped).toBe(0);
  });

  test('a sender that does not read its answer is cut off', async () => {
    await start(kind, { stillMs: 100 });
    const { socket } = await open(kind);
    socket.pause();
    const arrived = once(server, 'request');
    socket.write(GET.replace('/', '/large'));
    await arrived;
    await haveClosed();
  });

  test('a connection that is kept for its next request stays', async () => {
    await start(kind, { lingerMs: 1 });
    const { socket, received } = await open(kind);
    for (const answers of [1, 2, 3]) {
      socket.write(GET);
      await eventually(() => expect(received().split('ok')).toHaveLength(answers + 1));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await count()).toBe(1);
  });

  test('the idle ones can be closed, those too that have not said anything yet', async () => {
    await start(kind);
    Object.assign(server, { headersTimeout: 0 });
    const speaking = await open(kind);
    speaking.socket.write(GET.slice(0, 10));
    const used = await open(kind);
    used.socket.write(GET);
    await eventually(() => expect(used.received()).toContain('ok'));
    await open(kind);
    clients.push(connectTcp((server.address() as AddressInfo).port, '127.0.0.1'));
    await eventually(async () => expect(await count()).toBe(4));
    connections.closeIdle();
    await eventually(async () => expect(await count()).toBe(1));
    speaking.socket.write(GET.slice(10));
    await eventually(() => expect(speaking.received()).toContain('ok'));
  });

  test('all can be closed, those too that have not said anything yet', async () => {
    await start(kind);
    Object.assign(server, { headersTimeout: 0 });
    const used = await open(kind);
    used.socket.write(GET);
    await eventually(() => expect(used.received()).toContain('ok'));
    await open(kind);
    const { port } = server.address() as AddressInfo;
    const silent = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
    clients.push(silent);
    await eventually(async () => expect(await count()).toBe(3));
    connections.closeAll();
    await haveClosed();
  });
});
