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
  /** What the body turned out to be, uncompressed; beyond what was declared it becomes debt. */
  body(bytes: number, nowMs: number): void;
  /** Charges the spans of the request, all of them or, when it refuses, none. */
  spans(count: number, nowMs: number): LimitRefusal | undefined;
  /** The request failed and its spans are not kept: they are given back, once. */
  undo(): void;
}

/** What a key has sent lately and may send, shared by all client addresses it is used from as `SharedBucket` says. */
export function createKeyLimits(bounds: KeyBounds): KeyLimits {
  const bucketOf = (perSecond: number | undefined) =>
    perSecond === undefined ? undefined : new SharedBucket({ perSecond, burstSeconds: bounds.burstSeconds });
  const spanBucket = bucketOf(bounds.spansPerSecond);
  const byteBucket = bucketOf(bounds.bytesPerSecond);
  const day = createDayBudget(bounds.dailySpans);
  // More than a day's budget will fit no day.
  const requestMax = Math.min(bounds.maxSpansPerRequest ?? Infinity, bounds.dailySpans ?? Infinity);
  const passed = createPassedTime();

  return {
    open({ address, declaredBytes, nowMs }) {
      const group = addressGroup(address);
      const atMs = passed(nowMs);
      const bytesWaitS = (laterMs: number) => byteBucket?.waitS(declaredBytes, group, laterMs) ?? 0;
      const spansWaitS = (count: number, laterMs: number) => spanBucket?.waitS(count, group, laterMs) ?? 0;

      // One span at least: a request that could not bring it is not worth its reading.
      const isSpent = day.refusal(1, nowMs);
      if (isSpent !== undefined) return isSpent;
      const [spansS, bytesS] = [spansWaitS(1, atMs), bytesWaitS(atMs)];
      const retryAfterS = Math.max(spansS, bytesS);
      if (retryAfterS > 0) return { reason: 'rate', what: spansS >= bytesS ? 'spans' : 'bytes', retryAfterS };

      const bytes = byteBucket?.take(declaredBytes, group, atMs);
      let chargedBytes = declaredBytes;
      const givesBack: (() => void)[] = [];
      return {
        body(total, laterMs) {
          if (total <= chargedBytes) return;
          bytes?.more(total - chargedBytes, passed(laterMs));
          chargedBytes = total;
        },
        spans(count, laterMs) {
          if (count > requestMax) return { reason: 'too_many_spans', max: requestMax };
          const isOverDay = day.refusal(count, laterMs);
          if (isOverDay !== undefined) return isOverDay;
          const at = passed(laterMs);
          const waitS = spansWaitS(count, at);
          // Sent again, it has to find its bytes as well.
          if (waitS > 0) return { reason: 'rate', what: 'spans', retryAfterS: Math.max(waitS, bytesWaitS(at)) };
          const spans = spanBucket?.take(count, group, at);
          givesBack.push(day.take(count, laterMs), () => spans?.giveBack());
          return undefined;
        },
        undo() {
          for (const giveBack of givesBack.splice(0)) giveBack();
        },
      };
    },
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
    take(count: number, nowMs: number): () => void {
      goTo(nowMs);
      const dayOfTaking = day;
      used += count;
      return () => {
        if (day === dayOfTaking) used -= count;
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
