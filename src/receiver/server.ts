import http from 'node:http';
import type { Duplex } from 'node:stream';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { badRequest, ERROR_TABLE, GatewayError, shuttingDown } from '../errors';
import { sendError } from './answer';
import { createAuthenticate } from './auth';
import { checkDeclaredLength, createDoorBudget } from './body';
import { createCors } from './cors';
import { FLUSH_PATHS, type FlushHandlerOptions, flushHandler } from './flush';
import { type Format, formatOf } from './format';
import { createOpenRequests, type OpenRequests } from './open-requests';
import { TRACE_PATHS, type TracesOptions, tracesHandler } from './otlp-traces';

export interface ReceiverOptions extends Omit<TracesOptions, 'budget'>, FlushHandlerOptions {
  corsOrigins: readonly string[];
  ingestKeys: readonly string[];
  /** Called once per request when its answer is out. */
  onAnswered: (answered: { path: string; code: number; seconds: number }) => void;
  /** While true every request is refused with 503. */
  isDraining: () => boolean;
  log: Logger;
}

/** Above the export period of batch processors (5 s), and above the idle time of usual load balancers (60 s). */
const KEEP_ALIVE_MS = 90_000;
/** A request's headers take no longer, whatever the line: a sender that drips them is holding a socket. */
const HEADERS_MS = 30_000;
/** A body may come slowly. */
const REQUEST_MS = 300_000;
/** Baggage and cookies: Node's default of 16 KiB is below what browsers send. */
const HEADER_BYTES_MAX = 64 * 1024;
const CONNECTIONS_CHECK_MS = 5_000;

/** Paths that come to mind and are not served, with what to do about it. */
const HINTS = new Map([
  ['/', 'POST to /v1/traces: an endpoint set for traces alone is used as it is, without a path added'],
  ['/v1/logs', 'this gateway takes traces only; set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to point traces alone here'],
  ['/v1/metrics', 'this gateway takes traces only; set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to point traces alone here'],
]);

const PUBLIC_API_HINT =
  'this gateway takes traces only; point LANGFUSE_BASE_URL of the tracing here, prompts, scores and media go to Langfuse itself';

export interface Receiver extends http.Server {
  /** Answers every request that has no answer yet with 503, whether its body is there or not, and closes its connection. */
  refuseOpen(): void;
}

/** The receiver's HTTP server, not yet listening. */
export function createReceiver(options: ReceiverOptions): Receiver {
  const open = createOpenRequests();
  const app = createApp(options, open);
  const server = http.createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
      connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
      // Refused below with a Status; Node's own answer has no body.
      requireHostHeader: false,
    },
    app,
  );
  // Without a listener Node would say "continue" before anybody has looked at the request; readBody says it.
  server.on('checkContinue', app);
  server.on('checkExpectation', app);
  server.on('clientError', (error, socket) => {
    // Who was answered in the middle of its body may well end there.
    if (open.isAnswered(socket)) socket.end();
    else answerBrokenRequest(error, socket);
  });
  return Object.assign(server, { refuseOpen: open.refuseAll });
}

/** What Node's parser refuses has no request yet: headers too large, a timeout, or no HTTP at all. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
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

function createApp(options: ReceiverOptions, open: OpenRequests): Express {
  const { bodyBytesMax, random, log } = options;
  const cors = createCors(options.corsOrigins);
  const authenticate = createAuthenticate(options.ingestKeys);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.use((request: Request, response: Response, next: NextFunction) => {
    observe(request, response, options.onAnswered);
    cors.apply(request, response);
    open.add(response, () => refuse(request, response, random));
    next();
  });
  app.get(['/healthz'], (_request, response) => void response.json({ status: 'ok' }));
  // Not app.options: `OPTIONS *` has no path that a route could match.
  app.use((request, response, next) => {
    if (request.method !== 'OPTIONS') {
      next();
      return;
    }
    cors.preflight(request, response);
    response.setHeader('Allow', 'POST, OPTIONS');
    response.status(204).end();
  });
  app.all('/healthz', notAllowed('GET, HEAD'));
  app.use((request, response, next) => {
    if (options.isDraining()) {
      response.setHeader('Connection', 'close');
      throw shuttingDown(random);
    }
    const refusal = authenticate(request.headers);
    if (refusal !== undefined) throw refusal;
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      throw badRequest('the Host header is missing');
    checkExpectation(request);
    checkDeclaredLength(request, bodyBytesMax);
    next();
  });
  app.post(TRACE_PATHS, tracesHandler({ ...options, budget: createDoorBudget({ random }) }));
  app.post(FLUSH_PATHS, flushHandler(options));
  app.all([...TRACE_PATHS, ...FLUSH_PATHS], notAllowed('POST, OPTIONS'));
  app.use((request) => {
    throw notFound(request.path);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const known = gatewayError(error);
    if (known.code === 'internal') log.error({ err: error, path: request.path }, 'a request failed inside the gateway');
    else log.debug({ code: known.code, path: request.path, cause: known.cause }, known.message);
    sendError(request, response, known, answerFormat(request, response));
  });
  return app;
}

function refuse(request: Request, response: Response, random: () => number): void {
  response.setHeader('Connection', 'close');
  sendError(request, response, shuttingDown(random), answerFormat(request, response));
}

function notAllowed(allowed: string) {
  return ({ method }: Request): never => {
    const message = `${method} is not allowed here, only ${allowed}`;
    throw new GatewayError('method_not_allowed', message, { headers: { Allow: allowed } });
  };
}

/** As the request came; JSON where that cannot be told. A sniffed format is known once the body was read. */
function answerFormat(request: Request, response: Response): Format {
  const sniffed = response.locals.format as Format | undefined;
  const declared = formatOf(request.headers['content-type']);
  return sniffed ?? (declared === 'protobuf' ? 'protobuf' : 'json');
}

/** RFC 9110 section 10.1.1: 100-continue is the only expectation there is. */
function checkExpectation({ headers: { expect } }: Request): void {
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new GatewayError('expectation_failed', 'the only expectation that is known is 100-continue');
  }
}

function notFound(path: string): GatewayError {
  const known = HINTS.get(path);
  const doubled = path.endsWith('/v1/traces')
    ? 'the path was appended twice: give exporters the base URL only'
    : undefined;
  const publicApi = /^\/api\/public\/(?!otel(\/|$))/.test(path) ? PUBLIC_API_HINT : undefined;
  return new GatewayError(
    'not_found',
    `no such path; ${known ?? doubled ?? publicApi ?? 'traces go to POST /v1/traces'}`,
  );
}

function gatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  // Express' router throws on a path that is not valid percent-encoding.
  if (error instanceof URIError) return badRequest('the path cannot be decoded', { cause: error });
  return new GatewayError('internal', 'internal error', { cause: error });
}

function observe(request: Request, response: Response, onAnswered: ReceiverOptions['onAnswered']): void {
  const started = performance.now();
  const path = request.path;
  response.once('close', () => {
    // A sender that went away got no answer: 499 as nginx counts it. One that leaves with its answer, and does not wait
    // until the rest of its body is read, did not.
    const code = response.headersSent ? response.statusCode : 499;
    onAnswered({ path, code, seconds: (performance.now() - started) / 1000 });
  });
}
