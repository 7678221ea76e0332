import type { IncomingMessage, ServerResponse } from 'node:http';
import getRawBody from 'raw-body';
import { badRequest, type GatewayError, tooLarge, unavailable } from '../errors';
import { decodeBody } from './codings';

/** Bodies that may be held at the door at once, in bytes, before their spans are in the queue. */
export const IN_FLIGHT_BYTES_MAX = 256 * 1024 * 1024;

/** Counts the bytes of bodies being read and decoded. */
export interface DoorBudget {
  /** Throws 503 when the door is full; the function returned gives the bytes back. */
  enter(declaredBytes: number): DoorTicket;
}

export interface DoorTicket {
  grow(bytes: number): void;
  leave(): void;
}

export function createDoorBudget(bytesMax = IN_FLIGHT_BYTES_MAX): DoorBudget {
  let held = 0;
  return {
    enter(declaredBytes) {
      // One body always may come in: the limit of a single one is GATEWAY_BODY_MAX_BYTES.
      if (held > 0 && held + declaredBytes > bytesMax) {
        throw unavailable('too many bodies are being received at once; try again shortly', 1);
      }
      let mine = declaredBytes;
      held += mine;
      return {
        grow(bytes) {
          const more = Math.max(0, bytes - mine);
          mine += more;
          held += more;
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

/** The whole body, its Content-Encoding undone; at most `bodyBytesMax` bytes before and after that. */
export async function readBody(
  request: IncomingMessage,
  { response, bodyBytesMax, ticket }: { response: ServerResponse; bodyBytesMax: number; ticket: DoorTicket },
): Promise<Buffer> {
  // Whoever asks first is answered here, where nothing but the body can be wrong any more.
  if (request.headers.expect !== undefined) response.writeContinue();
  let received = 0;
  // A body in chunks has not said how long it is: it is counted as it comes.
  const count = (chunk: Buffer) => {
    received += chunk.length;
    ticket.grow(received);
  };
  if (request.headers['content-length'] === undefined) request.on('data', count);
  const body = await rawBody(request, bodyBytesMax).finally(() => request.off('data', count));
  ticket.grow(body.length);
  const decoded = await decodeBody(body, { contentEncoding: request.headers['content-encoding'], bodyBytesMax });
  ticket.grow(decoded === body ? body.length : body.length + decoded.length);
  return decoded;
}

/** Content-Length, or 0 where the body comes in chunks. Node has seen to it that it is a number. */
export const declaredLength = (request: IncomingMessage): number => Number(request.headers['content-length'] ?? 0);

async function rawBody(request: IncomingMessage, bodyBytesMax: number): Promise<Buffer> {
  try {
    const length = request.headers['content-length'] ?? null;
    return await getRawBody(request, { limit: bodyBytesMax, length });
  } catch (error) {
    throw translated(error, bodyBytesMax);
  }
}

function translated(error: unknown, bodyBytesMax: number): GatewayError {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (type === 'entity.too.large') return tooLarge('the request body', bodyBytesMax);
  if (type === 'request.aborted') return badRequest('the request was cut off', { cause: error });
  if (type === 'request.size.invalid')
    return badRequest('the body is not as long as its Content-Length', { cause: error });
  return badRequest('the body could not be read', { cause: error });
}
