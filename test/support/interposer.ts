import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually';

/** What it does with a request: passes it on, or … */
export type Interference =
  | 'none'
  /** … resets the connection before anything is passed on. */
  | 'reset'
  /** … takes the request and answers nothing, ever. */
  | 'silence'
  /** … passes on the beginning of the answer, then resets the connection. */
  | { answerBytes: number }
  /** … passes on the answer a byte at a time. */
  | { dripMs: number };

export interface Interposer {
  baseUrl: string;
  /** For what comes from now on; a connection that silence fell on stays silent. */
  interference: Interference;
  /** Resets what is open; the port refuses connections until `open`. */
  close(): Promise<void>;
  /** Listens again on the same port. */
  open(): Promise<void>;
  /** Resets what is open. */
  resetAll(): void;
}

const HOST = '127.0.0.1';

/** Stands between a client and the server at `target` on loopback, and knows bytes only. */
export async function startInterposer(target: string): Promise<Interposer> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(target).port), HOST);
    // Of an answer a byte at a time the next must not overtake the one before.
    let written: Promise<unknown> = Promise.resolve();
    let isSilent = false;
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const { interference } = interposer;
      isSilent ||= interference === 'silence';
      if (interference === 'reset') client.resetAndDestroy();
      else if (!isSilent) upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      const { interference } = interposer;
      if (typeof interference === 'string') {
        written = written.then(() => client.write(chunk));
        return;
      }
      written = written.then(async () => {
        if ('answerBytes' in interference) {
          client.write(chunk.subarray(0, interference.answerBytes));
          // A reset overtakes what was not read yet.
          await sleep(50);
          client.resetAndDestroy();
          return;
        }
        for (const byte of chunk) {
          client.write(Buffer.of(byte));
          await sleep(interference.dripMs);
        }
      });
    });
  });
  const listen = async (port: number) => {
    server.listen(port, HOST);
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const interposer: Interposer = {
    ...{ baseUrl: `http://${HOST}:${port}`, interference: 'none' },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      interposer.resetAll();
      await closed;
    },
    // A client's connection may have the port for a moment.
    open: () => eventually(() => listen(port)),
    resetAll() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
  return interposer;
}
