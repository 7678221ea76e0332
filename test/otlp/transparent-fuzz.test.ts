import fc from 'fast-check';
import { GatewayError } from '../../src/errors';
import { scanRequest } from '../../src/otlp/scan';
import { receivedSpans } from '../support/admission';
import { SPAN_ID, TRACE_ID } from '../support/otlp-messages';
import { createRandom, oneOf, type Random, runs } from '../support/random';
import { admitTransparent, convertTransparentRequest } from '../support/transparent-twins';

/** `FUZZ_RUNS=100000 npx jest test/otlp/transparent-fuzz` digs; fast-check prints the seed of what it finds. */

const CONTEXT = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1, traceState: 'a=b', isRemote: true };
const SPAN = {
  ...{ ...CONTEXT, spanContext: CONTEXT, parentSpanId: SPAN_ID, parentSpanContext: CONTEXT },
  ...{ name: 'n', kind: 2, startTime: [1544712660, 7], endTime: [1544712661, 7], duration: [1, 0], ended: true },
  status: { code: 2, message: 'm' },
  attributes: { text: 'x', list: [1, 2.5, null], map: { a: { b: [true] } } },
  links: [{ context: CONTEXT, attributes: { a: 1 }, droppedAttributesCount: 1 }],
  events: [{ name: 'e', time: [1544712660, 8], attributes: { a: 1 }, droppedAttributesCount: 2 }],
  ...{ droppedAttributesCount: 1, droppedEventsCount: 2, droppedLinksCount: 3 },
  resource: { attributes: { 'service.name': 's' }, schemaUrl: 'r' },
  instrumentationScope: { name: 'l', version: '1', schemaUrl: 's' },
};
const BODY = { spans: [SPAN, { ...SPAN, resource: undefined }, SPAN], traceContext: CONTEXT };

/** What may stand where something else is expected. */
const ODD: readonly string[] = [
  ...['null', 'true', '0', '-1', '1.5', '1e400', '-0', '18446744073709551616', '""', '"x"', '"\\ud800"', '"größe"'],
  ...['[]', '{}', '[[]]', '[null]', '[0,0]', '[1e300,1]', '{"":{}}', '{"__proto__":{"a":1}}', '{"constructor":1}'],
  ...[`"${TRACE_ID}"`, `"${SPAN_ID}"`, '"0000000000000000"', '"INTERNAL"', '"01"', '"2018-12-13T14:51:00Z"'],
  ...['['.repeat(70) + ']'.repeat(70), `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`],
];
const MARK = '\u0001';

/** The JSON of a value in which some of what it holds is something else. */
function mutatedText(value: unknown, random: Random): string {
  const rate = random() * 0.2;
  const put: string[] = [];
  const change = (held: unknown): unknown => {
    if (random() < rate) {
      put.push(oneOf(random, ODD));
      return `${MARK}${put.length - 1}`;
    }
    if (Array.isArray(held)) return held.map(change);
    if (typeof held !== 'object' || held === null) return held;
    return Object.fromEntries(Object.entries(held).map(([key, member]) => [key, change(member)]));
  };
  return JSON.stringify(change(value)).replace(/"\\u0001(\d+)"/g, (_, at) => put[Number(at)]!);
}

/** Every element of the list is accounted for, once, and what came of it can be read. */
function account(body: Buffer, elements: number): void {
  const { bytes, sentAt = [], paths, faults, repairs, originalIds } = convertTransparentRequest(body, () => true);
  const indexes = Array.from({ length: elements }, (_, at) => at);
  expect(sentAt.toSorted((a, b) => a - b)).toEqual(indexes);
  expect([...paths]).toEqual(sentAt.map((index, position) => [position, `spans[${index}]`]));
  expect(scanRequest(bytes, { check: true }).spans).toHaveLength(elements);
  for (const [position, fault] of faults) {
    expect(`${fault.path}.`.replace('[', '.[')).toContain(`spans.[${sentAt[position]}]`);
    expect([repairs.has(position), originalIds.has(position)]).toEqual([false, false]);
  }
  const admission = admitTransparent(body);
  expect(admission.accepted + admission.rejections.length).toBe(elements);
  const read = receivedSpans(admission.bytes).map((span) => [span.attributes, span.events, span.links, span.status]);
  expect(read).toHaveLength(admission.accepted);
}

function refusalOf(act: () => void): string {
  try {
    act();
    return '';
  } catch (error) {
    if (error instanceof GatewayError) return error.code;
    throw error;
  }
}

const seeds = fc.integer({ min: 1 });

test('members that are something else cost their span at most', () => {
  const seen = { accepted: 0, rejected: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const spans = BODY.spans.map((span) => mutatedText(span, createRandom(seed + BODY.spans.indexOf(span))));
      const body = Buffer.from(`[${spans.join(',')},${mutatedText(SPAN, createRandom(seed + 7))}]`);
      account(body, 4);
      const { accepted, rejections } = admitTransparent(body);
      seen.accepted += accepted;
      seen.rejected += rejections.length;
    }),
    runs(400),
  );
  expect(Math.min(seen.accepted, seen.rejected)).toBeGreaterThan(100);
});

test('a body that is something else is a result or a refusal', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const text = mutatedText(BODY, createRandom(seed));
      const parsed = JSON.parse(text) as { spans?: unknown } | unknown[] | null;
      const list = Array.isArray(parsed) ? parsed : parsed?.spans;
      const outcome = refusalOf(() => account(Buffer.from(text), Array.isArray(list) ? list.length : 0));
      expect(outcome).toBe(Array.isArray(list) ? '' : 'bad_request');
    }),
    runs(400),
  );
});

test('a damaged body is a result or a refusal', () => {
  const body = Buffer.from(JSON.stringify(BODY));
  fc.assert(
    fc.property(seeds, (seed) => {
      const damaged = damage(body, createRandom(seed));
      const outcome = refusalOf(() => {
        const { sentAt = [] } = convertTransparentRequest(damaged, () => true);
        account(damaged, sentAt.length);
      });
      expect(['', 'bad_request']).toContain(outcome);
    }),
    runs(600),
  );
});

test('a body is refused at every offset', () => {
  const body = Buffer.from(JSON.stringify(BODY.spans));
  const outcomes = [...body.keys()].map((at) => refusalOf(() => account(body.subarray(0, at), 0)));
  expect(new Set(outcomes)).toEqual(new Set(['bad_request']));
});

test('of random bytes and random JSON', () => {
  const outcome = (body: Buffer) =>
    refusalOf(() => {
      convertTransparentRequest(body, () => false);
    });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(['', 'bad_request']).toContain(outcome(Buffer.from(bytes)));
    }),
    runs(500),
  );
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (list) => {
      account(Buffer.from(JSON.stringify(list)), list.length);
    }),
    runs(500),
  );
});

/** Some bytes changed, put in, or taken out. */
function damage(body: Buffer, random: Random): Buffer {
  let damaged = Buffer.from(body);
  const times = 1 + Math.floor(random() * 4);
  for (let time = 0; time < times; time++) {
    const at = Math.floor(random() * damaged.length);
    const from = Math.floor(random() * damaged.length);
    const piece = oneOf(random, [
      Buffer.from([Math.floor(random() * 256)]),
      Buffer.from(oneOf(random, ODD)),
      damaged.subarray(from, from + Math.floor(random() * 50)),
      Buffer.alloc(0),
    ]);
    damaged = Buffer.concat([damaged.subarray(0, at), piece, damaged.subarray(at + Math.floor(random() * 10))]);
  }
  return damaged;
}
