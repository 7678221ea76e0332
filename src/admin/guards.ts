import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Logger } from 'pino';

/** Why a request goes no further. The message is for who asks. */
export interface Refusal {
  readonly status: 401 | 403 | 415;
  readonly error: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export type Guard = (request: IncomingMessage) => Refusal | undefined;

/** The page asks nobody else for anything; images of spans are part of its data. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What shows prompts is for nobody else's page: not to be framed, embedded, taken for something else, kept or told of. */
export function protectAnswer(response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Content-Security-Policy', POLICY);
  response.setHeader('Referrer-Policy', 'no-referrer');
  // Each answer is of its moment.
  response.setHeader('Cache-Control', 'no-store');
}

/**
 * A page anywhere can make its own name point to this machine (DNS rebinding) and then read what is answered to it. Such
 * a request names a host that is neither an address nor this machine, and has no token.
 */
export function hostGuard({ host, token }: { host: string; token: string | undefined }): Guard {
  const isAuthorized = token === undefined ? () => false : tokenCheck(token);
  return (request) => {
    const name = (request.headers.host ?? '')
      .replace(/:\d*$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase();
    const isHere = name === 'localhost' || name.endsWith('.localhost') || name === host.toLowerCase();
    if (isHere || isIP(name) !== 0 || isAuthorized(request)) return undefined;
    return { status: 403, error: 'this Host is not served here; use an address or the configured host' };
  };
}

const WRONG_TOKENS_PAUSE_MS = 60_000;

/** Who comes with a wrong token is logged, at most once a minute, with the number of them. */
export function tokenGuard(token: string, log: Logger): Guard {
  const isAuthorized = tokenCheck(token);
  let wrong = 0;
  let silentUntilMs = 0;
  const tell = (address: string | undefined) => {
    wrong += 1;
    const nowMs = performance.now();
    if (nowMs < silentUntilMs) return;
    log.warn({ wrong, address }, `${wrong} admin request(s) came with a wrong token, the last one from ${address}`);
    wrong = 0;
    silentUntilMs = nowMs + WRONG_TOKENS_PAUSE_MS;
  };
  return (request) => {
    if (isAuthorized(request)) return undefined;
    if (request.headers.authorization !== undefined) tell(request.socket.remoteAddress);
    return {
      status: 401,
      error: 'Authorization: Bearer GATEWAY_ADMIN_TOKEN is required, or the token as the password of Basic',
      // A browser asks its user for a name and a password.
      headers: { 'WWW-Authenticate': ['Bearer realm="admin"', 'Basic realm="admin", charset="UTF-8"'] },
    };
  };
}

function tokenCheck(token: string): (request: IncomingMessage) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return ({ headers }) => {
    const [, scheme = '', credentials = ''] = /^(bearer|basic) +(.*)$/i.exec(headers.authorization ?? '') ?? [];
    const presented = scheme.toLowerCase() === 'basic' ? passwordIn(credentials) : credentials;
    return timingSafeEqual(expected, digest(presented));
  };
}

/** Of any user. */
const passwordIn = (credentials: string) =>
  /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString())?.[1] ?? '';

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A page of another origin can send here what a form can send. It cannot send JSON without being asked first, which
 * nobody answers; and browsers say where a page that sends comes from.
 */
export const changeGuard: Guard = ({ method = '', headers }) => {
  if (READING.has(method)) return undefined;
  const { origin, host = '' } = headers;
  if (origin !== undefined && !isOriginOf(host, origin)) {
    return { status: 403, error: 'this Origin may not change anything here' };
  }
  if (mediaType(headers['content-type']) !== 'application/json') {
    return { status: 415, error: 'changes need Content-Type: application/json' };
  }
  return undefined;
};

/** `null` is nobody's own. A proxy in front may speak TLS: the same host by https is the same. */
function isOriginOf(host: string, origin: string): boolean {
  const scheme = /^https?:\/\//.exec(origin)?.[0];
  const own = `${scheme}${host}`;
  return scheme !== undefined && URL.canParse(own) && new URL(own).origin === origin;
}

const mediaType = (contentType = '') => contentType.split(';', 1)[0]?.trim().toLowerCase();
