import fc from 'fast-check';
import { GatewayError } from '../../src/errors';
import { ADMIT, receivedSpans } from '../support/admission';
import { corpusCases, plainBody } from '../support/corpus';
import { T1J, T1P } from '../support/otlp-messages';
import { createRandom, oneOf, type Random, runs } from '../support/random';
import { renderJson } from '../support/request-json';
import { requests } from '../support/request-model';
import { renderProtobuf } from '../support/request-protobuf';

/** `FUZZ_RUNS=100000 npx jest test/otlp/fuzz` digs; fast-check prints the seed of what it finds. */
type Format = 'protobuf' | 'json';
type Outcome = 'accepted' | 'bad_request';

/** Takes a body as far as delivery does. Anything but a result or a refusal of the body is thrown on. */
function outcomeOf(format: Format, body: Buffer): Outcome {
  try {
    const { bytes, accepted, rejections } = ADMIT[format](body);
    const spans = receivedSpans(bytes);
    if (spans.length !== accepted)
      throw new Error(`${accepted} accepted, ${rejections.length} rejected, ${spans.length} kept`);
    for (const span of spans) touch(span);
    return 'accepted';
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'bad_request') return 'bad_request';
    throw error;
  }
}

/** Reads all of a span: what was let in must be readable. */
function touch(span: ReturnType<typeof receivedSpans>[number]): void {
  const { attributes, duration, endTime, events, kind, links, name, parentSpanContext, startTime, status } = span;
  const { instrumentationScope, resource } = span;
  const read = [attributes, duration, endTime, events, kind, links, name, parentSpanContext, startTime, status];
  JSON.stringify([...read, instrumentationScope, resource, span.spanContext()], (_, value) =>
    typeof value === 'bigint' ? `${value}` : value,
  );
}

const CORPUS: Record<Format, Buffer[]> = {
  protobuf: [T1P, ...corpusCases.filter(({ encoding }) => encoding === 'protobuf').map(plainBody)],
  json: [Buffer.from(T1J), ...corpusCases.filter(({ encoding }) => encoding === 'json').map(plainBody)],
};
const small = (format: Format, bytesMax: number) =>
  CORPUS[format].filter(({ length }) => length > 0 && length <= bytesMax).filter((_, at) => at % 4 === 0);

describe('truncation', () => {
  test('T1P is refused at every offset (H07): what is left of it has lost data', () => {
    const outcomes = [...T1P.keys()].map((at) => outcomeOf('protobuf', T1P.subarray(0, at)));
    expect(outcomes).toEqual(['accepted', ...Array(T1P.length - 1).fill('bad_request')]);
  });

  test('T1J is refused at every offset', () => {
    const body = Buffer.from(T1J);
    expect(new Set([...body.keys()].map((at) => outcomeOf('json', body.subarray(0, at))))).toEqual(
      new Set(['bad_request']),
    );
  });

  test.each<[Format, number]>([
    ['protobuf', 6000],
    ['json', 6000],
  ])('bodies of real clients in %s, at every offset', (format, bytesMax) => {
    const bodies = small(format, bytesMax).slice(0, 8);
    expect(bodies.length).toBeGreaterThan(3);
    for (const body of bodies) {
      for (let at = 0; at < body.length; at++) outcomeOf(format, body.subarray(0, at));
      expect(outcomeOf(format, body)).toBe('accepted');
    }
  });
});

describe.each<Format>(['protobuf', 'json'])('%s: a result or a refusal', (format) => {
  const seeds = fc.integer({ min: 1 });

  test('of random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        outcomeOf(format, Buffer.from(array));
      }),
      runs(1500),
    );
  });

  test('of a real body that was damaged', () => {
    const bodies = small(format, 20_000);
    fc.assert(
      fc.property(fc.constantFrom(...bodies.keys()), seeds, (at, seed) => {
        outcomeOf(format, damaged(bodies[at] as Buffer, createRandom(seed)));
      }),
      runs(400),
    );
  });

  test('of a request of every field that was damaged', () => {
    fc.assert(
      fc.property(
        requests({ repairable: true, rejectable: true, invalidUtf8: format === 'protobuf' }),
        seeds,
        (request, seed) => {
          const random = createRandom(seed);
          const body = format === 'json' ? Buffer.from(renderJson(request, seed)) : renderProtobuf(request, seed);
          outcomeOf(format, body);
          for (let time = 0; time < 5; time++) outcomeOf(format, damaged(body, random));
        },
      ),
      runs(200),
    );
  });

  test('of two real bodies in one', () => {
    const bodies = small(format, 20_000);
    fc.assert(
      fc.property(fc.constantFrom(...bodies.keys()), fc.constantFrom(...bodies.keys()), seeds, (one, other, seed) => {
        const random = createRandom(seed);
        const [head, tail] = [bodies[one] as Buffer, bodies[other] as Buffer];
        outcomeOf(format, Buffer.concat([part(head, random), part(tail, random), part(head, random)]));
      }),
      runs(200),
    );
  });

  test('of the other encoding', () => {
    const other = format === 'json' ? 'protobuf' : 'json';
    for (const body of small(other, 20_000)) outcomeOf(format, body);
    expect(outcomeOf(format, CORPUS[other][0] as Buffer)).toBe('bad_request');
  });
});

/** Characters and bytes that mean something in one of the encodings. */
const MEANINGFUL = [...Buffer.from('{}[]",:\\u0ne-'), 0x00, 0x07, 0x0a, 0x0b, 0x0c, 0x12, 0x7f, 0x80, 0xff];

/** Bits flipped, bytes overwritten, put in, left out or said twice. */
function damaged(body: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(body);
  for (let time = 1 + Math.floor(random() * 4); time > 0; time--) {
    const at = Math.floor(random() * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    bytes = oneOf(random, [
      () => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ (1 << Math.floor(random() * 8)) : byte))),
      () => Buffer.concat([before, Buffer.from([oneOf(random, MEANINGFUL)]), after.subarray(1)]),
      () => Buffer.concat([before, Buffer.from([oneOf(random, MEANINGFUL)]), after]),
      () => Buffer.concat([before, after.subarray(Math.ceil(random() * 20))]),
      () => Buffer.concat([before, after.subarray(0, Math.ceil(random() * 40)), after]),
    ])();
  }
  return bytes;
}

function part(body: Buffer, random: Random): Buffer {
  const start = random() < 0.5 ? 0 : Math.floor(random() * body.length);
  return body.subarray(start, start + Math.ceil(random() * body.length));
}
