import http from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, ERROR_TABLE, GatewayError } from '../errors';

/** Baggage and cookies: Node's default of 16 KiB is below what browsers send. */
export const HEADER_BYTES_MAX = 64 * 1024;

/** What Node's parser makes of a connection: headers too large, a timeout, or no HTTP at all. */
export function brokenRequest({ code }: NodeJS.ErrnoException): GatewayError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new GatewayError('timeout', 'the request took too long to arrive');
  return badRequest('not a valid HTTP request');
}

/** Of a sender that went away in the middle of its body. */
export const isGone = ({ code }: NodeJS.ErrnoException) => code === 'ECONNRESET' || code === 'HPE_INVALID_EOF_STATE';

/** Where there is no request yet that could be answered: then nobody knows its encoding or its origin either. */
export function answerBrokenConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { httpStatus, code, message } = brokenRequest(error);
  const isOverflow = error.code === 'HPE_HEADER_OVERFLOW';
  const status = isOverflow ? 431 : httpStatus;
  const body = JSON.stringify({
    code: isOverflow ? ERROR_TABLE.too_large.grpc : ERROR_TABLE[code].grpc,
    message: isOverflow ? `the request headers exceed ${HEADER_BYTES_MAX} bytes` : message,
  });
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}
