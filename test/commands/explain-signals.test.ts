import { lenField as len, tag, varintField, WIRE } from '../support/wire';
import { explained, run } from './explain-runs';

/** A request of another signal in protobuf: resources, in them scopes, in them one record. */
const requestOf = (record: Buffer) =>
  len(1, Buffer.concat([len(1, ''), len(2, Buffer.concat([len(1, ''), len(2, record)]))]));
const time = (number: number) => Buffer.concat([tag(number, WIRE.fixed64), Buffer.alloc(8, 1)]);
const metric = (...data: Buffer[]) => Buffer.concat([len(1, 'http.duration'), len(2, 'd'), len(3, 'ms'), ...data]);
const points = len(1, time(3));

test.each<[string, Buffer, string]>([
  ['a log record', Buffer.concat([time(1), varintField(2, 9), len(5, len(1, 'hello'))]), 'OTLP logs'],
  ['a log record by when it was observed', Buffer.concat([len(5, len(1, 'hello')), time(11)]), 'OTLP logs'],
  ['a gauge', metric(len(5, points)), 'OTLP metrics'],
  ['a sum', metric(len(7, points)), 'OTLP metrics'],
  ['a histogram', metric(len(9, points)), 'OTLP metrics'],
  ['an exponential histogram', metric(len(10, points)), 'OTLP metrics'],
  ['a summary', metric(len(11, points)), 'OTLP metrics'],
])('%s', async (_, record, signal) => {
  const { code, out, err } = await run(requestOf(record));
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(`it looks like ${signal}; what is wanted is what is sent to /v1/traces`);
});

const badIds = [len(1, Buffer.alloc(16)), len(2, Buffer.alloc(8, 1))];
const key = Buffer.concat([len(1, 'a'), len(2, len(1, 'b'))]);

describe('a span that is rejected, and has neither name nor times, is no other signal', () => {
  test.each<[string, Buffer[]]>([
    ['nothing else', []],
    ['an attribute', [len(9, key)]],
    ['an attribute without a value', [len(9, len(1, 'a'))]],
    ['an attribute whose key begins like a record', [len(9, len(1, '\u001a\u0001x'))]],
    ['an event', [len(11, Buffer.concat([time(1), len(2, 'e')]))]],
    ['an event without a time', [len(11, len(2, 'e'))]],
    ['a name that begins with a line feed', [len(5, '\nname')]],
    ['a trace state, counts, a link, a status', [len(3, 'a=b'), varintField(10, 1), len(13, ''), len(15, len(2, 'x'))]],
  ])('%s', async (_, fields) => {
    const { observations, rejected } = await explained(requestOf(Buffer.concat([...badIds, ...fields])));
    expect([observations, rejected]).toEqual([
      [],
      [{ index: 0, reason: expect.stringMatching(/^invalid_trace_id: /) }],
    ]);
  });
});
