import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '../errors';

/** `undefined` when the request may pass, else the 401. Without configured keys presented credentials are ignored. */
export type Authenticate = (headers: IncomingHttpHeaders) => GatewayError | undefined;

export function createAuthenticate(keys: readonly string[]): Authenticate {
  if (keys.length === 0) return () => undefined;
  const digests = keys.map(digest);
  return (headers) => {
    const presented = presentedKeys(headers);
    if (presented.some((key) => matches(digests, digest(key)))) return undefined;
    return new GatewayError(
      'unauthenticated',
      presented.length === 0
        ? 'a key is required: Authorization: Bearer KEY, the password of Authorization: Basic, or X-API-Key: KEY'
        : 'the key is not known',
      { headers: { 'WWW-Authenticate': 'Bearer realm="langfuse-otlp-gateway", Basic realm="langfuse-otlp-gateway"' } },
    );
  };
}

/**
 * Bearer token or password of Basic (so that a Langfuse SDK whose secret key is the key works), and X-API-Key: a proxy or an
 * SDK may put credentials of its own beside those that are for the gateway.
 */
function presentedKeys(headers: IncomingHttpHeaders): string[] {
  const keys: string[] = [];
  const [scheme = '', credentials = ''] = (headers.authorization ?? '').trim().split(/ +/, 2);
  if (/^bearer$/i.test(scheme)) keys.push(credentials);
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(credentials, 'base64').toString('utf8');
    keys.push(pair.slice(pair.indexOf(':') + 1));
  }
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string') keys.push(apiKey);
  return keys;
}

/** All are compared, each in constant time: how long it takes tells nothing about which is near. */
function matches(digests: readonly Buffer[], presented: Buffer): boolean {
  let found = false;
  for (const known of digests) found = timingSafeEqual(known, presented) || found;
  return found;
}

const digest = (key: string) => createHash('sha256').update(key).digest();
