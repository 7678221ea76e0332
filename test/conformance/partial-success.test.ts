import { run } from '../support/client-programs';
import { eventually } from '../support/eventually';
import { expectRejected, expectSuccess, readResponse } from '../support/otlp-answer';
import { asJson, type Fields, inBothEncodings, requestOf, SPAN_ID, spanOf, T1, TRACE_ID } from '../support/otlp-twins';
import { increases } from '../support/samples';
import { useGateway } from '../support/use-gateway';

const gateway = useGateway();
const GOOD = spanOf();
const other = (changes: Fields) => spanOf({ spanId: 'eee19b7ec3c1b175', name: 'other', ...changes });

const BAD: [name: string, changes: Fields, reason: string, field: string][] = [
  ['a trace id of zeros', { traceId: '0'.repeat(32) }, 'invalid_trace_id', 'traceId'],
  ['a trace id of 15 bytes', { traceId: TRACE_ID.slice(2) }, 'invalid_trace_id', 'traceId'],
  ['a trace id of 17 bytes', { traceId: `${TRACE_ID}00` }, 'invalid_trace_id', 'traceId'],
  ['an empty trace id', { traceId: '' }, 'invalid_trace_id', 'traceId'],
  ['no trace id', { traceId: undefined }, 'invalid_trace_id', 'traceId'],
  ['a span id of zeros', { spanId: '0'.repeat(16) }, 'invalid_span_id', 'spanId'],
  ['a span id of 7 bytes', { spanId: SPAN_ID.slice(2) }, 'invalid_span_id', 'spanId'],
  ['a span id of 16 bytes', { spanId: TRACE_ID }, 'invalid_span_id', 'spanId'],
  ['no span id', { spanId: undefined }, 'invalid_span_id', 'spanId'],
];

test.each(inBothEncodings([['E07 a full success leaves partial_success unset', requestOf(GOOD)]]))(
  '%s',
  async (_, encoding, sent) => {
    const answer = await gateway.post(sent);
    expectSuccess(answer, encoding);
    expect(readResponse(answer.body, encoding)).toBeUndefined();
  },
);

test.each(inBothEncodings(BAD.map(([name, changes, ...rest]) => [name, requestOf(GOOD, other(changes)), ...rest])))(
  'E08 a good span and one with %s: one bad span costs one span',
  async (_, encoding, sent, reason, field) => {
    const { answer, spans, rejected } = await gateway.pass(sent);
    const message = expectRejected(answer, { encoding, spans: 1 });
    expect(message).toContain(`resourceSpans[0].scopeSpans[0].spans[1].${field}`);
    expect(spans).toEqual([T1]);
    expect(rejected).toEqual({ [reason]: 1 });
  },
);

const AMONG_OTHERS = requestOf(
  ...[other({ traceId: '00' }), GOOD, other({ spanId: '' }), GOOD, other({ traceId: 'ff' })],
);

test.each(inBothEncodings([['E09 bad spans first, in the middle and last', AMONG_OTHERS]]))(
  '%s',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expectRejected(answer, { encoding, spans: 3 });
    expect(spans).toEqual([T1, T1]);
  },
);

test.each(
  inBothEncodings([
    ['E11 one span, and it is bad', requestOf(other({ traceId: '' })), 1],
    ['E11 three spans, all bad', requestOf(...BAD.slice(0, 3).map(([, changes]) => other(changes))), 3],
  ]),
)('%s: 200, all rejected', async (_, encoding, sent, count) => {
  const { answer, spans } = await gateway.pass(sent);
  expectRejected(answer, { encoding, spans: count });
  expect(answer.headers).not.toHaveProperty('retry-after');
  expect(spans).toEqual([]);
});

test('E12 the number is a string in JSON', async () => {
  const { body } = await gateway.post(asJson(requestOf(GOOD, other({ spanId: '' }))));
  expect(JSON.parse(body.toString())).toEqual({
    partialSuccess: { rejectedSpans: '1', errorMessage: expect.any(String) },
  });
});

type Counts = Record<string, number>;

test.each(
  inBothEncodings<[Counts]>([
    [
      'E13 a repaired span',
      requestOf(spanOf({ parentSpanId: '0'.repeat(16) })),
      { kind_to_metadata: 1, parent_zero: 1 },
    ],
    [
      'E13 a value without a type',
      requestOf(spanOf({ attributes: [{ key: 'k' }] })),
      { kind_to_metadata: 1, attribute_value_absent: 1 },
    ],
    ['E13 an empty request', requestOf(), {}],
    ['E13 an unknown field', { ...requestOf(GOOD), future: 1 }, { kind_to_metadata: 1 }],
  ]),
)('%s: a full success, without a warning', async (_, encoding, sent, expected) => {
  const { answer, repaired } = await gateway.pass(sent);
  expectSuccess(answer, encoding);
  expect(repaired).toEqual(expected);
});

test.each(inBothEncodings([['E14 the status is 200 and no other 2xx', requestOf(GOOD, other({}))]]))(
  '%s',
  async (_, encoding, sent) => {
    const { answer, spans } = await gateway.pass(sent);
    expect(answer.status).toBe(200);
    expectSuccess(answer, encoding);
    expect(spans).toHaveLength(2);
  },
);

test.each(inBothEncodings([['E15 the same batch twice is taken and delivered twice', requestOf(GOOD)]]))(
  '%s',
  async (_, encoding, sent) => {
    const first = await gateway.pass(sent);
    const second = await gateway.pass(sent);
    for (const { answer } of [first, second]) expectSuccess(answer, encoding);
    expect([first.spans, second.spans]).toEqual([[T1], [T1]]);
  },
);

test('E17 an exporter does not send a partial success again', async () => {
  const before = await gateway.gateway.metrics();
  expect(await run(process.execPath, ['-e', EXPORTER_PROGRAM], { URL: `${gateway.url}/v1/traces` })).toBe('code 0\n');
  await eventually(async () => {
    const after = await gateway.gateway.metrics();
    expect(increases('gateway_receiver_rejected_spans_total', { before, after })).toEqual({ invalid_trace_id: 1 });
    expect((after[ANSWERED_200] ?? 0) - (before[ANSWERED_200] ?? 0)).toBe(1);
  });
});

const ANSWERED_200 = 'gateway_receiver_requests_total{path="/v1/traces",code="200"}';

/** Exports a good span and one with a trace id of zeros at once, and prints the result: 0 is success. */
const EXPORTER_PROGRAM = `
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const span = (traceId) => {
    const idGenerator = { generateTraceId: () => traceId, generateSpanId: () => '${SPAN_ID}' };
    const started = new BasicTracerProvider({ idGenerator }).getTracer('t').startSpan('s');
    started.end();
    return started;
  };
  const spans = [span('${TRACE_ID}'), span('0'.repeat(32))];
  new OTLPTraceExporter({ url: process.env.URL }).export(spans, ({ code }) => console.log('code', code));
`;
