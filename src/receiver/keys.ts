import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { SenderPolicy } from '../admission/sender-policy';
import type { KeyBounds } from './key-limits';

/** Who may send, and what. Rates and budgets are those of KeyBounds. */
export interface ReceiverKey extends KeyBounds {
  /** Its label in metrics and log. Two keys may have one name, so that one can take the other's place. */
  readonly name: string;
  /** SHA-256 of the key, in hex. */
  readonly sha256: string;
  /** Where its spans go; absent: to the first destination. */
  readonly destination?: string;
  /** May come in the query, and from these origins only. What is in a page is public. */
  readonly browser: boolean;
  readonly origins: readonly string[];
  /** Absent: all. */
  readonly paths?: readonly string[];
  readonly maxAttributeBytes?: number;
  readonly stamp: Readonly<Record<string, string | number | boolean>>;
  readonly expiresAtMs?: number;
}

/** What the credentials of a request come to: a key, by its position; none that is known; or none at all. */
export type Presented = { readonly position: number } | 'unknown' | 'none';

/** Finds the key that a request presents, an unexpired one before one that has expired. */
export function createKeyRing(keys: readonly ReceiverKey[]): (request: IncomingMessage, nowMs: number) => Presented {
  const digests = keys.map(({ sha256 }) => Buffer.from(sha256, 'hex'));
  return (request, nowMs) => {
    const presented = presentedKeys(request);
    if (presented.length === 0) return 'none';
    const positions = presented
      .map(({ text, inQuery }) => ({ position: positionOf(digests, text), inQuery }))
      .filter(({ position, inQuery }) => position !== -1 && (!inQuery || keys[position]!.browser))
      .map(({ position }) => position);
    const position = positions.find((found) => !isExpired(keys[found]!, nowMs)) ?? positions[0];
    return position === undefined ? 'unknown' : { position };
  };
}

export const isExpired = ({ expiresAtMs }: ReceiverKey, nowMs: number) =>
  expiresAtMs !== undefined && nowMs >= expiresAtMs;

/** What a key asks of spans; nothing for most. To be asked once per key: what is prepared for it is kept by the object. */
export function policyOf({ name, browser, stamp, maxAttributeBytes }: ReceiverKey): SenderPolicy | undefined {
  const isPlain = !browser && maxAttributeBytes === undefined && Object.keys(stamp).length === 0;
  return isPlain ? undefined : { name, browser, stamp, maxAttributeBytes };
}

/** Keys of a request beyond these are not looked at. */
const PRESENTED_MAX = 5;

/**
 * Bearer token, password of Basic (so that a Langfuse SDK whose secret key is the key works), X-API-Key, and `?key=` for
 * those who can set no header. All are looked at: a proxy or an SDK may put credentials of its own beside those that are
 * for the gateway.
 */
function presentedKeys({ headers, url = '' }: IncomingMessage): { text: string; inQuery: boolean }[] {
  const texts: string[] = [];
  const [scheme = '', credentials = ''] = (headers.authorization ?? '').trim().split(/ +/, 2);
  if (/^bearer$/i.test(scheme)) texts.push(credentials);
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(credentials, 'base64').toString('utf8');
    texts.push(pair.slice(pair.indexOf(':') + 1));
  }
  const apiKey = headers['x-api-key'];
  if (typeof apiKey === 'string') texts.push(apiKey);
  const queryAt = url.indexOf('?');
  const inQuery = queryAt === -1 ? [] : new URLSearchParams(url.slice(queryAt + 1)).getAll('key');
  return [
    ...texts.map((text) => ({ text, inQuery: false })),
    ...inQuery.map((text) => ({ text, inQuery: true })),
  ].slice(0, PRESENTED_MAX);
}

/** All are compared, each in constant time: how long it takes tells nothing about which is near. */
function positionOf(digests: readonly Buffer[], presented: string): number {
  const digest = createHash('sha256').update(presented).digest();
  let found = -1;
  for (const [position, known] of digests.entries()) if (timingSafeEqual(known, digest)) found = position;
  return found;
}
