import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import type { Config, Destination } from '../config';
import { stamp } from '../langfuse/stamp';
import type { QueuePort } from '../queue/port';
import type { DeliverySpan } from './attempt';
import { createBatchExporter } from './batch-exporter';
import { createDispatcher, type Dispatcher } from './dispatcher';
import type { WriteDeadLetter } from './giving-up';
import { createHealthRecorder, type DestinationHealth } from './health';
import type { Verdict } from './langfuse-answer';
import { createLangfuseClient } from './langfuse-client';
import { createMediaClient } from './media-client';
import { createMediaRoom, type MediaRoom, ROOM_LIMITS } from './media-room';
import type { MediaOutcome } from './media-uploader';
import type { RefusalReason } from './outcome';
import { createPreviewExporter } from './preview-exporter';
import { createProcessor } from './processor';

/** The way of spans to one destination: dispatcher → Langfuse's processor → exporter. */
export interface Route {
  readonly dispatcher: Dispatcher;
  health(): DestinationHealth;
  close(): Promise<void>;
}

export interface RouteOptions {
  queue: QueuePort;
  onDelivered: (count: number) => void;
  /** Absent: spans that are given up are dropped. */
  writeDeadLetter: WriteDeadLetter | undefined;
  onDeadLettered: (count: number, reason: RefusalReason) => void;
  onAttempt: (outcome: string, seconds: number) => void;
  media: Config['media'];
  /** Of one medium; of its tries each. */
  onMedia: (outcome: MediaOutcome) => void;
  retryMaxAgeMs: number;
  proxy: Config['proxy'];
  userAgent: string;
  log: Logger;
  now: () => number;
  random: () => number;
}

export function createLangfuseRoute(destination: Destination, options: RouteOptions & { isLoopback: boolean }): Route {
  const { proxy, userAgent, now, isLoopback } = options;
  const health = createHealthRecorder(destination.name, now);
  const gzip = destination.compression === 'gzip' || (destination.compression === 'auto' && !isLoopback);
  const client = createLangfuseClient({ destination, proxy, userAgent, gzip, now });
  const exporter = createBatchExporter({
    post: client.post,
    onVerdict: (verdict, seconds) => {
      health.record(verdict);
      options.onAttempt(outcomeLabel(verdict), seconds);
    },
  });
  const processor = createProcessor(destination, exporter);
  const prepare = (span: DeliverySpan) => stamp(span, destination);
  const room = options.media === 'upload' ? mediaRoom(destination, options) : undefined;
  const dispatcher = dispatch(destination.name, { ...options, processor, prepare, room });
  return {
    dispatcher,
    health: () => ({ ...health.current(), mediaTrouble: room?.trouble() }),
    async close() {
      await processor.shutdown();
      await client.close();
      await room?.close();
    },
  };
}

function mediaRoom(destination: Destination, options: RouteOptions): MediaRoom {
  const { proxy, userAgent, onMedia, log, now, random } = options;
  const connections = ROOM_LIMITS.max + ROOM_LIMITS.slowMax;
  const client = createMediaClient({ destination, proxy, userAgent, now, connections });
  return createMediaRoom({ destination: destination.name, client, onMedia, log, now, random });
}

/** The destination of preview mode: its name in metrics. */
export const PREVIEW = 'preview';

/** Spans take the same way as to Langfuse, its processor included, and end in `keep`. */
export function createPreviewRoute(keep: (span: DeliverySpan) => void, options: RouteOptions): Route {
  const nowhere: Destination = {
    name: PREVIEW,
    baseUrl: 'http://127.0.0.1',
    publicKey: '-',
    secretKey: '-',
    compression: 'none',
  };
  const processor = createProcessor(nowhere, createPreviewExporter(keep));
  const dispatcher = dispatch(PREVIEW, { ...options, processor, prepare: () => {} });
  const health = { destination: PREVIEW, lastAcceptedMs: undefined, trouble: undefined };
  return { dispatcher, health: () => health, close: () => processor.shutdown() };
}

type Steps = RouteOptions & {
  processor: SpanProcessor;
  prepare: (span: DeliverySpan) => void;
  room?: MediaRoom | undefined;
};

function dispatch(destination: string, options: Steps): Dispatcher {
  const { queue, processor, prepare, room, writeDeadLetter, onDeadLettered, retryMaxAgeMs, log, now, random } = options;
  return createDispatcher({
    destination,
    queue,
    processor,
    prepare,
    media: room,
    onDelivered: (spans) => options.onDelivered(spans.length),
    ...{ writeDeadLetter, onDeadLettered, retryMaxAgeMs },
    log,
    now,
    random,
  });
}

function outcomeLabel(verdict: Verdict): string {
  if (verdict.kind === 'accepted') return verdict.rejected > 0 ? 'partial' : 'delivered';
  return verdict.kind === 'refused' ? `http_${verdict.status}` : verdict.reason;
}
