import type { CanonicalSpan, CanonicalValue } from '../support/canonical';
import { T1J } from '../support/literal-cases';
import { expectRefusal, expectRejected, expectSuccess } from '../support/otlp-answer';
import {
  arrivalOf,
  asJson,
  jsonText,
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

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const base64url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
/** T1J with one member of its span written by hand. */
const withMember = (key: string, text: string) =>
  JSON.stringify(requestOf(spanOf({ [key]: 'HERE' }))).replace('"HERE"', () => text);
const withValue = (text: string) => withMember('attributes', `[{"key":"k","value":${text}}]`);
const inEnvelope = (text: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${text}]}]}]}`;
const SPAN_TEXT = JSON.stringify(spanOf());
const BARE = { resource: NO_RESOURCE, scope: NO_SCOPE };
const MAX_DOUBLE = 1.7976931348623157e308;
const ID_FORMS = { traceId: base64url(TRACE_ID), spanId: base64(SPAN_ID).replace('=', '') };
const EMPTY: CanonicalValue = { empty: true };

const SPAN_ROWS: [name: string, text: string, changes: Partial<CanonicalSpan>, repair?: string][] = [
  ['G01 an upper case parent', withMember('parentSpanId', '"ABCDEF0123456789"'), { parentSpanId: 'abcdef0123456789' }],
  ['G03 base64url ids without padding', JSON.stringify(requestOf(spanOf(ID_FORMS))), {}, 'id_base64'],
  ['G03 a base64 parent', withMember('parentSpanId', `"${base64(SPAN_ID)}"`), { parentSpanId: SPAN_ID }, 'id_base64'],
  ['G14 unknown fields of every kind', withMember('future', '[null,{"a":[1.5e3,"\\u0041"]},true]'), {}],
  ['G18 a kind with a fraction of 0', withMember('kind', '3.0'), { kind: 3 }],
  ['G20 no kind', withMember('kind', 'null').replace('"kind":null,', ''), { kind: 0 }],
  ['G21 a status code by number', withMember('status', '{"code":2}'), { status: { code: 2, message: '' } }],
  ['G21 an empty status', withMember('status', '{}'), {}],
  ['G22 the largest end', withMember('endTimeUnixNano', '"18446744073709551615"'), { endTimeUnixNano: 2n ** 64n - 1n }],
  [
    'G23 an end by number',
    withMember('endTimeUnixNano', '1544712660123456789'),
    { endTimeUnixNano: 1544712660123456789n },
  ],
  [
    'G24 an end with an exponent, as text',
    withMember('endTimeUnixNano', '"1.5e18"'),
    { endTimeUnixNano: 15n * 10n ** 17n },
  ],
  ['G27 an end that is null', withMember('endTimeUnixNano', 'null'), { endTimeUnixNano: 0n }],
  ['G49 a resource that is null', inEnvelope(SPAN_TEXT).replace('[{', '[{"resource":null,'), BARE],
  ['G49 a scope that is null', inEnvelope(SPAN_TEXT).replace('s":[{"s', 's":[{"scope":null,"s'), BARE],
  ['G51 null among events', withMember('events', '[null]'), {}],
  ['G51 null among links', withMember('links', '[null]'), {}],
  ['G51 null among spans', inEnvelope(`null,${SPAN_TEXT},null`), BARE],
  ['G53 a count as text', withMember('droppedAttributesCount', '"3"'), { droppedAttributesCount: 3 }],
  ['G53 a count that is null', withMember('droppedAttributesCount', 'null'), {}],
  ['G54 flags as text', withMember('flags', '"769"'), { flags: 769 }],
  ['G54 flags that are null', withMember('flags', 'null'), {}],
  [
    'G56 all defaults, entity references too',
    JSON.stringify(requestOf(spanOf())).replace('{"attributes"', '{"entityRefs":[],"attributes"'),
    {},
  ],
  ['G66 escaped names further up', T1J.toString().replace('resourceSpans', '\\u0072esourceSpans'), {}],
  ['G70 a name of bytes that are no text', withMember('name', '"\u0000"'), { name: 'a\uFFFD' }, 'invalid_utf8'],
  [
    'G71 half a pair in a value',
    withValue('{"stringValue":"a\\udc00b"}'),
    attribute({ string: 'a\uFFFDb' }),
    'invalid_utf8',
  ],
];

test.each(SPAN_ROWS.map(withRepairs))('%s', async (_, text, changes, repairs) => {
  // A zero byte stands for one that no UTF-8 has.
  const body = Buffer.from(text).toString('latin1').replaceAll('\u0000', 'a\u00ff');
  const { answer, spans, repaired } = await gateway.pass(jsonText(Buffer.from(body, 'latin1')));
  expectSuccess(answer, 'json');
  expect(spans).toEqual([arrivalOf(changes)]);
  expect(repaired).toEqual({ ...repairsOf(changes), ...repairs });
});

const VALUE_ROWS: [name: string, value: string, arrives: CanonicalValue, repair?: string][] = [
  ['G29 the smallest int', '{"intValue":"-9223372036854775808"}', { int: -(2n ** 63n) }],
  ['G30 a negative number', '{"intValue":-9007199254740993}', { int: -9007199254740993n }],
  ['G31 with an exponent', '{"intValue":5e3}', { int: 5000n }],
  ['G32 text with a fraction', '{"intValue":"1.5"}', { string: '1.5' }, 'attribute_retyped'],
  ['G33 true as int', '{"intValue":true}', { bool: true }, 'attribute_retyped'],
  [
    'G34 one more than the largest int',
    '{"intValue":"9223372036854775808"}',
    { string: '9223372036854775808' },
    'attribute_retyped',
  ],
  ['G35 a number', '{"doubleValue":3.14}', { double: 3.14 }],
  ['G35 minus zero', '{"doubleValue":-0}', { double: -0 }],
  ['G35 the largest', `{"doubleValue":${MAX_DOUBLE}}`, { double: MAX_DOUBLE }],
  ['G36 Infinity', '{"doubleValue":"Infinity"}', { double: Number.POSITIVE_INFINITY }],
  ['G36 -Infinity', '{"doubleValue":"-Infinity"}', { double: Number.NEGATIVE_INFINITY }],
  ['G39 a bool that is null', '{"boolValue":null}', EMPTY],
  ['G39 bytes that are null', '{"bytesValue":null}', EMPTY],
  ['G41 a number as bool', '{"boolValue":1}', { int: 1n }, 'attribute_retyped'],
  ['G42 no bytes', '{"bytesValue":""}', { string: '' }, 'bytes_to_base64'],
  ['G43 base64url with padding', '{"bytesValue":"-_8="}', { string: '+/8=' }, 'bytes_to_base64'],
  ['G43 base64 without padding', '{"bytesValue":"+/8"}', { string: '+/8=' }, 'bytes_to_base64'],
  ['G44 one letter', '{"bytesValue":"A"}', { string: 'A' }, 'attribute_retyped'],
  ['G45 null', 'null', EMPTY, 'attribute_value_absent'],
  ['G46 the other way round', '{"intValue":"1","stringValue":"a"}', { string: 'a' }],
  ['G46 then null', '{"stringValue":"a","intValue":null}', { string: 'a' }],
  ['G48 an array that is null', '{"arrayValue":null}', EMPTY],
  ['G48 values that are null', '{"arrayValue":{"values":null}}', { array: [] }],
  ['G48 an empty list of pairs', '{"kvlistValue":{}}', { kvlist: [] }],
  ['G51 null among values', '{"arrayValue":{"values":[null,{"intValue":1},null]}}', { array: [{ int: 1n }] }],
];

test.each(VALUE_ROWS.map(withRepairs))('%s', async (_, value, arrives, repairs) => {
  const { answer, spans, repaired } = await gateway.pass(jsonText(withValue(value)));
  expectSuccess(answer, 'json');
  expect(spans).toEqual([arrivalOf(attribute(arrives))]);
  expect(repaired).toEqual({ ...repairsOf(attribute(arrives)), ...repairs });
});

test.each([
  ['G45 a key without a value', '[{"key":"k"}]', 'k', EMPTY, { attribute_value_absent: 1 }],
  ['G75 constructor', '[{"key":"constructor","value":{"boolValue":true}}]', 'constructor', { bool: true }, {}],
  ['G75 toString', '[{"key":"toString","value":{"boolValue":true}}]', 'toString', { bool: true }, {}],
])('%s', async (_, attributes, key, value, repairs) => {
  const { spans, repaired } = await gateway.pass(jsonText(withMember('attributes', attributes)));
  expect(spans).toEqual([arrivalOf({ attributes: [{ key, value }] })]);
  expect(repaired).toEqual({ kind_to_metadata: 1, ...repairs });
});

test('G75 an object key named __proto__ changes no prototype', async () => {
  const text = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${T1J.toString().slice(1)}`;
  const { spans } = await gateway.pass(jsonText(text));
  expect(spans).toEqual([T1]);
  expect({}).not.toHaveProperty('polluted');
});

test.each([
  ['G25 a number below zero', 'startTimeUnixNano', '-1'],
  ['G26 a number beyond 64 bits', 'startTimeUnixNano', '18446744073709551616'],
  ['G26 a number with a fraction', 'startTimeUnixNano', '1.5'],
  ['G28 true', 'endTimeUnixNano', 'true'],
  ['G28 no text', 'endTimeUnixNano', '""'],
  ['G52 events as an object', 'events', '{"name":"e"}'],
  ['G52 links as text', 'links', '"x"'],
  ['G52 a status as a list', 'status', '[]'],
  ['G53 below zero', 'droppedAttributesCount', '-1'],
  ['G53 beyond 32 bits', 'droppedAttributesCount', '4294967296'],
])('%s: the span is rejected and the message names the path', async (_, key, text) => {
  const good = spanOf({ spanId: '00000000000000aa' });
  const both = withMember(key, text).replace('"spans":[', () => `"spans":[${JSON.stringify(good)},`);
  const { answer, spans, rejected } = await gateway.pass(jsonText(both));
  const message = expectRejected(answer, { encoding: 'json', spans: 1 });
  expect(message).toContain(`resourceSpans[0].scopeSpans[0].spans[1].${key}`);
  expect(spans).toEqual([{ ...T1, spanId: '00000000000000aa' }]);
  expect(rejected).toEqual({ invalid_field: 1 });
});

test.each([
  [
    'G13 both spellings of one list',
    `{"resource_spans":[${t1ResourceSpans()}],"resourceSpans":[${t1ResourceSpans()}]}`,
    2,
  ],
  ['G65 one list twice', `{"resourceSpans":[${t1ResourceSpans()}],"resourceSpans":[${t1ResourceSpans()}]}`, 2],
  [
    'G72 the name of the library',
    inEnvelope(SPAN_TEXT)
      .replace('{"spans"', '{"instrumentationLibrary":{"name":"l"},"spans"')
      .replace('scopeSpans', 'instrumentationLibrarySpans'),
    1,
  ],
  ['G73 deprecatedScopeSpans', inEnvelope(SPAN_TEXT).replace('scopeSpans', 'deprecatedScopeSpans'), 0],
])('%s', async (_, text, count) => {
  const { answer, spans } = await gateway.pass(jsonText(text));
  expectSuccess(answer, 'json');
  expect(spans.map(({ spanId, scope }) => [spanId, scope.name])).toEqual(Array(count).fill([SPAN_ID, 'l']));
});

test.each([
  ['G37 Infinity without quotes', withValue('{"doubleValue":Infinity}')],
  ['G57 a comma more', `${T1J},`],
  ['G58 three documents in lines', `${T1J}\n${T1J}\n${T1J}`],
  ['G59 an empty array', '[]'],
  ['G60 true', 'true'],
  ['G61 text', '"resourceSpans"'],
  ['G62 a comma at the end', T1J.toString().replace(/\]\}$/, '],}')],
  ['G62 a comment', `/* x */${T1J}`],
  ['G62 single quotes', T1J.toString().replaceAll('"', "'")],
  ['G62 a number that begins with 0', withMember('kind', '02')],
  ['G62 an escape that is none', withMember('name', '"\\x41"')],
  ['G63 a byte order mark inside', `{\uFEFF${T1J.toString().slice(1)}`],
  ['G69 a line break in a string', withMember('name', '"a\nb"')],
])('%s: 400', async (_, text) => {
  expectRefusal(await gateway.post(jsonText(text)), { status: 400, encoding: 'json' });
});

test('G62 cut off anywhere: 400', async () => {
  for (let bytes = 0; bytes < T1J.length; bytes += 1) {
    const answer = await gateway.post(jsonText(T1J.subarray(0, bytes)));
    expect({ bytes, ...expectRefusal(answer, { status: 400, encoding: 'json' }) }).toMatchObject({ bytes, code: 3 });
  }
});

test('a refusal never repeats a value', async () => {
  const answer = await gateway.post(asJson({ ...requestOf(spanOf({ startTimeUnixNano: 'secret words' })) }));
  expect(answer.body.toString()).not.toContain('secret');
});

/** Always four columns: Jest takes a parameter without a column for its callback, and waits. */
function withRepairs<A, B>([name, a, b, repair]: [string, A, B, string?]): [string, A, B, Record<string, number>] {
  return [name, a, b, repair === undefined ? {} : { [repair]: 1 }];
}

function attribute(value: CanonicalValue): Partial<CanonicalSpan> {
  return { attributes: [{ key: 'k', value }] };
}

function t1ResourceSpans(): string {
  return T1J.toString().slice('{"resourceSpans":['.length, -']}'.length);
}
