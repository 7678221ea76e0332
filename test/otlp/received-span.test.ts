import type { TraceState } from '@opentelemetry/api';
import fc from 'fast-check';
import { inAnyOrder, receivedSpans } from '../support/admission';
import { canonicalFromProtobuf } from '../support/canonical';
import { corpusCases, plainBody } from '../support/corpus';
import { encodeMessage, encodeSpans, IDS, SPAN_ID, T1P, TRACE_ID } from '../support/otlp-messages';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { shownSpan } from '../support/views';
import { lenField, nested, varintField } from '../support/wire';

type Received = ReturnType<typeof receivedSpans>[number];

const only = (span: object) => receivedSpans(encodeSpans({ ...IDS, ...span }))[0] as Received;
/** A request of one span from the bytes of its fields. */
const ofFields = (...fields: Buffer[]) => {
  const ids = [lenField(1, IDS.traceId), lenField(2, IDS.spanId)];
  return nested([1, 2, 2], Buffer.concat([...ids, ...fields]));
};

/** What the view says, in the form of `shownSpan`. */
function said(span: Received): Record<string, unknown> {
  const { instrumentationScope: scope, resource } = span;
  const text = ({ traceState, ...context }: { traceState?: TraceState }) =>
    traceState === undefined ? context : { ...context, traceState: traceState.serialize() };
  return {
    context: text(span.spanContext()),
    ...{ parentSpanContext: span.parentSpanContext, name: span.name, kind: span.kind },
    ...{ startTime: span.startTime, endTime: span.endTime, duration: span.duration, status: span.status },
    ...{ attributes: { ...span.attributes }, events: span.events, ended: span.ended },
    links: span.links.map((link) => ({ ...link, context: text(link.context) })),
    resource: { attributes: resource.attributes, schemaUrl: resource.schemaUrl ?? '' },
    instrumentationScope: {
      ...{ name: scope.name, version: scope.version ?? '', schemaUrl: scope.schemaUrl ?? '' },
      attributes: (scope as { attributes?: object }).attributes ?? {},
    },
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

describe('a span is shown as it was sent', () => {
  test('whatever is in it and however it was written', () => {
    fc.assert(
      fc.property(
        requests({ legacy: true }),
        fc.option(fc.integer({ min: 1 }), { nil: undefined }),
        (request, seed) => {
          const body = renderProtobuf(request, seed);
          // The independent reader puts scope spans before those of the old name.
          const shown = canonicalFromProtobuf(body).map(shownSpan);
          expect(inAnyOrder(receivedSpans(body).map(said))).toEqual(inAnyOrder(shown));
        },
      ),
      runs(300),
    );
  });

  const bodies = corpusCases
    .filter(({ encoding }) => encoding === 'protobuf')
    .map((one) => [one.name, plainBody(one)] as const);
  test.each(bodies)('of the corpus: %s', (_, body) => {
    expect(receivedSpans(body).map(said)).toEqual(canonicalFromProtobuf(body).map(shownSpan));
  });
});

describe('context', () => {
  test('has the sampled bit, for the processors that ask for it', () => {
    expect([0, 1, 2, 0x100, 0x3ff].map((flags) => only({ flags }).spanContext().traceFlags)).toEqual([
      1, 1, 3, 1, 0xff,
    ]);
  });

  test('of the parent is remote where the sender says so', () => {
    const parentSpanId = Buffer.from('0102030405060708', 'hex');
    const remote = [0, 0x100, 0x200, 0x300].map((flags) => only({ parentSpanId, flags }).parentSpanContext);
    expect(remote.map((context) => context?.isRemote)).toEqual([false, false, false, true]);
    expect(remote[3]).toEqual({ traceId: TRACE_ID, spanId: '0102030405060708', traceFlags: 1, isRemote: true });
    expect(only({ flags: 0x300 }).parentSpanContext).toBeUndefined();
  });

  test('is the same object each time, as a span of the SDK has it', () => {
    const span = only({});
    expect(span.spanContext()).toBe(span.spanContext());
    expect(span.spanContext()).toEqual({ traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 });
  });

  test.each([
    ['shorter', '01020304050607'],
    ['longer', '010203040506070809'],
  ])('of a parent whose id is %s than an id is not made of the bytes around it', (_, id) => {
    const body = ofFields(lenField(4, Buffer.from(id, 'hex')), lenField(5, 'secret name'));
    expect([undefined, id]).toContain(receivedSpans(body)[0]?.parentSpanContext?.spanId);
  });
});

describe('a field that comes twice', () => {
  test('has its last content (H13)', () => {
    const fields = [
      lenField(5, 'a'),
      varintField(6, 2),
      lenField(5, 'b'),
      varintField(6, 3),
      lenField(4, IDS.spanId),
      lenField(4, ''),
    ];
    const span = receivedSpans(ofFields(...fields))[0];
    expect([span?.name, span?.kind, span?.parentSpanContext]).toEqual(['b', 2, undefined]);
  });

  test('is merged when it is a message (H14)', () => {
    const [message, code] = [lenField(15, lenField(2, 'm')), lenField(15, varintField(3, 2))];
    expect(receivedSpans(ofFields(message, code))[0]?.status).toEqual({ code: 2, message: 'm' });
  });

  test('is merged when it is the value of an attribute', () => {
    const body = ofFields(
      lenField(9, Buffer.concat([lenField(1, 'k'), lenField(2, lenField(1, 'a')), lenField(2, '')])),
    );
    expect(receivedSpans(body).map(said)).toEqual(canonicalFromProtobuf(body).map(shownSpan));
  });
});

describe('attributes', () => {
  const body = encodeSpans({
    ...IDS,
    attributes: [
      { key: 'a', value: { doubleValue: 3 } },
      { key: 'b', value: { intValue: 3 } },
    ],
  });
  const span = () => receivedSpans(body)[0] as Received;

  test('are not changed by being read, or set to what they are', () => {
    const one = span();
    one.attributes.a = 3;
    expect([{ ...one.attributes }, one.changedAttributes().size]).toEqual([{ a: 3, b: 3 }, 0]);
  });

  test('that were changed are told with their new value; deleted ones with none', () => {
    const one = span();
    one.attributes.a = 'masked';
    one.attributes.c = ['new'];
    delete one.attributes.b;
    expect(one.changedAttributes()).toEqual(
      new Map<string, unknown>([
        ['a', 'masked'],
        ['c', ['new']],
        ['b', undefined],
      ]),
    );
  });

  test('of one reading are not those of another', () => {
    const [one, other] = [span(), span()];
    one.attributes.a = 'masked';
    expect(other.attributes.a).toBe(3);
  });

  test('what was decoded can be let go of, what was changed stays', () => {
    const [read, changed] = [span(), span()];
    changed.attributes.a = 'masked';
    for (const one of [read, changed]) {
      expect(Object.keys(one.attributes)).toEqual(['a', 'b']);
      one.forgetDecoded();
    }
    expect([{ ...read.attributes }, { ...changed.attributes }]).toEqual([
      { a: 3, b: 3 },
      { a: 'masked', b: 3 },
    ]);
  });

  test('of an event may have any key', () => {
    const attributes = [{ key: '__proto__', value: { boolValue: true } }];
    const [event] = only({ events: [{ name: 'e', attributes }] }).events;
    expect(Object.entries(event?.attributes ?? {})).toEqual([['__proto__', true]]);
    expect(Object.getPrototypeOf(event?.attributes)).toBeNull();
  });
});

test('spans of one request share its bytes, and one scope is one object', () => {
  const scopeSpans = [{ spans: [IDS, IDS] }];
  const request = encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ scopeSpans }] });
  const [a, b] = receivedSpans(request);
  expect([a?.bytes, b?.bytes]).toEqual([request, request]);
  expect(a?.resource).toBe(b?.resource);
  expect(a?.instrumentationScope).toBe(b?.instrumentationScope);
  expect(receivedSpans(T1P)[0]?.resource.attributes).toEqual({ 'service.name': 's' });
});
