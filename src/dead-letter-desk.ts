import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { DamagedLetter, type DeadLetter } from './dead-letters/letter';
import type { DeadLetterStore } from './dead-letters/store';
import type { DeadLetterList, DeadLetterView } from './inspector/api';
import type { Replay, Replayed } from './replay';

/** As an HTTP answer; `problem` is for people. */
export interface DeskAnswer {
  readonly status: number;
  readonly body: { readonly id?: string | undefined; readonly spans?: number; readonly problem?: string };
}

/** Looks after the dead letters of a running gateway. */
export interface DeadLetterDesk {
  /** Newest first; `before` is the id behind which the page begins. Damaged ones are counted only. */
  list(page: { limit: number; before: string | undefined }): Promise<DeadLetterList>;
  replay(id: string): Promise<DeskAnswer>;
  drop(id: string): Promise<DeskAnswer>;
}

const SPANS_TOLD_MAX = 100;

/** Where no dead letters are kept, and as long as the gateway starts. */
export const CLOSED_DESK: DeadLetterDesk = {
  list: async () => ({ deadLetters: [], total: 0, bytes: 0, next: null }),
  replay: async () => CLOSED,
  drop: async () => CLOSED,
};

const CLOSED: DeskAnswer = {
  status: 409,
  body: { problem: 'the gateway keeps no dead letters, or is starting; try again' },
};

export function createDeadLetterDesk(options: {
  store: Pick<DeadLetterStore, 'ids' | 'letter' | 'remove' | 'stats'>;
  replay: Replay;
  /** As in ReplayOptions. */
  underWay: ReadonlySet<string>;
}): DeadLetterDesk {
  const { store, underWay } = options;
  return {
    async list({ limit, before }) {
      const ids = (await store.ids()).reverse().filter((id) => before === undefined || id < before);
      const deadLetters: DeadLetterView[] = [];
      for (const id of ids.slice(0, limit)) {
        const letter = await store.letter(id).catch((error) => {
          if (!(error instanceof DamagedLetter)) throw error;
          return undefined;
        });
        if (letter !== undefined) deadLetters.push(viewOf(letter));
      }
      const { letters, bytes } = store.stats();
      return { deadLetters, total: letters, bytes, next: ids.length > limit ? ids[limit - 1]! : null };
    },
    replay: async (id) => answerOf(await options.replay(id)),
    drop: async (id) => {
      // "Gone" would not be true: its spans are on their way back.
      if (underWay.has(id)) return { status: 409, body: { id, problem: 'it is being replayed' } };
      try {
        if (await store.remove(id)) return { status: 200, body: { id } };
        return { status: 404, body: { id, problem: 'there is no such dead letter' } };
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { status: 500, body: { id, problem: `its files could not be removed (${code ?? message})` } };
      }
    },
  };
}

const viewOf = ({ spans, ...letter }: DeadLetter): DeadLetterView => {
  return { ...letter, spans: spans.slice(0, SPANS_TOLD_MAX), spanCount: spans.length };
};

const REQUEST = /^\/dead-letters\/([^/]+?)(\/replay)?$/;

/**
 * What the owner of the data directory does for the command `dead-letters`:
 *
 *     POST   /dead-letters/ID/replay   200 {id, spans} · 404 or 409 {id, problem}
 *     DELETE /dead-letters/ID          200 {id} · 404 {id, problem}
 */
export function deskListener({ replay, drop }: Pick<DeadLetterDesk, 'replay' | 'drop'>): RequestListener {
  return (request, response) => {
    const { method } = request;
    const [, id, toReplay] = REQUEST.exec(request.url ?? '') ?? [];
    let work: Promise<DeskAnswer>;
    if (id !== undefined && method === 'POST' && toReplay !== undefined) work = replay(id);
    else if (id !== undefined && method === 'DELETE' && toReplay === undefined) work = drop(id);
    else work = Promise.resolve({ status: 404, body: { problem: 'there is nothing of that name' } });
    void work.then((answer) => send(request, response, answer));
  };
}

function answerOf(replayed: Replayed): DeskAnswer {
  if ('spans' in replayed) return { status: 200, body: replayed };
  const { id, problem, isUnknown } = replayed;
  return { status: isUnknown ? 404 : 409, body: { id, problem } };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body }: DeskAnswer): void {
  request.resume();
  const json = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) });
  response.end(json);
}
