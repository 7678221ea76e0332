import type { IncomingMessage, ServerResponse } from 'node:http';
import { createOriginMatcher } from './origins';

/** What a page may send besides the headers that every page may; `x-*` covers keys and trace context. */
const ALLOWED_HEADERS = [
  'accept',
  'authorization',
  'baggage',
  'content-encoding',
  'content-type',
  'traceparent',
  'tracestate',
];
const PREFLIGHT_MAX_AGE_S = 7200;

export interface Cors {
  /** Puts CORS headers on the answer; called first, so that every answer has them, errors included. */
  apply(request: IncomingMessage, response: ServerResponse): void;
  /** Completes the headers of a preflight; the caller answers 204. */
  preflight(request: IncomingMessage, response: ServerResponse): void;
}

/** `origins`: all that somebody may send from, as in GATEWAY_CORS_ORIGINS; empty: no CORS headers at all. */
export function createCors(origins: readonly string[]): Cors {
  const matchOf = createOriginMatcher(origins);
  return {
    apply(request, response) {
      if (origins.length === 0) return;
      response.setHeader('Vary', 'Origin');
      const { origin } = request.headers;
      const match = origin === undefined ? undefined : matchOf(origin);
      if (origin === undefined || match === undefined) return;
      response.setHeader('Access-Control-Allow-Origin', match === 'any' ? '*' : origin);
      // Browsers refuse `*` together with credentials, which beacons always include.
      if (match === 'named') response.setHeader('Access-Control-Allow-Credentials', 'true');
      response.setHeader('Access-Control-Expose-Headers', 'Retry-After');
    },
    preflight(request, response) {
      if (!response.hasHeader('Access-Control-Allow-Origin')) return;
      const asked = headerList(request.headers['access-control-request-headers']);
      if (!asked.every((name) => ALLOWED_HEADERS.includes(name) || name.startsWith('x-'))) {
        response.removeHeader('Access-Control-Allow-Origin');
        response.removeHeader('Access-Control-Allow-Credentials');
        return;
      }
      response.setHeader('Access-Control-Allow-Methods', 'POST');
      if (asked.length > 0) response.setHeader('Access-Control-Allow-Headers', asked.join(', '));
      response.setHeader('Access-Control-Max-Age', PREFLIGHT_MAX_AGE_S);
      // For pages that somebody has named: `*` is no word for every page on the internet to reach into a private network.
      const isNamed = response.hasHeader('Access-Control-Allow-Credentials');
      if (isNamed && request.headers['access-control-request-private-network'] === 'true') {
        response.setHeader('Access-Control-Allow-Private-Network', 'true');
      }
    },
  };
}

function headerList(header: string | undefined): string[] {
  const names = (header ?? '').split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '');
}
