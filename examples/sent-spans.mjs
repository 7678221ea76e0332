/**
 * Span processor that remembers every span that ended, so that an example can print what it sent. It works with both
 * generations of the OpenTelemetry SDK; a program of your own does not need it.
 */
export function sentSpans() {
  const spans = [];
  return {
    onStart() {},
    onEnd: (span) => spans.push(describe(span)),
    forceFlush: async () => {},
    shutdown: async () => {},
    /** One JSON line for programs to read. */
    print: () => console.log(JSON.stringify({ traceId: spans[0]?.traceId, spans })),
  };
}

function describe(span) {
  const { traceId, spanId, traceState } = span.spanContext();
  const scope = span.instrumentationScope ?? span.instrumentationLibrary;
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? span.parentSpanId ?? '',
    traceState: traceState?.serialize() ?? '',
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: span.attributes,
    events: span.events.map(({ name, time, attributes = {} }) => ({
      name,
      timeUnixNano: nanoseconds(time),
      attributes,
    })),
    links: span.links.map(({ context, attributes = {} }) => ({
      traceId: context.traceId,
      spanId: context.spanId,
      attributes,
    })),
    status: span.status,
    resource: span.resource.attributes,
    scope: { name: scope.name, version: scope.version ?? '' },
  };
}

const nanoseconds = ([seconds, nanos]) => String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
