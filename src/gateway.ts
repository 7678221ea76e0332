import type { Logger } from 'pino';
import { type Phase, type Readiness, readiness } from './admin/readiness';
import { createAdmin } from './admin/server';
import { now } from './clock';
import { type Config, readTlsFiles } from './config';
import { CLOSED_DESK, createDeadLetterDesk, type DeadLetterDesk, deskListener } from './dead-letter-desk';
import { type BackPressure, createBackPressure } from './delivery/back-pressure';
import { PREVIEW, type Route } from './delivery/route';
import { createDoor } from './door';
import { createFlush } from './flush';
import { createFullness } from './fullness';
import { DAMAGED, metricsOf, pathLabel, servedStats } from './gateway-metrics';
import { createLateListener, type LateListener } from './late-listener';
import { createLedger, type Ledger } from './ledger';
import { close, listen } from './listening';
import { createLook, type Look } from './looking';
import type { QueuePort } from './queue/port';
import { createReceiver } from './receiver/server';
import { createRefusalTelling } from './refusals';
import { createReplay, type ReplayOptions } from './replay';
import { createRoutes } from './routes';
import { closeRoutes, type Stoppable, stop } from './stopping';
import { claimStorage, type Storage } from './storage';

export interface Gateway {
  readonly receiverUrl: string;
  readonly adminUrl: string;
  /** Refuses what comes, delivers what it can within the configured time, closes. Resolves to the spans left over. */
  stop(): Promise<number>;
}

/** Undelivered bytes above which senders wait for their turn, and how long at most. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
const BACKLOG_WAIT_MS_MAX = 1_000;

/** Makes the rooms, wires them in flow order and starts them. Rejects when a port or the data directory cannot be had. */
export async function createGateway(config: Config, { log }: { log: Logger }): Promise<Gateway> {
  const ledger = createLedger();
  const desk = createLateListener(deskListener(CLOSED_DESK));
  const onLost = (destination: string, spans: number) => ledger.deadLettered(destination, DAMAGED, spans);
  const storage = await claimStorage({ queue: config.queue, control: desk.listener, onLost, log });
  const house = build(config, { storage, ledger, desk, log });
  try {
    return await start(house, config, log);
  } catch (error) {
    await Promise.all([close(house.admin), close(house.receiver)]);
    house.door.close();
    house.look.close();
    await closeRoutes(house);
    await storage.close();
    throw error;
  }
}

async function start(house: House, config: Config, log: Logger): Promise<Gateway> {
  const { admin, receiver, routes, state, storage, ledger } = house;
  // First, so that somebody answers while a long queue is read: alive, and starting.
  const adminUrl = await listen(admin, config.admin);
  state.adminUrl = adminUrl;
  await storage.open();
  ledger.recovered(storage.queue.stats().items);
  tellWhatWasFound(house, log);
  house.openDesk();
  await storage.publish(adminUrl).catch((error) => {
    log.warn({ err: error }, 'the data directory cannot tell others where the admin listener is');
  });
  const receiverUrl = await listen(receiver, config.receiver);
  state.receiverUrl = receiverUrl;
  for (const { dispatcher } of routes.values()) dispatcher.start();
  state.phase = 'running';
  return { receiverUrl, adminUrl, stop: () => stop(house, config.shutdownTimeoutS * 1000) };
}

function tellWhatWasFound({ storage, routes }: House, log: Logger): void {
  const { queue } = storage;
  const { items, bytes, oldestOfferedAtMs } = servedStats(queue, [...routes.keys()]);
  if (items > 0) {
    const oldest = new Date(oldestOfferedAtMs ?? 0).toISOString();
    log.info(
      { spans: items, bytes, oldest },
      `found ${items} span(s) in the queue, the oldest of ${oldest}: delivering`,
    );
  }
  for (const reason of strangers(queue, routes)) log.warn(reason);
  const { letters } = storage.stats().deadLetters;
  if (letters > 0) log.info({ letters }, `${letters} dead letter(s) wait: langfuse-otlp-gateway dead-letters list`);
}

/** What waits for destinations that nobody serves any more. */
function strangers(queue: QueuePort, routes: ReadonlyMap<string, Route>): string[] {
  return queue
    .destinations()
    .filter((destination) => !routes.has(destination))
    .map((destination) => {
      const { items } = queue.stats(destination);
      return `${destination}: not configured, and ${items} span(s) in the queue are for it; they stay until it is again`;
    });
}

/** What changes while the gateway lives. */
interface State {
  phase: Phase;
  adminUrl: string;
  receiverUrl: string;
}

interface House extends Stoppable {
  readonly look: Look;
  readonly state: State;
  readonly ledger: Ledger;
  /** From now on dead letters are replayed and dropped for who asks. */
  openDesk(): void;
}

interface Ground {
  storage: Storage;
  ledger: Ledger;
  desk: LateListener;
  log: Logger;
}

function build(config: Config, { storage, ledger, desk, log }: Ground): House {
  const random = () => Math.random();
  const state: State = { phase: 'starting', adminUrl: '', receiverUrl: '' };
  const { queue } = storage;
  // Of spans whose key names no other.
  const destination = config.destinations[0]?.name ?? PREVIEW;
  const isUp = (name: string) => routes.get(name)?.health().trouble === undefined;
  const metrics = metricsOf(config, { storage, ledger, isUp });
  const look = createLook(config, { adminUrl: () => state.adminUrl, log });
  const routes = createRoutes(config, {
    ...{ storage, ledger, metrics, keep: look.arrived, log, now, random },
    onDelivered: (name) => pressures.get(name)?.release(),
  });
  const pressures = pressuresOf([...routes.keys()], { config, queue, isUp });
  queue.onAvailable((name) => routes.get(name)?.dispatcher.wake());

  const isSick = () => storage.sick() !== undefined;
  const usedBytes = () => queue.stats().bytes + storage.stats().deadLetters.bytes;
  const fullness = createFullness({ queue, usedBytes, bytesMax: config.queue.maxBytes, isSick, now, log });
  const { inspector } = look;
  const door = createDoor(config, { queue: fullness, destination, ledger, metrics, inspector, log, random });
  const flush = createFlush({ queue, destinations: () => [...routes.keys()], now });
  const receiver = createReceiver({
    accept: door.accept,
    tellWarnings: config.warnings.response,
    flush,
    room: (name = destination) => pressures.get(name)!.room(),
    trouble: fullness.trouble,
    random,
    bodyBytesMax: config.receiver.bodyMaxBytes,
    ...{ corsOrigins: config.receiver.corsOrigins, trustProxy: config.receiver.trustProxy, keys: config.keys },
    tls: config.receiver.tls && (() => readTlsFiles(config.receiver.tls!)),
    isLangfuseConfigured: config.destinations.length > 0,
    onRefused: createRefusalTelling({ metrics, log, now }),
    onKeyUsed: metrics.keyUsed,
    onForeignOrigin: metrics.foreignOrigin,
    onConnectionDropped: metrics.connectionDropped,
    onFailed: (failed) => inspector.refused(failed),
    now,
    onAnswered: ({ path, ...answered }) => metrics.request({ path: pathLabel(path), ...answered }),
    isDraining: () => state.phase === 'draining',
    log,
  });
  const isReady = (): Readiness =>
    readiness({
      phase: state.phase,
      destinations: [...routes.values()].map((route) => route.health()),
      queueFull: fullness.wasFull() && fullness.what(),
      sickDisk: storage.sick(),
      strangers: strangers(queue, routes),
    });
  let letters = CLOSED_DESK;
  const openDesk = () => {
    const tell = { onReplayed: ledger.replayed, onRepaired: metrics.repaired };
    letters = createLetterDesk(storage, { repairs: config.repairs, isKnown: (name) => routes.has(name), ...tell });
    desk.listen(deskListener(letters));
  };
  const admin = createAdmin({
    ...config.admin,
    token: config.admin.token,
    metrics,
    readiness: isReady,
    ...look.api({
      ...{ receiverUrl: () => state.receiverUrl, readiness: isReady, ledger, queue, routes },
      deadLetters: () => letters,
    }),
    log,
  });
  return { state, storage, ledger, routes, look, door, receiver, flush, admin, openDesk };
}

function createLetterDesk(
  { deadLetters: store, queue }: Storage,
  options: Omit<ReplayOptions, 'store' | 'queue' | 'underWay'>,
): DeadLetterDesk {
  if (store === undefined) return CLOSED_DESK;
  const underWay = new Set<string>();
  return createDeadLetterDesk({ store, underWay, replay: createReplay({ store, queue, underWay, ...options }) });
}

/** A slow destination holds up those alone who send to it. */
function pressuresOf(
  destinations: readonly string[],
  { config, queue, isUp }: { config: Config; queue: QueuePort; isUp: (destination: string) => boolean },
): Map<string, BackPressure> {
  return new Map(
    destinations.map((destination) => {
      const pressure = createBackPressure({
        // What is on disk takes no memory: there senders need not wait for the destination.
        backlogBytes: () => (config.queue.kind === 'memory' ? queue.stats(destination).bytes : 0),
        bytesMax: BACKLOG_BYTES_MAX,
        isMoving: () => isUp(destination),
        waitMsMax: BACKLOG_WAIT_MS_MAX,
      });
      return [destination, pressure];
    }),
  );
}
