// Service B, where the code that makes spans cannot be told of a parent: every job begins a trace of its own. What exports
// the job's spans passes on the ids that came with the call, and the gateway makes the job a child of that span.
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { serve } from './serve.mjs';
import { doNodeA1 } from './service-b.mjs';

// A job's root ends last, and the gateway moves what is in the request with it: one request per job, at its end.
const WHOLE_JOB = { scheduledDelayMillis: 3_600_000, maxQueueSize: 10_000, maxExportBatchSize: 10_000 };

let exported = Promise.resolve();

serve(
  async ({ headers }) => {
    const exporter = new OTLPTraceExporter({
      headers: { 'X-Trace-ID': headers['x-trace-id'], 'X-Parent-Span-ID': headers['x-parent-span-id'] },
    });
    // The headers belong to the exporter: a job that shared it with another would take the other's parent.
    const provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'service-b' }),
      spanProcessors: [new BatchSpanProcessor(exporter, WHOLE_JOB)],
    });
    const done = doNodeA1(api, { tracer: provider.getTracer('service-b') });
    // The caller does not wait for the export, and does not fail with it.
    const sent = provider.shutdown().catch(console.error);
    exported = exported.then(() => sent);
    return done;
  },
  () => exported,
);
