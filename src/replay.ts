import type { RepairName } from './admission/repairs';
import { DamagedLetter, type DeadLetter } from './dead-letters/letter';
import type { DeadLetterStore } from './dead-letters/store';
import { GatewayError } from './errors';
import { createJudge } from './judge';
import type { Judgement } from './judgement';
import { type QueuePort, QueueRefusal } from './queue/port';

export interface ReplayOptions {
  store: Pick<DeadLetterStore, 'read' | 'remove'>;
  queue: Pick<QueuePort, 'offer'>;
  /** Whether somebody will take what is queued for that destination. */
  isKnown: (destination: string) => boolean;
  repairs: Readonly<Record<RepairName, boolean>>;
  /** The letters that are being replayed; filled and emptied here, for those who must leave them alone. */
  underWay: Set<string>;
  /** In the turn of the event loop in which the queue has kept so many spans. */
  onReplayed: (spans: number) => void;
  /** In the same turn, for each repair that was made, with how many of the spans it touched. */
  onRepaired?: (repair: RepairName, spans: number) => void;
}

/** `problem` is for people; the letter is there as before, unless it says otherwise. */
export type Replayed =
  | { readonly id: string; readonly spans: number }
  | { readonly id: string; readonly problem: string; readonly isUnknown?: true };

export type Replay = (id: string) => Promise<Replayed>;

/**
 * Puts a dead letter back into the queue, where it is as new as on its first day, and removes it once the queue has kept
 * it. Its spans are judged again: repairs may have been switched on meanwhile, and the file may have been touched.
 */
export function createReplay(options: ReplayOptions): Replay {
  const { store, queue, isKnown, underWay, onReplayed, onRepaired } = options;
  const replay: Replay = async (id) => {
    const found = await store.read(id);
    if (found === undefined) return { id, problem: 'there is no such dead letter', isUnknown: true };
    const { destination } = found.letter;
    if (!isKnown(destination)) {
      return { id, problem: `destination ${destination} is not configured; the letter stays` };
    }
    const { bytes, accepted, repairs } = await judgeAgain(found, options.repairs);
    // It takes the letter's place: letters that fill the queue's bound could not be replayed otherwise.
    await queue.offer(bytes, { destination, items: accepted, isCounted: true });
    onReplayed(accepted);
    for (const [repair, spans] of repairs) onRepaired?.(repair, spans);
    await store.remove(id).catch((error: NodeJS.ErrnoException) => {
      throw new Problem(`its spans are queued, but its files could not be removed (${error.code}): drop it`);
    });
    return { id, spans: accepted };
  };
  return async (id) => {
    // Its spans would be queued twice.
    if (underWay.has(id)) return { id, problem: 'it is being replayed already' };
    underWay.add(id);
    try {
      return await replay(id);
    } catch (error) {
      return { id, problem: problemOf(error) };
    } finally {
      underWay.delete(id);
    }
  };
}

class Problem extends Error {}

/** A letter is one request, and goes in no trace context: nothing is remembered from it for another. */
const ALONE = { traceContext: { traceIdAlone: 'reject' }, traceAttributes: { maxTraces: 1, windowS: 1 } } as const;

/**
 * As at the door, where what was mended once changes no more. Its judge knows no other letter, and its spans came when they
 * came: a replay gives the same, however often and in which order.
 *
 * All or none: a letter is one file, and what would not go with the others would be gone with it.
 */
async function judgeAgain(
  { letter, bytes }: { letter: DeadLetter; bytes: Buffer },
  repairs: ReplayOptions['repairs'],
): Promise<Judgement> {
  const { judge } = createJudge({ ...ALONE, repairs, now: () => Date.parse(letter.firstAt) });
  const { destination } = letter;
  const judgement = await judge({ format: 'protobuf', bytes, destination }).catch((error: unknown) => {
    if (!(error instanceof GatewayError)) throw error;
    throw new Problem(`${letter.id}.otlp is no OTLP request (${error.message}); the letter stays`);
  });
  const [first] = judgement.rejections;
  if (first !== undefined) {
    const count = `${judgement.rejections.length} of ${judgement.rejections.length + judgement.accepted} span(s)`;
    throw new Problem(`${count} cannot be accepted, since ${first.field} ${first.description}; the letter stays`);
  }
  if (judgement.accepted === 0) throw new Problem(`${letter.id}.otlp holds no spans; the letter stays`);
  return judgement;
}

function problemOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof DamagedLetter) return `it is damaged: ${error.problem}; the letter stays`;
  if (error instanceof QueueRefusal) return `${REFUSED[error.reason]}; the letter stays`;
  const { code, message } = error as NodeJS.ErrnoException;
  return `it could not be replayed (${code ?? message}); the letter stays`;
}

const REFUSED: Readonly<Record<QueueRefusal['reason'], string>> = {
  full: 'the disk of the queue is full: free some space, or drop other letters',
  too_large: 'it can never fit the queue: raise GATEWAY_QUEUE_MAX_BYTES',
  sick: 'the queue takes nothing now: its disk fails, or the gateway is stopping',
};
