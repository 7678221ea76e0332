import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Destination } from '../../src/config';
import { createProcessor } from '../../src/delivery/processor';
import { startAttempt } from '../support/attempts';
import { encodeSpans, numberedSpans } from '../support/trace-request';

const DESTINATION: Destination = {
  name: 'main',
  baseUrl: 'http://127.0.0.1:1',
  publicKey: 'pk-lf-1',
  secretKey: 'sk-lf-1',
  compression: 'none',
};

/** Spans as the exporter gets them, in order. */
function capture() {
  const exported: ReadableSpan[] = [];
  const exporter: SpanExporter = {
    export: (spans, done) => {
      exported.push(...spans);
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  return { processor: createProcessor(DESTINATION, exporter), exported };
}

test('every span comes out as the object that went in, at once and untouched, whatever its scope', async () => {
  const { processor, exported } = capture();
  const attributes = {
    'langfuse.observation.input': '{"prompt":"data:image/png;base64,iVBORw0KGgo="}',
    'langfuse.trace.metadata': 'text',
  };
  const { spans } = startAttempt(encodeSpans(numberedSpans(3_000, { attributes })));
  for (const span of spans) processor.onEnd(span);
  await processor.forceFlush();
  expect(exported).toHaveLength(3_000);
  expect(exported.every((span, index) => span === spans[index])).toBe(true);
  expect(spans.every((span) => span.changedAttributes().size === 0)).toBe(true);
  await processor.shutdown();
});
