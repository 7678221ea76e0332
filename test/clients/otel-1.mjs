// The program of examples/otel-js on the 1.x line of the OpenTelemetry SDK.
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from 'otel-1-exporter-http';
import { OTLPTraceExporter as ProtobufExporter } from 'otel-1-exporter-proto';
import { Resource } from 'otel-1-resources';
import { BasicTracerProvider, BatchSpanProcessor } from 'otel-1-sdk-trace-base';
import { traceAgentRun } from '../../examples/otel-js/agent-run.mjs';
import { sentSpans } from '../../examples/sent-spans.mjs';

const exporter = process.env.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json' ? new JsonExporter() : new ProtobufExporter();
const sent = sentSpans();
const provider = new BasicTracerProvider({
  resource: new Resource({ 'service.name': 'otel-1-client' }),
  spanProcessors: [new BatchSpanProcessor(exporter), sent],
});

traceAgentRun({ api, tracer: provider.getTracer('otel-1-client', '1.0.0') });

await provider.shutdown();
sent.print();
