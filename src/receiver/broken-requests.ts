import http from 'node:http';
import type { Duplex } from 'node:stream';
import { ERROR_TABLE } from '../errors';

/** Baggage and cookies: Node's default of 16 KiB is below what browsers send. */
export const HEADER_BYTES_MAX = 64 * 1024;

/** What Node's parser refuses has no request yet: headers too large, a timeout, or no HTTP at all. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] = BROKEN_REQUESTS.get(error.code ?? '') ?? [400, 3, 'not a valid HTTP request'];
  const body = JSON.stringify({ code, message });
  const head = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/json\r\nConnection: close`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const BROKEN_REQUESTS = new Map<string, [status: number, grpcCode: number, message: string]>([
  ['HPE_HEADER_OVERFLOW', [431, ERROR_TABLE.too_large.grpc, `the request headers exceed ${HEADER_BYTES_MAX} bytes`]],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, ERROR_TABLE.timeout.grpc, 'the request took too long to arrive']],
]);
