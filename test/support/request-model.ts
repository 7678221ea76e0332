import fc, { type Arbitrary } from 'fast-check';

/** A message by the schema's field names; `request-protobuf` and `request-json` render it. */
export interface Model {
  [field: string]: ModelValue | ModelValue[];
}
/** A string field may hold a Buffer where it is to be no UTF-8: for protobuf only. */
export type ModelValue = string | number | bigint | boolean | Buffer | Model;

export interface RequestShape {
  /** Things that a repair changes: bytes values, absent values, string indexes, parents of zeros or of another length. */
  repairable?: boolean;
  /** Spans that no repair can help: ids absent, of zeros or of another length. */
  rejectable?: boolean;
  /** Strings that are no UTF-8. */
  invalidUtf8?: boolean;
  /** Scope spans under their old name. */
  legacy?: boolean;
  /** As many resources, scopes and spans at most; default 2, 2 and 3. */
  sizes?: { resources: number; scopes: number; spans: number };
}

/** Requests of every field type, empty messages included. With no shape given: spans that leave as they came. */
export function requests(shape: RequestShape = {}): Arbitrary<Model> {
  const { resources, scopes, spans } = shape.sizes ?? { resources: 2, scopes: 2, spans: 3 };
  const texts = textOf(shape);
  const scopeSpans = optional({
    scope: optional({ name: texts, version: texts, ...attributed(shape) }),
    spans: some(spanModel(shape), spans),
    schemaUrl: texts,
  });
  const groups = some(scopeSpans, scopes);
  const resourceSpans = optional({
    resource: optional({ ...attributed(shape), entityRefs: fc.array(entityRef(texts), { maxLength: 2 }) }),
    scopeSpans: groups,
    schemaUrl: texts,
    ...(shape.legacy === true ? { instrumentationLibrarySpans: groups } : {}),
  });
  return optional({ resourceSpans: some(resourceSpans, resources) });
}

/** A request of exactly one span, with all that may be around it. */
export function oneSpanRequests(shape: RequestShape = {}): Arbitrary<Model> {
  const texts = textOf(shape);
  return fc
    .record({
      span: spanModel(shape),
      scopeSpans: optional({
        scope: optional({ name: texts, version: texts, ...attributed(shape) }),
        schemaUrl: texts,
      }),
      resourceSpans: optional({ resource: optional(attributed(shape)), schemaUrl: texts }),
    })
    .map(({ span, scopeSpans, resourceSpans }) => ({
      resourceSpans: [{ ...resourceSpans, scopeSpans: [{ ...scopeSpans, spans: [span] }] }],
    }));
}

/** A list that is seldom empty. */
const some = (elements: Arbitrary<Model>, maxLength: number): Arbitrary<Model[]> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.array(elements, { minLength: 1, maxLength }) },
    { weight: 1, arbitrary: fc.constant<Model[]>([]) },
  );

/** Every field may be absent. */
const optional = (fields: Record<string, Arbitrary<ModelValue | ModelValue[]>>): Arbitrary<Model> =>
  fc.record(fields, { requiredKeys: [] }) as Arbitrary<Model>;

const uint32 = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0xffffffff));
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const int64 = fc.oneof(
  fc.bigInt({ min: -3n, max: 3n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 2n ** 53n + 1n, -(2n ** 53n) - 1n),
);
const double = fc.oneof(fc.double(), fc.constantFrom(3, -0, 1e21, 1e300, Number.NaN, Infinity, -Infinity));
const bytes = (length: { minLength: number; maxLength: number }) =>
  fc.uint8Array(length).map((array) => Buffer.from(array));

const words = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('', '\ufeffbom', '\ufffd', 'x'.repeat(200), 'ü'.repeat(30), '\u0000'),
);
const names = fc.constantFrom('k', '__proto__', 'constructor', 'toString', '', '1', 'gen_ai.system');
const broken = fc.constantFrom('ff', '61c3', 'eda080', `${'61'.repeat(60)}80`).map((hex) => Buffer.from(hex, 'hex'));

const textOf = ({ invalidUtf8 = false }: RequestShape): Arbitrary<string | Buffer> =>
  invalidUtf8 ? fc.oneof({ weight: 8, arbitrary: words }, { weight: 1, arbitrary: broken }) : words;

const nonZero = (length: number) =>
  bytes({ minLength: length, maxLength: length }).filter((id) => id.some((byte) => byte !== 0));

/** Lengths that no reading takes for base64: 11 bytes in hex are 22 digits, which might be 16 bytes. */
const unreadable = fc.constantFrom(1, 3, 7, 9, 15, 17, 32).chain((length) => nonZero(length));

function idOf(length: number, bad: boolean): Arbitrary<Buffer> {
  const good = nonZero(length);
  return bad ? fc.oneof({ weight: 6, arbitrary: good }, fc.constant(Buffer.alloc(length)), unreadable) : good;
}

function spanModel(shape: RequestShape): Arbitrary<Model> {
  const { rejectable = false, repairable = false } = shape;
  const texts = textOf(shape);
  return fc.record(
    {
      traceId: rejectable ? idOf(16, true) : nonZero(16),
      spanId: rejectable ? idOf(8, true) : nonZero(8),
      parentSpanId: idOf(8, repairable),
      traceState: texts,
      name: texts,
      kind: fc.oneof(fc.nat(5), fc.constantFrom(99, -1, 2 ** 31 - 1)),
      startTimeUnixNano: uint64,
      endTimeUnixNano: uint64,
      ...attributed(shape),
      events: fc.array(optional({ timeUnixNano: uint64, name: texts, ...attributed(shape) }), { maxLength: 2 }),
      droppedEventsCount: uint32,
      links: fc.array(linkModel(shape), { maxLength: 2 }),
      droppedLinksCount: uint32,
      status: optional({ message: texts, code: fc.constantFrom(0, 1, 2, 7) }),
      flags: uint32,
    },
    { requiredKeys: rejectable ? [] : ['traceId', 'spanId'] },
  ) as Arbitrary<Model>;
}

/** A link's ids may be absent, but where they stand they are ids: the readers of the two encodings differ on bad ones. */
const linkModel = (shape: RequestShape): Arbitrary<Model> =>
  optional({
    ...{ traceId: nonZero(16), spanId: nonZero(8), traceState: textOf(shape), flags: uint32 },
    ...attributed(shape),
  });

const entityRef = (texts: Arbitrary<ModelValue>): Arbitrary<Model> =>
  optional({
    ...{ schemaUrl: texts, type: texts },
    idKeys: fc.array(texts, { maxLength: 2 }),
    descriptionKeys: fc.array(texts, { maxLength: 2 }),
  });

const attributed = (shape: RequestShape) => ({
  attributes: some(keyValueOf(shape, anyValues(shape)), 4),
  droppedAttributesCount: uint32,
});

function keyValueOf(shape: RequestShape, value: Arbitrary<ModelValue>): Arbitrary<Model> {
  const key = fc.oneof(names, textOf(shape));
  if (shape.repairable !== true) return fc.record({ key, value }, { requiredKeys: ['value'] });
  return optional({ key, value, keyStrindex: fc.nat(3) });
}

/** Values nested a few levels deep. */
export function anyValues(shape: RequestShape = {}): Arbitrary<Model> {
  const { values } = fc.letrec<{ values: Model }>((tie) => ({
    values: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.record({ stringValue: textOf(shape) }),
      fc.constant<Model>({}),
      fc.record({ boolValue: fc.boolean() }),
      fc.record({ intValue: int64 }),
      fc.record({ doubleValue: double }),
      ...(shape.repairable === true
        ? [
            fc.record({ bytesValue: bytes({ minLength: 0, maxLength: 6 }) }),
            fc.record({ stringValueStrindex: fc.nat(3) }),
          ]
        : []),
      fc.record({ arrayValue: optional({ values: fc.array(tie('values'), { maxLength: 3 }) }) }),
      fc.record({
        kvlistValue: optional({ values: fc.array(keyValueOf(shape, tie('values')), { maxLength: 3 }) }),
      }),
    ),
  }));
  return values as Arbitrary<Model>;
}
