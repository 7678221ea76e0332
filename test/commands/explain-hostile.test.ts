import { gzipSync } from 'node:zlib';
import { createRandom } from '../support/random';
import { explained, having, jsonOf, run } from './explain-runs';

const LIMIT = { env: { GATEWAY_BODY_MAX_BYTES: '100000' } };

test.each([
  ['a body over the limit', Buffer.alloc(100_001, '{'), 'the request body exceeds the limit of 100000 bytes'],
  ['a gzip bomb', gzipSync(Buffer.alloc(50_000_000)), 'body after decompression exceeds the limit of 100000 bytes'],
])('%s', async (_, body, message) => {
  const { code, out, err } = await run(body, LIMIT);
  expect([code, out, err]).toEqual([1, '', expect.stringContaining(message)]);
});

describe('a megabyte of garbage', () => {
  const seed = 20_261_120;
  const random = createRandom(seed);
  const noise = Buffer.from(Uint8Array.from({ length: 1_000_000 }, () => random() * 256));

  test.each(['', '\n', '{', '{"resourceSpans":[', '\x1f\x8b\b', '(\xb5/\xfd', 'x\x9c', '\0', '<'])(
    `behind %j, seed ${seed}`,
    async (start) => {
      const { code, out, err } = await run(Buffer.concat([Buffer.from(start, 'latin1'), noise]));
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^standard input: [\x20-\x7e]{1,400}\n$/);
    },
  );
});

test('values nested deep: of the span, of JSON in an attribute, of the body', async () => {
  const nested = (levels: number) => '{"arrayValue":{"values":['.repeat(levels) + ']}}'.repeat(levels);
  const body = (levels: number) =>
    jsonOf(having({ deep: 'here' }), {}).replace('{"stringValue":"here"}', nested(levels));
  const { observations, rejected } = await explained(body(200));
  expect(observations).toHaveLength(1);
  expect(rejected).toEqual([{ index: 0, reason: expect.stringMatching(/^too_deep: /) }]);
  expect(await run(body(10_000))).toMatchObject({ code: 1, out: '' });
  const json = '[{"a":'.repeat(20_000) + '}]'.repeat(20_000);
  const span = having({ 'langfuse.observation.metadata': json, input: json, 'gen_ai.input.messages': json });
  expect((await explained(jsonOf(span))).observations).toMatchObject([{ input: json }]);
});

test('a chain of 20,000 spans: each is there, and lines do not grow with the depth', async () => {
  const id = (number: number) => number.toString(16).padStart(16, '0');
  const chain = Array.from({ length: 20_000 }, (_, at) => ({
    ...{ spanId: id(at + 1), name: `s${at}` },
    ...(at === 0 ? {} : { parentSpanId: id(at) }),
  }));
  const { code, out } = await run(jsonOf(...chain.reverse()), { json: false });
  expect(code).toBe(0);
  const heads = out.split('\n').filter((line) => / SPAN {2}s\d+ {2}/.test(line));
  expect(heads.map((line) => /s(\d+)/.exec(line)?.[1])).toEqual(chain.map((_, at) => String(at)));
  expect(heads.at(-1)).toMatch(/ {2}\(level 20000\)$/);
  expect(out.split('\n').filter((line) => line.length > 500)).toEqual([]);
});
