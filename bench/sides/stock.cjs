'use strict';
const { createGunzip } = require('node:zlib');
const { LangfuseSpanProcessor } = require('@langfuse/otel');
const { hrTimeDuration } = require('@opentelemetry/core');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const express = require('express');
const getRawBody = require('raw-body');
const { loadRequestType } = require('../workloads.cjs');

/**
 * The pipeline one would write in an afternoon: Express, raw-body, protobufjs or JSON.parse, plain ReadableSpans, and
 * LangfuseSpanProcessor with its own exporter in its default, batched mode. It says yes before anything is delivered.
 * OTEL_BSP_MAX_QUEUE_SIZE comes raised from outside, else the processor drops spans in silence.
 */
const BODY_BYTES_MAX = 64 * 1024 * 1024;

const requestType = loadRequestType();
const processor = new LangfuseSpanProcessor({
  publicKey: process.env.LANGFUSE_PUBLIC_KEY,
  secretKey: process.env.LANGFUSE_SECRET_KEY,
  baseUrl: process.env.LANGFUSE_BASE_URL,
  flushAt: Number(process.env.STOCK_FLUSH_AT),
  shouldExportSpan: () => true,
});

const app = express();
app.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
app.post('/v1/traces', async (request, response) => {
  const stream = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
  const body = await getRawBody(stream, { limit: BODY_BYTES_MAX });
  const json = request.headers['content-type'] === 'application/json';
  for (const span of readSpans(json ? JSON.parse(body.toString()) : requestType.decode(body))) processor.onEnd(span);
  if (json) response.json({});
  else response.type('application/x-protobuf').send(Buffer.alloc(0));
});
app.listen(Number(process.env.PORT), '127.0.0.1');

process.on('SIGTERM', () => process.exit());

function* readSpans(request) {
  for (const group of request.resourceSpans ?? []) {
    const resource = resourceFromAttributes(readAttributes(group.resource?.attributes));
    for (const { scope, schemaUrl, spans } of group.scopeSpans ?? []) {
      const instrumentationScope = { name: scope?.name ?? '', version: scope?.version, schemaUrl };
      for (const span of spans ?? []) yield readSpan({ span, resource, instrumentationScope });
    }
  }
}

function readSpan({ span, resource, instrumentationScope }) {
  const traceId = readId(span.traceId);
  const context = { traceId, spanId: readId(span.spanId), traceFlags: 1 };
  const parentSpanId = span.parentSpanId?.length ? readId(span.parentSpanId) : undefined;
  const startTime = readTime(span.startTimeUnixNano);
  const endTime = readTime(span.endTimeUnixNano);
  return {
    name: span.name,
    kind: Math.max(0, (span.kind ?? 0) - 1),
    spanContext: () => context,
    parentSpanContext: parentSpanId && { traceId, spanId: parentSpanId, traceFlags: 1 },
    startTime,
    endTime,
    duration: hrTimeDuration(startTime, endTime),
    ended: true,
    status: { code: span.status?.code ?? 0, message: span.status?.message },
    attributes: readAttributes(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name,
      time: readTime(event.timeUnixNano),
      attributes: readAttributes(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      context: { traceId: readId(link.traceId), spanId: readId(link.spanId), traceFlags: 1 },
      attributes: readAttributes(link.attributes),
    })),
    resource,
    instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount ?? 0,
    droppedEventsCount: span.droppedEventsCount ?? 0,
    droppedLinksCount: span.droppedLinksCount ?? 0,
  };
}

function readId(id) {
  return typeof id === 'string' ? id.toLowerCase() : id.toString('hex');
}

function readTime(nanos) {
  const value = typeof nanos === 'string' ? BigInt(nanos) : (BigInt(nanos.high >>> 0) << 32n) | BigInt(nanos.low >>> 0);
  return [Number(value / 1_000_000_000n), Number(value % 1_000_000_000n)];
}

function readAttributes(list) {
  const attributes = {};
  for (const { key, value } of list ?? []) attributes[key] = readValue(value);
  return attributes;
}

// protobufjs puts the defaults of a oneof's members on the prototype, so only an own member is the one that was sent.
function readValue(value) {
  if (value == null) return undefined;
  if (Object.hasOwn(value, 'stringValue')) return value.stringValue;
  if (Object.hasOwn(value, 'intValue')) return value.intValue.toNumber?.() ?? Number(value.intValue);
  if (Object.hasOwn(value, 'doubleValue')) return value.doubleValue;
  if (Object.hasOwn(value, 'boolValue')) return value.boolValue;
  if (Object.hasOwn(value, 'arrayValue')) return (value.arrayValue.values ?? []).map(readValue);
  if (Object.hasOwn(value, 'kvlistValue')) return readAttributes(value.kvlistValue.values);
  return value.bytesValue;
}
