import { now } from '../../src/clock';
import type { CanonicalSpan } from '../support/canonical';
import { expectRejected, expectSuccess } from '../support/otlp-answer';
import {
  arrivalOf,
  type Fields,
  inBothEncodings,
  NO_RESOURCE,
  NO_SCOPE,
  repairsOf,
  requestOf,
  SPAN_ID,
  spanOf,
  T1,
  TRACE_ID,
} from '../support/otlp-twins';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();

type Row = [name: string, request: Fields, spans: Partial<CanonicalSpan>[]];
/** A row about one span of T1's resource and scope. */
const span = (name: string, changes: Fields, arrives: Partial<CanonicalSpan> = {}): Row => [
  name,
  requestOf(spanOf(changes)),
  [arrives],
];

const K = [{ key: 'k', value: { stringValue: 'v' } }];
const K_ARRIVES = [{ key: 'k', value: { string: 'v' } }];
const NO_ATTRIBUTES = { attributes: [], droppedAttributesCount: 0 };
const LINK_IDS = { traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8) };
const EVENT = { timeUnixNano: 0n, name: '', ...NO_ATTRIBUTES };
const LINK = { ...LINK_IDS, traceState: '', ...NO_ATTRIBUTES, flags: 0 };
const BEGINNING = '1544712660123456789';
const named = (name: string, spanId: string) => spanOf({ name, spanId });
const TWO_SOURCES: Fields = {
  resourceSpans: [
    ...['a', 'b', 'a'].map((service, index) => ({
      resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
      scopeSpans: ['x', 'y'].map((scope) => ({
        scope: { name: scope },
        spans: [named(`${service}${index}${scope}`, `0${index}${scope === 'x' ? '01' : '02'}`.padStart(16, '0'))],
      })),
    })),
  ],
};

const ROWS: Row[] = [
  span('I03 an empty name', { name: '' }, { name: '' }),
  span('I04 kind 0', { kind: 0 }, { kind: 0 }),
  span('I04 no kind', { kind: undefined }, { kind: 0 }),
  span('I05 an end before the start', { endTimeUnixNano: '1' }, { endTimeUnixNano: 1n }),
  span('I06 start 0', { startTimeUnixNano: '0' }, { startTimeUnixNano: 0n }),
  span('I06 end 0', { endTimeUnixNano: '0' }, { endTimeUnixNano: 0n }),
  span(
    'I06 no times',
    { startTimeUnixNano: undefined, endTimeUnixNano: undefined },
    { startTimeUnixNano: 0n, endTimeUnixNano: 0n },
  ),
  span(
    'I09 flags of a link',
    { links: [{ ...LINK_IDS, flags: 0xfffffd01 }] },
    { links: [{ ...LINK, flags: 0xfffffd01 }] },
  ),
  span(
    'I10 dropped counts of span, event and link',
    {
      ...{ droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 4294967295 },
      ...{ events: [{ name: 'e', droppedAttributesCount: 3 }], links: [{ ...LINK_IDS, droppedAttributesCount: 4 }] },
    },
    {
      ...{ droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 4294967295 },
      events: [{ ...EVENT, name: 'e', droppedAttributesCount: 3 }],
      links: [{ ...LINK, droppedAttributesCount: 4 }],
    },
  ),
  [
    'I10 dropped counts of resource and scope',
    {
      resourceSpans: [
        {
          resource: { droppedAttributesCount: 5 },
          scopeSpans: [{ scope: { droppedAttributesCount: 6 }, spans: [spanOf()] }],
        },
      ],
    },
    [{ resource: { ...NO_RESOURCE, droppedAttributesCount: 5 }, scope: { ...NO_SCOPE, droppedAttributesCount: 6 } }],
  ],
  span(
    'I11 a key twice',
    { attributes: [...K, { key: 'k', value: { intValue: '1' } }] },
    { attributes: [...K_ARRIVES, { key: 'k', value: { int: 1n } }] },
  ),
  span(
    'I12 an empty key',
    { attributes: [{ key: '', value: { boolValue: true } }] },
    { attributes: [{ key: '', value: { bool: true } }] },
  ),
  [
    'I13 schema URLs',
    { resourceSpans: [{ schemaUrl: 'https://r', scopeSpans: [{ schemaUrl: 'https://s', spans: [spanOf()] }] }] },
    [{ resource: { ...NO_RESOURCE, schemaUrl: 'https://r' }, scope: { ...NO_SCOPE, schemaUrl: 'https://s' } }],
  ],
  [
    'I14 no scope',
    { resourceSpans: [{ resource: { attributes: K }, scopeSpans: [{ spans: [spanOf()] }] }] },
    [{ resource: { ...NO_RESOURCE, attributes: K_ARRIVES }, scope: NO_SCOPE }],
  ],
  [
    'I15 no resource',
    { resourceSpans: [{ scopeSpans: [{ scope: { name: 's', version: '1', attributes: K }, spans: [spanOf()] }] }] },
    [{ resource: NO_RESOURCE, scope: { ...NO_SCOPE, name: 's', version: '1', attributes: K_ARRIVES } }],
  ],
  span('I17 trace state', { traceState: 'ot=th:0,vendor=x' }, { traceState: 'ot=th:0,vendor=x' }),
  span(
    'I17 trace state of a link',
    { links: [{ ...LINK_IDS, traceState: 'a=b, c=d ,,e' }] },
    { links: [{ ...LINK, traceState: 'a=b, c=d ,,e' }] },
  ),
  ...[' = ,=', 'no equals sign', 'ü='.repeat(300), 'a=1,a=2'].map((traceState) =>
    span(`I18 trace state ${traceState.slice(0, 20)}`, { traceState }, { traceState }),
  ),
  span(
    'I19 an event without a name',
    { events: [{ timeUnixNano: BEGINNING }] },
    { events: [{ ...EVENT, timeUnixNano: BigInt(BEGINNING) }] },
  ),
  span(
    'I19 an event at time 0',
    { events: [{ name: 'e', attributes: K }] },
    { events: [{ ...EVENT, name: 'e', attributes: K_ARRIVES }] },
  ),
  span('I20 a message of an unset status', { status: { message: 'm' } }, { status: { message: 'm', code: 0 } }),
  span('I20 a message of an OK status', { status: { code: 1, message: 'm' } }, { status: { message: 'm', code: 1 } }),
];

test.each(inBothEncodings(ROWS))('%s', async (_, encoding, sent, expected) => {
  const { answer, spans, repaired } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(spans).toEqual(expected.map(arrivalOf));
  expect(repaired).toEqual(repairsOf(...expected));
  expect(gateway.fake.violations).toEqual([]);
});

test.each(
  inBothEncodings([['I06 no times', requestOf(spanOf({ startTimeUnixNano: undefined, endTimeUnixNano: undefined }))]]),
)('%s: both become one time, that of the receipt', async (_, _encoding, sent) => {
  // The gateway runs in this process, by the same clock.
  const before = now();
  const { spans } = await gateway.pass(sent);
  const [start = 0n, end] = spans.flatMap((arrived) => [arrived.startTimeUnixNano, arrived.endTimeUnixNano]);
  expect(end).toBe(start);
  const order = [before, Number(start / 1_000_000n), now()];
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test.each(inBothEncodings([['I01 a span id of zeros', requestOf(spanOf({ spanId: '0'.repeat(16) }))]]))(
  '%s costs the span',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectRejected(answer, { encoding, spans: 1 });
    expect(spans).toEqual([]);
  },
);

const WITHOUT_IDS: Fields = { name: 'two', links: [{ attributes: K }, { droppedAttributesCount: 1 }] };

test.each(inBothEncodings([['I02 a span without ids whose links have none', requestOf(spanOf(), WITHOUT_IDS)]]))(
  '%s: the other goes on',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectRejected(answer, { encoding, spans: 1 });
    expect(spans).toEqual([T1]);
  },
);

test.each(inBothEncodings([['I16 three resources of two scopes, one resource twice', TWO_SOURCES]]))(
  '%s: each span keeps its own',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectSuccess(answer, encoding);
    expect(spans.map(({ name, resource, scope }) => [name, resource.attributes[0]?.value, scope.name])).toEqual(
      ['a0', 'b1', 'a2'].flatMap((source) =>
        ['x', 'y'].map((scope) => [`${source}${scope}`, { string: source.slice(0, 1) }, scope]),
      ),
    );
  },
);

const FAMILY = requestOf(
  ...[spanOf({ name: 'child', spanId: 'cc'.repeat(8), parentSpanId: SPAN_ID }), spanOf({ name: 'parent' })],
  ...[spanOf({ name: 'other', traceId: 'dd'.repeat(16) }), spanOf({ name: 'late', spanId: 'ee'.repeat(8) })],
);

test.each(inBothEncodings([['I25 a child before its parent', FAMILY]]))(
  '%s: the order is kept',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectSuccess(answer, encoding);
    expect(spans.map(({ name, traceId }) => `${name} ${traceId.slice(0, 2)}`)).toEqual(
      ['child', 'parent', 'other', 'late'].map((name) => `${name} ${name === 'other' ? 'dd' : TRACE_ID.slice(0, 2)}`),
    );
  },
);
