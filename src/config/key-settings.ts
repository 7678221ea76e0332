import { boolean, corsOrigin, integer, keyPath, label, list, moment, positive, scalars, secret, sha256 } from './kinds';
import { setting } from './setting';

const count = integer({ min: 1, max: 1_000_000_000_000 });

/** What is in a page is public, so its key has bounds even where nobody has thought of any. */
export const BROWSER_KEY_BOUNDS = { spansPerSecond: 1_000, bytesPerSecond: 10_000_000, maxSpansPerRequest: 10_000 };

export const keys = {
  'keys[].name': setting({
    kind: label,
    reason: 'The label in metrics and log; two keys may share it while one takes the place of the other',
  }),
  'keys[].key': setting({
    secret: true,
    kind: secret,
    reason: 'What senders present; only its hash is kept in memory',
  }),
  'keys[].keySha256': setting({
    kind: sha256,
    reason: 'Instead of the key: who reads the file learns no key from its hash',
  }),
  'keys[].destination': setting({
    kind: label,
    reason: 'Where spans of this key go: the name of a destination; without it, to the first one',
  }),
  'keys[].browser': setting({
    kind: boolean,
    default: false,
    reason: 'For pages, which cannot keep a secret: may come as ?key=, needs origins, and has bounds',
  }),
  'keys[].origins': setting({
    kind: list(corsOrigin),
    default: [],
    reason: 'The only pages that may send with this key; a browser key is refused without an Origin',
  }),
  'keys[].paths': setting({
    kind: list(keyPath),
    reason: 'The only paths this key is good for; without it, all that take spans or flush',
  }),
  'keys[].spansPerSecond': setting({
    kind: positive,
    reason: `Spans a second on average, else 429; ${BROWSER_KEY_BOUNDS.spansPerSecond} for a browser key, unbounded for others`,
  }),
  'keys[].bytesPerSecond': setting({
    kind: positive,
    reason: `Bytes a second on average, uncompressed, else 429; ${BROWSER_KEY_BOUNDS.bytesPerSecond} for a browser key, unbounded for others`,
  }),
  'keys[].burstSeconds': setting({
    kind: positive,
    default: 10,
    reason: 'A page sends in bursts: as much as the rates allow in this time may come at once',
  }),
  'keys[].dailySpans': setting({
    kind: count,
    reason: 'Spans a day (UTC), else 403 until midnight; what a stolen key can cost. Unbounded without it',
  }),
  'keys[].maxSpansPerRequest': setting({
    kind: count,
    reason: `Else 413; ${BROWSER_KEY_BOUNDS.maxSpansPerRequest} for a browser key, unbounded for others`,
  }),
  'keys[].maxAttributeBytes': setting({
    kind: count,
    reason: 'A span with a larger attribute, event or link is rejected, and no other. Unbounded without it',
  }),
  'keys[].stamp': setting({
    kind: scalars,
    reason: 'Attributes put on every span of this key, over what the span says',
  }),
  'keys[].expires': setting({
    kind: moment,
    reason: 'From this moment on the key lets nobody in; without a time it is the beginning of the day, UTC',
  }),
};
