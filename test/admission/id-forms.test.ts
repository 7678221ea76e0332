import { createHash } from 'node:crypto';
import { ADMIT, type Admitted, admittedSpans } from '../support/admission';
import { ENCODINGS as OTLP_ENCODINGS, type Encoding as OtlpEncoding, switches } from '../support/judging';
import { type Fields, requestOf, spanOf, twins } from '../support/otlp-twins';
import { admitTransparent, asTransparent } from '../support/transparent-twins';

const TRACE = '5b8efff798038103d269b633813fc60c';
const SPAN = 'fbff9b7ec3c1b174';
/** Of the link that is not what a test is about. */
const PLAIN_LINK = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

type Form = 'hex' | 'uuid' | 'base64';
/** How a text is read as an id: as hex digits in that form; `nothing` where it says nothing, `words` where it is no id. */
type Reading = { hex: string; form: Form } | 'nothing' | 'words';
type Row = readonly [name: string, text: string, reading: Reading];

const base64Of = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
const urlOf = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

/** Forms that are the same for both lengths. */
const formsOf = (id: string): Row[] => [
  ['lower-case hex', id, { hex: id, form: 'hex' }],
  ['upper-case hex', id.toUpperCase(), { hex: id, form: 'hex' }],
  ['mixed hex', id.replace(/[a-f](.*)$/, (end) => end.toUpperCase()), { hex: id, form: 'hex' }],
  ['base64', base64Of(id), { hex: id, form: 'base64' }],
  ['base64 without padding', base64Of(id).replace(/=+$/, ''), { hex: id, form: 'base64' }],
  ['base64url', urlOf(id), { hex: id, form: 'base64' }],
  ['base64url with padding', urlOf(id).padEnd(base64Of(id).length, '='), { hex: id, form: 'base64' }],
  ['zeros in hex', id.replace(/./g, '0'), { hex: id.replace(/./g, '0'), form: 'hex' }],
  ['zeros in base64', base64Of(id.replace(/./g, '0')), { hex: id.replace(/./g, '0'), form: 'base64' }],
  ['nothing', '', 'nothing'],
  ['a word that would decode to 8 bytes', 'checkout-v2', 'words'],
  ['a cut UUID', '550e8400-e29b-41', 'words'],
  ['15 digits', '1'.repeat(15), 'words'],
  ['17 digits', '1'.repeat(17), 'words'],
  ['31 digits', '1'.repeat(31), 'words'],
  ['33 digits', '1'.repeat(33), 'words'],
  ['hex with a prefix', `0x${id}`, 'words'],
  ['hex with a space', `${id} `, 'words'],
  ['letters beyond ASCII', 'größe-72', 'words'],
  ['a character beyond the first plane', '🌳'.repeat(3), 'words'],
  ['base64 with bits too many', base64Of('ff'.repeat(id.length / 2)).replace(/[w8]=/, (end) => `x${end[1]}`), 'words'],
];

const UUID = '5b8efff7-9803-8103-d269-b633813fc60c';
const NO_UUID = UUID.replace(/[^-]/g, '0');

const TRACE_FORMS: Row[] = [
  ...formsOf(TRACE),
  ['a UUID', UUID, { hex: TRACE, form: 'uuid' }],
  ['an upper-case UUID', UUID.toUpperCase(), { hex: TRACE, form: 'uuid' }],
  ['a UUID of zeros', NO_UUID, { hex: '0'.repeat(32), form: 'uuid' }],
];
const SPAN_FORMS: Row[] = [...formsOf(SPAN), ['a UUID', UUID, 'words'], ['a UUID of zeros', NO_UUID, 'words']];

/** Where an id stands, and what it is called in what is told of it. */
const PLACES = {
  'trace id': { forms: TRACE_FORMS, bytes: 16, span: (id: Id) => ({ traceId: id }), original: one('traceId') },
  'span id': { forms: SPAN_FORMS, bytes: 8, span: (id: Id) => ({ spanId: id }), original: one('spanId') },
  parent: { forms: SPAN_FORMS, bytes: 8, span: (id: Id) => ({ parentSpanId: id }), original: one('parentSpanId') },
  'trace id of a link': {
    ...{ forms: TRACE_FORMS, bytes: 16, span: (id: Id) => ({ links: [PLAIN_LINK, { ...PLAIN_LINK, traceId: id }] }) },
    original: (text: string) => ({ links: [{ ...PLAIN_LINK, traceId: text }] }),
  },
  'span id of a link': {
    ...{ forms: SPAN_FORMS, bytes: 8, span: (id: Id) => ({ links: [PLAIN_LINK, { ...PLAIN_LINK, spanId: id }] }) },
    original: (text: string) => ({ links: [{ ...PLAIN_LINK, spanId: text }] }),
  },
} as const;
type Place = keyof typeof PLACES;
/** Bytes are for protobuf, where an id is any number of them; a number is for JSON, `undefined` says it is absent. */
type Id = string | Buffer | number | boolean | object | undefined;

function one(name: string) {
  return (text: string) => ({ [name]: text });
}

/** Transparent spans have ids in the contexts of span, parent and links, or flat beside them. */
const ENCODINGS = [...OTLP_ENCODINGS, 'transparent', 'transparent, flat'] as const;
type Encoding = (typeof ENCODINGS)[number];
const IN_TEXT = ['json', 'transparent', 'transparent, flat'] as const;

const isOtlp = (encoding: Encoding): encoding is OtlpEncoding => encoding === 'json' || encoding === 'protobuf';
const inText = (encoding: Encoding) => encoding !== 'protobuf';
/** An id as that encoding holds a text. */
const sentAs = (encoding: Encoding, text: string): Id => (inText(encoding) ? text : Buffer.from(text));

const isLink = (place: Place) => place.endsWith('of a link');
const isZero = (hex: string) => /^0*$/.test(hex);

const MODES = ['normalise', 'derive', 'off'] as const;
type Mode = (typeof MODES)[number];

interface Expected {
  /** The id in hex; `undefined`: there is no such link. */
  id?: string | undefined;
  rejected?: string;
  repairs?: string[];
  original?: object;
}

interface Case {
  place: Place;
  encoding: Encoding;
  mode: Mode;
  text: string;
  reading: Reading;
}

/** What the contract says becomes of an id that came as that text. */
function expected({ place, encoding, mode, text, reading }: Case): Expected {
  const { bytes } = PLACES[place];
  const utf8 = Buffer.from(text);
  // In protobuf as many bytes as an id has are one.
  if (encoding === 'protobuf' && utf8.length === bytes) return { id: Buffer.from(text).toString('hex') };
  if (reading === 'nothing') return isRequired(place) ? { rejected: reasonOf(place) } : { id: '' };
  if (reading === 'words') return ofWords({ place, encoding, mode, text, reading });
  const { hex, form } = reading;
  const repairs = form === 'hex' ? (inText(encoding) ? [] : ['id_text']) : [`id_${form}`];
  if (repairs.length > 0 && mode === 'off') return ofWords({ place, encoding, mode, text, reading });
  if (!isZero(hex) || isLink(place)) return { id: hex, repairs };
  if (isRequired(place)) return { rejected: reasonOf(place) };
  return mode === 'off' ? { id: hex } : { id: '', repairs: [...repairs, 'parent_zero'] };
}

const isRequired = (place: Place) => place === 'trace id' || place === 'span id';
const reasonOf = (place: Place) => (place === 'trace id' ? 'invalid_trace_id' : 'invalid_span_id');

function ofWords({ place, encoding, mode, text }: Case): Expected {
  const { bytes, original: originalOf } = PLACES[place];
  const original = originalOf(text);
  if (mode === 'derive') {
    const id = createHash('sha256')
      .update(text)
      .digest('hex')
      .slice(0, bytes * 2);
    return { id, repairs: ['id_derived'], original };
  }
  if (isLink(place)) return { id: undefined, repairs: ['link_dropped'], original };
  if (isRequired(place)) return { rejected: reasonOf(place) };
  if (mode === 'normalise') return { id: '', repairs: ['parent_unreadable'], original };
  return inText(encoding) ? { rejected: 'invalid_span_id' } : { id: Buffer.from(text).toString('hex') };
}

const admitted = (place: Place, id: Id, options: { encoding: Encoding; mode: Mode }): Admitted =>
  admit(spanOf(PLACES[place].span(id) as Fields), options);

function admit(span: Fields, { encoding, mode }: { encoding: Encoding; mode: Mode }): Admitted {
  const on = switches({ ids: mode });
  const request = requestOf(span);
  if (!isOtlp(encoding)) {
    const form = encoding === 'transparent' ? 'nested' : 'flat';
    return admitTransparent(asTransparent(request, form).body, (name) => on[name]);
  }
  const [, { body }] = twins(request).find(([each]) => each === encoding)!;
  return ADMIT[encoding](body, (name) => on[name]);
}

function outcome(place: Place, admission: Admitted): Expected {
  const [span] = admittedSpans(admission);
  const [rejection] = admission.rejections;
  const { links, ...original } = admission.originalIds.get(0) ?? {};
  const ids: Record<Place, string | undefined> = {
    'trace id': span?.traceId,
    'span id': span?.spanId,
    parent: span?.parentSpanId,
    'trace id of a link': span?.links[1]?.traceId,
    'span id of a link': span?.links[1]?.spanId,
  };
  return {
    id: ids[place],
    ...(rejection === undefined ? {} : { rejected: rejection.reason }),
    repairs: [...admission.repairs.keys()],
    original: {
      ...original,
      ...(links === undefined ? {} : { links: links.map((link) => flatLink(JSON.parse(link))) }),
    },
  };
}

/** A transparent link has its ids in its context. */
const flatLink = ({ context, ...link }: Fields): Fields => ({ ...link, ...(context as Fields | undefined) });

const dropped = (ids: object) =>
  complete({ repairs: ['link_dropped'], original: { links: [{ ...PLAIN_LINK, ...ids }] } });

const complete = (given: Expected) => ({ id: undefined, repairs: [], original: {}, ...given });

describe.each(MODES)('ids: %s', (mode) => {
  const rows = (Object.keys(PLACES) as Place[]).flatMap((place) =>
    PLACES[place].forms.flatMap(([name, text, reading]) =>
      ENCODINGS.map((encoding) => [name, place, encoding, { place, encoding, mode, text, reading }] as const),
    ),
  );

  test.each(rows)('%s as %s, %s', (_, place, encoding, given) => {
    const admission = admitted(place, sentAs(encoding, given.text), { encoding, mode });
    expect(outcome(place, admission)).toEqual(complete(expected(given)));
    expect(admission.accepted + admission.rejections.length).toBe(1);
  });

  test.each(ENCODINGS)('ids that are absent, %s', (encoding) => {
    const ofAbsent = (place: Place) => outcome(place, admitted(place, undefined, { encoding, mode }));
    expect(ofAbsent('trace id')).toEqual(complete({ rejected: 'invalid_trace_id' }));
    expect(ofAbsent('span id')).toEqual(complete({ rejected: 'invalid_span_id' }));
    expect(ofAbsent('parent')).toEqual(complete({ id: '' }));
    expect(ofAbsent('trace id of a link')).toEqual(complete({ id: '' }));
    expect(ofAbsent('span id of a link')).toEqual(complete({ id: '' }));
  });

  test.each(IN_TEXT)('null is absent, %s', (encoding) => {
    const ofNull = (place: Place) => outcome(place, admitted(place, null as unknown as object, { encoding, mode }));
    expect(ofNull('trace id')).toEqual(complete({ rejected: 'invalid_trace_id' }));
    expect(ofNull('parent')).toEqual(complete({ id: '' }));
    expect(ofNull('span id of a link')).toEqual(complete({ id: '' }));
  });

  const noTexts: [string, Id][] = [
    ['a number', 7],
    ['a number of as many digits', 1234567890123456],
    ['a boolean', true],
    ['a list', ['x']],
    ['an object', { traceId: TRACE }],
  ];
  const leftOut = (id: Id) =>
    mode === 'off'
      ? { rejected: 'invalid_span_id' }
      : { id: '', repairs: ['parent_unreadable'], original: { parentSpanId: JSON.stringify(id) } };

  const rowsOfNoTexts = noTexts.flatMap(([name, id]) => IN_TEXT.map((encoding) => [name, encoding, id] as const));

  test.each(rowsOfNoTexts)('%s is no id, %s', (_, encoding, id) => {
    const of = (place: Place) => outcome(place, admitted(place, id, { encoding, mode }));
    expect(of('trace id')).toEqual(complete({ rejected: 'invalid_trace_id' }));
    expect(of('span id')).toEqual(complete({ rejected: 'invalid_span_id' }));
    expect(of('parent')).toEqual(complete(leftOut(id)));
    expect(of('trace id of a link')).toEqual(dropped({ traceId: id }));
    expect(of('span id of a link')).toEqual(dropped({ spanId: id }));
  });
});

describe('in protobuf', () => {
  const outcomeOf = (place: Place, hex: string, mode: Mode = 'normalise') =>
    outcome(place, admitted(place, Buffer.from(hex, 'hex'), { encoding: 'protobuf', mode }));

  test.each(MODES)('bytes of the right number are an id, ids: %s', (mode) => {
    for (const [place, { bytes }] of Object.entries(PLACES)) {
      const id = 'f0'.repeat(bytes);
      expect([place, outcomeOf(place as Place, id, mode)]).toEqual([place, complete({ id })]);
    }
  });

  test('bytes of zeros are none', () => {
    expect(outcomeOf('trace id', '00'.repeat(16))).toEqual(complete({ rejected: 'invalid_trace_id' }));
    expect(outcomeOf('span id', '00'.repeat(8))).toEqual(complete({ rejected: 'invalid_span_id' }));
    expect(outcomeOf('parent', '00'.repeat(8))).toEqual(complete({ id: '', repairs: ['parent_zero'] }));
  });

  test.each(['ff', 'ff'.repeat(7), 'ff'.repeat(9), 'ff'.repeat(17), '00'.repeat(9)])('%s is no id', (id) => {
    expect(outcomeOf('trace id', id)).toEqual(complete({ rejected: 'invalid_trace_id' }));
    expect(outcomeOf('span id', id)).toEqual(complete({ rejected: 'invalid_span_id' }));
    expect(outcomeOf('parent', id)).toEqual(
      complete({ id: '', repairs: ['parent_unreadable'], original: { parentSpanId: id } }),
    );
    expect(outcomeOf('span id of a link', id)).toEqual(
      complete({ repairs: ['link_dropped'], original: { links: [{ ...PLAIN_LINK, spanId: id }] } }),
    );
  });
});

describe('ids: derive', () => {
  test.each(ENCODINGS)('a link is noted for its own ids only, %s', (encoding) => {
    const links = [PLAIN_LINK, { ...PLAIN_LINK, spanId: sentAs(encoding, 'a call') }, PLAIN_LINK];
    const { originalIds } = admit(spanOf({ traceId: sentAs(encoding, 'order 4711'), links }), {
      encoding,
      mode: 'derive',
    });
    const { traceId, links: noted = [] } = originalIds.get(0) ?? {};
    expect(traceId).toBe('order 4711');
    expect(noted.map((link) => flatLink(JSON.parse(link)))).toEqual([{ ...PLAIN_LINK, spanId: 'a call' }]);
  });

  const services: [string, Encoding, Encoding][] = ENCODINGS.flatMap((a) =>
    ENCODINGS.map((b): [string, Encoding, Encoding] => [`${a} and ${b}`, a, b]),
  );

  test.each(services)('two services with the same words meet in one tree, %s', (_, a, b) => {
    const span = (fields: Record<string, string>, encoding: Encoding) => {
      const ids = Object.entries(fields).map(([name, text]) => [name, sentAs(encoding, text)]);
      return admit(spanOf(Object.fromEntries(ids)), { encoding, mode: 'derive' });
    };
    const caller = span({ traceId: 'order 4711', spanId: 'a call' }, a);
    const called = span({ traceId: 'order 4711', spanId: 'größere', parentSpanId: 'a call' }, b);
    const child = span({ traceId: 'order 4711', spanId: 'leaf', parentSpanId: 'größere' }, a);
    const [above] = admittedSpans(called);
    const [below] = admittedSpans(child);
    expect([above?.parentSpanId, below?.parentSpanId]).toEqual([admittedSpans(caller)[0]?.spanId, above?.spanId]);
    expect([below?.traceId, above?.traceId]).toEqual(Array(2).fill(admittedSpans(caller)[0]?.traceId));
    expect(child.originalIds.get(0)).toMatchObject({ traceId: 'order 4711', spanId: 'leaf' });
  });
});
