import { createHash, timingSafeEqual } from 'node:crypto';
import http from 'node:http';
import { isIP } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import type { Logger } from 'pino';
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

const INDEX = `langfuse-otlp-gateway

GET /healthz          alive
GET /readyz           able to keep spans, and what is wrong
GET /metrics          Prometheus
GET /api/traces       the last traces (preview mode), newest first: ?limit=&before=
GET /api/traces/ID    the observations of one
`;

/** Health, metrics and a look at what arrived. It shows prompts, so it never shares a port with the receiver. */
export function createAdmin(options: AdminOptions): http.Server {
  const { metrics, readiness, traces, log } = options;
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/readyz', (_request, response) => {
    const { code, status, reasons } = readiness();
    response.status(code).json({ status, reasons });
  });
  app.use(hostGuard(options));
  if (options.token !== undefined) app.use(tokenGuard(options.token));
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
  return http.createServer(app);
}

/**
 * A page anywhere can make its own name point to this machine (DNS rebinding) and then read what is answered to it. Such
 * a request names a host that is neither an address nor this machine, and has no token.
 */
function hostGuard({ host, token }: Pick<AdminOptions, 'host' | 'token'>) {
  const isAuthorized = token === undefined ? () => false : tokenCheck(token);
  return (request: Request, response: Response, next: NextFunction): void => {
    const name = (request.headers.host ?? '')
      .replace(/:\d*$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase();
    const isHere = name === 'localhost' || name.endsWith('.localhost') || name === host.toLowerCase();
    if (isHere || isIP(name) !== 0 || isAuthorized(request)) next();
    else response.status(403).json({ error: 'this Host is not served here; use an address or the configured host' });
  };
}

function tokenGuard(token: string) {
  const isAuthorized = tokenCheck(token);
  return (request: Request, response: Response, next: NextFunction): void => {
    if (isAuthorized(request)) next();
    else {
      response.setHeader('WWW-Authenticate', 'Bearer realm="admin"');
      response.status(401).json({ error: 'Authorization: Bearer GATEWAY_ADMIN_TOKEN is required' });
    }
  };
}

function tokenCheck(token: string) {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (request: Request): boolean => {
    const presented = /^bearer +(.*)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(expected, digest(presented));
  };
}

function pageSize(limit: unknown): number {
  const asked = Number(limit ?? PAGE_SIZE);
  return Number.isSafeInteger(asked) && asked > 0 ? Math.min(asked, PAGE_SIZE_MAX) : PAGE_SIZE;
}
