type Samples = Record<string, number>;

/** By how much the counters of one name grew, by their label's value (one label), without those that did not. */
export function increases(name: string, { before, after }: { before: Samples; after: Samples }): Samples {
  const grown = Object.entries(after)
    .filter(([sample]) => sample.startsWith(`${name}{`))
    .map(([sample, value]) => [sample.split('"')[1] ?? sample, value - (before[sample] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, growth]) => growth !== 0));
}
