import { context, type Link, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { type CanonicalSpan, canonicalFromJson, canonicalFromProtobuf } from '../support/canonical';
import { convertTransparent } from '../support/transparent-twins';

/**
 * Spans that OpenTelemetry JS has made, flattened as a browser's exporter flattens them. What comes of them must be what
 * OpenTelemetry's own exporters write of the same spans.
 */
const REMOTE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

function exportedSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = (service: string) =>
    new BasicTracerProvider({
      resource: resourceFromAttributes(
        { 'service.name': service, list: ['a', 'b'] },
        { schemaUrl: `https://${service}` },
      ),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
      spanLimits: { attributeCountLimit: 12, eventCountLimit: 2, linkCountLimit: 2, attributePerEventCountLimit: 2 },
    });
  const [web, worker] = [provider('web'), provider('worker')];
  const tracer = web.getTracer('page', '1.2.3', { schemaUrl: 'https://example.com/schema' });
  const root = tracer.startSpan('agent', { kind: SpanKind.CLIENT, startTime: [1544712660, 7] });
  const within = (parent: Span) => trace.setSpan(ROOT_CONTEXT, parent);
  root.setAttributes({
    text: 'größer 🌳',
    int: 7,
    double: 1.5,
    bool: false,
    texts: ['a', 'b'],
    ints: [1, 2],
    mixed: [1.5, 2],
  });
  root.setAttribute('long', Number.MAX_SAFE_INTEGER).setAttribute('negative', -1).setAttribute('', 'no key');
  root.addEvent('plain').addEvent('first token', { at: 1, text: 'x', more: 'than the limit' }, [1544712661, 999999999]);
  root.recordException(new Error('boom'));
  root.setStatus({ code: SpanStatusCode.ERROR, message: 'boom' });

  const links: Link[] = [
    { context: REMOTE },
    { context: { ...REMOTE, isRemote: true, traceState: new TraceState('a=b,c=d') }, attributes: { why: 'batch' } },
    { context: root.spanContext(), attributes: {} },
  ];
  const child = tracer.startSpan('generation', { kind: SpanKind.PRODUCER, links }, within(root));
  child.setStatus({ code: SpanStatusCode.OK }).end();

  const remote = { ...REMOTE, isRemote: true, traceState: new TraceState('vendor=1') };
  const called = web
    .getTracer('other')
    .startSpan('called', { kind: SpanKind.SERVER }, trace.setSpanContext(context.active(), remote));
  called.setAttributes(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k${at}`, at]))).end();
  const far = worker.getTracer('page', '1.2.3').startSpan('far', { kind: SpanKind.CONSUMER }, within(child));
  far.end();
  tracer.startSpan('later', { kind: SpanKind.INTERNAL }, within(root)).end();
  root.end([1544712662, 5]);
  return exporter.getFinishedSpans();
}

const traceState = (state: { serialize(): string } | undefined) => state?.serialize();

/** The members that the gateway's contract lists. */
function flattened(span: ReadableSpan): Record<string, unknown> {
  const { traceId, spanId, traceFlags, ...own } = span.spanContext();
  const { name, kind, startTime, endTime, duration, status, attributes, events, ended } = span;
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount, parentSpanContext: parent } = span;
  return {
    ...{ traceId, spanId, traceFlags, traceState: traceState(own.traceState) },
    spanContext: { traceId, spanId, traceFlags, traceState: traceState(own.traceState) },
    parentSpanId: parent?.spanId,
    parentSpanContext: parent && { ...parent, traceState: traceState(parent.traceState) },
    ...{ name, kind, startTime, endTime, duration, status, attributes, ended },
    links: span.links.map((link) => ({
      ...link,
      context: { ...link.context, traceState: traceState(link.context.traceState) },
    })),
    events,
    ...{ droppedAttributesCount, droppedEventsCount, droppedLinksCount },
    resource: { attributes: span.resource.attributes, schemaUrl: span.resource.schemaUrl },
    instrumentationScope: span.instrumentationScope,
  };
}

/** OpenTelemetry says of every span that it knows whether its parent is remote, also where nobody has said it. */
const saidRemoteness = (span: CanonicalSpan): CanonicalSpan => ({
  ...span,
  flags: withRemoteness(span.flags),
  links: span.links.map((link) => ({ ...link, flags: withRemoteness(link.flags) })),
});
const withRemoteness = (flags: number) => flags | 0x100;

const byName = (spans: CanonicalSpan[]) =>
  Object.fromEntries(spans.map((span) => [span.name, saidRemoteness(span)] as const));

const SPANS = exportedSpans();
const ORACLES: [string, () => CanonicalSpan[]][] = [
  ['JSON', () => canonicalFromJson(Buffer.from(JsonTraceSerializer.serializeRequest(SPANS)!).toString())],
  ['protobuf', () => canonicalFromProtobuf(ProtobufTraceSerializer.serializeRequest(SPANS)!)],
];

/** What of a flattened span an exporter may leave out: nested or flat alone says the same. */
const FORMS: [string, (span: Record<string, unknown>) => Record<string, unknown>][] = [
  ['all members', (span) => span],
  ['the contexts alone', ({ traceId, spanId, traceFlags, traceState, parentSpanId, ...rest }) => rest],
  [
    'the flat ids alone',
    ({ spanContext, parentSpanContext, ...rest }) => ({
      ...rest,
      parentSpanContext: parentSpanContext && { isRemote: (parentSpanContext as { isRemote?: boolean }).isRemote },
    }),
  ],
  ['no end, a duration', ({ endTime, ...rest }) => rest],
  ['no start, a duration', ({ startTime, ...rest }) => rest],
  ['flags as text', (span) => ({ ...span, spanContext: undefined, traceFlags: '01' })],
];

describe.each(ORACLES)("OpenTelemetry's exporter in %s", (_, oracle) => {
  test.each(FORMS)('%s', (_form, form) => {
    const { spans, faults, repairs } = convertTransparent(JSON.stringify({ spans: SPANS.map(flattened).map(form) }));
    expect([faults, repairs]).toEqual([[], {}]);
    expect(spans).toHaveLength(5);
    expect(byName(spans)).toEqual(byName(oracle()));
  });
});

test('the spans have all there is', () => {
  const counts = SPANS.map((span) => [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount]);
  expect([0, 1, 2].map((at) => counts.some((count) => count[at]! > 0))).toEqual([true, true, true]);
  const oracle = byName(ORACLES[0]![1]());
  expect(oracle.called).toMatchObject({ traceState: 'vendor=1', flags: 0x301, kind: 2 });
  expect(oracle.generation?.links.map(({ flags, traceState: state }) => [flags, state])).toContainEqual([
    0x301,
    'a=b,c=d',
  ]);
});

test('a context that was not serialised by hand keeps its trace state', () => {
  const [called] = SPANS.filter(({ name }) => name === 'called');
  const body = JSON.stringify([{ ...flattened(called!), traceState: undefined, spanContext: called?.spanContext() }]);
  expect(body).toContain('"_rawTraceState":"vendor=1"');
  expect(convertTransparent(body).spans[0]?.traceState).toBe('vendor=1');
});
