export interface BackPressure {
  /**
   * Resolves at once while there is room, else when there is again, but after `waitMsMax` in any case; to a function to
   * be called when the body was offered or has failed, which lets in the next.
   */
  room(): Promise<() => void>;
  /** The backlog may have become smaller: lets in the sender that waits longest. */
  release(): void;
}

export interface BackPressureOptions {
  backlogBytes: () => number;
  bytesMax: number;
  /** While nothing moves, waiting would only make every sender slow: the queue is there for that. */
  isMoving: () => boolean;
  waitMsMax: number;
}

/**
 * Makes senders that are faster than the destination wait a little for their answers, instead of taking all they have into
 * memory at once. It refuses nothing and holds nobody for long: senders give up after 10 s.
 */
export function createBackPressure({ backlogBytes, bytesMax, isMoving, waitMsMax }: BackPressureOptions): BackPressure {
  const waiting = new Set<() => void>();
  const hasRoom = () => backlogBytes() < bytesMax || !isMoving();
  const release = () => {
    // One only: how much room it leaves is known when its body was offered. A sender that never comes to that
    // holds up the others until the next delivery, or their own longest time.
    const [go] = waiting;
    if (hasRoom()) go?.();
  };
  return {
    release,
    async room() {
      if (hasRoom()) return release;
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer);
          waiting.delete(go);
          resolve();
        };
        const timer = setTimeout(go, waitMsMax);
        waiting.add(go);
      });
      return release;
    },
  };
}
