import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';
import { badRequest, GatewayError, retrySoon, tooLarge } from '../errors';
import { decodeBody, isEncoded } from './codings';
import type { InflateProgress } from './inflate';

/** Bodies that may be held at the door at once, in bytes, before their spans are in the queue. */
export const IN_FLIGHT_BYTES_MAX = 256 * 1024 * 1024;

/** Counts the bytes of bodies being read and decoded, as they are there: what is announced only takes no room. */
export interface DoorBudget {
  /** Throws 503 where what is there and what this body announces (0: it does not say) are more than the bound. */
  enter(declaredBytes: number): DoorTicket;
}

export interface DoorTicket {
  /** This body takes so many bytes now. Throws 503, with nothing changed, where the door cannot hold them. */
  hold(bytes: number): void;
  /** Gives all of it back. */
  leave(): void;
}

export interface DoorBudgetOptions {
  bytesMax?: number;
  random: () => number;
}

export function createDoorBudget({ bytesMax = IN_FLIGHT_BYTES_MAX, random }: DoorBudgetOptions): DoorBudget {
  let held = 0;
  const requireRoom = ({ others, bytes }: { others: number; bytes: number }) => {
    // One body always may come in: the limit of a single one is GATEWAY_BODY_MAX_BYTES.
    if (others === 0 || others + bytes <= bytesMax) return;
    throw retrySoon('too many bodies are being received at once; try again shortly', random);
  };
  return {
    enter(declaredBytes) {
      requireRoom({ others: held, bytes: Math.max(1, declaredBytes) });
      let mine = 0;
      return {
        hold(bytes) {
          if (bytes > mine) requireRoom({ others: held - mine, bytes });
          held += bytes - mine;
          mine = bytes;
        },
        leave() {
          held -= mine;
          mine = 0;
        },
      };
    },
  };
}

/** Throws the 413 that can be told from the headers, before a byte of the body is read. */
export function checkDeclaredLength(request: IncomingMessage, bodyBytesMax: number): void {
  if (declaredLength(request) > bodyBytesMax) throw tooLarge('the request body', bodyBytesMax);
}

export interface ReadBodyOptions {
  response: ServerResponse;
  bodyBytesMax: number;
  ticket: DoorTicket;
  /**
   * Called while the body comes and while it is inflated, with the bytes received or inflated so far, whichever is more: never with
   * fewer than before. It may throw a GatewayError, which ends both.
   */
  onBytes?: (bytes: number) => void;
}

/** The whole body, its Content-Encoding undone; at most `bodyBytesMax` bytes before and after that. */
export async function readBody(request: IncomingMessage, options: ReadBodyOptions): Promise<Buffer> {
  const { response, bodyBytesMax, ticket, onBytes } = options;
  // Whoever asks first is answered here, where nothing but the body can be wrong any more.
  if (request.headers.expect !== undefined) response.writeContinue();
  const body = await rawBody(request, options);
  const declared = request.headers['content-encoding'];
  // A beacon cannot say that it is compressed. No body begins so otherwise.
  const contentEncoding = !isEncoded(declared) && body.subarray(0, 2).equals(GZIP_MAGIC) ? 'gzip' : declared;
  let bytes = body.length;
  const onProgress = ({ inflated, held }: InflateProgress) => {
    // Its turn may have come long after its sender left.
    if (request.socket.destroyed || response.headersSent) throw badRequest('the request was cut off');
    bytes = Math.max(bytes, inflated);
    onBytes?.(bytes);
    ticket.hold(body.length + held);
  };
  const decoded = await decodeBody(body, { contentEncoding, bodyBytesMax, onProgress });
  ticket.hold(decoded === body ? body.length : body.length + decoded.length);
  return decoded;
}

/** RFC 1952 section 2.3.1. */
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** Content-Length, or 0 where the body comes in chunks. Node has seen to it that it is a number. */
export const declaredLength = (request: IncomingMessage): number => Number(request.headers['content-length'] ?? 0);

async function rawBody(request: IncomingMessage, { bodyBytesMax, ticket, onBytes }: ReadBodyOptions): Promise<Buffer> {
  let received = 0;
  const count = (chunk: Buffer) => {
    received += chunk.length;
    try {
      onBytes?.(received);
      ticket.hold(received);
    } catch (error) {
      request.off('data', count);
      // An error of the stream is what makes raw-body let go of what it has read; the rest is drained by sendError.
      request.emit('error', error);
    }
  };
  request.on('data', count);
  try {
    const length = request.headers['content-length'] ?? null;
    return await getRawBody(request, { limit: bodyBytesMax, length });
  } catch (error) {
    throw translated(error, bodyBytesMax);
  } finally {
    request.off('data', count);
  }
}

function translated(error: unknown, bodyBytesMax: number): GatewayError {
  if (error instanceof GatewayError) return error;
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') return tooLarge('the request body', bodyBytesMax);
  if (type === 'request.aborted') return badRequest('the request was cut off', { cause: error });
  if (type === 'request.size.invalid')
    return badRequest('the body is not as long as its Content-Length', { cause: error });
  return badRequest('the body could not be read', { cause: error });
}
