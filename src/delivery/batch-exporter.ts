import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { assembleRequest, type SpanPart } from '../otlp/assemble';
import { editSpan } from '../otlp/edit-span';
import { type Attempt, DeliverySpan, reportOutcome } from './attempt';
import type { Verdict } from './langfuse-answer';
import { DELIVERED } from './outcome';

export interface BatchLimits {
  /** A batch that has so many bytes or spans leaves at once. */
  readonly bytesTarget: number;
  readonly spansMax: number;
  /** No batch of several spans is larger than this, before compression; Langfuse warns above 16 MB, proxies refuse earlier. */
  readonly bytesMax: number;
  /** How long a batch waits for more spans. */
  readonly lingerMs: number;
  /** Posts under way at once. */
  readonly postsMax: number;
}

export const BATCH_LIMITS: BatchLimits = {
  bytesTarget: 1_000_000,
  spansMax: 512,
  bytesMax: 4_000_000,
  lingerMs: 20,
  postsMax: 8,
};

export interface BatchExporterOptions {
  /** `body` in pieces, to be sent one after the other. */
  post: (body: readonly Buffer[]) => Promise<Verdict>;
  /** Called for every answer, with how long it took. */
  onVerdict: (verdict: Verdict, seconds: number) => void;
  limits?: BatchLimits;
}

export interface BatchExporter extends SpanExporter {
  /** Resolves when every span that came has its outcome. */
  forceFlush(): Promise<void>;
}

/**
 * The SpanExporter behind Langfuse's processor. The processor hands over one span at a time and hears "taken" at once;
 * batching, posting and the receipt per span are done here, where they can be seen:
 *
 *     export ──▶ open batch ──(bytes, count, time)──▶ ready ──▶ posting ──▶ accepted: delivered
 *                                                      ▲                ├──▶ retry: the queue's business, with all that is ready
 *                                                      └── two halves ──┴──▶ refused: of one span, final
 */
export function createBatchExporter(options: BatchExporterOptions): BatchExporter {
  return new LangfuseBatchExporter(options);
}

class LangfuseBatchExporter implements BatchExporter {
  readonly #post: BatchExporterOptions['post'];
  readonly #onVerdict: BatchExporterOptions['onVerdict'];
  readonly #limits: BatchLimits;
  /** Batches that still take spans: one for all, and one for each attempt whose spans are posted apart. */
  readonly #open = new Map<Attempt | undefined, OpenBatch>();
  readonly #ready: DeliverySpan[][] = [];
  #timer: NodeJS.Timeout | undefined;
  #posting = 0;
  #onIdle: (() => void)[] = [];

  constructor({ post, onVerdict, limits = BATCH_LIMITS }: BatchExporterOptions) {
    this.#post = post;
    this.#onVerdict = onVerdict;
    this.#limits = limits;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    for (const span of spans) {
      // A span that its attempt has given up meanwhile is on its way in another one; one that came before is under way.
      if (span instanceof DeliverySpan && !span.isSettled && !span.arrived) this.#add(span);
    }
    done({ code: ExportResultCode.SUCCESS });
  }

  async forceFlush(): Promise<void> {
    this.#seal();
    if (this.#posting > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** What has not been sent by then gets its outcome all the same. */
  async shutdown(): Promise<void> {
    this.#giveBack({ kind: 'retry', reason: 'shutdown' });
  }

  /** What has not been posted is not posted: a destination in trouble, or one that asked to wait, is left alone. */
  #giveBack(retry: Retry): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = [...this.#ready.splice(0).flat(), ...[...this.#open.values()].flatMap(({ spans }) => spans)];
    this.#open.clear();
    reportOutcome(waiting, { ...retry, unsent: true });
  }

  #add(span: DeliverySpan): void {
    const { bytesMax, bytesTarget, spansMax, lingerMs } = this.#limits;
    span.arrived = true;
    span.forgetDecoded();
    const { batchSpansMax = spansMax } = span.attempt;
    const key = span.attempt.batchSpansMax === undefined ? undefined : span.attempt;
    let batch = this.#open.get(key);
    let bytes = bytesIn(span, batch);
    if (batch !== undefined && batch.bytes + bytes > bytesMax) {
      this.#sealOne(key, batch);
      batch = undefined;
      bytes = bytesIn(span, undefined);
    }
    if (batch === undefined) {
      batch = { spans: [], bytes: 0 };
      this.#open.set(key, batch);
    }
    batch.bytes += bytes;
    batch.spans.push(span);
    if (batch.bytes >= bytesTarget || batch.spans.length >= Math.min(spansMax, batchSpansMax)) {
      this.#sealOne(key, batch);
      this.#pump();
    } else this.#timer ??= setTimeout(() => this.#seal(), lingerMs);
  }

  #sealOne(key: Attempt | undefined, { spans }: OpenBatch): void {
    this.#open.delete(key);
    this.#ready.push(spans);
  }

  #seal(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [key, batch] of this.#open) this.#sealOne(key, batch);
    this.#pump();
  }

  #pump(): void {
    while (this.#posting < this.#limits.postsMax && this.#ready.length > 0) {
      this.#posting++;
      const batch = this.#ready.shift()!;
      const sent = this.#send(batch).catch(() => reportOutcome(batch, { kind: 'retry', reason: 'internal' }));
      void sent.then(() => {
        this.#posting--;
        this.#pump();
        if (this.#posting === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
      });
    }
  }

  async #send(batch: DeliverySpan[]): Promise<void> {
    const started = performance.now();
    const verdict = await this.#post(assembleRequest(batch.map(partOf)));
    this.#onVerdict(verdict, (performance.now() - started) / 1000);
    if (verdict.kind === 'retry') {
      reportOutcome(batch, verdict);
      this.#giveBack(verdict);
    } else if (verdict.kind === 'accepted') accepted(batch, verdict.rejected);
    else if (batch.length === 1) {
      const reason = verdict.status === 413 ? 'too_large' : 'refused';
      reportOutcome(batch, { kind: 'refused', reason, status: verdict.status });
    } else {
      // One bad span refuses all of them: halve until it stands alone.
      const middle = Math.ceil(batch.length / 2);
      this.#ready.unshift(batch.slice(0, middle), batch.slice(middle));
      this.#pump();
    }
  }
}

type Retry = Extract<Verdict, { kind: 'retry' }>;

interface OpenBatch {
  readonly spans: DeliverySpan[];
  bytes: number;
}

/** Tags and lengths around a resource and a scope. */
const FRAME_BYTES = 24;

/** What the span adds to the batch: where it does not follow one of its scope, resource and scope come with it. */
function bytesIn({ scanned }: DeliverySpan, batch: OpenBatch | undefined): number {
  const own = scanned.end - scanned.tagStart;
  if (batch?.spans[batch.spans.length - 1]?.scanned.scope === scanned.scope) return own;
  return own + scanned.scope.head.length + scanned.scope.resource.head.length + FRAME_BYTES;
}

/** Of a partial success nobody knows which spans it means: the number counts, and it is taken from the end. */
function accepted(batch: DeliverySpan[], rejected: number): void {
  const delivered = batch.slice(0, Math.max(0, batch.length - rejected));
  reportOutcome(delivered, DELIVERED);
  reportOutcome(batch.slice(delivered.length), { kind: 'refused', reason: 'partial_success' });
}

/** The bytes the span came in, unless an attribute was changed since. */
function partOf(span: DeliverySpan): SpanPart {
  const { scanned, bytes } = span;
  const changes = span.changedAttributes();
  if (changes.size === 0) return { scope: scanned.scope, bytes, start: scanned.tagStart, end: scanned.end };
  const changed = editSpan(bytes, scanned, { attributes: changes });
  return { scope: scanned.scope, bytes: changed, start: 0, end: changed.length };
}
