/** One line per kind in so long a time: what a sender does wrong, it does wrong with every span. */
const PAUSE_MS = 60_000;

export interface SamplerOptions<Kind, Sample> {
  /** Milliseconds that never go back. */
  now: () => number;
  /** @param sample what was gathered since something of that kind was last said. */
  say: (kind: Kind, sample: Sample) => void;
  /** What was gathered before and one more. */
  add: (before: Sample, sample: Sample) => Sample;
}

/** The first of them, with the number of the spans of all. */
export const addSpans = <Sample extends { readonly spans: number }>(before: Sample, { spans }: Sample): Sample => ({
  ...before,
  spans: before.spans + spans,
});

/**
 * Takes what there is to say and says it of the first of a kind at once, then at most once per kind and minute, for all
 * since it last did. What comes after that is never said: it is in the metrics alone.
 */
export function createSampler<Kind, Sample>({
  now,
  say,
  add,
}: SamplerOptions<Kind, Sample>): (kind: Kind, sample: Sample) => void {
  const silentUntil = new Map<Kind, number>();
  const gathered = new Map<Kind, Sample>();
  return (kind, sample) => {
    const before = gathered.get(kind);
    const sum = before === undefined ? sample : add(before, sample);
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
