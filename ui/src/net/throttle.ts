/** At once the first time, then at most once in this time, and never without the last call. */
export function throttled(call: () => void, everyMs: number): { call: () => void; stop: () => void } {
  let timer: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  const run = () => {
    timer = undefined;
    lastMs = performance.now();
    call();
  };
  return {
    call: () => {
      timer ??= window.setTimeout(run, Math.max(0, lastMs + everyMs - performance.now()));
    },
    stop: () => {
      window.clearTimeout(timer);
      timer = undefined;
    },
  };
}
