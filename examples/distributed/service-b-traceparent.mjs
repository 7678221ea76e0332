// Service B, traced with OpenTelemetry throughout: the `traceparent` of the call says which span is the parent.
import * as api from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { serve } from './serve.mjs';
import { doNodeA1 } from './service-b.mjs';

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'service-b' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const tracer = provider.getTracer('service-b');
const propagator = new W3CTraceContextPropagator();

serve(
  async ({ headers }) => {
    const parent = propagator.extract(api.ROOT_CONTEXT, headers, api.defaultTextMapGetter);
    return doNodeA1(api, { tracer, parent });
  },
  () => provider.shutdown(),
);
