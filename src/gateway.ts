import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { createAccept, createFullness } from './accept';
import { createMetrics, type Metrics } from './admin/metrics';
import { type Phase, type Readiness, readiness } from './admin/readiness';
import { createAdmin } from './admin/server';
import { createTraceAnnouncer } from './admin/trace-announcer';
import { createTraceStore, observationSize } from './admin/trace-store';
import { type Admission, REJECTIONS } from './admission/admit';
import { REPAIRS } from './admission/repairs';
import { type Config, isLoopback } from './config';
import { createBackPressure } from './delivery/back-pressure';
import { createLangfuseRoute, createPreviewRoute, PREVIEW, type Route, type RouteOptions } from './delivery/route';
import { observe } from './langfuse/observation';
import { createLedger, type Ledger } from './ledger';
import { close, finished, listen } from './listening';
import { createMemoryQueue } from './queue/memory-queue';
import type { QueuePort } from './queue/port';
import { TRACE_PATHS } from './receiver/otlp-traces';
import { createReceiver } from './receiver/server';
import { NAME, VERSION } from './version';

export interface Gateway {
  readonly receiverUrl: string;
  readonly adminUrl: string;
  /** Refuses what comes, delivers what it can within the configured time, closes. Resolves to the spans left over. */
  stop(): Promise<number>;
}

const SETTLE_CHECK_MS = 20;
/** Undelivered bytes above which senders wait for their turn, and how long at most. */
const BACKLOG_BYTES_MAX = 16 * 1024 * 1024;
const BACKLOG_WAIT_MS_MAX = 1_000;
const KNOWN_PATHS = new Set([...TRACE_PATHS, '/healthz', '/', '/v1/logs', '/v1/metrics']);

/** Makes the rooms, wires them in flow order and starts them. Rejects when a port cannot be had. */
export async function createGateway(config: Config, { log }: { log: Logger }): Promise<Gateway> {
  const house = build(config, log);
  const { admin, receiver, route, state } = house;
  state.adminUrl = await listen(admin, config.admin);
  const receiverUrl = await listen(receiver, config.receiver).catch(async (error) => {
    await close(admin);
    throw error;
  });
  route.dispatcher.start();
  state.phase = 'running';
  return { receiverUrl, adminUrl: state.adminUrl, stop: () => stop(house, config.shutdownTimeoutS * 1000) };
}

/** What changes while the gateway lives. */
interface State {
  phase: Phase;
  adminUrl: string;
}

interface House {
  readonly state: State;
  readonly queue: QueuePort;
  readonly route: Route;
  readonly announcer: { close(): void };
  readonly receiver: Server;
  readonly admin: Server;
}

function build(config: Config, log: Logger): House {
  const now = () => Date.now();
  const random = () => Math.random();
  const state: State = { phase: 'starting', adminUrl: '' };

  const ledger = createLedger();
  const queue = createMemoryQueue({ bytesMax: config.queue.maxBytes, now });
  // Keys choose among destinations in a later version; until then all spans go to the first.
  const destination = config.destinations[0]?.name ?? PREVIEW;
  const metrics = createMetrics({
    totals: ledger.totals,
    queue: () => queue.stats(),
    now,
    destinations: [destination],
    repairs: REPAIRS,
    rejections: REJECTIONS,
  });

  const traces = createTraceStore();
  const announcer = createTraceAnnouncer({ traces, adminUrl: () => state.adminUrl, log });
  const pressure = createBackPressure({
    backlogBytes: () => queue.stats().bytes,
    bytesMax: BACKLOG_BYTES_MAX,
    isMoving: () => route.health().trouble === undefined,
    waitMsMax: BACKLOG_WAIT_MS_MAX,
  });
  const onDelivered = () => pressure.release();
  const route = createRoute(config, { queue, ledger, metrics, log, now, random, destination, onDelivered }, (span) => {
    const observation = observe(span);
    traces.add(observation, observationSize(observation));
    announcer.saw(observation.traceId);
  });
  queue.onAvailable(() => route.dispatcher.wake());

  const fullness = createFullness({ queue, bytesMax: config.queue.maxBytes, now, log });
  const accept = createAccept({
    queue: fullness,
    destination,
    repairs: config.repairs,
    ledger,
    onAdmitted: (admission) => count(admission, metrics, log),
    random,
  });
  const receiver = createReceiver({
    accept,
    room: pressure.room,
    isFull: fullness.isFull,
    random,
    bodyBytesMax: config.receiver.bodyMaxBytes,
    corsOrigins: config.receiver.corsOrigins,
    ingestKeys: config.ingestKeys,
    onAnswered: ({ path, ...answered }) => metrics.request({ path: pathLabel(path), ...answered }),
    isDraining: () => state.phase === 'draining',
    log,
  });
  const isReady = (): Readiness =>
    readiness({ phase: state.phase, destinations: [route.health()], queueFull: fullness.wasFull() });
  const admin = createAdmin({ ...config.admin, token: config.admin.token, metrics, readiness: isReady, traces, log });
  return { state, queue, route, announcer, receiver, admin };
}

/** Anybody can ask for any path: those that are not served share one label. The trace paths are served with a slash at their end too. */
function pathLabel(path: string): string {
  const trimmed = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  return KNOWN_PATHS.has(trimmed) ? trimmed : 'other';
}

/** The reverse of the way in: refuse what comes, settle what is there, close. Resolves to the spans left over. */
async function stop({ state, queue, route, announcer, receiver, admin }: House, waitMsMax: number): Promise<number> {
  state.phase = 'draining';
  const deadlineMs = Date.now() + waitMsMax;
  route.dispatcher.drain();
  await settled(queue, deadlineMs);
  // A request that was under way before may still add to the queue.
  await finished(receiver, Math.max(0, deadlineMs - Date.now()));
  await settled(queue, deadlineMs);
  route.dispatcher.stop();
  announcer.close();
  await close(receiver);
  await close(admin);
  await route.close();
  const left = queue.stats().items;
  await queue.close();
  return left;
}

type Parts = {
  queue: QueuePort;
  ledger: Ledger;
  metrics: Metrics;
  destination: string;
  onDelivered: () => void;
} & Pick<RouteOptions, 'log' | 'now' | 'random'>;

function createRoute(config: Config, parts: Parts, keep: Parameters<typeof createPreviewRoute>[0]): Route {
  const { destination, ledger, metrics } = parts;
  const options: RouteOptions = {
    queue: parts.queue,
    onDelivered: (count) => {
      ledger.delivered(destination, count);
      parts.onDelivered();
    },
    onDeadLettered: (reason, count) => ledger.deadLettered(destination, reason, count),
    onAttempt: (outcome, seconds) => metrics.attempt({ destination, outcome, seconds }),
    retryMaxAgeMs: config.queue.retryMaxAgeS * 1000,
    proxy: config.proxy,
    userAgent: `${NAME}/${VERSION}`,
    log: parts.log,
    now: parts.now,
    random: parts.random,
  };
  const [first] = config.destinations;
  if (first === undefined) return createPreviewRoute(keep, options);
  return createLangfuseRoute(first, { ...options, isLoopback: isLoopback(new URL(first.baseUrl).hostname) });
}

function count({ rejections, repairs }: Admission, metrics: Metrics, log: Logger): void {
  for (const [repair, spans] of repairs) metrics.repaired(repair, spans);
  const byReason = new Map<string, number>();
  for (const { reason } of rejections) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  for (const [reason, spans] of byReason) metrics.rejected(reason, spans);
  const [first] = rejections;
  if (first === undefined) return;
  const fields = { reasons: Object.fromEntries(byReason), field: first.field };
  log.warn(fields, `${rejections.length} span(s) rejected, the first because ${first.field} ${first.description}`);
}

async function settled(queue: QueuePort, deadlineMs: number): Promise<void> {
  while (queue.stats().items > 0 && Date.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_CHECK_MS));
  }
}
