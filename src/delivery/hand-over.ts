import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Attempt, DeliverySpan } from './attempt';

/** Spans handed to the processor in one turn of the event loop. */
const SLICE_SPANS = 256;

export interface HandOverOptions {
  prepare: (span: DeliverySpan) => void;
  processor: Pick<SpanProcessor, 'onEnd'>;
}

/** In slices, with other work between them: what the processor does with thousands of spans takes its time. */
export async function handOver(attempt: Attempt, { prepare, processor }: HandOverOptions): Promise<void> {
  const { spans } = attempt;
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
