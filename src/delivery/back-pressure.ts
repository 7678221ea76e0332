export interface BackPressure {
  /** Resolves at once while there is room, else when there is again, but after `waitMsMax` in any case. */
  room(): Promise<void>;
  /** The backlog may have become smaller. */
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
  return {
    async room() {
      if (hasRoom()) return;
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer);
          waiting.delete(go);
          resolve();
        };
        const timer = setTimeout(go, waitMsMax);
        waiting.add(go);
      });
    },
    release() {
      // One at a time, oldest first: each takes its share of the room before the next is let in.
      for (const go of waiting) {
        if (!hasRoom()) return;
        go();
      }
    },
  };
}
