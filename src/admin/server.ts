import http from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { changeGuard, type Guard, hostGuard, protectAnswer, tokenGuard } from './guards';
import type { Metrics } from './metrics';
import type { Readiness } from './readiness';
import type { TraceStore } from './trace-store';

export interface AdminOptions {
  /** The host it listens on, which requests may name. */
  host: string;
  /** Required of every request but the health ones, where set. */
  token: string | undefined;
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  readiness: () => Readiness;
  traces: TraceStore;
  log: Logger;
}

const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 500;

/** Who asks here is near, and asks for little. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };
const CONNECTIONS_MAX = 256;
const ALLOWED = 'GET, HEAD, OPTIONS';

const INDEX = `langfuse-otlp-gateway

GET /healthz          alive
GET /readyz           able to keep spans, and what is wrong
GET /metrics          Prometheus
GET /api/traces       the last traces (preview mode), newest first: ?limit=&before=
GET /api/traces/ID    the observations of one
`;

/** Health, metrics and a look at what arrived. It shows prompts, so it never shares a port with the receiver. */
export function createAdmin(options: AdminOptions): http.Server {
  const { token, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    protectAnswer(response);
    next();
  });
  // In this order: who may not read here learns no more than that.
  app.use(guarded(hostGuard(options)));
  serveHealth(app, options);
  if (token !== undefined) app.use(guarded(tokenGuard(token, log)));
  app.use(guarded(changeGuard));
  // Not app.options: `OPTIONS *` has no path that a route could match. Without CORS headers it allows no page anything.
  app.use((request, response, next) => {
    if (request.method === 'OPTIONS') response.status(204).setHeader('Allow', ALLOWED).end();
    else next();
  });
  serveReading(app, options);
  app.all(PATHS, ({ method }, response) => {
    response.setHeader('Allow', ALLOWED);
    response.status(405).json({ error: `${method} is not allowed here, only ${ALLOWED}` });
  });
  app.use((_request, response) => void response.status(404).json({ error: 'no such path' }));
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof URIError) {
      response.status(400).json({ error: 'the path cannot be decoded' });
      return;
    }
    log.error({ err: error, path: request.path }, 'an admin request failed');
    if (!response.headersSent) response.status(500).json({ error: 'internal error' });
    else response.destroy();
  });
  const server = http.createServer(TIMES, app);
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

/** Without a token: who probes has none. */
function serveHealth(app: Express, { readiness }: AdminOptions): void {
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const { code, status, reasons } = readiness();
    response.status(code).json({ status, reasons });
  });
}

function guarded(guard: Guard) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const refusal = guard(request);
    if (refusal === undefined) next();
    else {
      const { status, error, headers = {} } = refusal;
      response.status(status).set(headers).json({ error });
    }
  };
}

const PATHS = ['/', '/healthz', '/readyz', '/metrics', '/api/traces', '/api/traces/:id'];

function serveReading(app: Express, { metrics, traces }: AdminOptions): void {
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.setHeader('Content-Type', metrics.contentType);
    response.end(text);
  });
  app.get('/api/traces', (request, response) => {
    const { limit, before } = request.query;
    response.json({
      traces: traces.list({ limit: pageSize(limit), before: typeof before === 'string' ? before : undefined }),
    });
  });
  app.get('/api/traces/:id', (request, response) => {
    const traceId = request.params.id.toLowerCase();
    response.json({ traceId, observations: traces.observations(traceId) });
  });
  app.get('/', (_request, response) => void response.type('text/plain').send(INDEX));
}

function pageSize(limit: unknown): number {
  const asked = Number(limit ?? PAGE_SIZE);
  return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, PAGE_SIZE_MAX) : PAGE_SIZE;
}
