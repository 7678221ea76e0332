// A page with the Langfuse SDK and nothing of Langfuse's behind it: session and user are said once, on the agent, and the page says
// what a page must not.

import { propagateAttributes, startActiveObservation } from '@langfuse/tracing';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';

globalThis.traceAgent = async ({ gateway, key, screenshot }) => {
  const exporter = new OTLPTraceExporter({ url: `${gateway}/v1/traces`, headers: { 'X-API-Key': key } });
  const provider = new WebTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
  observeAgent(screenshot);
  await provider.forceFlush();
};

function observeAgent(screenshot) {
  const tool = () =>
    startActiveObservation('read column', (one) => one.update({ input: { column: 2 }, output: [24, 5.5] }), {
      asType: 'tool',
    });
  const generation = () =>
    startActiveObservation(
      'choose action',
      (one) => {
        const content = [
          { type: 'text', text: 'What do I have to pay?' },
          { type: 'file', mediaType: 'image/png', data: screenshot },
        ];
        one.update({ model: 'mock-model', input: [{ role: 'user', content }], costDetails: { total: 1000 } });
        tool();
      },
      { asType: 'generation' },
    );
  startActiveObservation(
    'page agent',
    (agent) => {
      agent.update({ environment: 'production' }).setTraceAsPublic();
      propagateAttributes({ sessionId: 'session-1', userId: 'user-1' }, generation);
    },
    { asType: 'agent' },
  );
}
