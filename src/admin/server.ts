import http from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
import { API_METHODS, type ApiOptions, serveApi } from './api';
import { changeGuard, type Guard, hostGuard, protectAnswer, tokenGuard } from './guards';
import type { Metrics } from './metrics';
import { servePage } from './page';
import type { Readiness } from './readiness';

export interface AdminOptions extends ApiOptions {
  /** The host it listens on, which requests may name. */
  host: string;
  /** Required of every request but the health ones, where set. */
  token: string | undefined;
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  readiness: () => Readiness;
  log: Logger;
}

/** Who asks here is near, and asks for little. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };
const CONNECTIONS_MAX = 256;
const READING = 'GET, HEAD, OPTIONS';

/** Health, metrics and the inspector. It shows prompts, so it never shares a port with the receiver. */
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
  serveMetrics(app, options);
  serveApi(app, options);
  servePage(app);
  for (const [path, methods] of Object.entries(METHODS)) {
    app.all(path, ({ method }, response) => {
      response.setHeader('Allow', methods);
      // Without CORS headers it allows no page anything.
      if (method === 'OPTIONS') response.status(204).end();
      else response.status(405).json({ error: `${method} is not allowed here, only ${methods}` });
    });
  }
  // Not app.options: `OPTIONS *` has no path that a route could match.
  app.use(({ method }, response, next) => {
    if (method === 'OPTIONS') response.status(204).setHeader('Allow', READING).end();
    else next();
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

const METHODS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['/', '/healthz', '/readyz', '/metrics'].map((path) => [path, READING])),
  ...API_METHODS,
};

function serveMetrics(app: Express, { metrics }: AdminOptions): void {
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.setHeader('Content-Type', metrics.contentType);
    response.end(text);
  });
}
