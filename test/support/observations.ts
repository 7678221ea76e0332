import { type Observation, observe } from '../../src/langfuse/observation/observation';
import { buildSpan } from './span-builder';

const PLAIN = observe(buildSpan());

/** An observation that says nothing but what is given. `startMs` and `endMs` are milliseconds after 2026 began. */
export function observationOf({
  startMs = 0,
  endMs = startMs,
  ...given
}: Partial<Observation> & { startMs?: number; endMs?: number }): Observation {
  return { ...PLAIN, startTime: after2026(startMs), endTime: after2026(endMs), ...given };
}

export const after2026 = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
