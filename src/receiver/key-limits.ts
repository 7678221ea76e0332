import { addressGroup, SharedBucket } from './address-shares';

const DAY_MS = 86_400_000;

/** What a key may send; what is absent is not bounded. */
export interface KeyBounds {
  readonly spansPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
  /** For how many seconds of a rate there is room at once. */
  readonly burstSeconds: number;
  /** Per day of UTC. */
  readonly dailySpans?: number | undefined;
  readonly maxSpansPerRequest?: number | undefined;
}

export type LimitRefusal =
  /** 429; so long after it the same request passes, unless others come. Whole seconds, at least 1. */
  | { readonly reason: 'rate'; readonly what: 'spans' | 'bytes'; readonly retryAfterS: number }
  /** 403, until the next midnight of UTC. */
  | { readonly reason: 'day_budget'; readonly untilMs: number }
  /** 413. */
  | { readonly reason: 'too_many_spans'; readonly max: number };

export interface KeyLimits {
  /**
   * Before the body is read: charges the bytes it declares, or refuses.
   *
   * @param request.address of the client, as text; what is no IP address counts as one client.
   * @param request.declaredBytes 0 where the length is not known.
   * @param request.nowMs milliseconds since the epoch. While the clock is set back no time passes, and the day stays.
   */
  open(request: { address: string; declaredBytes: number; nowMs: number }): Charge | LimitRefusal;
}

/** What one request is charged. Bytes are never given back, whatever becomes of it, so that reading them is bounded. */
export interface Charge {
  /**
   * What the body has turned out to be so far, uncompressed; beyond what was declared it becomes debt. Refuses, the first
   * time only, where others have left one meanwhile: what is begun comes to its end.
   */
  body(bytes: number, nowMs: number): LimitRefusal | undefined;
  /** Charges the spans of the request, all of them or, when it refuses, none. On the rate it counts as one at least. */
  spans(count: number, nowMs: number): LimitRefusal | undefined;
  /** So many of its spans are kept: the others are given back to the day, but not to the rate. */
  kept(count: number): void;
  /** The request failed and its spans are not kept: they are given back, once. */
  undo(): void;
}

/** What a key has sent lately and may send, shared by all client addresses it is used from as `SharedBucket` says. */
export function createKeyLimits(bounds: KeyBounds): KeyLimits {
  const bucketOf = (perSecond: number | undefined) =>
    perSecond === undefined ? undefined : new SharedBucket({ perSecond, burstSeconds: bounds.burstSeconds });
  const account: Account = {
    spans: bucketOf(bounds.spansPerSecond),
    bytes: bucketOf(bounds.bytesPerSecond),
    day: createDayBudget(bounds.dailySpans),
    // More than a day's budget will fit no day.
    requestMax: Math.min(bounds.maxSpansPerRequest ?? Infinity, bounds.dailySpans ?? Infinity),
    passed: createPassedTime(),
  };
  return {
    open({ address, declaredBytes, nowMs }) {
      const group = addressGroup(address);
      const atMs = account.passed(nowMs);
      // One span at least: a request that could not bring it is not worth its reading.
      const isSpent = account.day.refusal(1, nowMs);
      if (isSpent !== undefined) return isSpent;
      const spansS = account.spans?.waitS(1, group, atMs) ?? 0;
      const bytesS = account.bytes?.waitS(declaredBytes, group, atMs) ?? 0;
      const retryAfterS = Math.max(spansS, bytesS);
      if (retryAfterS > 0) return { reason: 'rate', what: spansS >= bytesS ? 'spans' : 'bytes', retryAfterS };
      return createCharge(account, { group, declaredBytes, atMs });
    },
  };
}

/** What a key has left. */
interface Account {
  readonly spans: SharedBucket | undefined;
  readonly bytes: SharedBucket | undefined;
  readonly day: ReturnType<typeof createDayBudget>;
  readonly requestMax: number;
  /** See `createPassedTime`. */
  readonly passed: (nowMs: number) => number;
}

function createCharge(
  { spans, bytes, day, requestMax, passed }: Account,
  { group, declaredBytes, atMs: openedAtMs }: { group: string; declaredBytes: number; atMs: number },
): Charge {
  const taken = bytes?.take(declaredBytes, group, openedAtMs);
  let chargedBytes = declaredBytes;
  // What it declares itself may leave a debt.
  let hasBegun = (bytes?.waitS(0, group, openedAtMs) ?? 0) > 0;
  /** Once: what is not kept to the day, and where nothing is kept all of it to the rate, too. */
  let giveBack: ((kept: number, isKept: boolean) => void) | undefined;
  return {
    body(total, nowMs) {
      const atMs = passed(nowMs);
      const waitS = hasBegun ? 0 : (bytes?.waitS(0, group, atMs) ?? 0);
      if (waitS > 0) return { reason: 'rate', what: 'bytes', retryAfterS: waitS };
      hasBegun = true;
      if (total > chargedBytes) taken?.more(total - chargedBytes, atMs);
      chargedBytes = Math.max(chargedBytes, total);
      return undefined;
    },
    spans(count, nowMs) {
      if (count > requestMax) return { reason: 'too_many_spans', max: requestMax };
      const isOverDay = day.refusal(count, nowMs);
      if (isOverDay !== undefined) return isOverDay;
      const atMs = passed(nowMs);
      const onRate = Math.max(1, count);
      const waitS = spans?.waitS(onRate, group, atMs) ?? 0;
      if (waitS > 0) {
        // Sent again, it has to find its bytes as well.
        const bytesS = bytes?.waitS(declaredBytes, group, atMs) ?? 0;
        return { reason: 'rate', what: 'spans', retryAfterS: Math.max(waitS, bytesS) };
      }
      const ofSpans = spans?.take(onRate, group, atMs);
      const ofDay = day.take(count, nowMs);
      giveBack = (kept, isKept) => {
        ofDay(count - kept);
        if (!isKept) ofSpans?.giveBack();
        giveBack = undefined;
      };
      return undefined;
    },
    kept: (count) => giveBack?.(count, true),
    undo: () => giveBack?.(0, false),
  };
}

/** Spans per day of UTC. A day that is over does not come back when the clock is set back. */
function createDayBudget(max = Number.POSITIVE_INFINITY) {
  let day = Number.NEGATIVE_INFINITY;
  let used = 0;
  const goTo = (nowMs: number) => {
    const today = Math.floor(nowMs / DAY_MS);
    if (today <= day) return;
    day = today;
    used = 0;
  };
  return {
    refusal(count: number, nowMs: number): LimitRefusal | undefined {
      goTo(nowMs);
      return used + count > max ? { reason: 'day_budget', untilMs: (day + 1) * DAY_MS } : undefined;
    },
    /** @returns gives so many of them back. */
    take(count: number, nowMs: number): (back: number) => void {
      goTo(nowMs);
      const dayOfTaking = day;
      used += count;
      return (back) => {
        if (day === dayOfTaking) used -= back;
      };
    },
  };
}

/** Milliseconds that have passed since the first call; where the clock was set back, they go on from where they were. */
function createPassedTime(): (nowMs: number) => number {
  let lastMs: number | undefined;
  let passedMs = 0;
  return (nowMs) => {
    if (lastMs !== undefined && nowMs > lastMs) passedMs += nowMs - lastMs;
    lastMs = nowMs;
    return passedMs;
  };
}
