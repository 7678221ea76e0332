import fc from 'fast-check';
import type { SenderPolicy } from '../../src/admission/sender-policy';
import { ALL_REPAIRS, NO_REPAIRS } from '../support/admission';
import { type CanonicalAttribute, type CanonicalSpan, canonicalFromProtobuf } from '../support/canonical';
import { ENCODINGS } from '../support/judging';
import { meaningfulRequests } from '../support/meaningful-requests';
import { IDS } from '../support/otlp-messages';
import { type Fields, requestOf, spanOf } from '../support/otlp-twins';
import { atTheDoor, police } from '../support/policing';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { fixed64Field, group, lenField, nested, varintField } from '../support/wire';

const PAGE = { browser: true };
const PRODUCTION = { 'langfuse.environment': 'production' };

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const environment = (name: string) => text('langfuse.environment', name);
const shown = (...pairs: [key: string, value: string][]) => pairs.map(([key, string]) => ({ key, value: { string } }));

describe('the attributes of a span', () => {
  const [a, b] = [text('a', '1'), text('b', '2')];
  const A = ['a', '1'] as [string, string];
  const B = ['b', '2'] as [string, string];
  const PROD = ['langfuse.environment', 'production'] as [string, string];

  describe.each<
    [name: string, sent: Fields[], policy: Partial<SenderPolicy>, kept: CanonicalAttribute[], isNoted: boolean]
  >([
    ['nothing is denied', [a, b], PAGE, shown(A, B), false],
    ['one is denied', [a, environment('x'), b], PAGE, shown(A, B), true],
    ['one is denied twice', [environment('x'), a, environment('y')], PAGE, shown(A), true],
    ['several are', [text('langfuse.internal.x', 'x'), a, text('llm.cost.total', 'x')], PAGE, shown(A), true],
    ['the key may say it', [a, environment('x')], {}, shown(A, ['langfuse.environment', 'x']), false],
    ['a stamp is new', [a], { stamp: PRODUCTION }, shown(A, PROD), false],
    ['a stamp is new on a span of a page', [a], { ...PAGE, stamp: PRODUCTION }, shown(A, PROD), false],
    ['a stamp takes the place of another value', [environment('x'), a], { stamp: PRODUCTION }, shown(A, PROD), false],
    ['and of one that was denied', [environment('x'), a], { ...PAGE, stamp: PRODUCTION }, shown(A, PROD), true],
    ['and of several', [environment('x'), environment('y')], { stamp: PRODUCTION }, shown(PROD), false],
    ['a stamp is there', [environment('production'), a], { stamp: PRODUCTION }, shown(PROD, A), false],
    ['it is, from a page', [environment('production'), a], { ...PAGE, stamp: PRODUCTION }, shown(PROD, A), false],
    [
      'one of two stamps is there',
      [environment('production'), a],
      { stamp: { 's.id': 's', ...PRODUCTION } },
      shown(PROD, A, ['s.id', 's']),
      false,
    ],
    [
      'a stamp is there twice',
      [environment('production'), a, environment('production')],
      { stamp: PRODUCTION },
      shown(A, PROD),
      false,
    ],
    [
      'it is there before another',
      [environment('production'), environment('x')],
      { stamp: PRODUCTION },
      shown(PROD),
      false,
    ],
    [
      'it is there behind another',
      [environment('x'), environment('production')],
      { stamp: PRODUCTION },
      shown(PROD),
      false,
    ],
    [
      'another key of the environment is denied beside a stamp',
      [text('deployment.environment', 'x'), environment('production')],
      { ...PAGE, stamp: PRODUCTION },
      shown(PROD),
      true,
    ],
    [
      'stamps of every type',
      [text('n', '7'), { key: 'd', value: { doubleValue: 2 } }, { key: 'f', value: { boolValue: false } }],
      { stamp: { t: 'ü', n: 7, d: 0.5, f: false } },
      [
        { key: 'f', value: { bool: false } },
        { key: 'n', value: { int: 7n } },
        { key: 'd', value: { double: 0.5 } },
        { key: 't', value: { string: 'ü' } },
      ],
      false,
    ],
    [
      'a stamp that is called __proto__',
      [a],
      { stamp: JSON.parse('{"__proto__":"p"}') },
      shown(A, ['__proto__', 'p']),
      false,
    ],
    ['a value that is a map', [{ key: 'langfuse.release', value: { kvlistValue: { values: [a] } } }], PAGE, [], true],
    ['a value that is empty', [{ key: 'langfuse.release', value: {} }], PAGE, [], true],
  ])('%s', (_, attributes, policy, kept, isNoted) => {
    test.each(ENCODINGS)('in %s', (encoding) => {
      const body = atTheDoor(requestOf(spanOf({ attributes })), encoding);
      const { bytes, notes } = police(body, policy);
      const [before] = canonicalFromProtobuf(body);
      expect(canonicalFromProtobuf(bytes)).toEqual([{ ...before, attributes: kept }]);
      expect(notes).toEqual([isNoted ? ['browser_denied'] : []]);
      expect(police(bytes, policy)).toEqual({ bytes, notes: [[]] });
      expect(police(bytes, policy).bytes).toBe(bytes);
    });
  });
});

describe('what a resource or scope says', () => {
  const DENIED = [text('a', '1'), text('langfuse.release', 'x'), text('deployment.environment.name', 'y')];
  const [one, two, three] = ['one', 'two', 'three'].map((name) => ({ ...spanOf({ name }) }));
  const request = (level: 'resource' | 'scope') => ({
    resourceSpans: [
      {
        ...(level === 'resource' ? { resource: { attributes: DENIED } } : {}),
        scopeSpans: [{ ...(level === 'scope' ? { scope: { name: 'l', attributes: DENIED } } : {}), spans: [one, two] }],
        schemaUrl: 'u',
      },
      { resource: { attributes: [text('b', '2')] }, scopeSpans: [{ spans: [three] }] },
    ],
  });

  describe.each(ENCODINGS)('in %s', (encoding) => {
    test.each(['resource', 'scope'] as const)('of a page goes from a %s, and is noted for each span below', (level) => {
      const body = atTheDoor(request(level), encoding);
      const { bytes, notes } = police(body, PAGE);
      const [first, second, third] = canonicalFromProtobuf(body);
      const kept = (span: CanonicalSpan | undefined) => ({
        ...span,
        [level]: { ...span?.[level], attributes: shown(['a', '1']) },
      });
      expect(canonicalFromProtobuf(bytes)).toEqual([kept(first), kept(second), third]);
      expect(notes).toEqual([['browser_denied'], ['browser_denied'], []]);
      expect(police(bytes, PAGE).bytes).toBe(bytes);
    });

    test.each(['resource', 'scope'] as const)('stays on a %s of anybody else', (level) => {
      const body = atTheDoor(request(level), encoding);
      expect(police(body, {}).bytes).toBe(body);
      const stamped = police(body, { stamp: { 'langfuse.release': 's' } });
      expect(canonicalFromProtobuf(stamped.bytes)).toEqual(
        canonicalFromProtobuf(body).map((span) => ({ ...span, attributes: shown(['langfuse.release', 's']) })),
      );
      expect(stamped.notes).toEqual([[], [], []]);
    });
  });

  test('a stamp there does not make a stamp of the span', () => {
    const body = atTheDoor(
      { resourceSpans: [{ resource: { attributes: [environment('production')] }, scopeSpans: [{ spans: [one] }] }] },
      'protobuf',
    );
    const { bytes, notes } = police(body, { ...PAGE, stamp: PRODUCTION });
    expect(canonicalFromProtobuf(bytes).map((span) => [span.resource.attributes, span.attributes])).toEqual([
      [[], shown(['langfuse.environment', 'production'])],
    ]);
    expect(notes).toEqual([['browser_denied']]);
  });
});

describe('where nothing has to change the request is the same buffer', () => {
  const spans = [spanOf({ attributes: [text('a', '1'), environment('production')] }), spanOf({ name: 'm' })];
  const body = atTheDoor(requestOf(...spans), 'protobuf');

  test.each<[string, Partial<SenderPolicy>, typeof ALL_REPAIRS]>([
    ['a key that says nothing', {}, ALL_REPAIRS],
    ['a key with a limit', { maxAttributeBytes: 5 }, ALL_REPAIRS],
    ['a browser key, the repair being off', PAGE, NO_REPAIRS],
  ])('%s', (_, policy, enabled) => {
    expect(police(body, policy, enabled)).toEqual({ bytes: body, notes: [[], []] });
    expect(police(body, policy, enabled).bytes).toBe(body);
  });

  test('a browser key, and a page that says nothing of it', () => {
    const clean = atTheDoor(requestOf(spanOf({ attributes: [text('a', '1')] })), 'protobuf');
    expect(police(clean, PAGE).bytes).toBe(clean);
  });
});

test('stamps are no repair: with all of them off they are put in, and nothing is noted', () => {
  const body = atTheDoor(
    requestOf(spanOf({ attributes: [environment('x'), text('langfuse.release', 'r')] })),
    'protobuf',
  );
  const { bytes, notes } = police(body, { ...PAGE, stamp: PRODUCTION }, NO_REPAIRS);
  expect(canonicalFromProtobuf(bytes)[0]!.attributes).toEqual(
    shown(['langfuse.release', 'r'], ['langfuse.environment', 'production']),
  );
  expect(notes).toEqual([[]]);
});

describe('however it is written', () => {
  const key = lenField(1, 'langfuse.release');
  const value = lenField(2, lenField(1, 'x'));
  const attribute = (...fields: Buffer[]) => lenField(9, Buffer.concat(fields));
  const ids = [lenField(1, IDS.traceId), lenField(2, IDS.spanId)];
  const request = (...fields: Buffer[]) => nested([1, 2, 2], Buffer.concat([...ids, ...fields]));
  const rest = [lenField(5, 'n', { tag: 5, length: 9 }), attribute(lenField(1, 'k'), value), fixed64Field(7, 1n)];

  test.each<[string, Buffer]>([
    ['the key behind the value', attribute(value, key)],
    ['two keys, of which the last counts', attribute(lenField(1, 'k'), value, key)],
    ['fields that nobody knows', attribute(varintField(77, 1), key, group(78, value), value)],
    ['an overlong tag', lenField(9, Buffer.concat([key, value]), { tag: 5, length: 1 })],
    ['an overlong length', lenField(9, Buffer.concat([key, value]), { tag: 1, length: 10 })],
    ['overlong tags within', attribute(lenField(1, 'langfuse.release', { tag: 5, length: 10 }), value)],
    ['no value', attribute(key)],
  ])('it goes: %s', (_, written) => {
    const { bytes, notes } = police(request(...rest, written, ...rest, written), PAGE);
    expect(bytes.equals(request(...rest, ...rest))).toBe(true);
    expect(notes).toEqual([['browser_denied']]);
  });

  test('a key that does not count, or a value, is none', () => {
    const harmless = request(attribute(key, value, lenField(1, 'k')), attribute(lenField(1, 'k'), lenField(2, key)));
    expect(police(harmless, PAGE).bytes).toBe(harmless);
  });

  test.each<[string, Buffer]>([
    // Some readers merge the two values, others take the last.
    ['two values, the last one empty', attribute(key, lenField(2, lenField(1, 's')), lenField(2, ''))],
    ['a value of two members', attribute(key, lenField(2, Buffer.concat([lenField(1, 's'), lenField(7, 'x')])))],
    ['two keys', attribute(lenField(1, 'k'), lenField(2, lenField(1, 's')), key)],
    ['an overlong tag', lenField(9, Buffer.concat([key, lenField(2, lenField(1, 's'))]), { tag: 2, length: 1 })],
  ])('what is not written as a stamp is none: %s', (_, written) => {
    const stamp = attribute(key, lenField(2, lenField(1, 's')));
    const { bytes } = police(request(written, ...rest), { stamp: { 'langfuse.release': 's' } });
    expect(bytes.equals(request(...rest, stamp))).toBe(true);
  });

  test('spans beside it leave byte for byte, under their resource', () => {
    const odd = lenField(2, Buffer.concat([...ids, ...rest]), { tag: 4, length: 4 });
    const guilty = lenField(2, Buffer.concat([...ids, attribute(key, value)]));
    const head = lenField(1, lenField(1, 'l'), { tag: 3, length: 3 });
    const body = (...spans: Buffer[]) => nested([1, 2], Buffer.concat([head, ...spans]));
    const { bytes, notes } = police(body(odd, guilty, odd), PAGE);
    expect(bytes.equals(body(odd, lenField(2, Buffer.concat(ids)), odd))).toBe(true);
    expect(notes).toEqual([[], ['browser_denied'], []]);
  });
});

describe('any request under any policy', () => {
  /** Said again, for this is what the contract says. */
  const DENIED =
    /^(?:langfuse\.(?:trace\.)?public|langfuse\.(?:internal|experiment)\..*|langfuse\.environment|deployment\.environment(?:\.name)?|openrouter\.source|langfuse\.release|langfuse\.observation\.cost_details|gen_ai\.usage\.cost|llm\.cost\.total)$/s;
  const STAMPS = [
    { key: 'langfuse.environment', given: 'one', value: { string: 'one' } },
    { key: 'langfuse.public', given: false, value: { bool: false } },
    { key: 'user.id', given: 'two', value: { string: 'two' } },
    { key: 'k', given: 7, value: { int: 7n } },
    { key: '', given: 0.5, value: { double: 0.5 } },
  ] as const;
  const stampsOf = (stamps: readonly (typeof STAMPS)[number][]) =>
    Object.fromEntries(stamps.map(({ key, given }) => [key, given]));
  const policies = fc.record({ browser: fc.boolean(), stamp: fc.subarray([...STAMPS]).map(stampsOf) });
  const inKeys = (keys: readonly string[]) => (attribute: { readonly key: string }) => keys.includes(attribute.key);
  const byKey = (one: CanonicalAttribute, other: CanonicalAttribute) => (one.key < other.key ? -1 : 1);

  test.each([
    ['requests that say much of it', meaningfulRequests()],
    ['any requests', requests({ repairable: true })],
  ])('%s: what is denied goes, what is stamped is there once, and nothing else changes', (_, models) => {
    fc.assert(
      fc.property(models, fc.integer({ min: 1 }), policies, fc.boolean(), (request, seed, policy, isOn) => {
        const body = renderProtobuf(request, seed);
        const { bytes, notes } = police(body, policy, () => isOn);
        const denies = policy.browser && isOn;
        const isStamp = inKeys(Object.keys(policy.stamp));
        const isDenied = ({ key }: CanonicalAttribute) => denies && DENIED.test(key);
        const without = <Owner extends { attributes: CanonicalAttribute[] }>(owner: Owner): Owner => ({
          ...owner,
          attributes: owner.attributes.filter((attribute) => !isDenied(attribute)),
        });
        const sent = canonicalFromProtobuf(body);
        const arrived = canonicalFromProtobuf(bytes);
        const others = (span: CanonicalSpan) => without(span).attributes.filter((each) => !isStamp(each));
        expect(arrived.map((span) => ({ ...span, attributes: others(span) }))).toEqual(
          sent.map((span) => ({
            ...{ ...span, attributes: others(span) },
            ...{ resource: without(span.resource), scope: without(span.scope) },
          })),
        );
        const stamped = STAMPS.filter(isStamp)
          .map(({ key, value }) => ({ key, value }))
          .sort(byKey);
        expect(arrived.map((span) => span.attributes.filter(isStamp).sort(byKey))).toEqual(sent.map(() => stamped));
        expect(arrived.map((span) => span.attributes.filter((each) => isDenied(each) && !isStamp(each)))).toEqual(
          sent.map(() => []),
        );
        expect(police(bytes, policy, () => isOn)).toEqual({ bytes, notes: sent.map(() => []) });
        expect(police(bytes, policy, () => isOn).bytes).toBe(bytes);
        expectNoted(notes, sent, { isDenied, isStamp });
      }),
      runs(300),
    );
  });

  type Test = (attribute: CanonicalAttribute) => boolean;

  /** A span that was sent with the stamp itself has lost nothing, unless it was written in an odd way. */
  function expectNoted(notes: string[][], sent: CanonicalSpan[], { isDenied, isStamp }: Record<string, Test>): void {
    const noted = notes.map((repairs) => repairs.includes('browser_denied'));
    const heads = sent.map(({ resource, scope }) => [...resource.attributes, ...scope.attributes].some(isDenied!));
    const must = sent.map(
      ({ attributes }, at) => heads[at] || attributes.some((each) => isDenied!(each) && !isStamp!(each)),
    );
    const may = sent.map(({ attributes }, at) => heads[at] || attributes.some(isDenied!));
    expect(noted.filter((isNoted, at) => (must[at] && !isNoted) || (isNoted && !may[at]))).toEqual([]);
  }
});
