import type { IncomingMessage } from 'node:http';
import type { SenderPolicy } from '../admission/sender-policy';
import { forbidden, GatewayError, rateLimited } from '../errors';
import { type Charge, createKeyLimits, type KeyLimits, type LimitRefusal } from './key-limits';
import { createKeyRing, isExpired, policyOf, type ReceiverKey } from './keys';
import { createOriginMatcher, type OriginMatch } from './origins';
import { KEY_PATHS, plainPath } from './paths';

/** Why a request did not pass the gate: the label in `gateway_receiver_refused_requests_total{key,reason}`. */
export const GATE_REFUSALS = [
  'no_key',
  'unknown_key',
  'expired_key',
  'no_origin',
  'origin',
  'path',
  'rate',
  'day_budget',
  'too_many_spans',
] as const;
export type GateRefusal = (typeof GATE_REFUSALS)[number];

export interface RefusedRequest {
  readonly reason: GateRefusal;
  /** Name of the key; `undefined` where none is known. */
  readonly key: string | undefined;
  /** As the request says it; anybody can write anything there. */
  readonly origin: string | undefined;
}

export interface GateOptions {
  /** Empty: anybody may send, and credentials are not looked at. */
  keys: readonly ReceiverKey[];
  /** Pages that may send without a key of their own. */
  corsOrigins: readonly string[];
  now: () => number;
  onRefused: (refused: RefusedRequest) => void;
  /** A request came with that key, by its position, and passed. */
  onKeyUsed: (position: number) => void;
  /** A request was taken from an origin that nobody has named. */
  onForeignOrigin: () => void;
}

/** Express' view of it. */
export interface GateRequest extends IncomingMessage {
  readonly path: string;
  /** Of the client, as far as proxies are trusted. */
  readonly ip?: string | undefined;
}

/** Who sends, once the gate is passed. */
export interface Sender {
  /** `undefined`: the receiver is open. */
  readonly key: ReceiverKey | undefined;
  readonly policy: SenderPolicy | undefined;
  /** Of the client, as far as proxies are trusted. */
  readonly address: string;
  /** Takes a request from the key's rates and its budget, before its body is read. Throws the 403 or 429. */
  charge(declaredBytes: number): SenderCharge;
}

/** As Charge, where refusals are thrown: 403, 413 or 429. */
export interface SenderCharge {
  body(bytes: number): void;
  read(size: { readonly spans: number; readonly messages: number }): void;
  kept(spans: number): void;
  undo(): void;
}

const FREE: SenderCharge = { body: () => {}, read: () => {}, kept: () => {}, undo: () => {} };

/** What an attribute or a value takes at least, usually: those that take less cost no less time. */
const MESSAGE_BYTES_USUAL = 50;
const ANYBODY: Sender = { key: undefined, policy: undefined, address: '', charge: () => FREE };

/** Towards pages: OpenTelemetry's exporter gives a batch up that it cannot send again within its own time-out, 10 s. */
const PAGE_RETRY_AFTER_S_MAX = 5;

/** Lets in who may send, and throws the 401, 403 or 429 for everybody else, before anything of a body is read. */
export function createGate(options: GateOptions): (request: GateRequest) => Sender {
  const { keys, now, onKeyUsed, onForeignOrigin } = options;
  const find = createKeyRing(keys);
  const pages = createOriginMatcher(options.corsOrigins);
  const origins = keys.map((key) => createOriginMatcher(key.origins));
  const limits = limitsOf(keys);
  const policies = keys.map(policyOf);
  return (request) => {
    const { origin } = request.headers;
    const refuse = refuser(options, origin);
    if (keys.length === 0) {
      if (isForeign(request, pages)) onForeignOrigin();
      return ANYBODY;
    }
    const nowMs = now();
    const presented = find(request, nowMs);
    if (presented === 'none') throw refuse('no_key', unauthenticated(KEY_REQUIRED));
    if (presented === 'unknown') throw refuse('unknown_key', unauthenticated(keyUnknown(request)));
    const key = keys[presented.position]!;
    if (isExpired(key, nowMs)) throw refuse('expired_key', unauthenticated('the key has expired'), key);
    const match = origin === undefined ? undefined : origins[presented.position]!(origin);
    if (key.browser && origin === undefined) throw refuse('no_origin', forbidden(NO_ORIGIN), key);
    if (key.origins.length > 0 && origin !== undefined && match === undefined) {
      throw refuse('origin', forbidden('this key may not send from this origin: it is not among its origins'), key);
    }
    const path = plainPath(request.path);
    if (key.paths !== undefined && KEY_PATHS.includes(path) && !key.paths.includes(path)) {
      throw refuse('path', forbidden('this key may not send to this path: it is not among its paths'), key);
    }
    if (match === undefined && isForeign(request, pages)) onForeignOrigin();
    onKeyUsed(presented.position);
    const isPage = key.browser || origin !== undefined;
    const address = request.ip ?? '';
    return {
      key,
      policy: policies[presented.position],
      address,
      charge: (declaredBytes) => {
        const throwing = (refused: LimitRefusal) => refuse(refused.reason, limitError(refused, isPage), key);
        const charge = limits.get(key)!.open({ address, declaredBytes, nowMs: now() });
        if ('reason' in charge) throw throwing(charge);
        return chargeOf(charge, throwing, now);
      },
    };
  };
}

/** Keys of one name and with the same bounds are one sender, whose key is being changed: they share them. */
function limitsOf(keys: readonly ReceiverKey[]): Map<ReceiverKey, KeyLimits> {
  const shared = new Map<string, KeyLimits>();
  return new Map(
    keys.map((key) => {
      const { name, spansPerSecond, bytesPerSecond, burstSeconds, dailySpans } = key;
      const id = JSON.stringify([
        name,
        spansPerSecond,
        bytesPerSecond,
        burstSeconds,
        dailySpans,
        key.maxSpansPerRequest,
      ]);
      const limits = shared.get(id) ?? createKeyLimits(key);
      shared.set(id, limits);
      return [key, limits];
    }),
  );
}

function chargeOf(charge: Charge, throwing: (refused: LimitRefusal) => Error, now: () => number): SenderCharge {
  return {
    body(bytes) {
      const refused = charge.body(bytes, now());
      if (refused !== undefined) throw throwing(refused);
    },
    read({ spans, messages }) {
      charge.body(messages * MESSAGE_BYTES_USUAL, now());
      const refused = charge.spans(spans, now());
      if (refused !== undefined) throw throwing(refused);
    },
    kept: (spans) => charge.kept(spans),
    undo: () => charge.undo(),
  };
}

function refuser({ onRefused }: GateOptions, origin: string | undefined) {
  return (reason: GateRefusal, error: GatewayError, key?: ReceiverKey): GatewayError => {
    onRefused({ reason, key: key?.name, origin });
    return error;
  };
}

/** A page of the gateway's own host is at home, wherever that is. */
function isForeign({ headers }: IncomingMessage, pages: (origin: string) => OriginMatch): boolean {
  const { origin, host } = headers;
  if (origin === undefined || pages(origin) !== undefined) return false;
  return origin !== `http://${host}` && origin !== `https://${host}`;
}

const KEY_REQUIRED =
  'a key is required: Authorization: Bearer KEY, the password of Authorization: Basic, X-API-Key: KEY, or ?key=KEY for a browser key';
const NO_ORIGIN = 'a browser key is for pages: the request has no Origin; let servers send with a key of their own';

const keyUnknown = ({ url = '' }: IncomingMessage) =>
  /[?&]key=/.test(url) ? 'the key is not known; in ?key= only keys marked browser: true count' : 'the key is not known';

const unauthenticated = (message: string) =>
  new GatewayError('unauthenticated', message, {
    headers: { 'WWW-Authenticate': 'Bearer realm="langfuse-otlp-gateway", Basic realm="langfuse-otlp-gateway"' },
  });

function limitError(refused: LimitRefusal, isPage: boolean): GatewayError {
  if (refused.reason === 'day_budget') {
    const until = new Date(refused.untilMs).toISOString();
    return forbidden(`this key's budget of spans for the day is used up, until ${until}`);
  }
  if (refused.reason === 'too_many_spans') {
    return new GatewayError('too_large', `this key takes ${refused.max} spans in one request; send smaller batches`);
  }
  const retryAfterS = isPage ? Math.min(refused.retryAfterS, PAGE_RETRY_AFTER_S_MAX) : refused.retryAfterS;
  return rateLimited(`this key has used up its rate of ${refused.what}; try again in ${retryAfterS} s`, retryAfterS);
}
