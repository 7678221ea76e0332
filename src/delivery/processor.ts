import { configureGlobalLogger, LogLevel } from '@langfuse/core';
import { LangfuseSpanProcessor } from '@langfuse/otel';
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Destination } from '../config';

// At its debug level, which a variable of the environment sets, the processor prints every attribute of every span.
configureGlobalLogger({ level: LogLevel.WARN });

/** What Langfuse's processor takes for "not given", where `undefined` would make it look into the environment. */
const NOT_SET = '';

/**
 * Langfuse's own span processor, with every option given: it reads whatever is not from the environment.
 *
 * `immediate` hands each span on as the very object it was given, so that the exporter can tell what became of it; the
 * batched mode drops spans beyond its queue in silence. The default filter, which keeps only what it knows for LLM work,
 * is off: what a sender sends here is meant for Langfuse. Media handling is off: its search is quadratic.
 */
export function createProcessor(destination: Destination, exporter: SpanExporter): SpanProcessor {
  return new LangfuseSpanProcessor({
    publicKey: destination.publicKey,
    secretKey: destination.secretKey,
    baseUrl: destination.baseUrl,
    exporter,
    exportMode: 'immediate',
    shouldExportSpan: () => true,
    mediaUploadEnabled: false,
    // Used in onStart only, which is not called for spans of others: it would overwrite what they say.
    environment: NOT_SET,
    release: NOT_SET,
    // Without effect in immediate mode and with an exporter of one's own.
    flushAt: 1,
    flushInterval: 1,
    timeout: 30,
    additionalHeaders: {},
  });
}
