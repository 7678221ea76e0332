import type { TraceSummary } from '../../../src/inspector/api';

/** What has changed comes first, in its own order; of each trace there is one row. */
export function mergeOnTop(old: readonly TraceSummary[], changed: readonly TraceSummary[]): readonly TraceSummary[] {
  const changedIds = new Set(changed.map(({ traceId }) => traceId));
  return [...changed, ...old.filter(({ traceId }) => !changedIds.has(traceId))];
}
