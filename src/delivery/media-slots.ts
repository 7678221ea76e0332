export interface SlotLimits {
  /** Taken at once. */
  readonly max: number;
  /** Beside them, of those that hold theirs for long. */
  readonly slowMax: number;
  readonly slowAfterMs: number;
}

export interface Slot {
  /** One step is done: others have their turn before the next. */
  turn(): Promise<void>;
  /** Others have its place while it only waits. */
  outside<T>(waitedFor: Promise<T>): Promise<T>;
  leave(): void;
}

export interface Slots {
  /** @param group those of one group have one turn together, in their order; what has begun goes before what has not. */
  enter(group: string): Promise<Slot>;
}

interface Place {
  readonly group: string;
  isSlow: boolean;
  timer?: NodeJS.Timeout;
}

/** So many at a time, each group in turn. A step that takes long gives its slot away, for others should not wait for it. */
export function createSlots({ max, slowMax, slowAfterMs }: SlotLimits): Slots {
  const waiting = createTurns();
  /** Those that would have given theirs away, had there been room for more that are slow. */
  const overdue = new Set<Place>();
  let free = max;
  let slow = 0;

  function grant(): void {
    for (let next = waiting.next(free); next !== undefined; next = waiting.next(free)) {
      free--;
      next();
    }
  }

  function slowDown(place: Place): void {
    if (slow === slowMax) {
      overdue.add(place);
      return;
    }
    place.isSlow = true;
    slow++;
    free++;
    grant();
  }

  async function take(place: Place, before: { hasBegun: boolean; leaves: boolean }): Promise<void> {
    const granted = new Promise<void>((resolve) => waiting.add(place.group, resolve, before));
    if (before.leaves) leave(place);
    grant();
    await granted;
    place.timer = setTimeout(slowDown, slowAfterMs, place);
  }

  function leave(place: Place): void {
    clearTimeout(place.timer);
    overdue.delete(place);
    if (place.isSlow) {
      place.isSlow = false;
      slow--;
      const [next] = overdue;
      if (next === undefined) return;
      overdue.delete(next);
      slowDown(next);
    } else {
      free++;
      grant();
    }
  }

  return {
    async enter(group) {
      const place: Place = { group, isSlow: false };
      await take(place, { hasBegun: false, leaves: false });
      return {
        // It waits for its next one before it leaves this one: else its own group's next would have it.
        turn: () => take(place, { hasBegun: true, leaves: true }),
        async outside(waitedFor) {
          leave(place);
          try {
            return await waitedFor;
          } finally {
            await take(place, { hasBegun: true, leaves: false });
          }
        },
        leave: () => leave(place),
      };
    },
  };
}

/** Who waits: each group in turn. */
function createTurns() {
  /** The next group first. */
  const groups = new Map<string, (() => void)[]>();
  return {
    add(group: string, go: () => void, { hasBegun }: { hasBegun: boolean }): void {
      const queue = groups.get(group) ?? [];
      groups.set(group, queue);
      if (hasBegun) queue.unshift(go);
      else queue.push(go);
    },
    next(free: number): (() => void) | undefined {
      const [first] = groups;
      if (free === 0 || first === undefined) return undefined;
      const [group, queue] = first;
      groups.delete(group);
      if (queue.length > 1) groups.set(group, queue);
      return queue.shift();
    },
  };
}
