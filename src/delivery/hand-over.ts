import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Attempt, DeliverySpan } from './attempt';

/** Spans handed to the processor in one turn of the event loop. */
const SLICE_SPANS = 256;
/** A span that the processor has not handed on by then is taken for lost in it, and tried again. */
const PROCESSOR_DEADLINE_MS = 30_000;

export interface HandOverOptions {
  /** Called on each span before the processor sees it. */
  prepare: (span: DeliverySpan) => void;
  processor: Pick<SpanProcessor, 'onEnd'>;
}

/** In slices, with other work between them: what the processor does with thousands of spans takes its time. */
export async function handOver(
  attempt: Attempt,
  spans: readonly DeliverySpan[],
  { prepare, processor }: HandOverOptions,
): Promise<void> {
  if (spans.length === 0) return;
  attempt.watch(spans, PROCESSOR_DEADLINE_MS);
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index]!;
    if (index > 0 && index % SLICE_SPANS === 0) await new Promise((resolve) => setImmediate(resolve));
    try {
      prepare(span);
      processor.onEnd(span);
    } catch {
      attempt.report([span], { kind: 'retry', reason: 'processor' });
    }
  }
}
