import fc from 'fast-check';
import { attributeField } from '../../src/otlp/attribute-fields';
import { appendToSpan, editSpan, messageIn, type SpanEdit } from '../../src/otlp/edit-span';
import { scanRequest } from '../../src/otlp/scan';
import { type CanonicalAttribute, type CanonicalSpan, canonicalFromProtobuf } from '../support/canonical';
import { meaningfulRequests } from '../support/meaningful-requests';
import { runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { fixed64Field, group, lenField, varintField } from '../support/wire';

const requestAround = (...spans: Uint8Array[]) => lenField(1, lenField(2, Buffer.concat(spans)));

/** Of a request's spans, each edited; without resource and scope. */
function edited(body: Buffer, edit: SpanEdit): CanonicalSpan[] {
  const spans = scanRequest(body, { check: true }).spans.map((span) => editSpan(body, span, edit));
  return spansOf(requestAround(...spans));
}

const spansOf = (body: Buffer) => {
  const [nothing] = canonicalFromProtobuf(requestAround(lenField(2, '')));
  const { resource, scope } = nothing!;
  return canonicalFromProtobuf(body).map((span) => ({ ...span, resource, scope }));
};

const idBytes = (length: number) => fc.constantFrom(Buffer.alloc(length, 0xd4), Buffer.alloc(length, 0xe5));
const maybe = <One>(arbitrary: fc.Arbitrary<One>) => fc.option(arbitrary, { nil: undefined });
const keys = fc.constantFrom('k', '__proto__', '', 'session.id', 'user.id', 'langfuse.environment', 'new');

interface Given {
  traceId: Buffer | undefined;
  spanId: Buffer | undefined;
  parentSpanId: Buffer | null | undefined;
  startTime: bigint | undefined;
  endTime: bigint | undefined;
  attributes: Map<string, string | undefined> | undefined;
  appended: string | undefined;
  keepsLinks: boolean | undefined;
}

const edits: fc.Arbitrary<Given> = fc.record({
  traceId: maybe(idBytes(16)),
  spanId: maybe(idBytes(8)),
  parentSpanId: maybe(fc.option(idBytes(8))),
  startTime: maybe(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  endTime: maybe(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  attributes: maybe(fc.array(fc.tuple(keys, maybe(fc.string({ unit: 'grapheme' })))).map((pairs) => new Map(pairs))),
  appended: maybe(fc.constantFrom('appended', 'k')),
  keepsLinks: maybe(fc.boolean()),
});

const flags = varintField(100, 7);

/** Links that stay get a field that nobody knows. */
function editOf({ appended, keepsLinks, ...given }: Given): SpanEdit {
  return {
    ...given,
    ...(appended === undefined ? {} : { appendix: attributeField(appended, 'a') }),
    ...(keepsLinks === undefined
      ? {}
      : { link: (message: Buffer) => (keepsLinks ? Buffer.concat([message, flags]) : undefined) }),
  };
}

function expected(span: CanonicalSpan, { attributes = new Map(), appended, ...given }: Given): CanonicalSpan {
  const { traceId, spanId, parentSpanId, startTime, endTime, keepsLinks = true } = given;
  const added = [...attributes].filter(([, value]) => value !== undefined);
  const asAttribute = ([key, value]: [string, string | undefined]): CanonicalAttribute => ({
    key,
    value: { string: value as string },
  });
  return {
    ...span,
    traceId: traceId?.toString('hex') ?? span.traceId,
    spanId: spanId?.toString('hex') ?? span.spanId,
    parentSpanId: parentSpanId === null ? '' : (parentSpanId?.toString('hex') ?? span.parentSpanId),
    startTimeUnixNano: startTime ?? span.startTimeUnixNano,
    endTimeUnixNano: endTime ?? span.endTimeUnixNano,
    attributes: [
      ...span.attributes.filter(({ key }) => !attributes.has(key)),
      ...added.map(asAttribute),
      ...(appended === undefined ? [] : [asAttribute([appended, 'a'])]),
    ],
    links: keepsLinks ? span.links : [],
  };
}

test('a span is edited as it is asked for, and in nothing else', () => {
  const models = fc.oneof(meaningfulRequests(), requests());
  fc.assert(
    fc.property(models, fc.integer({ min: 1 }), edits, (request, seed, given) => {
      const body = renderProtobuf(request, seed);
      expect(edited(body, editOf(given))).toEqual(spansOf(body).map((span) => expected(span, given)));
    }),
    runs(400),
  );
});

const IDS = [lenField(1, Buffer.alloc(16, 0xa1)), lenField(2, Buffer.alloc(8, 0xb2))];
const attribute = (key: string, content: string) =>
  lenField(9, Buffer.concat([lenField(1, key), lenField(2, lenField(1, content))]));
/** A span's message as the whole of the bytes. */
const editOnly = (message: Buffer, edit: SpanEdit) => {
  const field = editSpan(message, { start: 0, end: message.length }, edit);
  const { start, end } = messageIn(field);
  expect(end).toBe(field.length);
  return field.subarray(start, end);
};

const ODD = Buffer.concat([
  ...[lenField(9, lenField(1, 'k', { tag: 3, length: 4 }), { tag: 2, length: 5 })],
  ...[group(100, varintField(1, 2)), varintField(3000, 2n ** 64n - 1n), ...IDS, lenField(2 ** 29 - 1, 'x')],
  ...[lenField(13, group(7, lenField(1, ''))), attribute('k', 'v'), fixed64Field(7, 1n), varintField(6, 1n)],
]);

test('what is not named stays byte for byte, however odd it is', () => {
  expect(editOnly(ODD, {}).equals(ODD)).toBe(true);
  expect(editOnly(ODD, { attributes: new Map([['absent', undefined]]) }).equals(ODD)).toBe(true);
  expect(editOnly(ODD, { parentSpanId: null }).equals(ODD)).toBe(true);
});

test('only what is named goes, each time it is there', () => {
  const message = Buffer.concat([lenField(4, 'x'), ODD, lenField(4, Buffer.alloc(8, 1)), attribute('k', 'w')]);
  const without = editOnly(message, { parentSpanId: null, attributes: new Map([['k', undefined]]) });
  const kept = [group(100, varintField(1, 2)), varintField(3000, 2n ** 64n - 1n), ...IDS, lenField(2 ** 29 - 1, 'x')];
  const rest = [lenField(13, group(7, lenField(1, ''))), fixed64Field(7, 1n), varintField(6, 1n)];
  expect(without.equals(Buffer.concat([...kept, ...rest]))).toBe(true);
});

test('what is replaced is there once, behind the rest', () => {
  const message = Buffer.concat([fixed64Field(7, 1n), ...IDS, fixed64Field(7, 2n), fixed64Field(8, 3n)]);
  const traceId = Buffer.alloc(16, 0xc3);
  const bytes = editOnly(message, { traceId, startTime: 4n, endTime: 5n });
  const replaced = [lenField(1, traceId), fixed64Field(7, 4n), fixed64Field(8, 5n)];
  expect(bytes.equals(Buffer.concat([IDS[1]!, ...replaced]))).toBe(true);
});

test('each link is given as its message, and written as it comes back', () => {
  const links = [lenField(13, 'a', { tag: 2, length: 3 }), lenField(13, ''), lenField(13, 'ccc')];
  const given: string[] = [];
  const bytes = editOnly(Buffer.concat([links[0]!, ...IDS, links[1]!, links[2]!]), {
    link: (message) => {
      given.push(message.toString());
      return given.length === 2 ? undefined : Buffer.from(`${message}!`);
    },
  });
  expect(given).toEqual(['a', '', 'ccc']);
  expect(bytes.equals(Buffer.concat([lenField(13, 'a!'), ...IDS, lenField(13, 'ccc!')]))).toBe(true);
});

describe('what is put behind a span', () => {
  // Where the length needs one byte more.
  const sizes = [0, 1, 50, 100, 127, 128, 129, 16_383, 16_384, 2 ** 21, 2 ** 21 + 1];

  test.each(sizes)('with %d bytes', (size) => {
    const message = Buffer.concat([lenField(5, 'before'), Buffer.alloc(size, 0x55)]);
    const range = { start: 8, end: message.length };
    const fields = [attribute('k', 'v'), attribute('session.id', 's')];
    const field = appendToSpan(message, range, fields);
    expect(field.equals(lenField(2, Buffer.concat([message.subarray(8), ...fields])))).toBe(true);
    expect(messageIn(field)).toEqual({ start: field.length - size - Buffer.concat(fields).length, end: field.length });
  });

  test('may be nothing', () => {
    const message = Buffer.concat(IDS);
    expect(appendToSpan(message, { start: 0, end: message.length }, []).equals(lenField(2, message))).toBe(true);
  });
});

test.each([
  ['a short span', lenField(2, 'abc'), { start: 2, end: 5 }],
  ['an empty one', lenField(2, ''), { start: 2, end: 2 }],
  ['one of 200 bytes', lenField(2, 'x'.repeat(200)), { start: 3, end: 203 }],
  ['a padded one', lenField(2, 'abc', { tag: 3, length: 4 }), { start: 7, end: 10 }],
])('the message of %s', (_, field, range) => {
  expect(messageIn(field)).toEqual(range);
});
