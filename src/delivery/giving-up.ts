import type { Logger } from 'pino';
import type { NewDeadLetter } from '../dead-letters/letter';
import { assembleRequest } from '../otlp/assemble';
import type { Entry, QueuePort } from '../queue/port';
import type { DeliverySpan } from './attempt';
import type { Outcome, RefusalReason } from './outcome';
import { createRefusalLog } from './refusal-log';

type Retry = Extract<Outcome, { kind: 'retry' }>;
type Refusal = Extract<Outcome, { kind: 'refused' }>;

/** Resolves when the letter is on disk. */
export type WriteDeadLetter = (letter: NewDeadLetter, bytes: readonly Buffer[]) => Promise<unknown>;

export interface GivingUpOptions {
  destination: string;
  queue: Pick<QueuePort, 'settle'>;
  /** Absent: what is given up is dropped. */
  writeDeadLetter: WriteDeadLetter | undefined;
  /** In the turn in which the queue crosses them out. */
  onDeadLettered: (count: number, reason: RefusalReason) => void;
  log: Logger;
  now: () => number;
}

export interface Refused {
  readonly span: DeliverySpan;
  readonly refusal: Refusal;
}

export interface GivingUp {
  /** Those of one attempt. Resolves to a retry where that could not be written down: the spans stay in the queue. */
  spans(entry: Entry, refused: readonly Refused[]): Promise<Retry | undefined>;
  /** An entry that is no OTLP request, with what is left of it. */
  entry(entry: Entry): Promise<Retry | undefined>;
  flushLog(): void;
}

/** A disk that cannot take a letter is not asked again at once, nor is Langfuse for the same refusal. */
const WRITE_AGAIN_MS = 30_000;

/** Spans that will never be delivered: they become a dead letter, and only then are crossed out. */
export function createGivingUp(options: GivingUpOptions): GivingUp {
  const { destination, queue, writeDeadLetter, onDeadLettered, log, now } = options;
  const refusals = createRefusalLog({ destination, log, isKept: writeDeadLetter !== undefined });

  async function write(entry: Entry, letter: Letter): Promise<Retry | undefined> {
    const { reason, status, spans, positions, bytes } = letter;
    try {
      await writeDeadLetter?.(
        {
          ...{ destination, reason, status: status ?? null, attempts: entry.attempts + 1 },
          ...{ firstAt: iso(entry.offeredAtMs), lastAt: iso(now()), spans },
        },
        bytes(),
      );
    } catch (error) {
      log.error({ err: error, destination }, 'a dead letter could not be written; its spans stay in the queue');
      return { kind: 'retry', reason: 'dead_letter', afterMs: WRITE_AGAIN_MS };
    }
    queue.settle(entry, positions);
    onDeadLettered(positions.length, reason);
    refusals.add({ count: positions.length, spans, reason, status });
    return undefined;
  }

  return {
    async spans(entry, refused) {
      let failed: Retry | undefined;
      for (const alike of groups(refused)) {
        const { reason, status } = alike[0]!.refusal;
        const spans = alike.map(({ span }) => idsOf(span));
        const positions = alike.map(({ span }) => span.position);
        failed = (await write(entry, { reason, status, spans, positions, bytes: () => requestOf(alike) })) ?? failed;
      }
      return failed;
    },
    entry(entry) {
      const positions = Array.from({ length: entry.items }, (_, at) => at).filter((at) => !entry.isSettled(at));
      const letter = { reason: 'unreadable' as const, status: undefined, spans: [], positions };
      return write(entry, { ...letter, bytes: () => [entry.bytes] });
    },
    flushLog: refusals.flush,
  };
}

interface Letter {
  readonly reason: RefusalReason;
  readonly status: number | undefined;
  readonly spans: NewDeadLetter['spans'];
  readonly positions: readonly number[];
  readonly bytes: () => Buffer[];
}

/** One letter says one thing of all its spans, which are in the order of their entry. */
function groups(refused: readonly Refused[]): Refused[][] {
  const alike = new Map<string, Refused[]>();
  for (const one of [...refused].sort((left, right) => left.span.position - right.span.position)) {
    const { reason, status } = one.refusal;
    const key = `${reason} ${status}`;
    const group = alike.get(key);
    if (group === undefined) alike.set(key, [one]);
    else group.push(one);
  }
  return [...alike.values()];
}

/** As they came: what was put on them for this destination is put on again when they are replayed. */
function requestOf(refused: readonly Refused[]): Buffer[] {
  return assembleRequest(
    refused.map(({ span: { scanned, bytes } }) => {
      return { scope: scanned.scope, bytes, start: scanned.tagStart, end: scanned.end };
    }),
  );
}

function idsOf(span: DeliverySpan) {
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}

const iso = (ms: number) => new Date(ms).toISOString();
