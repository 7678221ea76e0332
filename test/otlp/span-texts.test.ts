import fc from 'fast-check';
import type { ConvertedRequest } from '../../src/otlp/json-request';
import { convertJsonRequest, requestText, spanText } from '../support/json-conversion';
import { createRandom, oneOf, runs } from '../support/random';
import { renderJson } from '../support/request-json';
import { requests } from '../support/request-model';
import { convertTransparentRequest } from '../support/transparent-twins';

const json = (body: string | Buffer) =>
  convertJsonRequest(Buffer.from(body as string), (repair) => repair !== 'id_derived');
const transparent = (body: string | Buffer) =>
  convertTransparentRequest(Buffer.from(body as string), (repair) => repair !== 'id_derived');

/** By the positions of the request that was read. */
function textsOf({ texts: { bytes, ranges } }: Pick<ConvertedRequest, 'texts'>): string[] {
  expect(ranges.length % 2).toBe(0);
  return Array.from({ length: ranges.length / 2 }, (_, at) =>
    bytes.toString('utf8', ranges[at * 2], ranges[at * 2 + 1]).trim(),
  );
}

const A = spanText('"name":"a"');
const B = spanText('"name":"b","attributes":[{"key":"k","value":{"stringValue":"größe 😀 \\"]}"}}]');
const C = `{ "trace_id" : "x",\n\t"unknown":[{}] }`;

describe('OTLP JSON', () => {
  test.each<[name: string, body: string, expected: string[]]>([
    ['one', requestText(A), [A]],
    ['some', requestText(A, B, C), [A, B, C]],
    ['none', requestText(), []],
    ['white space around them', requestText(` \n${A}\t`, `\r ${B} `), [A, B]],
    ['behind a byte order mark', `\ufeff${requestText(A, B)}`, [A, B]],
    ['nulls between', requestText('null', A, 'null', 'null', B), [A, B]],
    ['elements that are no spans', requestText('7', A, '"x"', '[1]', 'true', B), ['7', A, '"x"', '[1]', 'true', B]],
    [
      'faulty ones',
      requestText('{"traceId":{}}', A, '{"attributes":[{"key":1}]}'),
      ['{"traceId":{}}', A, '{"attributes":[{"key":1}]}'],
    ],
    [
      'several resources and scopes',
      `{"resourceSpans":[{"scopeSpans":[{"spans":[${A}]},{"spans":[${B}]}]},null,{"scopeSpans":[{"spans":[${C}]}]}]}`,
      [A, B, C],
    ],
    [
      'spans in front of their scope',
      `{"resourceSpans":[{"scopeSpans":[{"spans":[${A}],"scope":{"name":"l"}}],"resource":{}}]}`,
      [A],
    ],
    ['names with underscores', `{"resource_spans":[{"scope_spans":[{"spans":[${A},${B}]}]}]}`, [A, B]],
    [
      'the deprecated layout',
      `{"resourceSpans":[{"instrumentationLibrarySpans":[{"instrumentationLibrary":{"name":"l"},"spans":[${A}]}],"scopeSpans":[{"spans":[${B}]}]}]}`,
      [A, B],
    ],
    ['spans in two parts', `{"resourceSpans":[{"scopeSpans":[{"spans":[${A}],"spans":[${B}]}]}]}`, [A, B]],
    ['a fault of their scope', `{"resourceSpans":[{"scopeSpans":[{"scope":7,"spans":[${A},${B}]}]}]}`, [A, B]],
    [
      'a trace context beside them',
      `{"traceContext":{"traceId":"x"},"resourceSpans":[{"scopeSpans":[{"spans":[${A}]}]}]}`,
      [A],
    ],
  ])('%s', (_, body, expected) => expect(textsOf(json(body))).toEqual(expected));

  test('what is no UTF-8 has been replaced, in the text too', () => {
    const body = Buffer.concat([
      Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x'),
      Buffer.from([0xff]),
      Buffer.from(`"},${B}]}]}]}`),
    ]);
    expect(textsOf(json(body))).toEqual(['{"name":"x\ufffd"}', B]);
  });

  test('each is the element at its place, however the request is written', () => {
    const seen = { spans: 0 };
    fc.assert(
      fc.property(requests({ rejectable: true, legacy: true }), fc.integer({ min: 1 }), (request, seed) => {
        const body = renderJson(request, seed);
        const texts = textsOf(json(body));
        expect(texts.map((text) => JSON.parse(text))).toEqual(spansIn(JSON.parse(body)));
        seen.spans += texts.length;
      }),
      runs(300),
    );
    expect(seen.spans).toBeGreaterThan(300);
  });
});

type Fields = Record<string, unknown>;

/** In the order of the text, which JSON.parse keeps. */
const under = (object: Fields, name: RegExp) =>
  Object.entries(object).flatMap(([key, list]) => (name.test(key) ? ((list ?? []) as Fields[]) : []));
const spansIn = (request: Fields) =>
  under(request, /^resource_?spans$/i)
    .flatMap((resource) => under(resource, /^(scope|instrumentation_?library)_?spans$/i))
    .flatMap((scope) => under(scope, /^spans$/));

describe('transparent spans', () => {
  const of = (name: string, resource: string, library = 'l') =>
    `{"name":"${name}","resource":{"attributes":{"service.name":"${resource}"}},"instrumentationScope":{"name":"${library}"}}`;
  const [R1, R2, R3, R4] = [of('1', 'r'), of('2', 's'), of('3', 'r'), of('4', 's', 'm')];

  test.each<[name: string, body: string, expected: string[]]>([
    ['one', `[${R1}]`, [R1]],
    ['none', '[]', []],
    ['of one resource', `[${R1}, ${R3}]`, [R1, R3]],
    ['put together by resource and scope', `[${R1},${R2},${R3},${R4}]`, [R1, R3, R2, R4]],
    ['in an object', `{"x":[${R4}],"spans":[ ${R2} ,${R1},${R2}]}`, [R2, R2, R1]],
    ['in two parts', `{"spans":[${R1},${R2}],"spans":[${R3}]}`, [R1, R3, R2]],
    ['behind a byte order mark', `\ufeff[${R2}]`, [R2]],
    ['elements that are no spans', `[${R1},null,7,${R3},"x",[{}]]`, [R1, R3, 'null', '7', '"x"', '[{}]']],
    ['faulty ones', `[{"name":{}},${R1},{"traceId":[]}]`, ['{"name":{}}', '{"traceId":[]}', R1]],
    ['a faulty resource', `[{"resource":7},${R1}]`, ['{"resource":7}', R1]],
  ])('%s', (_, body, expected) => {
    const converted = transparent(body);
    expect(textsOf(converted)).toEqual(expected);
    expect(converted.sentAt).toHaveLength(expected.length);
  });

  test('each is the element that its sender has at that place', () => {
    const seen = { moved: 0 };
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.nat(12), (seed, count) => {
        const random = createRandom(seed);
        const element = (at: number) =>
          oneOf(random, [
            of(`${at}`, oneOf(random, ['r', 's', 't']), oneOf(random, ['l', 'm'])),
            of(`${at}`, 'r'),
            'null',
            `${at}`,
          ]);
        const space = () => oneOf(random, ['', '', ' \n']);
        const list = Array.from({ length: count }, (_, at) => `${space()}${element(at)}${space()}`);
        const converted = transparent(`[${list.join(',')}]`);
        const sentAt = converted.sentAt ?? [];
        expect(textsOf(converted)).toEqual(sentAt.map((index) => list[index]!.trim()));
        seen.moved += Number(sentAt.some((index, at) => index !== at));
      }),
      runs(300),
    );
    expect(seen.moved).toBeGreaterThan(50);
  });
});
