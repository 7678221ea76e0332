import type { Accepted } from '../../src/receiver/accept';
import { exchange } from '../support/exchange';
import { ingestKey } from '../support/ingest-keys';
import { expectRefusal } from '../support/otlp-answer';
import { NOTHING_TO_TELL, type RunningReceiver, startReceiver } from '../support/receiver';

const ORIGIN = 'https://app.example.com';
const HEADERS = { origin: ORIGIN, 'content-type': 'application/json', 'x-api-key': 'gw-web-1' };
const KEY = ingestKey('gw-web-1', { name: 'web', browser: true, origins: [ORIGIN] });

let running: RunningReceiver | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(options: Parameters<typeof startReceiver>[0]) {
  running = await startReceiver(options);
  const { url } = running;
  return (path = '/otel-ingest', headers: object = HEADERS) =>
    exchange(url, { method: 'POST', path, headers: { ...headers }, body: Buffer.from('[]') });
}

test('?flush=true and not settled in time: 202 all the same, and it says so', async () => {
  const send = await start({ flush: { settled: async () => false, waiting: () => 1 } });
  const { status, body } = await send('/otel-ingest?flush=true');
  expect([status, JSON.parse(body.toString())]).toEqual([
    202,
    { accepted: 1, rejected: 0, errors: [], flushed: false },
  ]);
});

test.each(['/otel-ingest', '/otel-ingest?flush=false', '/otel-ingest?flush='])('%s does not wait', async (path) => {
  const send = await start({ flush: { settled: () => new Promise(() => {}), waiting: () => 1 } });
  const { status, body } = await send(path);
  expect([status, JSON.parse(body.toString())]).toEqual([202, { accepted: 1, rejected: 0, errors: [] }]);
});

test('no more than a thousand errors are listed; all are counted', async () => {
  const rejections = Array.from({ length: 1500 }, (_, ordinal): Accepted['rejections'][number] => {
    return {
      reason: 'invalid_field',
      ordinal,
      position: ordinal,
      field: `spans[${ordinal}]`,
      description: 'is not an object',
    };
  });
  const send = await start({ accept: async () => ({ ...NOTHING_TO_TELL, accepted: 0, rejections }) });
  const { status, body } = await send();
  const { rejected, errors } = JSON.parse(body.toString());
  expect([status, rejected, errors.length]).toEqual([207, 1500, 1000]);
  expect(errors[0]).toEqual({ index: 0, message: 'spans[0] is not an object' });
  expect(errors[999].index).toBe(999);
});

describe('who waits with a browser key', () => {
  const WAITING_MAX = 32;

  /** So many that wait until `end` is called. */
  async function crowd(path: string) {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let waiting = 0;
    let allWait = () => {};
    const all = new Promise<void>((resolve) => {
      allWait = resolve;
    });
    const settled = async () => {
      if (++waiting === WAITING_MAX) allWait();
      await ended;
      return true;
    };
    const send = await start({ keys: [KEY, ingestKey('gw-backend-1')], flush: { settled, waiting: () => 1 } });
    const answers = Array.from({ length: WAITING_MAX }, () => send(path));
    await all;
    return { send, end, answers };
  }

  test('holds at most 32 connections: with a flush one more is 429', async () => {
    const { send, end, answers } = await crowd('/flush');
    const refused = await send('/flush');
    expectRefusal(refused, { status: 429, encoding: 'json' });
    expect(refused.headers).toMatchObject({ 'retry-after': '1', 'access-control-allow-origin': ORIGIN });
    const byServer = send('/flush', { 'x-api-key': 'gw-backend-1' });
    end();
    for (const answer of [...answers, byServer]) expect((await answer).status).toBe(202);
    expect((await send('/flush')).status).toBe(202);
  });

  test('with spans one more is answered at once, and its spans are kept', async () => {
    const { send, end, answers } = await crowd('/otel-ingest?flush=true');
    const { status, body } = await send('/otel-ingest?flush=true');
    expect([status, JSON.parse(body.toString())]).toMatchObject([202, { accepted: 1, flushed: false }]);
    end();
    for (const answer of answers) expect(JSON.parse((await answer).body.toString())).toMatchObject({ flushed: true });
  });
});
