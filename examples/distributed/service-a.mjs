// Service A, traced with OpenTelemetry. `GET /WAY` does node A, and calls service B in it.
import * as api from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { serve } from './serve.mjs';

const { B_TRACEPARENT_URL, B_HEADERS_URL } = process.env;

const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'service-a' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
const tracer = provider.getTracer('service-a');

/** How B learns which span it works for: where B is, and the headers of the call. */
const WAYS = {
  /** The one to take when both sides can. An instrumented HTTP client does the same by itself. */
  traceparent(node) {
    const headers = {};
    new W3CTraceContextPropagator().inject(
      api.trace.setSpan(api.ROOT_CONTEXT, node),
      headers,
      api.defaultTextMapSetter,
    );
    return { url: B_TRACEPARENT_URL, headers };
  },
  headers(node) {
    const { traceId, spanId } = node.spanContext();
    return { url: B_HEADERS_URL, headers: { 'X-Trace-ID': traceId, 'X-Parent-Span-ID': spanId } };
  },
  /** The trace id as a UUID, as a database or a queue may keep it. */
  uuid(node) {
    const { traceId, spanId } = node.spanContext();
    const uuid = traceId.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    return { url: B_HEADERS_URL, headers: { 'X-Trace-ID': uuid, 'X-Parent-Span-ID': spanId } };
  },
};

async function doNodeA(way) {
  const node = tracer.startSpan('node A');
  try {
    const { url, headers } = WAYS[way](node);
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(`service B answers ${response.status}`);
    const { traceId, spanId } = node.spanContext();
    return { traceId, spanId, b: await response.json() };
  } finally {
    node.end();
  }
}

serve(
  (request) => doNodeA(request.url.slice(1)),
  () => provider.shutdown(),
);
