/**
 * Milliseconds since the epoch, by a clock that is never set back: where the wall clock is, it goes on steadily from where
 * it was. Else what waits for a time would wait for as long as the jump, and what came later would seem to be older.
 */
export function createClock(wall = () => Date.now(), steady = () => performance.now()): () => number {
  let time = wall();
  let lastWall = time;
  let lastSteady = steady();
  return () => {
    const [nowWall, nowSteady] = [wall(), steady()];
    const passedMs = nowWall < lastWall ? nowSteady - lastSteady : nowWall - lastWall;
    [lastWall, lastSteady] = [nowWall, nowSteady];
    time += passedMs;
    return Math.floor(time);
  };
}

/** Of this process: times that are compared come from one clock. */
export const now = createClock();
