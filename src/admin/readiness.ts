import type { DestinationHealth } from '../delivery/health';

export type Phase = 'starting' | 'running' | 'draining';

export interface Readiness {
  /** 503 takes the gateway out of service, so it is kept for when it cannot keep spans or was never able to deliver any. */
  readonly code: 200 | 503;
  readonly status: 'ready' | 'degraded' | 'starting' | 'draining' | 'sick' | 'misconfigured';
  readonly reasons: readonly string[];
}

/** What `/readyz` says. */
export function readiness(state: {
  phase: Phase;
  destinations: readonly DestinationHealth[];
  /** What is full, if anything is. */
  queueFull: string | false;
  sickDisk: { sinceMs: number; code: string } | undefined;
  /** What waits for destinations that are not configured. */
  strangers: readonly string[];
}): Readiness {
  const { phase, destinations, queueFull, sickDisk, strangers } = state;
  if (phase !== 'running') return { code: 503, status: phase, reasons: [`the gateway is ${phase}`] };
  if (sickDisk !== undefined) {
    const { code, sinceMs } = sickDisk;
    const reason = `the disk of the queue fails (${code}) since ${iso(sinceMs)}: new spans are refused with 503`;
    return { code: 503, status: 'sick', reasons: [reason] };
  }
  const shutOut = destinations.filter(
    ({ lastAcceptedMs, trouble }) => lastAcceptedMs === undefined && trouble?.configuration === true,
  );
  if (shutOut.length > 0) {
    const reasons = shutOut.map(describe);
    return { code: 503, status: 'misconfigured', reasons };
  }
  const reasons = destinations.filter(({ trouble }) => trouble !== undefined).map(describe);
  reasons.push(...destinations.flatMap(describeMedia));
  if (queueFull !== false) reasons.push(`${queueFull}: new spans are refused with 503`);
  reasons.push(...strangers);
  return { code: 200, status: reasons.length === 0 ? 'ready' : 'degraded', reasons };
}

function describe({ destination, trouble }: DestinationHealth): string {
  if (trouble === undefined) return `${destination}: fine`;
  const hint = trouble.configuration ? '; check its URL and keys' : '';
  return `${destination}: ${trouble.description} since ${iso(trouble.sinceMs)}${hint}`;
}

/** Spans without media are delivered: nothing to go out of service for. */
function describeMedia({ destination, mediaTrouble }: DestinationHealth): string[] {
  if (mediaTrouble === undefined) return [];
  const { description, configuration, sinceMs } = mediaTrouble;
  const hint = configuration ? '; check the media storage of Langfuse, or set media: inline' : '';
  return [`${destination}: media cannot be uploaded (${description}) since ${iso(sinceMs)}${hint}`];
}

const iso = (ms: number) => new Date(ms).toISOString();
