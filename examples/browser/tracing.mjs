// What a page needs to be traced. There is no LangfuseSpanProcessor here: it runs in the gateway, beside the secret it needs.
import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';

/**
 * Starts tracing; what @langfuse/tracing observes from now on goes to the gateway, also when the page is left.
 *
 * @param options.key A browser key of the gateway. Everybody can read it in the page: the gateway bounds what it is good for.
 */
export function startTracing({ gateway, key, sessionId, userId }) {
  // A refusal (a wrong key, an origin that is not listed) is told here and nowhere else.
  diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);

  const exporter = new OTLPTraceExporter({ url: `${gateway}/v1/traces`, headers: { 'X-API-Key': key } });
  const provider = new WebTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'web-shop' }),
    spanProcessors: [onEverySpan({ 'session.id': sessionId, 'user.id': userId }), new BatchSpanProcessor(exporter)],
  });
  provider.register();
  return provider;
}

/**
 * A page has one user and one session. Langfuse filters observations by them, so they stand on each; `propagateAttributes` would lose
 * them at the first `await`, because browsers have nothing that carries a context over it.
 */
function onEverySpan(attributes) {
  return {
    onStart: (span) => span.setAttributes(attributes),
    onEnd() {},
    forceFlush: async () => {},
    shutdown: async () => {},
  };
}
