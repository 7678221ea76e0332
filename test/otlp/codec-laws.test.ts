import fc from 'fast-check';
import { editSpan } from '../../src/otlp/edit-span';
import { scanRequest } from '../../src/otlp/scan';
import { ADMIT, type Admitted, admittedSpans, inAnyOrder } from '../support/admission';
import { canonicalFromProtobuf } from '../support/canonical';
import { runs } from '../support/random';
import { renderJson } from '../support/request-json';
import { type RequestShape, requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';

const seeds = fc.integer({ min: 1 });
const EVERYTHING: RequestShape = { repairable: true, rejectable: true, legacy: true };
const spansSent = (body: Buffer) => scanRequest(body, { check: true }).spans.length;

/** A time of zero, written out: JSON's is read as one that is absent, protobuf's leaves as it came. */
function withoutZeroTimes<T>(message: T): T {
  if (Array.isArray(message)) return message.map(withoutZeroTimes) as T;
  if (typeof message !== 'object' || message === null || Buffer.isBuffer(message)) return message;
  const members = Object.entries(message).filter(([name, value]) => value !== 0n || !/timeUnixNano$/i.test(name));
  return Object.fromEntries(members.map(([name, value]) => [name, withoutZeroTimes(value)])) as T;
}

describe('protobuf', () => {
  test('a request that needs no change leaves as the very buffer that came', () => {
    fc.assert(
      fc.property(requests(), seeds, (request, seed) => {
        const body = renderProtobuf(request, seed);
        const admission = ADMIT.protobuf(body);
        expect(admission.bytes).toBe(body);
        expect(admission).toMatchObject({ accepted: spansSent(body), rejections: [], repairs: new Map() });
      }),
      runs(200),
    );
  });

  test('any way of writing a request is the same request', () => {
    fc.assert(
      fc.property(requests({ legacy: true }), seeds, (request, seed) => {
        const admission = ADMIT.protobuf(renderProtobuf(request, seed));
        expect(inAnyOrder(admittedSpans(admission))).toEqual(
          inAnyOrder(canonicalFromProtobuf(renderProtobuf(request))),
        );
      }),
      runs(100),
    );
  });
});

describe('JSON and protobuf', () => {
  test('give the same spans, repairs and numbers', () => {
    fc.assert(
      fc.property(requests(EVERYTHING), seeds, (request, seed) => {
        const json = ADMIT.json(Buffer.from(renderJson(request, seed)));
        const protobuf = ADMIT.protobuf(renderProtobuf(request));
        expect(inAnyOrder(admittedSpans(json))).toEqual(inAnyOrder(admittedSpans(protobuf)));
        expect(summary(json)).toEqual(summary(protobuf));
      }),
      runs(200),
    );
  });

  test('give the same bytes where the members come in the order of the fields', () => {
    fc.assert(
      fc.property(requests(), (request) => {
        const json = ADMIT.json(Buffer.from(renderJson(request)));
        expect(json.bytes.toString('hex')).toBe(renderProtobuf(withoutZeroTimes(request)).toString('hex'));
      }),
      runs(100),
    );
  });

  const summary = ({ accepted, rejections, repairs }: Admitted) => ({
    accepted,
    rejected: rejections.length,
    repairs: Object.fromEntries(repairs),
  });
});

describe.each(['protobuf', 'json'] as const)('of %s', (format) => {
  /** JSON is text: only protobuf can hold a string that is none. */
  const shape = { ...EVERYTHING, invalidUtf8: format === 'protobuf' };
  const bodies = fc
    .tuple(requests(shape), seeds)
    .map(([request, seed]) =>
      format === 'json' ? Buffer.from(renderJson(request, seed)) : renderProtobuf(request, seed),
    );

  test('a second crossing changes nothing', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const once = ADMIT[format](body);
        const twice = ADMIT.protobuf(once.bytes);
        expect(twice.bytes).toBe(once.bytes);
        expect(twice).toMatchObject({ accepted: once.accepted, rejections: [], repairs: new Map() });
      }),
      runs(100),
    );
  });

  test('what was admitted has nothing left to judge', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const { spans } = scanRequest(ADMIT[format](body).bytes, { check: true });
        expect(spans.filter(({ traits, scope }) => traits | scope.traits | scope.resource.traits)).toEqual([]);
      }),
      runs(100),
    );
  });

  test('rejected and accepted are what was sent', () => {
    fc.assert(
      fc.property(requests(shape), seeds, (request, seed) => {
        const protobuf = renderProtobuf(request);
        const body = format === 'json' ? Buffer.from(renderJson(request, seed)) : renderProtobuf(request, seed);
        const { accepted, bytes, rejections } = ADMIT[format](body);
        expect(accepted + rejections.length).toBe(spansSent(protobuf));
        expect(spansSent(bytes)).toBe(accepted);
      }),
      runs(100),
    );
  });
});

describe('editSpan', () => {
  const keys = fc.constantFrom<string>('k', '__proto__', 'constructor', '', '1', 'new', 'another');
  const changes = fc
    .uniqueArray(fc.tuple(keys, fc.constantFrom<unknown>(undefined, 'text', 7, 0.5, true)), {
      selector: ([key]) => key,
    })
    .map((entries) => new Map(entries));
  const VALUES = new Map<unknown, object>([
    ['text', { string: 'text' }],
    [7, { int: 7n }],
    [0.5, { double: 0.5 }],
    [true, { bool: true }],
  ]);

  test('changes only what it says', () => {
    fc.assert(
      fc.property(
        requests({ sizes: { resources: 1, scopes: 1, spans: 1 } }),
        seeds,
        changes,
        (request, seed, changed) => {
          const body = renderProtobuf(request, seed);
          for (const scanned of scanRequest(body, { check: true }).spans) {
            const [before] = canonicalFromProtobuf(inRequest(body.subarray(scanned.tagStart, scanned.end)));
            const [after] = canonicalFromProtobuf(inRequest(editSpan(body, scanned, { attributes: changed })));
            const kept = before?.attributes.filter(({ key }) => !changed.has(key));
            const added = [...changed].filter(([, value]) => value !== undefined);
            const written = added.map(([key, value]) => ({ key, value: VALUES.get(value) }));
            expect(after).toEqual({ ...before, attributes: [...(kept ?? []), ...written] });
          }
        },
      ),
      runs(100),
    );
  });

  /** The field of a span within a request of its own. */
  function inRequest(spanField: Buffer): Buffer {
    const length = (bytes: Buffer) =>
      Buffer.from([(bytes.length & 0x7f) | 0x80, ((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14]);
    const scope = Buffer.concat([Buffer.from([0x12]), length(spanField), spanField]);
    return Buffer.concat([Buffer.from([0x0a]), length(scope), scope]);
  }
});
