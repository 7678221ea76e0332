import type { Orphan } from '../admission/waiting-parents';
import { WARNING_TEXTS, WARNINGS, type WarningName } from '../admission/warnings';
import type { Judgement, WarningCount } from '../judgement';
import type { RequestSender } from '../receiver/accept';
import type { OrphanView, RefusalView, RejectionView, Trouble } from './api';
import { cutText, senderView, shortText } from './client-info';
import { iso } from './clients';
import { Recent } from './recent';
import { rejectedSpan } from './rejected-span';

/** A request that was refused as a whole. */
export interface RefusedRequest {
  readonly status: number;
  /** For its sender; nothing that people wrote is in it. */
  readonly message: string;
  /** Without its query, which may hold a key. */
  readonly path: string;
  readonly userAgent: string | undefined;
}

const TOLD_MAX = 200;
const PER_REQUEST_MAX = 20;
const REFUSALS_MAX = 100;
const REJECTED_TRACES_MAX = 1_000;

type Stamped<View extends { at: string }> = Omit<View, 'at'> & { readonly atMs: number };

/** What went wrong, as examples and counts. */
export class Troubles {
  readonly #keepsExamples: boolean;
  #rejected = 0;
  readonly #byReason = new Map<string, number>();
  readonly #rejections = new Recent<number, Stamped<RejectionView>>(TOLD_MAX);
  /** Rejected spans by trace id, where it can be read. */
  readonly #byTrace = new Recent<string, { spans: number; lastMs: number; name: string | null }>(REJECTED_TRACES_MAX);
  readonly #refusals = new Recent<string, Omit<RefusalView, 'lastAt'> & { lastMs: number; requests: number }>(
    REFUSALS_MAX,
  );
  #orphaned = 0;
  readonly #orphans = new Recent<string, Stamped<OrphanView>>(TOLD_MAX);
  readonly #warnings = new Map<WarningName, { spans: number; lastMs: number; example: WarningCount }>();
  #examples = 0;

  /** Without examples nothing of single spans is kept but what a warning is about. */
  constructor({ keepsExamples }: { keepsExamples: boolean }) {
    this.#keepsExamples = keepsExamples;
  }

  get rejected(): number {
    return this.#rejected;
  }

  judged(judgement: Judgement, sender: RequestSender, nowMs: number): void {
    for (const [warning, count] of judgement.warnings) this.#warn(warning, count, nowMs);
    this.#rejected += judgement.rejections.length;
    for (const { reason } of judgement.rejections) this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1);
    if (!this.#keepsExamples) return;
    for (const { reason, field, description, position } of judgement.rejections.slice(0, PER_REQUEST_MAX)) {
      const span = rejectedSpan(judgement, position);
      const told = senderView(sender, judgement.read.spans[position]?.scope);
      this.#rejections.set(this.#examples++, { atMs: nowMs, reason, field, description, ...span, sender: told });
      if (span.traceId !== null) {
        const before = this.#byTrace.get(span.traceId)?.spans ?? 0;
        this.#byTrace.set(span.traceId, { spans: before + 1, lastMs: nowMs, name: span.name });
      }
    }
  }

  orphans(orphans: readonly Orphan[], nowMs: number): void {
    for (const { traceId, spanId, parentSpanId, spans } of orphans) {
      this.#orphaned++;
      this.#warn('orphan_parent', { spans, traceId, spanId }, nowMs);
      if (!this.#keepsExamples) continue;
      this.#orphans.set(traceId + parentSpanId, { atMs: nowMs, traceId, spanId, parentSpanId, spans });
    }
  }

  refused({ status, message, path, userAgent }: RefusedRequest, nowMs: number): void {
    const told = { status, message, path: cutText(path, 100), userAgent: shortText(userAgent) };
    const key = JSON.stringify(told);
    const requests = (this.#refusals.get(key)?.requests ?? 0) + 1;
    this.#refusals.set(key, { ...told, requests, lastMs: nowMs });
  }

  /** Rejected spans of a trace, as far as they are known. */
  rejectedOf(traceId: string): number {
    return this.#byTrace.get(traceId)?.spans ?? 0;
  }

  /** Traces with rejected spans, those with the latest first. */
  rejectedTraces(): { traceId: string; spans: number; lastMs: number; name: string | null }[] {
    return this.#byTrace.entriesNewestFirst().map(([traceId, rejected]) => ({ traceId, ...rejected }));
  }

  view(): Trouble {
    const at = <View extends { atMs: number }>({ atMs, ...rest }: View) => ({ at: iso(atMs), ...rest });
    return {
      rejections: {
        total: this.#rejected,
        byReason: Object.fromEntries(this.#byReason),
        latest: this.#rejections.newestFirst().map(at),
      },
      refusals: this.#refusals.newestFirst().map(({ lastMs, ...rest }) => ({ ...rest, lastAt: iso(lastMs) })),
      orphans: { total: this.#orphaned, latest: this.#orphans.newestFirst().map(at) },
      warnings: WARNINGS.flatMap((name) => {
        const warned = this.#warnings.get(name);
        if (warned === undefined) return [];
        const { spans, lastMs, example } = warned;
        const { traceId, spanId } = example;
        return [
          { name, text: `a span ${WARNING_TEXTS[name]}`, spans, lastAt: iso(lastMs), example: { traceId, spanId } },
        ];
      }).sort((a, b) => b.spans - a.spans),
    };
  }

  #warn(name: WarningName, count: WarningCount, nowMs: number): void {
    const spans = (this.#warnings.get(name)?.spans ?? 0) + count.spans;
    this.#warnings.set(name, { spans, lastMs: nowMs, example: count });
  }
}
