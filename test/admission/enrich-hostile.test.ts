import { METADATA } from '../../src/langfuse/visibility';
import { startJudging } from '../support/judging';
import { fixed64Field, lenField, nested } from '../support/wire';

/** Bodies that are small, compress to nothing and would keep the gateway busy for minutes; Jest's time-out ends such a test. */

const IDS = Buffer.concat([lenField(1, Buffer.alloc(16, 7)), lenField(2, Buffer.alloc(8, 9)), fixed64Field(7, 5n)]);
const attribute = (key: string, value: Buffer) => lenField(9, Buffer.concat([lenField(1, key), lenField(2, value)]));
const times = (part: Buffer, count: number) => Buffer.alloc(part.length * count, part);
const requestOf = (...fields: Buffer[]) => nested([1, 2, 2], Buffer.concat([IDS, ...fields]));

test('a hundred thousand links that cannot be read, in protobuf', async () => {
  const { judge } = startJudging();
  const judgement = await judge(requestOf(times(lenField(13, lenField(1, 'a')), 100_000)));
  expect([judgement.accepted, judgement.repairs.get('link_dropped')]).toEqual([1, 1]);
  expect(judgement.bytes.includes(METADATA.originalLinks)).toBe(true);
});

test('and in JSON', async () => {
  const links = `${'{"traceId":"a"},'.repeat(99_999)}{"traceId":"a"}`;
  const span = `{"traceId":"${'ab'.repeat(16)}","spanId":"${'cd'.repeat(8)}","startTimeUnixNano":"5","links":[${links}]}`;
  const body = Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`);
  const judgement = await startJudging().judge(body, { format: 'json' });
  expect([judgement.accepted, judgement.repairs.get('link_dropped')]).toEqual([1, 1]);
});

test('two hundred thousand attributes that are maps', async () => {
  const maps = Array.from({ length: 200_000 }, (_, number) => attribute(`k${number}`, lenField(6, '')));
  const { accepted, repairs, bytes } = await startJudging().judge(requestOf(Buffer.concat(maps)));
  expect([accepted, repairs.get('values_to_json')]).toEqual([1, 1]);
  expect(bytes.includes('k199999')).toBe(true);
});

test('long values for tens of thousands of spans, each with a resource of its own, are made for as many as get them', async () => {
  const carried = ['session.id', 'user.id', 'langfuse.trace.name', 'langfuse.release', 'langfuse.version'];
  const long = carried.map((name) => attribute(name, lenField(1, 'x'.repeat(4000))));
  const spanOf = (number: number, ...fields: Buffer[]) => {
    const spanId = Buffer.alloc(8, 1);
    spanId.writeUInt32BE(number);
    return Buffer.concat([lenField(1, Buffer.alloc(16, 7)), lenField(2, spanId), fixed64Field(7, 5n), ...fields]);
  };
  const resourceOf = (span: Buffer) => nested([1, 2, 2], span);
  const bare = Array.from({ length: 40_000 }, (_, number) => resourceOf(spanOf(number + 2)));
  const body = Buffer.concat([resourceOf(spanOf(1, ...long)), ...bare]);
  const before = process.memoryUsage().arrayBuffers;
  const { judge } = startJudging();
  const judgement = await judge(body);
  const grown = process.memoryUsage().arrayBuffers - before;
  expect(judgement.accepted).toBe(40_001);
  expect(judgement.bytes.length).toBeLessThan(2 * body.length + 17 * 1024 * 1024);
  expect(judgement.repairs.get('trace_session_id')).toBeGreaterThan(100);
  // All gifts together would be 800 MB.
  expect(grown).toBeLessThan(200_000_000);
});
