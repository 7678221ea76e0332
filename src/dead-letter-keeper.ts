import { REPAIRS, type RepairName } from './admission/repairs';
import { claim, deadLettersIn, queueIn } from './data-directory';
import type { DeadLetterStore } from './dead-letters/store';
import type { Claim } from './owner';
import { askOwner } from './owner-client';
import { createReplay, type Replay } from './replay';

/** Replays and drops letters: through the gateway that owns the data directory, or, without one, as its owner. */
interface Keeper {
  replay(id: string): Promise<Handled>;
  drop(id: string): Promise<Handled>;
  /** Lets go of the data directory, where it was taken. */
  close(): Promise<void>;
}

type Handled =
  /** `isWaiting`: there is no gateway that would deliver the spans. */
  { readonly spans: number; readonly isWaiting: boolean } | { readonly isDropped: true } | { readonly problem: string };

/** A letter of many spans on a slow disk; without an answer nobody knows what became of it. */
const ANSWER_TIMEOUT_MS = 60_000;

export function createKeeper(dataDir: string): Keeper {
  let own: Own | undefined;
  // Asked anew for each letter: the gateway may end between two of them.
  const handle = async (method: 'POST' | 'DELETE', path: string, byOneself: (own: Own) => Promise<Handled>) => {
    if (own === undefined) {
      const answer = await askOwner({ directory: dataDir, method, path, timeoutMs: ANSWER_TIMEOUT_MS });
      if (answer !== undefined) return handledBy(answer);
      own = await takeOver(dataDir);
    }
    return byOneself(own);
  };
  return {
    replay: (id) =>
      handle('POST', `/dead-letters/${id}/replay`, async ({ replay }) => {
        const replayed = await replay(id);
        return 'spans' in replayed ? { spans: replayed.spans, isWaiting: true } : replayed;
      }),
    drop: (id) =>
      handle('DELETE', `/dead-letters/${id}`, async ({ store }) =>
        (await store.remove(id)) ? { isDropped: true } : { problem: 'there is no such dead letter' },
      ),
    close: async () => own?.close(),
  };
}

interface Own {
  readonly store: DeadLetterStore;
  readonly replay: Replay;
  close(): Promise<void>;
}

/** Rejects when somebody else was faster, and when the directory cannot be used. */
async function takeOver(dataDir: string): Promise<Own> {
  const claimed = await claim(dataDir, (_request, response) => {
    response.writeHead(409, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ problem: 'another dead-letters command is at work; try again when it is done' }));
  });
  try {
    const store = deadLettersIn(dataDir);
    await store.open();
    return { store, ...replayInto(dataDir, store, claimed) };
  } catch (error) {
    await claimed.release();
    throw error;
  }
}

function replayInto(dataDir: string, store: DeadLetterStore, claimed: Claim): Omit<Own, 'store'> {
  const queue = queueIn(dataDir, {
    // Nobody adds spans meanwhile, and each letter leaves as its copy comes: nothing grows, and the gateway's own bound,
    // which may be full of letters, is not known here.
    bytesMax: Number.MAX_SAFE_INTEGER,
  });
  let opened: Promise<void> | undefined;
  const replay = createReplay({
    store,
    queue: {
      async offer(bytes, label) {
        // To drop letters nobody needs to read the queue.
        opened ??= queue.open();
        await opened;
        await queue.offer(bytes, label);
      },
    },
    // What is configured is not known without the configuration; the gateway says what it does not deliver.
    isKnown: () => true,
    // They came in through the repairs that were wanted: they leave as they are.
    repairs: NO_REPAIRS,
    underWay: new Set(),
    onReplayed: () => {},
  });
  return {
    replay,
    async close() {
      // Before the claim: its files are nobody else's until they are closed.
      try {
        if (opened !== undefined) await queue.close();
      } finally {
        await claimed.release();
      }
    },
  };
}

const NO_REPAIRS = Object.fromEntries(REPAIRS.map((name) => [name, false])) as Record<RepairName, boolean>;

/** What the desk of `replay.ts` said. */
function handledBy({ status, json }: { status: number; json: unknown }): Handled {
  const { spans, problem } = (json ?? {}) as { spans?: unknown; problem?: unknown };
  if (typeof problem === 'string') return { problem };
  if (status !== 200) return { problem: `the gateway answered ${status}` };
  return typeof spans === 'number' ? { spans, isWaiting: false } : { isDropped: true };
}
