import type { JsonRepair } from '../../src/otlp/json-fault';
import type { CanonicalSpan } from '../support/canonical';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { convertTransparent } from '../support/transparent-twins';

const PARENT = '00f067aa0ba902b7';
const OTHER = 'b7ad6b7169203331';
const IDS = `"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"`;
const spanText = (members: string) => `{${IDS}${members === '' ? '' : `,${members}`}}`;
const convert = (members: string, off: JsonRepair[] = []) => convertTransparent(`[${spanText(members)}]`, off);

const read = (members: string): CanonicalSpan => {
  const { spans, faults, repairs } = convert(members);
  expect([spans.length, faults, repairs]).toEqual([1, [], {}]);
  return spans[0]!;
};

describe('ids', () => {
  const context = (ids: string) =>
    convertTransparent(`[{"spanContext":{${ids}},"traceId":"${TRACE_ID}","spanId":"${OTHER}"}]`);

  test('nested count more than flat, each for itself', () => {
    const { spans } = context(`"spanId":"${SPAN_ID}"`);
    expect(spans[0]).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
  });

  test.each(['"spanId":null', '"spanId":""', ''])('flat count where the context has none: %s', (ids) => {
    expect(context(ids).spans[0]).toMatchObject({ traceId: TRACE_ID, spanId: OTHER });
  });

  test.each([
    ['nested', `"parentSpanContext":{"spanId":"${PARENT}"}`, PARENT],
    ['flat', `"parentSpanId":"${PARENT}"`, PARENT],
    ['both', `"parentSpanId":"${OTHER}","parentSpanContext":{"spanId":"${PARENT}"}`, PARENT],
    ['a context without one', `"parentSpanId":"${PARENT}","parentSpanContext":{"traceId":"${TRACE_ID}"}`, PARENT],
    ['of another trace', `"parentSpanContext":{"traceId":"${'1'.repeat(32)}","spanId":"${PARENT}"}`, PARENT],
    ['null', '"parentSpanContext":null,"parentSpanId":null', ''],
    ['empty', '"parentSpanId":""', ''],
    ['of zeros, for the judge', `"parentSpanId":"${'0'.repeat(16)}"`, '0'.repeat(16)],
  ])('a parent, %s', (_, members, expected) => {
    expect(read(members)).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID, parentSpanId: expected });
  });

  test('a context comes last as well', () => {
    const { spans } = convertTransparent(`[{${IDS.replace(SPAN_ID, OTHER)},"spanContext":{"spanId":"${SPAN_ID}"}}]`);
    expect(spans[0]?.spanId).toBe(SPAN_ID);
  });
});

describe('flags and trace state', () => {
  test.each<[string, string, number]>([
    ['a number', '"traceFlags":1', 1],
    ['two hex digits', '"traceFlags":"01"', 1],
    ['two hex digits beyond 9', '"traceFlags":"fF"', 0xff],
    ['two digits are hex', '"traceFlags":"10"', 0x10],
    ['one digit', '"traceFlags":"1"', 1],
    ['three digits', '"traceFlags":"255"', 255],
    ['more than W3C has', '"traceFlags":257', 1],
    ['in the context', '"spanContext":{"traceFlags":3},"traceFlags":1', 3],
    ['zero in the context', '"spanContext":{"traceFlags":0},"traceFlags":1', 0],
    ['none', '', 0],
    ['null', '"traceFlags":null', 0],
    ['a local parent', '"traceFlags":1,"parentSpanContext":{"isRemote":false}', 0x101],
    ['a remote parent', '"parentSpanContext":{"isRemote":true}', 0x300],
    ['remoteness of a word', '"parentSpanContext":{"isRemote":"true"}', 0],
    ['remoteness of the span itself', '"spanContext":{"isRemote":true},"isRemote":true', 0],
  ])('%s', (_, members, expected) => {
    expect(read(members).flags).toBe(expected);
  });

  test.each([
    ['a text', '"traceState":"a=b,c=d"', 'a=b,c=d'],
    ['in the context', '"spanContext":{"traceState":"a=b"},"traceState":"c=d"', 'a=b'],
    ['an object of texts', '"traceState":{"a":"b","c":"d"}', 'a=b,c=d'],
    ['an empty object', '"traceState":{}', ''],
    ['null', '"traceState":null', ''],
    ['an empty object in the context', '"spanContext":{"traceState":{}},"traceState":"c=d"', 'c=d'],
    ['the class of OpenTelemetry JS 2', '"traceState":{"_length":7,"_rawTraceState":"a=b,c=d"}', 'a=b,c=d'],
    [
      'the class of OpenTelemetry JS 1, a map that JSON has emptied',
      '"spanContext":{"traceState":{"_internalState":{}}},"traceState":"c=d"',
      'c=d',
    ],
  ])('trace state: %s', (_, members, expected) => {
    expect(read(members).traceState).toBe(expected);
  });
});

describe('kind', () => {
  test.each<[string, number]>([
    ...[0, 1, 2, 3, 4].map((kind): [string, number] => [`${kind}`, kind + 1]),
    ...['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].flatMap((name, at): [string, number][] => [
      [`"${name}"`, at + 1],
      [`"SPAN_KIND_${name}"`, at + 1],
      [`"${name.toLowerCase()}"`, at + 1],
    ]),
    ['"span_kind_Client"', 3],
    ['null', 0],
  ])('%s', (text, expected) => {
    expect(read(`"kind":${text}`).kind).toBe(expected);
  });

  test.each(['5', '-1', '1.5', '"FOO"', '""', '[2]', '{}', 'true'])('%s is none, and repaired', (text) => {
    const members = `"kind":${text},"name":"n"`;
    const { spans, repairs } = convert(members);
    expect([spans[0]?.kind, spans[0]?.name, repairs]).toEqual([0, 'n', { 0: ['kind_unknown'] }]);
    expect(convert(members, ['kind_unknown']).faults).toEqual([
      [0, 'invalid_field', 'spans[0].kind', 'is neither the number nor the name of a span kind'],
    ]);
  });
});

describe('times', () => {
  const NS = 1544712660300000007n;
  test.each<[string, string, bigint]>([
    ['seconds and nanoseconds', '[1544712660,300000007]', NS],
    ['nanoseconds that carry over', '[1544712659,1300000007]', NS],
    ['negative nanoseconds', '[1544712661,-699999993]', NS],
    ['whole numbers with a point', '[1544712660.0,3.00000007e8]', NS],
    ['zero', '[0,0]', 0n],
    ['the last there is', '[18446744073,709551615]', 2n ** 64n - 1n],
    ['milliseconds', '1544712660300', 1544712660300000000n],
    ['milliseconds with a fraction', '1544712660300.25', 1544712660300250000n],
    ['zero milliseconds', '0', 0n],
    ['a date', '"2018-12-13T14:51:00.300Z"', 1544712660300000000n],
    ['a date with nanoseconds', '"2018-12-13T14:51:00.300000007Z"', NS],
    ['a date without a fraction', '"2018-12-13T14:51:00Z"', 1544712660000000000n],
    ['a date elsewhere', '"2018-12-13T16:51:00.300000007+02:00"', NS],
    ['null', 'null', 0n],
  ])('%s', (_, text, expected) => {
    const span = read(`"startTime":${text},"endTime":${text},"events":[{"time":${text}}]`);
    const { startTimeUnixNano: start, endTimeUnixNano: end, events } = span;
    expect([start, end, events[0]?.timeUnixNano]).toEqual([expected, expected, expected]);
  });

  test.each([
    ...['[]', '[1]', '[1,2,3]', '["1","2"]', '[1.5,0]', '[1,0.5]', '[null,null]', '[[1],2]', '[-1,0]', '[0,-1]'],
    ...['[18446744073,709551616]', '[1e300,0]', '-1', '1e400', '1e20', 'true', '{}', '""', '"now"', '"1544712660300"'],
    ...['"2018-12-13"', '"2018-12-13T14:51:00"', '"2018-02-30T14:51:00Z"', '"2018-12-13T24:00:00Z"'],
    ...['"2018-12-13T14:51:00.3000000071Z"', '"1969-12-31T23:59:59Z"', '"2018-12-13T14:51:00+99:00"'],
  ])('%s is none', (text) => {
    const expected = 'is not a time: [seconds, nanoseconds]';
    expect(convert(`"startTime":${text}`).faults).toEqual([[0, 'invalid_field', 'spans[0].startTime', expected]]);
    expect(convert(`"endTime":${text}`).faults).toEqual([[0, 'invalid_field', 'spans[0].endTime', expected]]);
    expect(convert(`"events":[{},{"time":${text}}]`).faults).toEqual([
      [0, 'invalid_field', 'spans[0].events[1].time', expected],
    ]);
  });

  test.each<[string, string, [number, number]]>([
    ['an end of a start and a duration', '"startTime":[10,5],"duration":[1,2]', [10000000005, 11000000007]],
    ['an end of zero', '"startTime":[10,5],"endTime":[0,0],"duration":[1,2]', [10000000005, 11000000007]],
    ['a start of an end and a duration', '"endTime":[10,5],"duration":[1,2]', [9000000003, 10000000005]],
    ['a duration in milliseconds', '"startTime":[10,0],"duration":1.5', [10000000000, 10001500000]],
    ['a duration of zero', '"startTime":[10,5],"duration":[0,0]', [10000000005, 10000000005]],
    ['a negative duration', '"startTime":[10,0],"duration":[-1,0]', [10000000000, 9000000000]],
    ['a duration that is not needed', '"startTime":[10,0],"endTime":[11,0],"duration":[7,0]', [1e10, 11e9]],
    ['a duration alone', '"duration":[7,0]', [0, 0]],
    ['whatever comes first', '"duration":[1,2],"startTime":[10,5]', [10000000005, 11000000007]],
    ['nothing of a start alone', '"startTime":[10,5]', [10000000005, 0]],
  ])('%s', (_, members, [start, end]) => {
    expect(read(members)).toMatchObject({ startTimeUnixNano: BigInt(start), endTimeUnixNano: BigInt(end) });
  });

  test.each([
    '"startTime":[10,0],"duration":"1"',
    '"startTime":[10,0],"duration":[-11,0]',
    '"endTime":[10,0],"duration":[11,0]',
    '"duration":{}',
  ])('%s is no duration', (members) => {
    expect(convert(members).faults).toEqual([
      [0, 'invalid_field', 'spans[0].duration', 'is not a duration: [seconds, nanoseconds]'],
    ]);
  });
});

describe('status', () => {
  test.each<[string, object]>([
    ['{"code":2,"message":"m"}', { code: 2, message: 'm' }],
    ['{"code":"ERROR"}', { code: 2, message: '' }],
    ['{"code":"ok"}', { code: 1, message: '' }],
    ['{"code":"STATUS_CODE_UNSET"}', { code: 0, message: '' }],
    ['{"code":null,"message":null}', { code: 0, message: '' }],
    ['{}', { code: 0, message: '' }],
    ['null', { code: 0, message: '' }],
  ])('%s', (text, expected) => {
    expect(read(`"status":${text}`).status).toEqual(expected);
  });
});

describe('attributes', () => {
  const valuesOf = (text: string) => read(`"attributes":{"k":${text}}`).attributes.map(({ value }) => value);

  test.each<[string, object]>([
    ['9007199254740991', { int: 9007199254740991n }],
    ['9007199254740992', { double: 9007199254740992 }],
    ['5.0', { int: 5n }],
    ['1e3', { int: 1000n }],
    ['-0', { double: -0 }],
    ['1e400', { double: Number.POSITIVE_INFINITY }],
    ['{"0":1,"1":2}', { kvlist: [1n, 2n].map((int, at) => ({ key: `${at}`, value: { int } })) }],
  ])('%s', (text, expected) => {
    expect(valuesOf(text)).toEqual([expected]);
  });

  test('stand in their order, each as often as it was sent', () => {
    const { attributes } = read('"attributes":{"b":1,"2":1,"1":1,"b":2}');
    expect(attributes.map(({ key }) => key)).toEqual(['b', '2', '1', 'b']);
  });

  test('do not touch the prototype of anything', () => {
    const { attributes } = read('"attributes":{"__proto__":{"polluted":true}},"__proto__":{"name":"x"}');
    expect(attributes[0]).toMatchObject({ key: '__proto__' });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('links and events', () => {
  test('null among them is passed over', () => {
    const { links, events } = read(`"links":[null,{"context":{${IDS}}}],"events":[null,{"name":"e"},null]`);
    expect([links.length, events.map(({ name }) => name)]).toEqual([1, ['e']]);
  });

  test.each([
    ['words as an id', `{"context":{"traceId":"${TRACE_ID}","spanId":"words"}}`],
    ['flags of words', `{"context":{${IDS},"traceFlags":"words"}}`],
    ['a trace state that is a number', `{"context":{${IDS},"traceState":7}}`],
    ['attributes that are a list', `{"context":{${IDS}},"attributes":[]}`],
    ['no object', '"words"'],
    ['a context that is a text', '{"context":"words"}'],
  ])('a link with %s costs the link', (_, link) => {
    const members = `"links":[{"context":{${IDS}}}, ${link} ],"name":"n"`;
    const { spans, repairs, faults } = convert(members);
    expect([spans[0]?.links.length, spans[0]?.name, repairs, faults]).toEqual([1, 'n', { 0: ['link_dropped'] }, []]);
    const [fault] = convert(members, ['link_dropped']).faults;
    expect(fault?.[2]).toMatch(/^spans\[0\]\.links\[1\]/);
  });
});

describe('resource and scope', () => {
  test.each(['instrumentationScope', 'instrumentationLibrary'])('%s', (name) => {
    expect(read(`"${name}":{"name":"n","version":"v","schemaUrl":"u"}`).scope).toMatchObject({
      ...{ name: 'n', version: 'v', schemaUrl: 'u' },
    });
  });

  test('a scope counts more than a library', () => {
    expect(read('"instrumentationLibrary":{"name":"l"},"instrumentationScope":{"name":"s"}').scope.name).toBe('s');
    expect(read('"instrumentationLibrary":{"name":"l"},"instrumentationScope":null').scope.name).toBe('l');
  });
});

describe('a value of a wrong type is a fault', () => {
  const LIST = 'is not an array';
  const OBJECT = 'is not an object';
  const TEXT = 'is not a text';
  const COUNT = 'is not an integer of uint32';
  const FLAGS = 'is not trace flags: a number, or two hex digits';
  const STATE = 'is not a trace state: a text, or an object of texts';
  const CODE = 'is not a status code: UNSET, OK or ERROR';
  test.each([
    ['"spanContext":"x"', 'spanContext', OBJECT],
    ['"parentSpanContext":7', 'parentSpanContext', OBJECT],
    ['"traceFlags":"sampled"', 'traceFlags', FLAGS],
    ['"traceFlags":1.5', 'traceFlags', FLAGS],
    ['"traceFlags":-1', 'traceFlags', FLAGS],
    ['"traceFlags":true', 'traceFlags', FLAGS],
    ['"traceFlags":"0x01"', 'traceFlags', FLAGS],
    ['"spanContext":{"traceFlags":[]}', 'spanContext.traceFlags', FLAGS],
    ['"traceState":7', 'traceState', STATE],
    ['"traceState":[]', 'traceState', STATE],
    ['"spanContext":{"traceState":{"a":1}}', 'spanContext.traceState', STATE],
    ['"name":7', 'name', TEXT],
    ['"name":{"a":1}', 'name', TEXT],
    ['"status":7', 'status', OBJECT],
    ['"status":{"code":3}', 'status.code', CODE],
    ['"status":{"code":"BAD"}', 'status.code', CODE],
    ['"status":{"code":[]}', 'status.code', CODE],
    ['"status":{"message":7}', 'status.message', TEXT],
    ['"attributes":[]', 'attributes', OBJECT],
    ['"attributes":"x"', 'attributes', OBJECT],
    ['"links":{}', 'links', LIST],
    ['"events":7', 'events', LIST],
    ['"events":[{},7]', 'events[1]', OBJECT],
    ['"events":[{"name":7}]', 'events[0].name', TEXT],
    ['"events":[{"attributes":7}]', 'events[0].attributes', OBJECT],
    ['"events":[{"droppedAttributesCount":-1}]', 'events[0].droppedAttributesCount', COUNT],
    ['"droppedAttributesCount":4294967296', 'droppedAttributesCount', COUNT],
    ['"droppedEventsCount":1.5', 'droppedEventsCount', COUNT],
    ['"droppedLinksCount":{}', 'droppedLinksCount', COUNT],
    ['"resource":7', 'resource', OBJECT],
    ['"resource":{"attributes":[]}', 'resource.attributes', OBJECT],
    ['"resource":{"schemaUrl":7}', 'resource.schemaUrl', TEXT],
    ['"instrumentationScope":[]', 'instrumentationScope', OBJECT],
    ['"instrumentationScope":{"name":7}', 'instrumentationScope.name', TEXT],
    ['"instrumentationScope":{"version":7}', 'instrumentationScope.version', TEXT],
    ['"instrumentationLibrary":{"attributes":7}', 'instrumentationLibrary.attributes', OBJECT],
  ])('%s', (members, path, description) => {
    const { spans, faults } = convertTransparent(`[${spanText('')},${spanText(members)},${spanText('"name":"c"')}]`);
    expect(faults).toEqual([[1, 'invalid_field', `spans[1].${path}`, description]]);
    expect(spans.map(({ traceId, name }) => [traceId, name])).toEqual([
      [TRACE_ID, ''],
      ['', ''],
      [TRACE_ID, 'c'],
    ]);
  });

  test.each([
    ['"name":7,"name":"b"', 'b'],
    ['"name":"a","name":"b"', 'b'],
    ['"name":"a","name":null', ''],
  ])('of equal names the last counts: %s', (members, expected) => {
    expect(read(members).name).toBe(expected);
  });

  test('unknown members may hold anything', () => {
    const deep = `${'['.repeat(3000)}${']'.repeat(3000)}`;
    expect(read(`"ended":"x","x":${deep},"_spanProcessor":{"a":[{}]},"name":"n"`).name).toBe('n');
  });
});
