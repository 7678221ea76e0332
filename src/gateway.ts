import type { Logger } from 'pino';
import { createMetrics, type Metrics } from './admin/metrics';
import { type Phase, type Readiness, readiness } from './admin/readiness';
import { createAdmin } from './admin/server';
import { REJECTIONS } from './admission/admit';
import { REPAIRS } from './admission/repairs';
import { CONTEXT_OUTCOMES } from './admission/trace-context';
import { WARNINGS } from './admission/warnings';
import { now } from './clock';
import type { Config } from './config';
import { createBackPressure } from './delivery/back-pressure';
import { REFUSALS } from './delivery/outcome';
import { PREVIEW, type Route } from './delivery/route';
import { createDoor } from './door';
import { createFlush } from './flush';
import { createFullness } from './fullness';
import { createLateListener, type LateListener } from './late-listener';
import { createLedger, type Ledger } from './ledger';
import { close, listen } from './listening';
import { createPreview } from './preview';
import { type QueuePort, type QueueStats, sumOf } from './queue/port';
import { FLUSH_PATHS } from './receiver/flush';
import { TRACE_PATHS } from './receiver/otlp-traces';
import { createReceiver } from './receiver/server';
import { createDeadLetterDesk, createReplay } from './replay';
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
/** The reason for spans that the disk does not give back. */
const DAMAGED = 'damaged';
const KNOWN_PATHS = new Set([...TRACE_PATHS, ...FLUSH_PATHS, '/healthz', '/', '/v1/logs', '/v1/metrics']);

/** Makes the rooms, wires them in flow order and starts them. Rejects when a port or the data directory cannot be had. */
export async function createGateway(config: Config, { log }: { log: Logger }): Promise<Gateway> {
  const ledger = createLedger();
  const desk = createLateListener();
  const onLost = (destination: string, spans: number) => ledger.deadLettered(destination, DAMAGED, spans);
  const storage = await claimStorage({ queue: config.queue, control: desk.listener, onLost, log });
  const house = build(config, { storage, ledger, desk, log });
  try {
    return await start(house, config, log);
  } catch (error) {
    await Promise.all([close(house.admin), close(house.receiver)]);
    house.door.close();
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

/** Of what somebody delivers. */
const servedStats = (queue: QueuePort, served: readonly string[]): QueueStats =>
  sumOf(served.map((destination) => queue.stats(destination)));

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
}

interface House extends Stoppable {
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
  const state: State = { phase: 'starting', adminUrl: '' };
  const { queue } = storage;
  // Keys choose among destinations in a later version; until then all spans go to the first.
  const destination = config.destinations[0]?.name ?? PREVIEW;
  const isUp = (name: string) => routes.get(name)?.health().trouble === undefined;
  const metrics = metricsOf(config, { storage, ledger, isUp });
  const preview = createPreview({ adminUrl: () => state.adminUrl, log });
  const pressure = createBackPressure({
    // What is on disk takes no memory: there senders need not wait for the destination.
    backlogBytes: () => (config.queue.kind === 'memory' ? queue.stats().bytes : 0),
    bytesMax: BACKLOG_BYTES_MAX,
    isMoving: () => isUp(destination),
    waitMsMax: BACKLOG_WAIT_MS_MAX,
  });
  const onDelivered = () => pressure.release();
  const routes = createRoutes(config, { storage, ledger, metrics, onDelivered, keep: preview.keep, log, now, random });
  queue.onAvailable((name) => routes.get(name)?.dispatcher.wake());

  const isSick = () => storage.sick() !== undefined;
  const usedBytes = () => queue.stats().bytes + storage.stats().deadLetters.bytes;
  const fullness = createFullness({ queue, usedBytes, bytesMax: config.queue.maxBytes, isSick, now, log });
  const door = createDoor(config, { queue: fullness, destination, ledger, metrics, preview, log, random });
  const flush = createFlush({ queue, destinations: () => [...routes.keys()], now });
  const receiver = createReceiver({
    accept: door.accept,
    tellWarnings: config.warnings.response,
    flush,
    room: pressure.room,
    trouble: fullness.trouble,
    random,
    bodyBytesMax: config.receiver.bodyMaxBytes,
    corsOrigins: config.receiver.corsOrigins,
    ingestKeys: config.ingestKeys,
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
  const openDesk = () => {
    const { deadLetters: store } = storage;
    if (store === undefined) return;
    const isKnown = (name: string) => routes.has(name);
    const tell = { onReplayed: ledger.replayed, onRepaired: metrics.repaired };
    const replay = createReplay({ store, queue, isKnown, repairs: config.repairs, ...tell });
    desk.listen(createDeadLetterDesk({ store, replay }));
  };
  const admin = createAdmin({
    ...config.admin,
    token: config.admin.token,
    metrics,
    readiness: isReady,
    traces: preview.traces,
    log,
  });
  return { state, storage, ledger, routes, announcer: preview.announcer, door, receiver, flush, admin, openDesk };
}

function metricsOf(
  config: Config,
  { storage, ledger, isUp }: Pick<Ground, 'storage' | 'ledger'> & { isUp: (destination: string) => boolean },
): Metrics {
  const destinations = config.destinations.map(({ name }) => name);
  const served = destinations.length === 0 ? [PREVIEW] : destinations;
  return createMetrics({
    totals: ledger.totals,
    queue: () => {
      // What waits for nobody is no sign of a slow delivery: /readyz tells of it.
      const { oldestOfferedAtMs } = servedStats(storage.queue, served);
      return { ...storage.queue.stats(), oldestOfferedAtMs };
    },
    storage: () => ({ ...storage.stats(), isSick: storage.sick() !== undefined }),
    queueBytesMax: config.queue.maxBytes,
    isUp,
    destinations: served,
    refusals: [...REFUSALS, DAMAGED],
    repairs: REPAIRS,
    warnings: WARNINGS,
    contextOutcomes: CONTEXT_OUTCOMES,
    rejections: REJECTIONS,
    now,
  });
}

/** Anybody can ask for any path: those that are not served share one label. The trace paths are served with a slash at their end too. */
function pathLabel(path: string): string {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return KNOWN_PATHS.has(trimmed) ? trimmed : 'other';
}
