// A page with the OpenTelemetry web SDK and its OTLP exporters.
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';
import { traceAgentRun } from '../../../examples/otel-js/agent-run.mjs';
import { sentSpans } from '../../../examples/sent-spans.mjs';

// An export that fails is told to the log alone, which is the page's console.
api.diag.setLogger(new api.DiagConsoleLogger(), api.DiagLogLevel.WARN);

/** Traces an agent's run and exports it; the page's console has what was sent. */
globalThis.exportAgentRun = async ({ encoding, url, headers }) => {
  const Exporter = encoding === 'json' ? JsonExporter : ProtobufExporter;
  const sent = sentSpans();
  const provider = new WebTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'page' }),
    spanProcessors: [new BatchSpanProcessor(new Exporter({ url, headers })), sent],
  });
  traceAgentRun({ api, tracer: provider.getTracer('page', '1.0.0') });
  await provider.shutdown();
  sent.print();
};
