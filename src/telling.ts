import type { Logger } from 'pino';
import type { Metrics } from './admin/metrics';
import type { Orphan } from './admission/waiting-parents';
import type { Judgement } from './judge';
import { createWarningLog } from './warning-log';

export interface TellingOptions {
  metrics: Pick<Metrics, 'repaired' | 'rejected' | 'missing' | 'warned' | 'traceContext'>;
  log: Logger;
  now: () => number;
}

/** Tells metrics and log what was done to spans and what their senders might mend. */
export function createTelling({ metrics, log, now }: TellingOptions) {
  const warnings = createWarningLog({ log, now });
  return {
    judged({ rejections, repairs, warnings: counts, traceContext }: Judgement): void {
      for (const [repair, spans] of repairs) metrics.repaired(repair, spans);
      if (traceContext !== undefined) metrics.traceContext(traceContext);
      for (const [warning, count] of counts) {
        metrics.warned(warning, count.spans);
        warnings.tell(warning, count);
      }
      metrics.missing('session_id', counts.get('session_id_missing')?.spans ?? 0);
      metrics.missing('user_id', counts.get('user_id_missing')?.spans ?? 0);
      if (rejections.length > 0) tellRejections(rejections);
    },

    orphans(orphans: readonly Orphan[]): void {
      for (const { traceId, spanId, spans } of orphans) {
        metrics.warned('orphan_parent', spans);
        warnings.tell('orphan_parent', { spans, traceId, spanId });
      }
    },
  };

  function tellRejections(rejections: Judgement['rejections']): void {
    const byReason = new Map<string, number>();
    for (const { reason } of rejections) byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
    for (const [reason, spans] of byReason) metrics.rejected(reason, spans);
    const { field, description } = rejections[0]!;
    const fields = { reasons: Object.fromEntries(byReason), field };
    log.warn(fields, `${rejections.length} span(s) rejected, the first because ${field} ${description}`);
  }
}
