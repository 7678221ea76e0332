import { isIPv4, isIPv6 } from 'node:net';
import { type Rate, TokenBucket } from './token-bucket';

/** An address's own bucket has a tenth of the key's rate and capacity: it is the same bucket, charged tenfold. */
const OWN_PART = 10;
/** Of two generations of remembered addresses: 10,000 together. */
const GENERATION_MAX = 5000;

/** What a request has taken from a bucket. */
interface Taken {
  /** Takes what the request turned out to need beyond what it asked for; into debt, if need be. */
  more(tokens: number, atMs: number): void;
  /** Gives back what the request asked for, but nothing of `more`; to be called once at most. */
  giveBack(): void;
}

/**
 * The token bucket of a key that many client addresses share, so that one that uses up the rate does not shut out the others.
 *
 * Every address has a small bucket of its own beside the key's, and what passes is charged to both; to its own down to a debt
 * of its capacity, so that an address that was heavy is forgiven after twice `burstSeconds` of silence. A request passes
 * - when the key's bucket takes it, whoever sends it: one address alone may use the whole rate and burst;
 * - or when its address is a light one, whose own bucket takes it, and the overdraft has the tokens: a second bucket like the
 *   key's, charged with these requests only. The key's bucket then goes into debt, which its refill pays first: so it is the
 *   heavy ones that wait. A request larger than its own bucket has to leave half of the overdraft to smaller ones.
 *
 * No overdraft is there for an address that alone has drawn on the key's bucket since that was last full: whoever emptied it
 * alone waits for it, so a single address sees precisely a plain token bucket. That other addresses are remembered would not do
 * for a rule: they may be forgotten while the key still pays what they took, and a newcomer would wait for it.
 *
 * In any t seconds 2 * capacity + rate * t tokens pass at most, and what one request is larger than the capacity; for what
 * passes by the key's bucket is bounded up to the last such request by that bucket, and behind it by the overdraft. `more`
 * comes on top, and is paid back first; of the overdraft, where the request passed by it, what is beyond empty is let off.
 * What is given back is there to be taken anew.
 *
 * Of addresses the 5,000 last ones are remembered for sure and never more than 10,000, each as long as its own bucket may not
 * be full; no request does more than a few steps.
 */
export class SharedBucket {
  readonly #rate: Rate;
  readonly #key: TokenBucket;
  readonly #overdraft: TokenBucket;
  /** Who alone has drawn on the key's bucket since it was last full. */
  #soleDrawer: string | undefined;
  #own = new Map<string, TokenBucket>();
  #ownBefore = new Map<string, TokenBucket>();
  #generationSinceMs = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#key = new TokenBucket(rate);
    this.#overdraft = new TokenBucket(rate);
  }

  /** Whole seconds until a request of this group of addresses passes, if nobody else comes; 0 when it passes now. */
  waitS(tokens: number, group: string, atMs: number): number {
    const keyS = this.#key.waitS(tokens, atMs);
    return keyS === 0 || this.#soleDrawer === group ? keyS : Math.min(keyS, this.#lightWaitS(tokens, group, atMs));
  }

  /** For a request that passes, as `waitS` says. */
  take(tokens: number, group: string, atMs: number): Taken {
    const isOverdraft = this.#key.waitS(tokens, atMs) > 0;
    return {
      giveBack: this.#charge(tokens, group, atMs, isOverdraft),
      more: (beyond, laterMs) => void this.#charge(beyond, group, laterMs, isOverdraft),
    };
  }

  #lightWaitS(tokens: number, group: string, atMs: number): number {
    const own = this.#own.get(group) ?? this.#ownBefore.get(group);
    const isLarge = tokens * OWN_PART > this.#key.capacity;
    const needed = isLarge ? tokens + this.#key.capacity / 2 : tokens;
    if (needed > this.#overdraft.capacity) return Number.POSITIVE_INFINITY;
    return Math.max(own?.waitS(tokens * OWN_PART, atMs) ?? 0, this.#overdraft.waitS(needed, atMs));
  }

  #charge(tokens: number, group: string, atMs: number, isOverdraft: boolean): () => void {
    if (this.#key.isFull(atMs)) this.#soleDrawer = group;
    else if (this.#soleDrawer !== group) this.#soleDrawer = undefined;
    const taken = [
      this.#key.take(tokens, atMs),
      this.#ownOf(group, atMs).take(tokens * OWN_PART, atMs, this.#key.capacity),
    ];
    // Let off beyond empty: else what one body unfolds to would shut out all others for long.
    if (isOverdraft) taken.push(this.#overdraft.take(tokens, atMs, 0));
    return () => {
      for (const giveBack of taken) giveBack();
    };
  }

  /**
   * Of two generations the older is forgotten in one go: when nothing was taken from it for twice `burstSeconds`, so that
   * its buckets are full, for a debt is one capacity at most; or when the younger one has no room.
   */
  #ownOf(group: string, atMs: number): TokenBucket {
    if (this.#own.size >= GENERATION_MAX || atMs - this.#generationSinceMs >= 2 * this.#rate.burstSeconds * 1000) {
      this.#ownBefore = this.#own;
      this.#own = new Map();
      this.#generationSinceMs = atMs;
    }
    const own = this.#own.get(group) ?? this.#ownBefore.get(group) ?? new TokenBucket(this.#rate);
    this.#ownBefore.delete(group);
    this.#own.set(group, own);
    return own;
  }
}

/**
 * Whom an address belongs to: an IPv4 address is one client, mapped to IPv6 or not; of IPv6 a client has a /64. What is no
 * address is one group, `''`.
 */
export function addressGroup(written: string): string {
  const address = withoutPort(written);
  // Joined anew: a part of a long header would keep all of it in memory.
  if (isIPv4(address)) return address.split('.').join('.');
  if (!isIPv6(address)) return '';
  const hextets = hextetsOf(address);
  const [high = 0, low = 0] = hextets.slice(6);
  const isMapped = hextets[5] === 0xffff && hextets.slice(0, 5).every((hextet) => hextet === 0);
  if (isMapped) return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  return hextets
    .slice(0, 4)
    .map((hextet) => hextet.toString(16))
    .join(':');
}

/** Some proxies write a port behind the address that they forward. */
function withoutPort(written: string): string {
  const [, v4, v6] = /^(?:(\d+\.\d+\.\d+\.\d+):\d+|\[([^\]]+)\](?::\d+)?)$/.exec(written) ?? [];
  return v4 ?? v6 ?? written;
}

/** The eight of a valid IPv6 address, with or without a zone. */
function hextetsOf(address: string): number[] {
  const [bare = ''] = address.split('%', 1);
  const [front = [], back = []] = bare
    .split('::')
    .map((part) =>
      part === ''
        ? []
        : part
            .split(':')
            .flatMap((hextet) => (hextet.includes('.') ? hextetsOfIPv4(hextet) : [Number.parseInt(hextet, 16)])),
    );
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back];
}

function hextetsOfIPv4(address: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}
