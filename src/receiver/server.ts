import http from 'node:http';
import https from 'node:https';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { badRequest, GatewayError, shuttingDown } from '../errors';
import { sendError } from './answer';
import { checkDeclaredLength, createDoorBudget } from './body';
import { answerBrokenConnection, brokenRequest, HEADER_BYTES_MAX, isGone } from './broken-requests';
import { limitConnections } from './connections';
import { createCors } from './cors';
import { createFlushDoor, type FlushOptions, flushHandler } from './flush';
import { type Format, formatOf } from './format';
import { createGate, type GateOptions, type GateRequest } from './gate';
import { createIngest, type IngestOptions, type Visit } from './ingest';
import { notFound } from './not-found';
import { createOpenRequests, type OpenRequests } from './open-requests';
import { tracesHandler } from './otlp-traces';
import { FLUSH_PATHS, HEALTH_PATHS, TRACE_PATHS, TRANSPARENT_PATHS } from './paths';
import { createPatience } from './patience';
import { type ReadTls, tlsOptions, watchTls } from './tls';
import { transparentHandler } from './transparent-spans';

export interface ReceiverOptions extends Omit<IngestOptions, 'budget'>, FlushOptions, GateOptions {
  /** Whether a success tells its sender what is worth mending. */
  tellWarnings: boolean;
  /** Whether there is a Langfuse to deliver to, for those who ask for health. */
  isLangfuseConfigured: boolean;
  /** As Express takes it for "trust proxy": whose X-Forwarded-For is believed. */
  trustProxy: boolean | number | readonly string[];
  /** Absent: no TLS. */
  tls?: ReadTls | undefined;
  /** Called once per request when its answer is out. */
  onAnswered: (answered: { path: string; code: number; seconds: number }) => void;
  /** A request was answered with an error; its message is for the sender. */
  onFailed: (failed: { status: number; message: string; path: string; userAgent: string | undefined }) => void;
  /** A connection was closed at once, because there are too many. */
  onConnectionDropped: () => void;
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
const CONNECTIONS_CHECK_MS = 5_000;
/** Each takes a descriptor and some 20 KiB. */
const CONNECTIONS_MAX = 10_000;

export type Receiver = (http.Server | https.Server) & {
  /** Answers every request that has no answer yet with 503, whether its body is there or not, and closes its connection. */
  refuseOpen(): void;
};

/** The receiver's HTTP server, not yet listening. Throws where its TLS files cannot be used. */
export function createReceiver(options: ReceiverOptions): Receiver {
  const open = createOpenRequests();
  const app = createApp(options, open);
  const server = createServer(options, app);
  // Without a listener Node would say "continue" before anybody has looked at the request; readBody says it.
  server.on('checkContinue', app);
  server.on('checkExpectation', app);
  server.on('clientError', (error, socket) => {
    // Who was answered in the middle of its body may well end there.
    if (open.isAnswered(socket)) socket.end();
    else if (isGone(error) || !open.refuse(socket, brokenRequest(error))) answerBrokenConnection(error, socket);
  });
  const connections = limitConnections(server, { max: CONNECTIONS_MAX, onDropped: options.onConnectionDropped });
  return Object.assign(server, {
    refuseOpen: () => open.refuseAll(() => shuttingDown(options.random)),
    closeAllConnections: connections.closeAll,
    closeIdleConnections: connections.closeIdle,
  });
}

function createServer({ tls, log }: ReceiverOptions, app: Express): http.Server | https.Server {
  const httpOptions: http.ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    // Refused below with a Status; Node's own answer has no body.
    requireHostHeader: false,
  };
  if (tls === undefined) return http.createServer(httpOptions, app);
  const server = https.createServer({ ...httpOptions, ...tlsOptions(tls()) }, app);
  const watch = watchTls(server, { read: tls, log });
  return server.once('close', watch.close);
}

function createApp(options: ReceiverOptions, open: OpenRequests): Express {
  const { bodyBytesMax, random, log } = options;
  const cors = createCors([...options.corsOrigins, ...options.keys.flatMap(({ origins }) => origins)]);
  const pass = createGate(options);
  const slowly = createPatience({ random });
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('trust proxy', options.trustProxy);
  app.use((request: Request, response: Response, next: NextFunction) => {
    observe(request, response, options.onAnswered);
    cors.apply(request, response);
    open.add(response, (error) => refuse(request, response, error));
    next();
  });
  serveHealth(app, options);
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
  app.all(HEALTH_PATHS, notAllowed('GET, HEAD'));
  app.use((request, response, next) => {
    if (options.isDraining()) {
      response.setHeader('Connection', 'close');
      throw shuttingDown(random);
    }
    const visit: Visit = { sender: pass(request) };
    response.locals.visit = visit;
    if (request.headers.host === undefined && request.httpVersion === '1.1')
      throw badRequest('the Host header is missing');
    checkExpectation(request);
    checkDeclaredLength(request, bodyBytesMax);
    next();
  });
  serveIngest(app, options);
  app.use((request) => {
    throw notFound(request.path);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const known = gatewayError(error);
    if (known.code === 'internal') log.error({ err: error, path: request.path }, 'a request failed inside the gateway');
    else log.debug({ code: known.code, path: request.path, cause: known.cause }, known.message);
    const { path, headers } = request;
    options.onFailed({ status: known.httpStatus, message: known.message, path, userAgent: headers['user-agent'] });
    const answer = () => sendError(request, response, known, answerFormat(request, response));
    if (known.code === 'rate_limited') slowly(answer);
    else answer();
  });
  return app;
}

function serveHealth(app: Express, { isLangfuseConfigured }: ReceiverOptions): void {
  const [plain = '', ofBrowsers = ''] = HEALTH_PATHS;
  const message = isLangfuseConfigured ? 'spans go to Langfuse' : 'preview mode: spans go to the inspector';
  app.get(plain, (_request, response) => void response.json({ status: 'ok' }));
  app.get(ofBrowsers, (_request, response) => {
    response.json({ status: 'healthy', langfuse_configured: isLangfuseConfigured, message });
  });
}

function serveIngest(app: Express, options: ReceiverOptions): void {
  const ingest = createIngest({ ...options, budget: createDoorBudget({ random: options.random }) });
  const door = createFlushDoor(options);
  const visiting =
    (handle: (request: GateRequest, response: Response, visit: Visit) => Promise<void>) =>
    (request: Request, response: Response) =>
      handle(request, response, visitOf(response)!);
  app.post(TRACE_PATHS, visiting(tracesHandler({ ...options, ingest })));
  app.post(TRANSPARENT_PATHS, visiting(transparentHandler({ ingest, flush: door })));
  app.post(FLUSH_PATHS, visiting(flushHandler({ ...options, door })));
  app.all([...TRACE_PATHS, ...TRANSPARENT_PATHS, ...FLUSH_PATHS], notAllowed('POST, OPTIONS'));
}

/** Of a request that has passed the gate. */
const visitOf = (response: Response) => response.locals.visit as Visit | undefined;

function refuse(request: Request, response: Response, error: GatewayError): void {
  response.setHeader('Connection', 'close');
  sendError(request, response, error, answerFormat(request, response));
}

function notAllowed(allowed: string) {
  return ({ method }: Request): never => {
    const message = `${method} is not allowed here, only ${allowed}`;
    throw new GatewayError('method_not_allowed', message, { headers: { Allow: allowed } });
  };
}

/** As the request came; JSON where that cannot be told. A sniffed format is known once the body was read. */
function answerFormat(request: Request, response: Response): Format {
  const declared = formatOf(request.headers['content-type']);
  return visitOf(response)?.format ?? (declared === 'protobuf' ? 'protobuf' : 'json');
}

/** RFC 9110 section 10.1.1: 100-continue is the only expectation there is. */
function checkExpectation({ headers: { expect } }: Request): void {
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new GatewayError('expectation_failed', 'the only expectation that is known is 100-continue');
  }
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
