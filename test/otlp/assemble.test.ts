import fc from 'fast-check';
import { assembleRequest, type SpanPart } from '../../src/otlp/assemble';
import { scanRequest } from '../../src/otlp/scan';
import { canonicalFromProtobuf } from '../support/canonical';
import { encodeMessage, IDS, T1P } from '../support/otlp-messages';
import { createRandom, runs } from '../support/random';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';
import { lenField } from '../support/wire';

const partsOf = (bytes: Buffer): SpanPart[] =>
  scanRequest(bytes, { check: true }).spans.map(({ scope, tagStart, end }) => ({ scope, bytes, start: tagStart, end }));
const assembled = (parts: Iterable<SpanPart>) => Buffer.concat(assembleRequest(parts));

test('all spans of a request are the same spans again', () => {
  fc.assert(
    fc.property(requests({ legacy: true }), fc.integer({ min: 1 }), (request, seed) => {
      const body = renderProtobuf(request, seed);
      const parts = partsOf(body);
      const again = assembled(parts);
      expect(canonicalFromProtobuf(again)).toEqual(parts.map((part) => spanOf(part)));
      // What was put together once is put together the same way again.
      expect(assembled(partsOf(again)).equals(again)).toBe(true);
    }),
    runs(150),
  );
});

test('of any choice of spans, each has what was around it', () => {
  fc.assert(
    fc.property(requests(), fc.integer({ min: 1 }), (request, seed) => {
      const random = createRandom(seed);
      const chosen = partsOf(renderProtobuf(request)).filter(() => random() < 0.5);
      expect(canonicalFromProtobuf(assembled(chosen))).toEqual(chosen.map((part) => spanOf(part)));
    }),
    runs(150),
  );
});

test('a request that is written plainly comes out byte for byte', () => {
  expect(assembled(partsOf(T1P)).equals(T1P)).toBe(true);
});

test('no spans are no bytes', () => expect(assembleRequest([])).toEqual([]));

describe('grouping', () => {
  const span = (name: string) => ({ ...IDS, name });
  const scope = (name: string, ...spans: object[]) => ({ scope: { name }, spans });
  const shape = (bytes: Buffer) => groups(bytes).map(({ scopeSpans }) => scopeSpans.map(({ spans }) => spans.length));

  test('spans that follow each other share resource and scope', () => {
    const request = {
      resourceSpans: [
        { scopeSpans: [scope('a', span('1'), span('2')), scope('b', span('3'))] },
        { scopeSpans: [scope('c', span('4'))] },
      ],
    };
    const parts = partsOf(encodeMessage('ExportTraceServiceRequest', request));
    expect(shape(assembled(parts))).toEqual([[2, 1], [1]]);
    expect(shape(assembled([parts[1] as SpanPart, parts[3] as SpanPart]))).toEqual([[1], [1]]);
  });

  test('equal scopes that are not one are not merged: they differ in what nobody compared', () => {
    const twice = encodeMessage('ExportTraceServiceRequest', {
      resourceSpans: [{ scopeSpans: [scope('a', span('1')), scope('a', span('2'))] }],
    });
    expect(shape(assembled(partsOf(twice)))).toEqual([[1, 1]]);
    expect(shape(assembled([...partsOf(T1P), ...partsOf(Buffer.from(T1P))]))).toEqual([[1], [1]]);
  });

  test('spans that take turns stay in their order', () => {
    const request = { resourceSpans: [{ scopeSpans: [scope('a', span('1'), span('3')), scope('b', span('2'))] }] };
    const [one, three, two] = partsOf(encodeMessage('ExportTraceServiceRequest', request)) as [
      SpanPart,
      SpanPart,
      SpanPart,
    ];
    const names = canonicalFromProtobuf(assembled([one, two, three])).map(({ name, scope: { name: of } }) => name + of);
    expect(names).toEqual(['1a', '2b', '3a']);
  });
});

describe('pieces', () => {
  const large = (size: number) =>
    encodeMessage('ExportTraceServiceRequest', {
      resourceSpans: [
        { scopeSpans: [{ scope: { name: 'x'.repeat(size) }, spans: [{ ...IDS, name: 'y'.repeat(size) }, IDS] }] },
      ],
    });

  test.each([0, 100, 16_000, 16_384, 40_000, 3_000_000])('of heads and spans of %i bytes make the request', (size) => {
    const body = large(size);
    const mixed = [...partsOf(body), ...partsOf(T1P), ...partsOf(body)];
    const bytes = assembled(mixed);
    expect(canonicalFromProtobuf(bytes)).toEqual(mixed.map((part) => spanOf(part)));
  });

  test('small requests come in one piece, large spans are not copied', () => {
    expect(assembleRequest(partsOf(T1P))).toHaveLength(1);
    const body = large(1_000_000);
    const pieces = assembleRequest(partsOf(body));
    expect(
      pieces.filter(({ buffer }) => buffer === body.buffer).reduce((sum, { length }) => sum + length, 0),
    ).toBeGreaterThan(1_999_000);
  });
});

/** A part read by itself: with its heads around it, put together by hand. */
function spanOf({ scope, bytes, start, end }: SpanPart) {
  const scopeSpans = lenField(2, Buffer.concat([scope.head, bytes.subarray(start, end)]));
  return canonicalFromProtobuf(lenField(1, Buffer.concat([scope.resource.head, scopeSpans])))[0];
}

interface Groups {
  scopeSpans: { spans: unknown[] }[];
}

/** How the spans of a request are grouped, without empty groups. */
function groups(bytes: Buffer): Groups[] {
  const resources = new Map<unknown, Map<unknown, unknown[]>>();
  for (const { scope, ordinal } of scanRequest(bytes, { check: true }).spans) {
    const scopes = resources.get(scope.resource) ?? new Map<unknown, unknown[]>();
    resources.set(scope.resource, scopes);
    scopes.set(scope, [...(scopes.get(scope) ?? []), ordinal]);
  }
  return [...resources.values()].map((scopes) => ({ scopeSpans: [...scopes.values()].map((spans) => ({ spans })) }));
}
