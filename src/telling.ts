import type { Logger } from 'pino';
import type { Metrics } from './admin/metrics';
import type { RejectionReason } from './admission/admit';
import type { Orphan } from './admission/waiting-parents';
import type { Judgement } from './judgement';
import { addSpans, createSampler } from './sampler';
import { createWarningLog } from './warning-log';

export interface TellingOptions {
  metrics: Pick<Metrics, 'repaired' | 'rejected' | 'missing' | 'warned' | 'traceContext'>;
  log: Logger;
  now: () => number;
}

/** Spans that were rejected for one reason: how many, and what was wrong with the first. */
interface Rejected {
  spans: number;
  readonly field: string;
  readonly description: string;
}

/** Tells metrics and log what was done to spans and what their senders might mend. */
export function createTelling({ metrics, log, now }: TellingOptions) {
  const warnings = createWarningLog({ log, now });
  const sayRejected = createSampler<RejectionReason, Rejected>({
    now,
    add: addSpans,
    say: (reason, { spans, field, description }) => {
      const fields = { reasons: { [reason]: spans }, field };
      log.warn(fields, `${spans} span(s) rejected, the first because ${field} ${description}`);
    },
  });
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
      tellRejections(rejections);
    },

    orphans(orphans: readonly Orphan[]): void {
      for (const { traceId, spanId, spans } of orphans) {
        metrics.warned('orphan_parent', spans);
        warnings.tell('orphan_parent', { spans, traceId, spanId });
      }
    },
  };

  function tellRejections(rejections: Judgement['rejections']): void {
    const byReason = new Map<RejectionReason, Rejected>();
    for (const { reason, field, description } of rejections) {
      const before = byReason.get(reason);
      if (before === undefined) byReason.set(reason, { spans: 1, field, description });
      else before.spans++;
    }
    for (const [reason, rejected] of byReason) {
      metrics.rejected(reason, rejected.spans);
      sayRejected(reason, rejected);
    }
  }
}
