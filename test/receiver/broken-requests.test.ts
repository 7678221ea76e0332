import { expectRefusal } from '../support/otlp-answer';
import { rawPost } from '../support/raw-connection';
import { type RunningReceiver, startReceiver } from '../support/receiver';

const ORIGIN = 'https://app.example.com';

let running: RunningReceiver | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const types = { json: 'application/json', protobuf: 'application/x-protobuf' };
const CHUNKED = { Origin: ORIGIN, 'Transfer-Encoding': 'chunked' };
const head = (headers: Record<string, string>) =>
  rawPost({ headers })
    .toString()
    .replace(/Content-Length: 0\r\n/, '');

test.each(['json', 'protobuf'] as const)(
  'a body that breaks off being HTTP: 400 in the encoding of the request, readable by its page, %s',
  async (encoding) => {
    running = await startReceiver({ corsOrigins: [ORIGIN] });
    const connection = await running.open();
    await connection.write(head({ ...CHUNKED, 'Content-Type': types[encoding] }));
    await connection.write('5\r\nhello\r\nZZZ\r\n');
    const answer = await connection.answer();
    expectRefusal(answer, { status: 400, encoding });
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, connection: 'close' });
    await connection.closed;
    expect(running.answered).toEqual([['/v1/traces', 400]]);
  },
);

test('a body that takes too long: 408, readable by its page', async () => {
  running = await startReceiver({ corsOrigins: [ORIGIN] });
  Object.assign(running.receiver, { headersTimeout: 200, requestTimeout: 400 });
  const connection = await running.open();
  await connection.write(head({ ...CHUNKED, 'Content-Type': types.protobuf }));
  const answer = await connection.answer();
  expectRefusal(answer, { status: 408, encoding: 'protobuf' });
  expect(answer.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN });
  await connection.closed;
  expect(running.answered).toEqual([['/v1/traces', 408]]);
}, 30_000);

test('no HTTP at all, where there is no request: 400 in JSON', async () => {
  running = await startReceiver({ corsOrigins: [ORIGIN] });
  const connection = await running.open();
  await connection.write('hello\r\n\r\n');
  expectRefusal(await connection.answer(), { status: 400, encoding: 'json' });
  await connection.closed;
  expect(running.answered).toEqual([]);
});
