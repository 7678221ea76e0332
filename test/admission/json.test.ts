import { ADMIT, admittedSpans, NO_REPAIRS } from '../support/admission';
import { attributeText, requestText, SPAN_PATH, spanText } from '../support/json-conversion';
import { SPAN_ID, T1J, T1P } from '../support/otlp-messages';

/** What the JSON reader found is one judgement with what the rules find. */
const admitText = (text: string, enabled?: Parameters<typeof ADMIT.json>[1]) => ADMIT.json(Buffer.from(text), enabled);
const base64 = Buffer.from(SPAN_ID, 'hex').toString('base64');

test('a request that needs nothing', () => {
  const { bytes, ...others } = admitText(T1J);
  expect(bytes.toString('hex')).toBe(T1P.toString('hex'));
  expect(others).toEqual({
    ...{ accepted: 1, rejections: [], repairs: new Map(), repaired: new Map(), originalIds: new Map() },
  });
});

test('repairs of the reader and of the rules are counted together, each once a span', () => {
  const both = `"parentSpanId":"${Buffer.alloc(8).toString('base64')}"`;
  const text = requestText(
    spanText(both),
    spanText(`"parentSpanId":"${base64}"`),
    spanText('"parentSpanId":"x"'),
    attributeText('{"bytesValue":"AA"}'),
    attributeText('{"intValue":"x"}'),
    spanText(),
  );
  expect(Object.fromEntries(admitText(text).repairs)).toEqual({
    ...{ id_base64: 2, parent_zero: 1, parent_unreadable: 1, bytes_to_base64: 1, attribute_retyped: 1 },
  });
});

test('faults of the reader and rejections of the rules come in the order of the spans', () => {
  const text = requestText(
    spanText('"name":7'),
    spanText(),
    `{"spanId":"${SPAN_ID}"}`,
    spanText('"kind":"x"'),
    '{"traceId":"x"}',
  );
  const admission = admitText(text);
  expect(admission.rejections).toEqual([
    { reason: 'invalid_field', ordinal: 0, position: 0, field: `${SPAN_PATH}.name`, description: 'is not a text' },
    {
      reason: 'invalid_trace_id',
      ordinal: 2,
      position: 2,
      field: 'resourceSpans[0].scopeSpans[0].spans[2].traceId',
      description: 'is missing, all zero, or not of 16 bytes',
    },
    {
      reason: 'invalid_trace_id',
      ordinal: 4,
      position: 4,
      field: 'resourceSpans[0].scopeSpans[0].spans[4].traceId',
      description: 'is not an id: 32 hex digits, a UUID, or base64 of 16 bytes',
    },
  ]);
  expect([admission.accepted, admittedSpans(admission).length]).toEqual([2, 2]);
});

test('what is wrong names the place in the request that was sent, nulls counted', () => {
  const text = `{"resourceSpans":[null,{"scopeSpans":[null,{"spans":[null,${spanText()},null,{}]}]}]}`;
  expect(admitText(text).rejections.map(({ field }) => field)).toEqual([
    'resourceSpans[1].scopeSpans[1].spans[3].traceId',
  ]);
});

test('what was done is told by position among the accepted spans, and the ids that could not be read', () => {
  const { originalIds, repaired, rejections } = admitText(
    requestText(
      '{}',
      spanText('"parentSpanId":"root"'),
      spanText(),
      spanText('"kind":"x","links":[{"traceId":"first","spanId":"0102030405060708"},{"spanId":"checkout-v2"},{}]'),
    ),
  );
  expect(rejections.map(({ ordinal }) => ordinal)).toEqual([0]);
  expect(Object.fromEntries(repaired)).toEqual({
    0: new Set(['parent_unreadable']),
    2: new Set(['kind_unknown', 'link_dropped']),
  });
  expect(Object.fromEntries(originalIds)).toEqual({
    0: { parentSpanId: 'root' },
    2: { links: ['{"traceId":"first","spanId":"0102030405060708"}', '{"spanId":"checkout-v2"}'] },
  });
});

test('a rejected span takes its repairs with it', () => {
  const text = requestText(`{"kind":"x","parentSpanId":"${base64}"}`, spanText('"kind":"x"'));
  expect(Object.fromEntries(admitText(text).repairs)).toEqual({ kind_unknown: 1 });
});

describe('with every repair off', () => {
  test.each([
    ['an id in base64', spanText(`"parentSpanId":"${base64}"`), 'invalid_span_id', '.parentSpanId'],
    ['a parent of words', spanText('"parentSpanId":"root"'), 'invalid_span_id', '.parentSpanId'],
    ['a kind of words', spanText('"kind":"x"'), 'invalid_field', '.kind'],
    ['a value of the wrong type', attributeText('{"intValue":"x"}'), 'invalid_field', '.attributes[0].value.intValue'],
    ['a key alone', spanText('"attributes":[{"key":"k"}]'), 'invalid_field', '.attributes[0]'],
    ['half a surrogate pair', spanText('"name":"\\ud800"'), 'invalid_field', '.name'],
  ])('%s costs the span', (_, span, reason, field) => {
    const { accepted, rejections, repairs } = admitText(requestText(span, spanText()), NO_REPAIRS);
    expect([accepted, repairs.size]).toEqual([1, 0]);
    expect(rejections).toEqual([expect.objectContaining({ reason, field: `${SPAN_PATH}${field}` })]);
  });

  test.each([
    ['a parent of zeros', spanText(`"parentSpanId":"${'0'.repeat(16)}"`)],
    ['bytes', attributeText('{"bytesValue":"AA=="}')],
    ['an index', attributeText('{"stringValueStrindex":1}')],
  ])('%s is left as it came', (_, span) => {
    const { accepted, rejections, repairs } = admitText(requestText(span), NO_REPAIRS);
    expect([accepted, rejections, repairs.size]).toEqual([1, [], 0]);
  });
});
