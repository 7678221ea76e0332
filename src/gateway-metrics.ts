import { createMetrics, type Metrics } from './admin/metrics';
import { REJECTIONS } from './admission/admit';
import { REPAIRS } from './admission/repairs';
import { CONTEXT_OUTCOMES } from './admission/trace-context';
import { WARNINGS } from './admission/warnings';
import { now } from './clock';
import type { Config } from './config';
import { MEDIA_OUTCOMES } from './delivery/media-uploader';
import { REFUSALS } from './delivery/outcome';
import { PREVIEW } from './delivery/route';
import type { Ledger } from './ledger';
import { type QueuePort, type QueueStats, sumOf } from './queue/port';
import { GATE_REFUSALS } from './receiver/gate';
import { HEALTH_PATHS, KEY_PATHS, plainPath } from './receiver/paths';
import type { Storage } from './storage';

/** The reason for spans that the disk does not give back. */
export const DAMAGED = 'damaged';
const KNOWN_PATHS = new Set([...KEY_PATHS, ...HEALTH_PATHS, '/', '/v1/logs', '/v1/metrics']);

/** Of what somebody delivers. */
export const servedStats = (queue: QueuePort, served: readonly string[]): QueueStats =>
  sumOf(served.map((destination) => queue.stats(destination)));

/** All that is counted, from the start. */
export function metricsOf(
  config: Config,
  { storage, ledger, isUp }: { storage: Storage; ledger: Ledger } & { isUp: (destination: string) => boolean },
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
    mediaOutcomes: config.media === 'upload' ? MEDIA_OUTCOMES : [],
    rejections: REJECTIONS,
    keys: config.keys.map(({ name }) => name),
    gateRefusals: GATE_REFUSALS,
    now,
  });
}

/** Anybody can ask for any path: those that are not served share one label. */
export function pathLabel(path: string): string {
  const plain = plainPath(path);
  return KNOWN_PATHS.has(plain) ? plain : 'other';
}
