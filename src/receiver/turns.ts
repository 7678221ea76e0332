/** Lets a few pieces of work run at once; the others wait, first come, first served. */
export interface Turns {
  /** Runs the work when its turn has come, and hands the turn on when it has ended, in whatever way. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(atOnce: number): Turns {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  const wait = () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  return {
    async run(work) {
      if (free > 0) free -= 1;
      else await wait();
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        // Not at once: work that holds up the event loop would follow upon such work, and nobody else be heard between.
        if (next === undefined) free += 1;
        else setImmediate(next);
      }
    },
  };
}
