import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { Rejection } from '../../src/admission/admit';
import { type Success, sendSuccess } from '../../src/receiver/answer';
import { type Encoding, expectRejected, expectSuccess } from '../support/otlp-answer';
import { post } from '../support/post';

const ENCODINGS: Encoding[] = ['json', 'protobuf'];
const WARNINGS = ['3 span(s) without a session id', '1 span(s) with an end before the start'];
const WARNED = `warnings: ${WARNINGS.join('; ')}`;

/** What a sender is answered. */
async function answerTo(encoding: Encoding, success: Success) {
  const server = createServer((request, response) => {
    request.resume();
    sendSuccess(response, encoding, success);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await post(`http://127.0.0.1:${port}/v1/traces`, { headers: {}, body: Buffer.alloc(0) });
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  return answer;
}

/** Each with a reason of its own, or one as long as they get. */
const rejections = (count: number, length = 0): Rejection[] =>
  Array.from({ length: count }, (_, index) => ({
    ordinal: index,
    position: index,
    reason: 'invalid_trace_id',
    field: `resourceSpans[0].scopeSpans[0].spans[${index}].traceId`,
    description: `is no id${'.'.repeat(length)}`,
  }));

/** OpenTelemetry's own reading of it. */
const readers = { json: JsonTraceSerializer, protobuf: ProtobufTraceSerializer };

describe.each(ENCODINGS)('%s', (encoding) => {
  test.each<[string, Success]>([
    ['not named', { rejections: [] }],
    ['an empty list', { rejections: [], warnings: [] }],
  ])('no warnings, %s: a full success says nothing', async (_, success) => {
    expectSuccess(await answerTo(encoding, success), encoding);
  });

  test('warnings alone: nothing is rejected, and something is said', async () => {
    const { status, headers, body } = await answerTo(encoding, { rejections: [], warnings: WARNINGS });
    expect([status, headers['content-length']]).toEqual([200, String(body.length)]);
    const { partialSuccess } = readers[encoding].deserializeResponse(body);
    expect(partialSuccess?.errorMessage).toBe(WARNED);
    expect(Number(partialSuccess?.rejectedSpans ?? 0)).toBe(0);
  });

  test('rejections alone are named as ever', async () => {
    const answer = await answerTo(encoding, { rejections: rejections(6), warnings: [] });
    const named = rejections(5).map(({ field, description }) => `${field} ${description}`);
    expect(expectRejected(answer, { encoding, spans: 6 })).toBe(`6 span(s) rejected: ${named.join('; ')}; and 1 more`);
  });

  test('warnings follow behind rejections, and count no span as rejected', async () => {
    const answer = await answerTo(encoding, { rejections: rejections(1), warnings: WARNINGS });
    const rejected = '1 span(s) rejected: resourceSpans[0].scopeSpans[0].spans[0].traceId is no id';
    expect(expectRejected(answer, { encoding, spans: 1 })).toBe(`${rejected} | ${WARNED}`);
  });

  test.each<[string, Success, string]>([
    ['warnings', { rejections: [], warnings: Array(200).fill(WARNINGS[0]) }, 'warnings: 3 span(s)'],
    ['both', { rejections: rejections(9), warnings: Array(200).fill(WARNINGS[0]) }, '9 span(s) rejected'],
    ['rejections', { rejections: rejections(9, 1_000), warnings: WARNINGS }, '9 span(s) rejected'],
  ])('too many %s: the message ends at its bound', async (_, success, start) => {
    const { body } = await answerTo(encoding, success);
    const message = readers[encoding].deserializeResponse(body).partialSuccess?.errorMessage ?? '';
    expect([message.slice(0, start.length), message.length, message.at(-1)]).toEqual([start, 1_501, '…']);
  });
});

test('with warnings alone the number of rejected spans is not written: it has its default', async () => {
  const success = { rejections: [], warnings: ['1 span(s) without a user id'] };
  const text = 'warnings: 1 span(s) without a user id';
  expect((await answerTo('json', success)).body.toString()).toBe(`{"partialSuccess":{"errorMessage":"${text}"}}`);
  const partial = Buffer.concat([Buffer.from([0x12, text.length]), Buffer.from(text)]);
  expect((await answerTo('protobuf', success)).body).toEqual(
    Buffer.concat([Buffer.from([0x0a, partial.length]), partial]),
  );
});
