// A page whose exporter posts spans as they are, flattened to JSON: the transparent spans of the gateway's `/otel-ingest`.
import * as api from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';
import { traceAgentRun } from '../../../examples/otel-js/agent-run.mjs';
import { sentSpans } from '../../../examples/sent-spans.mjs';

/**
 * Traces an agent's run and posts its spans by `how`: `fetch`, whose answer is returned, or `beacon`. `shape` says what is made of the
 * list of spans. The page's console has what was sent.
 */
globalThis.exportTransparently = async ({ url, how = 'fetch', shape = 'list' }) => {
  const sent = sentSpans();
  const ended = [];
  const exporter = {
    export(spans, done) {
      ended.push(...spans.map(flatten));
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  const provider = new WebTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'page' }),
    spanProcessors: [new BatchSpanProcessor(exporter), sent],
  });
  traceAgentRun({ api, tracer: provider.getTracer('page', '1.0.0') });
  await provider.shutdown();
  const body = JSON.stringify(SHAPES[shape](ended));
  const answer = how === 'beacon' ? navigator.sendBeacon(url, body) : await post(url, body);
  sent.print();
  return answer;
};

const SHAPES = {
  list: (spans) => spans,
  object: (spans) => ({ spans }),
  // As an exporter that knows neither nested contexts nor numbers for flags has them.
  flat: (spans) =>
    spans.map(({ spanContext, parentSpanContext, traceFlags, ...span }) => ({
      ...span,
      traceFlags: String(traceFlags),
    })),
  oneBad: (spans) =>
    spans.map((span, index) => (index === 1 ? { ...span, traceId: 'not an id', spanContext: undefined } : span)),
};

/** A string without headers of its own needs no preflight. */
async function post(url, body) {
  const answer = await fetch(url, { method: 'POST', body, keepalive: true });
  return { status: answer.status, body: await answer.json() };
}

function flatten(span) {
  const context = span.spanContext();
  const { name, kind, startTime, endTime, duration, status, attributes, ended, parentSpanContext } = span;
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  return {
    ...{ traceId: context.traceId, spanId: context.spanId, traceFlags: context.traceFlags },
    traceState: context.traceState?.serialize(),
    spanContext: shownContext(context),
    parentSpanId: parentSpanContext?.spanId,
    parentSpanContext: parentSpanContext && shownContext(parentSpanContext),
    ...{ name, kind, startTime, endTime, duration, status, attributes, ended },
    links: span.links.map((link) => ({ ...link, context: shownContext(link.context) })),
    events: span.events.map(({ name, time, attributes, droppedAttributesCount }) => ({
      ...{ name, time, attributes, droppedAttributesCount },
    })),
    ...{ droppedAttributesCount, droppedEventsCount, droppedLinksCount },
    resource: { attributes: span.resource.attributes, schemaUrl: span.resource.schemaUrl },
    instrumentationScope: span.instrumentationScope,
  };
}

const shownContext = ({ traceState, ...context }) => ({ ...context, traceState: traceState?.serialize() });
