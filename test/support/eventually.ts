import { setTimeout as sleep } from 'node:timers/promises';

/** Repeats a check until it passes; rejects with its last failure after `timeoutMs`. */
export async function eventually(check: () => void | Promise<void>, timeoutMs = 5000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (failure) {
      if (performance.now() > deadline) throw failure;
      await sleep(10);
    }
  }
}
