import fc from 'fast-check';
import { KeyWatch, type WatchedKey } from '../../src/otlp/key-watch';
import { OUTLINE, type Outline } from '../../src/otlp/outline';
import { scanRequest } from '../../src/otlp/scan';
import { SpanOutliner } from '../../src/otlp/span-outline';
import {
  type CanonicalAttribute,
  type CanonicalSpan,
  type CanonicalValue,
  canonicalFromProtobuf,
} from '../support/canonical';
import { meaningfulRequests } from '../support/meaningful-requests';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { fixed64Field, group, lenField, varintField } from '../support/wire';

const isOne = (text: string | undefined) => text === 'one';
const isNoText = (text: string | undefined) => text === undefined;
const hasOne = (bytes: Buffer, start: number, end: number) => bytes.subarray(start, end).includes('one');
/** Whose bytes are those of the text alone. */
const isJustOne = (bytes: Buffer, start: number, end: number) => bytes.toString('latin1', start, end) === 'one';

/** Several on one key, beginnings of others, and keys that have more to them than their names. */
const WATCHED: readonly WatchedKey[] = [
  { key: 'k', bit: 1 << 0 },
  { key: 'k', bit: 1 << 1, only: isOne },
  { key: 'session.id', bit: 1 << 2 },
  { key: 'user.id', bit: 1 << 3 },
  { key: '__proto__', bit: 1 << 4 },
  { key: 'constructor', bit: 1 << 5, only: isNoText },
  { key: 'gen_ai.prompt', isPrefix: true, bit: 1 << 6 },
  { key: 'langfuse.observation.metadata.otel.kind', bit: 1 << 7 },
  { key: 'grün', bit: 1 << 8 },
  { key: 'langfuse.environment', bit: 1 << 9, only: isNoText },
];
const BY_BYTES: readonly WatchedKey[] = [
  { key: 'k', bit: 1 << 0, onlyBytes: hasOne },
  { key: 'k', bit: 1 << 1, onlyBytes: isJustOne },
  {
    key: 'gen_ai.prompt.',
    isPrefix: true,
    bit: 1 << 2,
    onlyKeys: (name) => name.endsWith('.content'),
    onlyBytes: hasOne,
  },
  { key: 'k', bit: 1 << 3, onlyBytes: () => true },
];
const WATCH = new KeyWatch(WATCHED);

const outlinesOf = (body: Buffer, watch = WATCH): Outline[] => {
  const outliner = new SpanOutliner(body, watch);
  return scanRequest(body, { check: true }).spans.map(({ start, end }) => outliner.read(start, end));
};

type Seen = Omit<Outline, 'traceIdAt' | 'spanIdAt' | 'parentIdAt'> & Record<'traceId' | 'spanId' | 'parentId', string>;

/** With the ids that its offsets lead to. */
function seen(body: Buffer, { traceIdAt, spanIdAt, parentIdAt, ...others }: Outline): Seen {
  const idAt = (at: number, length: number) => (at === -1 ? '' : body.toString('hex', at, at + length));
  return { ...others, traceId: idAt(traceIdAt, 16), spanId: idAt(spanIdAt, 8), parentId: idAt(parentIdAt, 8) };
}

/** The same of a span that was decoded by others. */
function expected(span: CanonicalSpan): Seen {
  const { startTimeUnixNano: start, endTimeUnixNano: end } = span;
  const is: Record<keyof typeof OUTLINE, boolean> = {
    links: span.links.length > 0,
    events: span.events.length > 0,
    traceState: span.traceState !== '',
    kind: span.kind !== 0 && span.kind !== 1,
    droppedCounts: span.droppedAttributesCount + span.droppedEventsCount + span.droppedLinksCount > 0,
    complexValue: span.attributes.some(({ value }) => isComplex(value)),
    startAbsent: start === 0n,
    endBeforeStart: start !== 0n && end !== 0n && end < start,
  };
  const features = (Object.keys(OUTLINE) as (keyof typeof OUTLINE)[]).filter((name) => is[name]);
  return {
    features: features.reduce((bits, name) => bits | OUTLINE[name], 0),
    kind: span.kind as number,
    keys: bitsOf(span, (attribute, { only }) => only?.(textOf(attribute)) ?? !isEmpty(attribute)),
    emptyKeys: bitsOf(span, (attribute, { only }) => only === undefined && isEmpty(attribute)),
    ...{ traceId: span.traceId, spanId: span.spanId, parentId: span.parentSpanId },
  };
}

function bitsOf({ attributes }: CanonicalSpan, is: (attribute: CanonicalAttribute, watched: WatchedKey) => boolean) {
  let bits = 0;
  for (const attribute of attributes) {
    for (const watched of WATCHED) {
      const { key, isPrefix = false, bit } = watched;
      const fits = isPrefix ? attribute.key.startsWith(key) : attribute.key === key;
      if (fits && is(attribute, watched)) bits |= bit;
    }
  }
  return bits;
}

const textOf = ({ value }: CanonicalAttribute) => (value !== null && 'string' in value ? value.string : undefined);
const isEmpty = ({ value }: CanonicalAttribute) =>
  value === null || 'empty' in value || ('string' in value && value.string === '');

function isComplex(value: CanonicalValue | null): boolean {
  if (value === null || kindOf(value) !== undefined || 'empty' in value) return false;
  if (!('array' in value)) return true;
  const kinds = new Set(value.array.map(kindOf));
  return kinds.size !== 1 || kinds.has(undefined);
}

function kindOf(value: CanonicalValue): string | undefined {
  if ('int' in value || 'double' in value) return 'number';
  return ['string', 'bool'].find((kind) => kind in value);
}

describe('the outline of a span says what the span has', () => {
  const models = fc.oneof(meaningfulRequests(), requests({ sizes: { resources: 1, scopes: 1, spans: 3 } }));

  test('as plain writers write it', () => {
    fc.assert(
      fc.property(models, (request) => {
        const body = renderProtobuf(request);
        expect(outlinesOf(body).map((outline) => seen(body, outline))).toEqual(
          canonicalFromProtobuf(body).map(expected),
        );
      }),
      runs(400),
    );
  });

  const NO_TEXT = WATCHED.filter(({ only }) => only === isNoText).reduce((bits, { bit }) => bits | bit, 0);
  const ONE = WATCHED[1]!.bit;

  test('and nothing is missed however it is written', () => {
    fc.assert(
      fc.property(models, fc.integer({ min: 1 }), (request, seed) => {
        const body = renderProtobuf(request, seed);
        const outlines = outlinesOf(body).map((outline) => seen(body, outline));
        const wanted = canonicalFromProtobuf(body).map(expected);
        // A text that is written in an odd way may be looked at as if it were none.
        const sure = ({ keys, ...others }: Seen) => ({ ...others, keys: keys & ~NO_TEXT & ~ONE });
        expect(outlines.map(sure)).toEqual(wanted.map(sure));
        const missed = wanted.filter(({ keys }, at) => (keys & NO_TEXT & ~outlines[at]!.keys) !== 0);
        expect(missed).toEqual([]);
      }),
      runs(400),
    );
  });
});

const IDS = [lenField(1, Buffer.alloc(16, 0xa1)), lenField(2, Buffer.alloc(8, 0xb2))];
const TIMES = [fixed64Field(7, 5n), fixed64Field(8, 6n)];
const attribute = (...fields: Uint8Array[]) => lenField(9, Buffer.concat(fields));
const key = (name: string) => lenField(1, name);
const value = (...members: Uint8Array[]) => lenField(2, Buffer.concat(members));
const text = (content: string) => lenField(1, content);

/** The outline of a span of good ids and times and these fields. */
function outlineOf(...fields: Uint8Array[]): Seen {
  const body = bodyOf(...fields);
  return seen(body, outlinesOf(body)[0]!);
}

const bodyOf = (...fields: Uint8Array[]) =>
  lenField(1, lenField(2, lenField(2, Buffer.concat([...IDS, ...TIMES, ...fields]))));

const NOTHING = { features: 0, kind: 0, keys: 0, emptyKeys: 0 };

describe('of fields that are there several times the last one counts', () => {
  test.each<[string, Uint8Array[], object]>([
    ['a trace id', [lenField(1, Buffer.alloc(16, 0xc3))], { traceId: 'c3'.repeat(16) }],
    ['a parent and then none', [lenField(4, Buffer.alloc(8, 1)), lenField(4, '')], { parentId: '' }],
    ['a bad parent and then one', [lenField(4, 'x'), lenField(4, Buffer.alloc(8, 1))], { parentId: '01'.repeat(8) }],
    ['a kind and then INTERNAL', [varintField(6, 3), varintField(6, 1)], { kind: 1, features: 0 }],
    ['a kind', [varintField(6, 1), varintField(6, 3)], { kind: 3, features: OUTLINE.kind }],
    ['a trace state and then none', [lenField(3, 'a=b'), lenField(3, '')], { features: 0 }],
    ['a start and then none', [fixed64Field(7, 0n)], { features: OUTLINE.startAbsent }],
    ['an end that is before the start', [fixed64Field(8, 4n)], { features: OUTLINE.endBeforeStart }],
    ['an end that is zero', [fixed64Field(8, 0n)], { features: 0 }],
    ['times of 64 bits', [fixed64Field(7, 2n ** 63n), fixed64Field(8, 2n ** 63n + 1n)], { features: 0 }],
    ['times that differ high up', [fixed64Field(7, 2n ** 33n), fixed64Field(8, 2n ** 32n + 5n)], { features: 128 }],
  ])('%s', (_, fields, outline) => {
    expect(outlineOf(...fields)).toMatchObject(outline);
  });
});

describe('kinds', () => {
  test.each([
    [0, 0, 0],
    [1, 1, 0],
    [5, 5, OUTLINE.kind],
    [-1, -1, OUTLINE.kind],
    [2 ** 31 - 1, 2 ** 31 - 1, OUTLINE.kind],
  ])('%d', (sent, kind, features) => {
    expect(outlineOf(varintField(6, sent))).toMatchObject({ kind, features });
  });
});

test('fields that nobody knows are stepped over', () => {
  const unknown = [
    group(100, Buffer.concat([varintField(6, 3), lenField(9, 'x'), fixed64Field(7, 0n), group(101, lenField(4, 'x'))])),
    ...[varintField(3000, 2n ** 64n - 1n), lenField(2 ** 29 - 1, 'x'), fixed64Field(99, 0n)],
  ];
  const watched = attribute(key('k'), value(text('x')));
  expect(outlineOf(...unknown, watched, ...unknown)).toMatchObject({ ...NOTHING, keys: 1 });
});

describe('an attribute is seen', () => {
  const padded = { tag: 3, length: 4 };
  const long = 'x'.repeat(300);

  test.each<[string, Uint8Array, { keys?: number; emptyKeys?: number; features?: number }]>([
    ['as everybody writes it', attribute(key('k'), value(text('x'))), { keys: 1 }],
    ['with a long value', attribute(key('k'), value(text(long))), { keys: 1 }],
    ['with the value first', attribute(value(text('x')), key('k')), { keys: 1 }],
    ['with padded tags and lengths', lenField(9, lenField(1, 'k', padded), padded), { emptyKeys: 1 }],
    ['padded, with a value', attribute(lenField(1, 'k', padded), lenField(2, text('x'), padded)), { keys: 1 }],
    [
      'with unknown fields',
      attribute(varintField(50, 1), key('k'), group(9, text('a')), value(text('x'))),
      { keys: 1 },
    ],
    ['under its last key', attribute(key('user.id'), key('k'), value(text('x'))), { keys: 1 }],
    ['with its last value', attribute(key('k'), value(text('')), value(text('one'))), { keys: 3 }],
    ['with a value and an empty one', attribute(key('k'), value(text('one')), value()), { keys: 3 }],
    ['without a value', attribute(key('k')), { emptyKeys: 1 }],
    ['with the empty value', attribute(key('k'), value()), { emptyKeys: 1 }],
    ['with an empty text', attribute(key('k'), value(text(''))), { emptyKeys: 1 }],
    ['with an empty text that is padded', attribute(key('k'), value(lenField(1, '', padded))), { emptyKeys: 1 }],
    ['with a text and then an empty one', attribute(key('k'), value(text('one'), text(''))), { emptyKeys: 1 }],
    ['with a number', attribute(key('k'), value(varintField(3, 0))), { keys: 1 }],
    ['with false', attribute(key('k'), value(varintField(2, 0))), { keys: 1 }],
    ['with the text that is asked for', attribute(key('k'), value(text('one'))), { keys: 3 }],
    ['with no text where none is asked for', attribute(key('constructor'), value(varintField(3, 1))), { keys: 32 }],
    ['with a text where none is asked for', attribute(key('constructor'), value(text('one'))), {}],
    [
      'with a text that another member follows',
      attribute(key('constructor'), value(text('a'), varintField(2, 1))),
      { keys: 32 },
    ],
    ['with two texts', attribute(key('constructor'), value(text('a'), text('b'))), { keys: 32 }],
    ['with letters beyond ASCII', attribute(key('grün'), value(text('x'))), { keys: 256 }],
    ['that begins so', attribute(key('gen_ai.prompt.0.role'), value(text('x'))), { keys: 64 }],
    ['that is the beginning', attribute(key('gen_ai.prompt'), value(text(''))), { emptyKeys: 64 }],
    ['that ends before that', attribute(key('gen_ai.promp'), value(text('x'))), {}],
    ['of a long key', attribute(key(`gen_ai.prompt.${long}`), value(text('x'))), { keys: 64 }],
    ['of another key as long', attribute(key('session.ix'), value(text('x'))), {}],
    ['without a key', attribute(value(text('x'))), {}],
    ['of nothing', attribute(), {}],
  ])('%s', (_, field, { keys = 0, emptyKeys = 0, features = 0 }) => {
    expect(outlineOf(field)).toMatchObject({ keys, emptyKeys, features });
    // Between others, too.
    const other = attribute(key('session.id'), value(text('x')));
    expect(outlineOf(other, field, other)).toMatchObject({ keys: keys | 4, emptyKeys, features });
  });
});

describe('values are looked at by their bytes', () => {
  const list = (content: string) => lenField(5, lenField(1, text(content)));
  const BYTES_WATCH = new KeyWatch(BY_BYTES);

  test.each<[string, Uint8Array, { keys: number; emptyKeys?: number }]>([
    ['a text', attribute(key('k'), value(text('one'))), { keys: 1 | 2 | 8 }],
    ['a longer text', attribute(key('k'), value(text(`${'x'.repeat(300)}one`))), { keys: 1 | 8 }],
    ['another text', attribute(key('k'), value(text('two'))), { keys: 8 }],
    [
      'the text alone, not what is behind it',
      Buffer.concat([attribute(key('k'), value(text('on'))), attribute(key('e'), value(text('one')))]),
      { keys: 8 },
    ],
    ['a text behind another', attribute(key('k'), value(text('two'), text('one'))), { keys: 1 | 8 }],
    ['a list', attribute(key('k'), value(list('one'))), { keys: 1 | 8 }],
    ['a number', attribute(key('k'), value(varintField(3, 1))), { keys: 8 }],
    ['an empty text', attribute(key('k'), value(text(''))), { keys: 0, emptyKeys: 8 }],
    ['no value', attribute(key('k')), { keys: 0, emptyKeys: 8 }],
    ['with the key, too', attribute(key('gen_ai.prompt.0.content'), value(text('one'))), { keys: 4 }],
    ['of another key', attribute(key('gen_ai.prompt.0.role'), value(text('one'))), { keys: 0 }],
    ['of another value', attribute(key('gen_ai.prompt.0.content'), value(text('two'))), { keys: 0 }],
  ])('%s', (_, field, { keys, emptyKeys = 0 }) => {
    expect(outlinesOf(bodyOf(field), BYTES_WATCH)[0]).toMatchObject({ keys, emptyKeys });
  });
});

test('one outliner reads many spans, none of which shows in the next', () => {
  const full = Buffer.concat([...IDS, lenField(4, Buffer.alloc(8, 1)), varintField(6, 3), attribute(key('k'))]);
  const bare = Buffer.concat([...IDS, ...TIMES]);
  const body = lenField(1, lenField(2, Buffer.concat([full, bare].map((span) => lenField(2, span)))));
  const [first, second] = outlinesOf(body).map((outline) => seen(body, outline));
  expect(first).toMatchObject({ kind: 3, emptyKeys: 1, parentId: '01'.repeat(8) });
  expect(second).toMatchObject({ ...NOTHING, parentId: '' });
});

test('a beginning that is too short to be told from others is refused', () => {
  expect(() => new KeyWatch([{ key: 'llm', isPrefix: true, bit: 1 }])).toThrow(RangeError);
});
