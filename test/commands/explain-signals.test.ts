import { lenField as len, tag, varintField, WIRE } from '../support/wire';
import { run } from './explain-runs';

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
