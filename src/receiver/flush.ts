import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, shuttingDown, tooLarge } from '../errors';
import { sendFlushed } from './answer';

export const FLUSH_PATHS = ['/flush', '/api/span-forward/flush'];

/** What a sender that wants to know its spans delivered waits for. */
export interface Flush {
  /**
   * Resolves to true when everything that was accepted before the call is settled (delivered or a dead letter), to false
   * when that takes too long or nobody waits for it any more.
   */
  settled(abandoned: AbortSignal): Promise<boolean>;
  /** Spans that are not settled now, those accepted since included. */
  waiting(): number;
}

export interface FlushHandlerOptions {
  flush: Flush;
  bodyBytesMax: number;
  isDraining: () => boolean;
  random: () => number;
}

/** Takes nothing: 202 when what was accepted before is settled, 504 when that takes too long. */
export function flushHandler({ flush, bodyBytesMax, isDraining, random }: FlushHandlerOptions) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const waiting = new AbortController();
    response.once('close', () => waiting.abort());
    // A body means nothing here, but a connection that is not read does not tell when its sender is gone.
    let received = 0;
    request.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received > bodyBytesMax) waiting.abort();
    });
    const settled = await flush.settled(waiting.signal);
    // Gone, or refused in the meantime.
    if (response.destroyed || response.headersSent) return;
    if (received > bodyBytesMax) throw tooLarge('the request body', bodyBytesMax);
    if (!settled && isDraining()) {
      response.setHeader('Connection', 'close');
      throw shuttingDown(random);
    }
    if (!settled) throw tooLate(flush.waiting());
    sendFlushed(request, response);
  };
}

const tooLate = (spans: number) =>
  new GatewayError(
    'deadline',
    `what was accepted is not all settled yet: ${spans} span(s) are waiting for delivery; nothing is lost, they are kept and delivered later`,
  );
