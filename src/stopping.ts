import type { Server } from 'node:http';
import type { Phase } from './admin/readiness';
import type { Route } from './delivery/route';
import type { FlushDesk } from './flush';
import { close, finished, within } from './listening';
import type { Receiver } from './receiver/server';
import type { Storage } from './storage';

/** What has to end, in the order of the way in. */
export interface Stoppable {
  readonly state: { phase: Phase };
  readonly storage: Storage;
  readonly routes: ReadonlyMap<string, Route>;
  readonly look: { close(): void };
  readonly door: { close(): void };
  readonly receiver: Receiver;
  readonly flush: FlushDesk;
  readonly admin: Server;
}

const SETTLE_CHECK_MS = 20;
/** For those who are refused at the very end: to read their answer before the connection is closed. */
const LAST_ANSWERS_MS = 2_000;

const LAST_LETTERS_MS = 2_000;

/** The reverse of the way in: refuse what comes, settle what is there, close. Resolves to the spans left over. */
export async function stop(house: Stoppable, waitMsMax: number): Promise<number> {
  const { state, storage, routes, look, door, receiver, flush, admin } = house;
  state.phase = 'draining';
  const deadlineMs = Date.now() + waitMsMax;
  for (const { dispatcher } of routes.values()) dispatcher.drain();
  await settled(house, deadlineMs);
  flush.giveUp();
  // A request that was under way before may still add to the queue.
  await finished(receiver, Math.max(0, deadlineMs - Date.now()));
  await settled(house, deadlineMs);
  receiver.refuseOpen();
  await finished(receiver, LAST_ANSWERS_MS);
  for (const { dispatcher } of routes.values()) dispatcher.stop();
  look.close();
  door.close();
  await close(receiver);
  await close(admin);
  await closeRoutes(house);
  // A dead letter that is being written is worth a moment: else its spans are tried again at the next start.
  await within(LAST_LETTERS_MS, Promise.all([...routes.values()].map(({ dispatcher }) => dispatcher.idle())));
  const left = storage.queue.stats().items;
  await storage.close();
  return left;
}

export async function closeRoutes({ routes }: Pick<Stoppable, 'routes'>): Promise<void> {
  await Promise.all([...routes.values()].map((route) => route.close()));
}

/** Until nothing is left that can be delivered. What is on disk need not wait for a destination in trouble, or its media. */
async function settled({ storage, routes }: Stoppable, deadlineMs: number): Promise<void> {
  const { queue, isDurable } = storage;
  const hasDue = (destination: string) => (queue.nextDueAtMs(destination) ?? Number.POSITIVE_INFINITY) <= Date.now();
  const isStuck = (destination: string, { dispatcher, health }: Route) => {
    const { trouble, mediaTrouble } = health();
    if (trouble === undefined && mediaTrouble === undefined) return false;
    const isQuiet = dispatcher.isIdle() || (mediaTrouble !== undefined && dispatcher.isHeld());
    return isQuiet && (trouble !== undefined || !hasDue(destination));
  };
  const isDone = ([destination, route]: [string, Route]) =>
    queue.stats(destination).items === 0 || (isDurable && isStuck(destination, route));
  while (![...routes].every(isDone) && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_CHECK_MS));
  }
}
