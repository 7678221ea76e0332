import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Answer } from './post';

/** A TCP connection to an HTTP server, for what HTTP clients do not let happen. */
export interface RawConnection {
  readonly socket: Socket;
  /** Resolves when the bytes are handed over to the system. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** The next answer, `100 Continue` included. Rejects when the connection ends before it is complete. */
  answer(): Promise<Answer>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
}

export async function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let received: Buffer = Buffer.alloc(0);
  let ended = false;
  const news = new EventTarget();
  const notify = () => news.dispatchEvent(new Event('news'));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    notify();
  });
  // A reset is an end like any other here: what counts is whether the answer came first.
  socket.on('error', () => {});
  // Not `once`: that rejects with an error that comes first.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
    ended = true;
    notify();
  });
  return {
    socket,
    closed,
    write: (bytes) =>
      new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve()))),
    async answer() {
      for (;;) {
        const parsed = parseAnswer(received);
        if (parsed !== undefined) {
          received = received.subarray(parsed.bytes);
          return parsed.answer;
        }
        if (ended) throw new Error(`the connection ended after ${received.length} bytes of an answer`);
        await once(news, 'news');
      }
    },
  };
}

/** Head and body of a POST without the headers that HTTP clients add. */
export function rawPost(options: { path?: string; headers?: Record<string, string>; body?: Uint8Array }): Buffer {
  const { path = '/v1/traces', headers = {}, body = Buffer.alloc(0) } = options;
  const lines = Object.entries({ Host: 'gateway', 'Content-Length': String(body.length), ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${head}\r\n`), body]);
}

/** The first answer in these bytes, once it is there to its end. Its body must have a Content-Length. */
function parseAnswer(bytes: Buffer): { answer: Answer; bytes: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const bodyStart = headEnd + 4;
  const end = bodyStart + Number(headers['content-length'] ?? 0);
  if (bytes.length < end) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  return { answer: { status, headers, body: bytes.subarray(bodyStart, end) }, bytes: end };
}
