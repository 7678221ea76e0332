import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardProxy {
  /** For HTTP_PROXY. */
  url: string;
  /** What was asked of it, in order: the method with the URL or, for CONNECT, the host and port. */
  asked: { line: string; headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

export interface ForwardProxyOptions {
  /** Where everything goes, whatever host was asked for: stands in for the name server. */
  target: string;
  /** As Squid by default: tunnels to port 443 only. */
  tunnels?: 'all' | '443 only' | 'none';
  /** Answers every request with this status instead of passing it on. */
  status?: number;
  /** Default: a free one. */
  port?: number;
}

/** An HTTP proxy on loopback (RFC 9110 section 9.3.6 and absolute-form requests). */
export async function startForwardProxy(options: ForwardProxyOptions): Promise<ForwardProxy> {
  const { target, tunnels = 'all', status } = options;
  const asked: ForwardProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(target);

  const server = createServer((incoming, response) => {
    asked.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers });
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const { pathname } = new URL(incoming.url ?? '');
    const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = incoming.headers;
    const outgoing = httpRequest({ hostname, port, path: pathname, method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connect', (incoming, client: Socket) => {
    asked.push({ line: `CONNECT ${incoming.url}`, headers: incoming.headers });
    const allowed = tunnels === 'all' || (tunnels === '443 only' && incoming.url?.endsWith(':443'));
    if (!allowed || status !== undefined) {
      client.end(`HTTP/1.1 ${status ?? 403} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
