import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Destination } from '../../src/config';
import { createProcessor, stamp } from '../../src/delivery/processor';
import { startAttempt } from '../support/attempts';
import { buildSpan, type SpanGiven } from '../support/span-builder';
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

describe('stamp', () => {
  type Row = [name: string, span: SpanGiven, expected: Record<string, string>];
  const both = { 'langfuse.environment': 'staging', 'langfuse.release': 'r1' };
  const release = { 'langfuse.release': 'r1' };
  const given = (key: string, value = 'given') => ({ [key]: value });

  test.each<Row>([
    ['a span that says nothing', {}, both],
    ['an environment on the span', { attributes: given('langfuse.environment') }, release],
    ['an environment on the resource', { resource: given('langfuse.environment') }, release],
    ["OpenTelemetry's name on the span", { attributes: given('deployment.environment.name') }, release],
    ["OpenTelemetry's name on the resource", { resource: given('deployment.environment.name') }, release],
    ["OpenTelemetry's old name on the resource", { resource: given('deployment.environment') }, release],
    ['an environment that is empty', { attributes: given('langfuse.environment', '') }, release],
    [
      'a release on the span',
      { attributes: given('langfuse.release') },
      { 'langfuse.environment': 'staging', 'langfuse.release': 'given' },
    ],
    ['a release on the resource', { resource: given('langfuse.release') }, { 'langfuse.environment': 'staging' }],
    ['a version is no release', { resource: given('service.version') }, both],
  ])('%s', (_, span, expected) => {
    const stamped = buildSpan(span);
    stamp(stamped, { ...DESTINATION, environment: 'staging', release: 'r1' });
    expect({ ...stamped.attributes }).toEqual({ ...span.attributes, ...expected });
  });

  test.each<[string, Partial<Destination>, Record<string, string>]>([
    ['nothing configured', {}, {}],
    ['an environment alone', { environment: 'staging' }, { 'langfuse.environment': 'staging' }],
    ['a release alone', { release: 'r1' }, release],
  ])('%s', (_, configured, expected) => {
    const stamped = buildSpan();
    stamp(stamped, { ...DESTINATION, ...configured });
    expect({ ...stamped.attributes }).toEqual(expected);
  });

  test('a span that is stamped keeps its bytes but for what is added', () => {
    const [untouched, stamped] = startAttempt(encodeSpans(numberedSpans(2, { attributes: { k: 'v' } }))).spans;
    stamp(stamped!, { ...DESTINATION, environment: 'staging' });
    expect([...stamped!.changedAttributes()]).toEqual([['langfuse.environment', 'staging']]);
    stamp(untouched!, DESTINATION);
    expect(untouched!.changedAttributes().size).toBe(0);
  });
});
