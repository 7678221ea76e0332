import { GatewayError } from '../../src/errors';
import { GROUPS_MAX, SPANS_MAX } from '../../src/otlp/request-limits';
import { transparentRequestSteps } from '../../src/otlp/transparent-spans';
import { canonicalFromProtobuf } from '../support/canonical';
import { shown, startJudging } from '../support/judging';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { admitTransparent, convertTransparent, convertTransparentRequest } from '../support/transparent-twins';

const IDS = `"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"`;
const span = (members = '') => `{${IDS}${members === '' ? '' : `,${members}`}}`;
const named = (name: string, members = '') => span(`"name":"${name}"${members === '' ? '' : `,${members}`}`);
const namesOf = (body: string | Buffer) => convertTransparent(body).spans.map(({ name }) => name);
const request = (body: string | Buffer) =>
  convertTransparentRequest(Buffer.from(body), (name) => name !== 'id_derived');

function refusal(body: string | Buffer): { code: string; message: string } {
  try {
    convertTransparent(body);
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('the body', () => {
  test.each([
    ['an array', `[${named('a')},${named('b')}]`],
    ['an object', `{"spans":[${named('a')},${named('b')}]}`],
    ['an object with more in it', `{"x":[{}],"spans":[${named('a')},${named('b')}],"traceId":7}`],
    ['a byte order mark', `\ufeff[${named('a')},${named('b')}]`],
    ['white space', ` \r\n\t[ ${named('a')} ,\n${named('b')} ] \n`],
    ['spans in two parts', `{"spans":[${named('a')}],"spans":[${named('b')}]}`],
  ])('%s', (_, body) => {
    expect(namesOf(body)).toEqual(['a', 'b']);
  });

  test.each(['[]', '{"spans":[]}'])('%s holds no spans, which is fine', (body) => {
    const { bytes, faults, sentAt, paths } = request(body);
    expect([bytes.length, faults.size, sentAt, paths.size]).toEqual([0, 0, [], 0]);
  });

  const EXPECTED = 'here an array of spans is expected, or an object whose member spans is one';
  test.each([
    ...['{}', '{"spans":null}', '{"spans":{}}', '{"spans":"x"}', 'null', '7', '"x"', 'true'],
    ...['{"traceContext":{}}', `{"Spans":[${span()}]}`],
  ])('%s is refused', (body) => {
    expect(refusal(body)).toEqual({ code: 'bad_request', message: `JSON: ${EXPECTED}` });
  });

  test.each(['resourceSpans', 'resource_spans'])('OTLP is sent elsewhere: %s', (name) => {
    expect(refusal(`{"${name}":[]}`)).toEqual({
      code: 'bad_request',
      message: `JSON: ${name} is OTLP, which goes to POST /v1/traces; ${EXPECTED}`,
    });
  });

  test.each([
    ...[
      '',
      ' ',
      '[',
      `[${span()}`,
      `[${span()},]`,
      `[${span()}]]`,
      `[${span()}][]`,
      `{"spans":[${span()}]`,
      '[{]',
      '[nul]',
    ],
    ...[`[${span('"name":"\\x"')}]`, `[${span('"x":01')}]`, `[${span('x:1')}]`, '[\u00a0]', '[undefined]'],
  ])('what is not JSON is refused: %s', (body) => {
    expect(refusal(body).code).toBe('bad_request');
  });

  test('yields after each span', () => {
    const steps = transparentRequestSteps(Buffer.from(`[${span()},7,${span()}]`), () => true);
    const yields = [...steps].length;
    expect(yields).toBeGreaterThanOrEqual(3);
  });
});

describe('the trace context', () => {
  test.each(['traceContext', 'trace_context'])('%s is handed on', (name) => {
    const context = { traceId: TRACE_ID, parentSpanId: SPAN_ID };
    for (const body of [
      `{"spans":[],"${name}":${JSON.stringify(context)}}`,
      `{"${name}":${JSON.stringify(context)},"spans":[]}`,
    ])
      expect(request(body).traceContext).toEqual(context);
  });

  test('is none where there is none, and none where it is large', () => {
    expect([request('[]').traceContext, request('{"spans":[]}').traceContext]).toEqual([undefined, undefined]);
    expect(request(`{"spans":[],"traceContext":{"traceId":"${'1'.repeat(5000)}"}}`).traceContext).toBe('too large');
  });
});

describe('an element that is no span', () => {
  test('is an error with its index, and costs no other', () => {
    const { spans, faults } = convertTransparent(`[null,${named('a')},7,"x",[${span()}],${named('b')},true]`);
    const fault = (index: number) => [index, 'invalid_field', `spans[${index}]`, 'is not an object'];
    expect(faults).toEqual([0, 2, 3, 4, 6].map(fault));
    expect(spans.map(({ name }) => name)).toEqual(['', 'a', '', '', '', 'b', '']);
  });

  test('is judged as a rejected span', () => {
    const { accepted, rejections } = admitTransparent(Buffer.from(`[null,${named('a')},{}]`));
    expect(accepted).toBe(1);
    expect(rejections.map(({ ordinal, reason, field }) => [ordinal, reason, field])).toEqual([
      [0, 'invalid_field', 'spans[0]'],
      [2, 'invalid_trace_id', 'spans[2].traceId'],
    ]);
  });
});

describe('groups', () => {
  const inGroup = (name: string, resource: string, scope: string) =>
    named(name, `"resource":{"attributes":{"r":"${resource}"}},"instrumentationScope":{"name":"${scope}"}`);
  const BODY = `[${[
    inGroup('0', 'r1', 's1'),
    inGroup('1', 'r2', 's1'),
    named('2'),
    inGroup('3', 'r1', 's2'),
    span('"name":4,"resource":{"attributes":{"r":"r2"}},"instrumentationScope":{"name":"s1"}'),
    inGroup('5', 'r1', 's1'),
    `{${IDS},"name":"6","traceId":"words","resource":{"attributes":{"r":"r1"}},"instrumentationScope":{"name":"s2"}}`,
  ].join(',')}]`;

  test('a span is told by its place in the list, wherever it has come to stand', () => {
    const { bytes, sentAt, paths, faults } = request(BODY);
    expect(sentAt).toEqual([0, 5, 3, 6, 1, 4, 2]);
    expect([...paths]).toEqual(sentAt?.map((index, position) => [position, `spans[${index}]`]));
    expect(canonicalFromProtobuf(bytes).map(({ name }) => name)).toEqual(['0', '5', '3', '', '1', '', '2']);
    expect([...faults].map(([position, { path }]) => [position, path])).toEqual([
      [3, 'spans[6].traceId'],
      [5, 'spans[4].name'],
    ]);
  });

  test('its own resource and scope are around it', () => {
    const around = convertTransparent(BODY).spans.map(({ resource, scope }) => [
      ...resource.attributes.map(({ value }) => value),
      scope.name,
    ]);
    const [r1, r2] = [{ string: 'r1' }, { string: 'r2' }];
    expect(around).toEqual([[r1, 's1'], [r2, 's1'], [''], [r1, 's2'], [r2, 's1'], [r1, 's1'], [r1, 's2']]);
  });

  test('a resource stands once for all its spans, a long one too', () => {
    const long = 'x'.repeat(10_000);
    const spans = Array.from({ length: 100 }, (_, at) => inGroup(`${at}`, long, at % 2 === 0 ? 'even' : 'odd'));
    const { bytes } = request(`[${spans.join(',')}]`);
    expect(bytes.length).toBeLessThan(2 * long.length);
    expect(new Set(canonicalFromProtobuf(bytes).map(({ resource }) => JSON.stringify(resource))).size).toBe(1);
  });

  test('long resources that differ at their end are two', () => {
    const [a, b] = ['a', 'b'].map((end) => inGroup(end, `${'x'.repeat(10_000)}${end}`, 's'));
    const { spans } = convertTransparent(`[${a},${b}]`);
    expect(spans.map(({ resource }) => JSON.stringify(resource).includes('xb"'))).toEqual([false, true]);
  });

  test('one that cannot be read is a fault of each of its spans, and of no other', () => {
    const bad = '"resource":{"attributes":[]}';
    const { faults } = convertTransparent(`[${span(bad)},${span()},${span(`${bad},"name":7`)},${span(bad)}]`);
    expect(faults).toEqual([
      [0, 'invalid_field', 'spans[0].resource.attributes', 'is not an object'],
      [2, 'invalid_field', 'spans[2].name', 'is not a text'],
      [3, 'invalid_field', 'spans[3].resource.attributes', 'is not an object'],
    ]);
  });

  test('a repair of one is a repair of each of its spans', () => {
    const odd = '"resource":{"attributes":{"k":"\\ud800"}}';
    const body = `[${span(odd)},${span()},${span(`"kind":9,${odd}`)}]`;
    expect(convertTransparent(body).repairs).toEqual({ 0: ['invalid_utf8'], 2: ['invalid_utf8', 'kind_unknown'] });
    expect(convertTransparent(body, ['invalid_utf8']).faults.map(([index]) => index)).toEqual([0, 2]);
  });
});

describe('a body that is no UTF-8', () => {
  const withBadByte = (text: string) => Buffer.from(Buffer.from(text).map((byte) => (byte === 0x7f ? 0xff : byte)));

  test.each([
    ['a name', '"name":"a\u007f"', { name: 'a\ufffd' }],
    ['a key', '"attributes":{"\u007f":1}', { attributes: [{ key: '\ufffd', value: { int: 1n } }] }],
    [
      'a value',
      '"attributes":{"k":["\u007f"]}',
      { attributes: [{ key: 'k', value: { array: [{ string: '\ufffd' }] } }] },
    ],
    ['a trace state', '"traceState":"a=\u007f"', { traceState: 'a=\ufffd' }],
  ])('has U+FFFD in %s, or costs that span where the repair is off', (_, members, expected) => {
    const body = withBadByte(`[${named('whole')},${span(members)}]`);
    const on = convertTransparent(body);
    expect([on.spans[1], on.repairs, on.faults]).toEqual([
      expect.objectContaining(expected),
      { 1: ['invalid_utf8'] },
      [],
    ]);
    expect(convertTransparent(body, ['invalid_utf8']).faults).toEqual([
      [1, 'invalid_field', expect.stringContaining('spans[1].'), 'is not valid UTF-8'],
    ]);
  });

  test('costs nothing in a member nobody reads', () => {
    expect(convertTransparent(withBadByte(`[${span('"\u007f":"\u007f"')}]`)).repairs).toEqual({});
  });
});

describe('limits', () => {
  const many = (count: number, make: (at: number) => string) =>
    `[${Array.from({ length: count }, (_, at) => make(at)).join(',')}]`;

  test('as many spans as a request may have, and not 200,000', () => {
    expect(request(many(SPANS_MAX, () => '{}')).sentAt).toHaveLength(SPANS_MAX);
    expect(refusal(many(2 * SPANS_MAX, () => '{}')).code).toBe('too_large');
  });

  test('resources and scopes', () => {
    const body = many(GROUPS_MAX / 2 + 1, (at) => `{"resource":{"droppedAttributesCount":${at}}}`);
    expect(refusal(body).code).toBe('too_large');
  });
});

describe('the judge', () => {
  const CONTEXT = `"traceContext":{"traceId":"${'1'.repeat(32)}","parentSpanId":"${'2'.repeat(16)}"}`;

  test('tells spans by their place in the list', async () => {
    const body = `[${named('a', '"resource":{}')},7,${named('b')},{},${named('c', '"resource":{}')}]`;
    const judgement = await startJudging().judge(Buffer.from(body), { format: 'transparent' });
    const { accepted, rejections } = judgement;
    expect(accepted).toBe(3);
    expect(rejections.map(({ ordinal, field }) => [ordinal, field])).toEqual([
      [1, 'spans[1]'],
      [3, 'spans[3].traceId'],
    ]);
    expect(shown(judgement).observations.map(({ name }) => name)).toEqual(['a', 'c', 'b']);
  });

  test('follows the trace context', async () => {
    const body = `{"spans":[${named('a')}],${CONTEXT}}`;
    const judgement = await startJudging().judge(Buffer.from(body), { format: 'transparent' });
    expect(judgement.traceContext).toBe('adopted');
    expect(shown(judgement).byName.a).toMatchObject({ traceId: '1'.repeat(32), parentSpanId: '2'.repeat(16) });
  });
});

test('a fault never says what was sent', () => {
  const secret = 'hunter2';
  const members = [
    'name',
    'status',
    'attributes',
    'events',
    'links',
    'startTime',
    'duration',
    'traceFlags',
    'traceState',
  ];
  for (const member of members) {
    for (const value of [`["${secret}"]`, `{"${secret}":["${secret}"]}`]) {
      const { faults } = convertTransparent(`[${span(`"${member}":${value}`)}]`);
      expect(JSON.stringify(faults)).not.toContain(secret);
    }
  }
});
