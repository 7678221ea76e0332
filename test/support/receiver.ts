import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { close } from '../../src/listening';
import type { Accepted } from '../../src/receiver/accept';
import { createReceiver, type Receiver, type ReceiverOptions } from '../../src/receiver/server';
import { openConnection, type RawConnection } from './raw-connection';

export interface RunningReceiver {
  readonly receiver: Receiver;
  readonly url: string;
  /** Path and code of every request that is over, in their order. */
  readonly answered: [path: string, code: number][];
  readonly logs: string[];
  /** A connection that is closed with the receiver. */
  open(): Promise<RawConnection>;
  close(): Promise<void>;
}

/** What a request without fault comes to. */
export const NOTHING_TO_TELL: Accepted = { accepted: 1, rejections: [], warnings: new Map() };

/** Of a receiver with nothing behind it: it takes everything from everybody at once. */
export const OPEN_RECEIVER: Omit<ReceiverOptions, 'log'> = {
  ...{ accept: async () => NOTHING_TO_TELL, tellWarnings: false, room: async () => () => {}, trouble: () => undefined },
  ...{ flush: { settled: async () => true, waiting: () => 0 }, isDraining: () => false, random: () => 0 },
  ...{ bodyBytesMax: 65_536, corsOrigins: [], keys: [], trustProxy: false, isLangfuseConfigured: true, now: Date.now },
  ...{ onAnswered: () => {}, onRefused: () => {}, onKeyUsed: () => {}, onForeignOrigin: () => {} },
  ...{ onConnectionDropped: () => {}, onFailed: () => {} },
};

/** A receiver with nothing behind it, unless told otherwise. */
export async function startReceiver(options: Partial<ReceiverOptions> = {}): Promise<RunningReceiver> {
  const answered: [string, number][] = [];
  const logs: string[] = [];
  const receiver = createReceiver({
    ...OPEN_RECEIVER,
    onAnswered: ({ path, code }) => answered.push([path, code]),
    log: pino({ level: 'debug' }, { write: (line: string) => logs.push(line) }),
    ...options,
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const connections: RawConnection[] = [];
  return {
    ...{ receiver, url, answered, logs },
    async open() {
      const connection = await openConnection(url);
      connections.push(connection);
      return connection;
    },
    async close() {
      for (const { socket } of connections) socket.destroy();
      await close(receiver);
    },
  };
}
