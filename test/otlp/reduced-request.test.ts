import fc from 'fast-check';
import { SUMMARY_KEYS, SUMMARY_PREFIXES } from '../../src/langfuse/summary-keys';
import { RequestReducer } from '../../src/otlp/reduced-request';
import { scanRequest } from '../../src/otlp/scan';
import { inAnyOrder, receivedSpans } from '../support/admission';
import { withAllowedKeys, withoutPayload, withWord } from '../support/allowed-keys';
import { type CanonicalSpan, canonicalFromProtobuf } from '../support/canonical';
import { corpusCases, plainBody } from '../support/corpus';
import { startJudging } from '../support/judging';
import { encodeMessage, encodeSpans, IDS } from '../support/otlp-messages';
import { createRandom, runs } from '../support/random';
import { type RequestShape, requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { group, lenField, nested, varintField } from '../support/wire';

const reducer = new RequestReducer({ keys: SUMMARY_KEYS, prefixes: SUMMARY_PREFIXES });
const reduced = (bytes: Buffer) => reducer.reduce(scanRequest(bytes, { check: true }));
const canonical = (bytes: Buffer) => canonicalFromProtobuf(bytes, { invalidUtf8: 'replace' });

/** What is left is a request like any other, says what it should, and comes to no less. */
function expectReduced(whole: Buffer): Buffer {
  const once = reduced(whole);
  expect(inAnyOrder(canonical(once))).toEqual(inAnyOrder(canonical(whole).map(withoutPayload)));
  expect(scanRequest(once, { check: true }).spans).toHaveLength(scanRequest(whole, { check: false }).spans.length);
  expect(reduced(once).toString('hex')).toBe(once.toString('hex'));
  return once;
}

describe('the corpus', () => {
  test.each(corpusCases.map((one) => [one.name, one] as const))('%s', async (_, corpusCase) => {
    const { judge } = startJudging();
    const { bytes } = await judge(plainBody(corpusCase), { format: corpusCase.encoding });
    expect(expectReduced(bytes).length).toBeLessThanOrEqual(bytes.length);
  });
});

const seeds = fc.integer({ min: 1 });
const EVERYTHING: RequestShape = { repairable: true, rejectable: true, invalidUtf8: true, legacy: true };

describe('whatever a request says', () => {
  test('however it is written: ids, times, kind, flags, counts, resource, scope and listed attributes stay, nothing else', () => {
    fc.assert(
      fc.property(requests({ invalidUtf8: true, legacy: true }), seeds, (request, seed) => {
        expectReduced(renderProtobuf(withAllowedKeys(request, createRandom(seed)), seed));
      }),
      runs(300),
    );
  });

  test('as it leaves the judge, repaired and with some of its spans rejected', async () => {
    const { judge } = startJudging();
    await fc.assert(
      fc.asyncProperty(requests(EVERYTHING), seeds, async (request, seed) => {
        const sent = renderProtobuf(withAllowedKeys(request, createRandom(seed)), seed);
        expectReduced((await judge(sent)).bytes);
      }),
      runs(200),
    );
  });

  test('a word that stands in every other text is not in what is left', () => {
    const word = 'dear-diary-4711';
    const seen = { said: 0 };
    fc.assert(
      fc.property(requests({ legacy: true }), seeds, (request, seed) => {
        const whole = renderProtobuf(withWord(withAllowedKeys(request, createRandom(seed)), word), seed);
        seen.said += Number(whole.includes(word));
        expect(reduced(whole).includes(word)).toBe(false);
      }),
      runs(300),
    );
    expect(seen.said).toBeGreaterThan(50);
  });
});

const WORDS = 'dear-diary-4712';
const attribute = (key: string, value: object) => ({ key, value });
const stringValue = WORDS;

test.each<[name: string, fields: object]>([
  ['an attribute that is not listed', { attributes: [attribute('gen_ai.prompt', { stringValue })] }],
  ['a listed one with something behind it', { attributes: [attribute('session.ids', { stringValue })] }],
  ['a listed one in capitals', { attributes: [attribute('SESSION.ID', { stringValue })] }],
  ['what a prefix begins with', { attributes: [attribute('gen_ai.usage', { stringValue })] }],
  ['a count that is no number', { attributes: [attribute('gen_ai.usage.input_tokens', { stringValue })] }],
  [
    'a count that is many',
    { attributes: [attribute('llm.token_count.x', { arrayValue: { values: [{ stringValue }] } })] },
  ],
  ['metadata', { attributes: [attribute('langfuse.observation.metadata.diary', { stringValue })] }],
  [
    'a status message as attribute',
    { attributes: [attribute('langfuse.observation.status_message', { stringValue })] },
  ],
  ['parameters of a model', { attributes: [attribute('langfuse.observation.model.parameters', { stringValue })] }],
  ['a key', { attributes: [attribute(WORDS, {})] }],
  ['a list', { attributes: [attribute('k', { arrayValue: { values: [{ stringValue }] } })] }],
  ['a map', { attributes: [attribute('k', { kvlistValue: { values: [attribute('session.id', { stringValue })] } })] }],
  ['bytes', { attributes: [attribute('k', { bytesValue: Buffer.from(WORDS) })] }],
  ['the status', { status: { code: 2, message: WORDS } }],
  ['the trace state', { traceState: `a=${WORDS}` }],
  ['an event', { events: [{ name: WORDS, attributes: [attribute('session.id', { stringValue })] }] }],
  ['a link', { links: [{ ...IDS, traceState: WORDS, attributes: [attribute('session.id', { stringValue })] }] }],
  ['an attribute of 4 KiB', { attributes: [attribute('session.id', { stringValue: WORDS.padEnd(4_096) })] }],
  ['a name, behind 4 KiB', { name: `${'n'.repeat(4_096)}${WORDS}` }],
])('%s is not kept', (_, fields) => {
  const whole = encodeSpans({ ...IDS, name: 'n', ...fields });
  expect([whole.includes(WORDS), reduced(whole).includes(WORDS)]).toEqual([true, false]);
});

/** Around what `encodeSpans` writes a span lies in one resource and one scope. */
const requestAround = (...fields: Buffer[]) =>
  nested([1, 2, 2], Buffer.concat([lenField(1, IDS.traceId), lenField(2, IDS.spanId), ...fields]));

test.each<[name: string, field: Buffer]>([
  ['a field that nobody knows', lenField(999, WORDS)],
  ['a group', group(999, lenField(1, WORDS))],
  ['a group in a group', group(999, group(1, lenField(1, WORDS)))],
  ['a field of a status that nobody knows', lenField(15, Buffer.concat([varintField(3, 2), lenField(9, WORDS)]))],
  [
    'the message of a status that comes in parts',
    Buffer.concat([lenField(15, varintField(3, 2)), lenField(15, lenField(2, WORDS))]),
  ],
])('%s is not kept', (_, field) => {
  const whole = requestAround(field, lenField(5, 'name'), varintField(6, 2));
  const once = reduced(whole);
  expect([whole.includes(WORDS), once.includes(WORDS)]).toEqual([true, false]);
  expect(canonical(once)).toEqual(canonical(whole).map(withoutPayload));
  expect(canonical(once)).toMatchObject([{ name: 'name', kind: 2 }]);
});

test('numbers in fields that nobody knows are not kept', () => {
  const once = reduced(requestAround(varintField(999, 7), lenField(5, 'name')));
  expect(once.toString('hex')).toBe(reduced(requestAround(lenField(5, 'name'))).toString('hex'));
});

test.each<[name: string, value: object, kept: number]>([
  ['an integer', { intValue: 7 }, 1],
  ['the largest integer', { intValue: '9223372036854775807' }, 1],
  ['a double', { doubleValue: -1.5e-300 }, 1],
  ['a text of one', { stringValue: '12.5e3' }, 1],
  ['a long text of digits', { stringValue: '1'.repeat(33) }, 0],
  ['an empty text', { stringValue: '' }, 1],
  ['a word', { stringValue: 'seven' }, 0],
  ['a truth', { boolValue: true }, 1],
  ['bytes', { bytesValue: Buffer.from('7') }, 0],
  ['a list', { arrayValue: { values: [{ intValue: 7 }] } }, 0],
  ['nothing', {}, 0],
])('what counts something may be %s: %p', (_, value, kept) => {
  const counted = (key: string) => canonical(reduced(encodeSpans({ ...IDS, attributes: [attribute(key, value)] })))[0];
  expect(counted('gen_ai.usage.input_tokens')?.attributes).toHaveLength(kept);
  expect(counted('llm.token_count.größe')?.attributes).toHaveLength(kept);
  // Keys of more than 127 bytes are read in another way.
  expect(counted(`gen_ai.usage.${'x'.repeat(200)}`)?.attributes).toHaveLength(kept);
});

describe('bounds', () => {
  /** The size of the whole field, which has 17 bytes beside the text. */
  const attributeOf = (bytes: number) => attribute('session.id', { stringValue: 'x'.repeat(bytes - 21) });

  test.each([
    [4_095, 1],
    [4_096, 1],
    [4_097, 0],
  ])('an attribute of %i bytes', (bytes, kept) => {
    const whole = encodeSpans({ ...IDS, attributes: [attributeOf(bytes)] });
    // Tag and length of the field are of it.
    expect(whole.length - encodeSpans({ ...IDS }).length).toBeGreaterThanOrEqual(bytes);
    expect(canonical(reduced(whole))[0]?.attributes).toHaveLength(kept);
  });

  describe.each([
    [16_384, true],
    [16_385, false],
  ])('of %i bytes', (bytes, isKept) => {
    const spans = [
      { ...IDS, name: 'n' },
      { ...IDS, name: 'm' },
    ];
    const requestOf = (resource: object, scope: object) =>
      encodeMessage('ExportTraceServiceRequest', { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] });
    const headOf = (request: Buffer) => scanRequest(request, { check: true }).spans[0]!.scope;

    test('a resource', () => {
      // What stands around the text takes 15 bytes.
      const long = [attribute('k', { stringValue: 'x'.repeat(bytes - 15) })];
      const request = requestOf({ attributes: long }, { name: 'l' });
      expect(headOf(request).resource.head).toHaveLength(bytes);
      expect(
        canonical(reduced(request)).map(({ name, resource, scope }) => [name, resource.attributes.length, scope.name]),
      ).toEqual([
        ['n', isKept ? 1 : 0, 'l'],
        ['m', isKept ? 1 : 0, 'l'],
      ]);
    });

    test('a scope', () => {
      const long = 'x'.repeat(bytes - 6);
      const request = requestOf({ attributes: [attribute('k', { stringValue: 'v' })] }, { name: long });
      expect(headOf(request).head).toHaveLength(bytes);
      expect(
        canonical(reduced(request)).map(({ name, resource, scope }) => [name, resource.attributes.length, scope.name]),
      ).toEqual([
        ['n', 1, isKept ? long : ''],
        ['m', 1, isKept ? long : ''],
      ]);
    });
  });

  test.each<[name: string, sent: string, kept: string]>([
    ['4,096 letters', 'x'.repeat(4_096), 'x'.repeat(4_096)],
    ['4,097 letters', 'x'.repeat(4_097), 'x'.repeat(4_096)],
    ['letters of two bytes', 'é'.repeat(2_049), 'é'.repeat(2_048)],
    ['half a letter of two bytes', `x${'é'.repeat(2_049)}`, `x${'é'.repeat(2_047)}`],
    ['a third of one of three', `x${'語'.repeat(1_400)}`, `x${'語'.repeat(1_365)}`],
    ['two thirds of one of three', `xx${'語'.repeat(1_400)}`, `xx${'語'.repeat(1_364)}`],
    ['a quarter of one of four', `x${'😀'.repeat(1_100)}`, `x${'😀'.repeat(1_023)}`],
    ['three quarters of one of four', `xxx${'😀'.repeat(1_100)}`, `xxx${'😀'.repeat(1_023)}`],
  ])('a name of %s', (_, sent, kept) => {
    expect(canonical(reduced(encodeSpans({ ...IDS, name: sent })))[0]?.name).toBe(kept);
  });

  test('a long name is cut at a character, wherever that is', () => {
    const names = fc.array(fc.string({ unit: 'grapheme', minLength: 100, maxLength: 2_000 }), {
      minLength: 3,
      maxLength: 6,
    });
    fc.assert(
      fc.property(names, (parts) => {
        const name = parts
          .join('')
          .normalize()
          .replace(/\p{Cs}/gu, '');
        const once = reduced(encodeSpans({ ...IDS, name }));
        const [{ name: kept }] = canonicalFromProtobuf(once) as [CanonicalSpan];
        expect(name.startsWith(kept)).toBe(true);
        expect(Buffer.byteLength(kept)).toBeGreaterThan(Math.min(Buffer.byteLength(name), 4_097) - 4);
        expect(Buffer.byteLength(kept)).toBeLessThanOrEqual(4_096);
        expect(reduced(once).equals(once)).toBe(true);
      }),
      runs(50),
    );
  });

  test.each([
    ['of continuation bytes alone', Buffer.alloc(5_000, 0x80)],
    ['whose middle is no character', Buffer.concat([Buffer.alloc(4_000, 'x'), Buffer.alloc(1_000, 0xbf)])],
  ])('a name %s, where nobody mends it, is cut all the same', (_, name) => {
    const once = reduced(requestAround(lenField(5, name)));
    expect(scanRequest(once, { check: true }).spans).toHaveLength(1);
    expect(Buffer.from(name).subarray(0, 4_096).equals(once.subarray(-4_096))).toBe(true);
    expect(reduced(once).equals(once)).toBe(true);
  });
});

test('it shares no memory with the request, nor with what is reduced after it', () => {
  const spans = (name: string) => Array.from({ length: 3_000 }, () => ({ ...IDS, name: name.repeat(100) }));
  const whole = encodeSpans(...spans('a'));
  const first = reduced(whole);
  const before = first.toString('hex');
  whole.fill(0);
  reduced(encodeSpans(...spans('b')));
  expect(first.toString('hex')).toBe(before);
  expect(receivedSpans(first)).toHaveLength(3_000);
});

test('a request without spans', () => expect(reduced(Buffer.alloc(0))).toHaveLength(0));
