/** One line per kind in so long a time: what a sender does wrong, it does wrong with every span. */
const PAUSE_MS = 60_000;

export interface SamplerOptions<Kind, Sample> {
  /** Milliseconds that never go back. */
  now: () => number;
  /** @param sample what was given for the first of those that are told of, with the number of all of them. */
  say: (kind: Kind, sample: Sample) => void;
}

/**
 * Takes what there is to say of spans and says it of the first of a kind at once, then at most once per kind and minute,
 * for all spans since it last did. What comes after that is never said: it is in the metrics alone.
 */
export function createSampler<Kind, Sample extends { readonly spans: number }>({
  now,
  say,
}: SamplerOptions<Kind, Sample>): (kind: Kind, sample: Sample) => void {
  const silentUntil = new Map<Kind, number>();
  const gathered = new Map<Kind, Sample>();
  return (kind, sample) => {
    const before = gathered.get(kind);
    const sum = before === undefined ? sample : { ...before, spans: before.spans + sample.spans };
    const nowMs = now();
    if (nowMs < (silentUntil.get(kind) ?? 0)) {
      gathered.set(kind, sum);
      return;
    }
    gathered.delete(kind);
    silentUntil.set(kind, nowMs + PAUSE_MS);
    say(kind, sum);
  };
}
