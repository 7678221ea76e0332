import type { ReceiverOptions } from '../../src/receiver/server';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { startReceiver } from '../support/receiver';

const [[, sent]] = twins(requestOf(spanOf())) as [ReturnType<typeof twins>[number]];
const DRAINING = { isDraining: () => true };
const FULL = { trouble: () => 'the queue is full' };

/** A receiver that takes everything unless told otherwise; answers one request. */
async function ask(options: Partial<ReceiverOptions>) {
  const { url, close } = await startReceiver(options);
  const answer = await post(`${url}/v1/traces`, sent);
  await close();
  return answer;
}

test.each([
  ['draining', DRAINING, 0, '1'],
  ['draining', DRAINING, 0.99, '5'],
  ['a full queue', FULL, 0, '1'],
  ['a full queue', FULL, 0.99, '5'],
])('%s: 503 with a Retry-After that is spread', async (_, state, random, retryAfter) => {
  const answer = await ask({ ...state, random: () => random });
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, retryAfter]);
});

const refuse = () => Promise.reject(new Error('not kept'));
test.each([
  ['kept', {}, 200, [1, 1]],
  ['not kept', { accept: refuse }, 500, [1, 1]],
  ['too large by its own account', { bodyBytesMax: 1 }, 413, [0, 0]],
])('a body that was %s lets in the next, once, if it was let in itself', async (_, options, status, counts) => {
  const [calls, offered] = [jest.fn(), jest.fn()];
  const room = async () => {
    calls();
    return offered;
  };
  expect((await ask({ ...options, room })).status).toBe(status);
  expect([calls.mock.calls.length, offered.mock.calls.length]).toEqual(counts);
});
