import type { Logger } from 'pino';
import { createTraceAnnouncer } from './admin/trace-announcer';
import { createTraceStore, observationSize } from './admin/trace-store';
import type { Judgement, SpanNotes } from './judge';
import { observe } from './langfuse/observation/observation';
import { ReceivedSpan } from './otlp/received-span';
import { scanRequest } from './otlp/scan';
import { SpanReader } from './otlp/span-index';

/** Spans whose notes are kept from their judgement to their arrival. Not across a restart: the queue keeps bytes only. */
const NOTES_MAX = 10_000;

const NOTHING: SpanNotes = { repairs: [], warnings: [] };

export type Preview = ReturnType<typeof createPreview>;

/** Where spans end when there is no Langfuse: in memory, read as Langfuse would, with what was noted of them at the door. */
export function createPreview({ adminUrl, log }: { adminUrl: () => string; log: Logger }) {
  const traces = createTraceStore();
  const announcer = createTraceAnnouncer({ traces, adminUrl, log });
  const notes = new Map<string, SpanNotes>();
  return {
    traces,
    announcer,

    judged(judgement: Judgement): void {
      const reader = new SpanReader(judgement.bytes);
      const { spans } = scanRequest(judgement.bytes, { check: false });
      // Of more spans than are kept the first would be put in to be taken out again.
      for (const scanned of spans.slice(-NOTES_MAX)) {
        const key = keyOf(new ReceivedSpan(reader, scanned));
        notes.delete(key);
        notes.set(key, judgement.notes(scanned.ordinal));
        const [oldest] = notes.size > NOTES_MAX ? notes.keys() : [];
        if (oldest !== undefined) notes.delete(oldest);
      }
    },

    keep(span: ReceivedSpan): void {
      const observation = { ...observe(span), ...(notes.get(keyOf(span)) ?? NOTHING) };
      traces.add(observation, observationSize(observation));
      announcer.saw(observation.traceId);
    },
  };
}

function keyOf(span: ReceivedSpan): string {
  const { traceId, spanId } = span.spanContext();
  return traceId + spanId;
}
