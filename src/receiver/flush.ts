import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, rateLimited, shuttingDown } from '../errors';
import { sendFlushed } from './answer';
import { declaredLength } from './body';
import type { GateRequest } from './gate';
import type { Visit } from './ingest';
import type { ReceiverKey } from './keys';

/** What a sender that wants to know its spans delivered waits for. */
export interface Flush {
  /**
   * Resolves to true when everything that was accepted before the call is settled (delivered or a dead letter), to false
   * when that takes too long or nobody waits for it any more.
   *
   * @param of of which destinations: all, or the one that is named, or the first where the name is `undefined`.
   */
  settled(abandoned: AbortSignal, of: 'all' | { destination: string | undefined }): Promise<boolean>;
  /** Spans that are not settled now, those accepted since included. */
  waiting(): number;
}

export interface FlushOptions {
  flush: Flush;
  bodyBytesMax: number;
  isDraining: () => boolean;
  random: () => number;
}

interface Waiting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly key: ReceiverKey | undefined;
}

/** Where senders wait for a flush: with a key for its destination, as nobody waits for what others send elsewhere. */
export interface FlushDoor {
  /** `full`: too many wait already with that browser key. */
  wait(waiting: Waiting): Promise<'settled' | 'unsettled' | 'full'>;
}

/** Each that waits holds a connection for up to 30 s; a key that is public may not hold them all. */
const BROWSER_WAITING_MAX = 32;

export function createFlushDoor({ flush }: Pick<FlushOptions, 'flush'>): FlushDoor {
  const waiting = new Map<ReceiverKey, number>();
  return {
    async wait({ request, response, key }) {
      const others = key === undefined ? 0 : (waiting.get(key) ?? 0);
      if (key?.browser && others >= BROWSER_WAITING_MAX) return 'full';
      const abandoned = new AbortController();
      const abandon = () => abandoned.abort();
      const { socket } = request;
      // Of requests sent one behind the other, the answer of one whose turn never came is not told that it is closed.
      socket.setMaxListeners(0);
      socket.once('close', abandon);
      response.once('close', abandon);
      if (socket.destroyed) abandon();
      if (key !== undefined) waiting.set(key, others + 1);
      try {
        const of = key === undefined ? 'all' : { destination: key.destination };
        return (await flush.settled(abandoned.signal, of)) ? 'settled' : 'unsettled';
      } finally {
        socket.off('close', abandon);
        if (key !== undefined) waiting.set(key, waiting.get(key)! - 1);
      }
    },
  };
}

/** A body means nothing here; one of a few kilobytes is nobody's mistake. */
const BODY_BYTES_MAX = 64 * 1024;

/** Takes nothing: 202 when what was accepted before is settled, 504 when that takes too long. */
export function flushHandler(options: FlushOptions & { door: FlushDoor }) {
  const { flush, door, isDraining, random } = options;
  const bodyBytesMax = Math.min(options.bodyBytesMax, BODY_BYTES_MAX);
  return async (request: GateRequest, response: ServerResponse, { sender }: Visit): Promise<void> => {
    // It costs a key as much as a span.
    sender.charge(declaredLength(request)).read({ spans: 0, messages: 0 });
    // A body means nothing here, but a connection that is not read does not tell when its sender is gone.
    let received = 0;
    const tooMuch = new Promise<'too much'>((resolve) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > bodyBytesMax) resolve('too much');
      });
    });
    const waited = await Promise.race([door.wait({ request, response, key: sender.key }), tooMuch]);
    // Gone, or refused in the meantime.
    if (response.destroyed || response.headersSent) return;
    if (waited === 'too much')
      throw new GatewayError('too_large', `a flush needs no body; this one exceeds ${bodyBytesMax} bytes`);
    if (waited === 'full') throw rateLimited('too many wait for a flush with this key; try again in 1 s', 1);
    if (waited === 'unsettled' && isDraining()) {
      response.setHeader('Connection', 'close');
      throw shuttingDown(random);
    }
    if (waited === 'unsettled') throw tooLate(flush.waiting());
    sendFlushed(request, response);
  };
}

const tooLate = (spans: number) =>
  new GatewayError(
    'deadline',
    `what was accepted is not all settled yet: ${spans} span(s) are waiting for delivery; nothing is lost, they are kept and delivered later`,
  );
