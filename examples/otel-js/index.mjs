// Any program with OpenTelemetry JS and its OTLP exporter. The exporter's default, http://localhost:4318, is already
// the gateway; the usual variables change it: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL (http/protobuf
// or http/json), OTEL_EXPORTER_OTLP_COMPRESSION (gzip), OTEL_EXPORTER_OTLP_HEADERS (authorization=Bearer%20KEY).
import * as api from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { sentSpans } from '../sent-spans.mjs';
import { traceAgentRun } from './agent-run.mjs';

const exporter = process.env.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json' ? new JsonExporter() : new ProtobufExporter();
const sent = sentSpans();
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'otel-js-example' }),
  spanProcessors: [new BatchSpanProcessor(exporter), sent],
});

traceAgentRun({ api, tracer: provider.getTracer('otel-js-example', '1.0.0') });

await provider.shutdown();
sent.print();
