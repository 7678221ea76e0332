/** Numbers from 0 up to 1. A renderer draws from it, so that one seed of a property repeats every choice it made. */
export type Random = () => number;

/** mulberry32: 32 bits of state are plenty for choices of style. */
export function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const oneOf = <T>(random: Random, choices: readonly T[]): T =>
  choices[Math.floor(random() * choices.length)] as T;

/** How many runs a property has: a few in the suite, as many as FUZZ_RUNS says when somebody wants to dig. */
export const runs = (inSuite: number): { numRuns: number } => ({ numRuns: Number(process.env.FUZZ_RUNS ?? inSuite) });
