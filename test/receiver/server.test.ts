import type { RequestSender } from '../../src/receiver/accept';
import type { ReceiverOptions } from '../../src/receiver/server';
import { ingestKey } from '../support/ingest-keys';
import { requestOf, spanOf, twins } from '../support/otlp-twins';
import { post } from '../support/post';
import { NOTHING_TO_TELL, startReceiver } from '../support/receiver';

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

describe('who looks on hears', () => {
  type Failed = Parameters<ReceiverOptions['onFailed']>[0];

  test.each<[name: string, path: string, options: Partial<ReceiverOptions>, failed: Partial<Failed>]>([
    ['a body that cannot be taken', '/v1/traces?key=secret', { bodyBytesMax: 1 }, { status: 413, path: '/v1/traces' }],
    ['a path that is none', '/nothing?key=secret', {}, { status: 404, path: '/nothing' }],
    ['no key', '/v1/traces', { keys: [ingestKey('mine')] }, { status: 401 }],
    ['that the gateway is full', '/v1/traces', FULL, { status: 503, message: expect.stringContaining('full') }],
    [
      'that something broke',
      '/v1/traces',
      { accept: refuse },
      { status: 500, message: expect.not.stringContaining('kept') },
    ],
  ])('%s, once, with what its sender hears', async (_, path, options, expected) => {
    const failures: Failed[] = [];
    const { url, close } = await startReceiver({ ...options, onFailed: (failed) => failures.push(failed) });
    const headers = { ...sent.headers, 'user-agent': 'curl/8' };
    const answer = await post(`${url}${path}`, { ...sent, headers });
    await close();
    expect(failures).toEqual([expect.objectContaining({ ...expected, userAgent: 'curl/8' })]);
    const [failed] = failures as [Failed];
    expect([answer.status, answer.body.toString()]).toEqual([failed.status, expect.stringContaining(failed.message)]);
    expect(JSON.stringify(failed)).not.toContain('secret');
  });

  test('nothing of a request that was taken', async () => {
    const onFailed = jest.fn();
    expect((await ask({ onFailed })).status).toBe(200);
    expect(onFailed).not.toHaveBeenCalled();
  });
});

test.each<[name: string, options: Partial<ReceiverOptions>, headers: Record<string, string>, sender: RequestSender]>([
  ['that says nothing', {}, {}, { userAgent: undefined, address: '127.0.0.1', key: undefined }],
  ['with a name', {}, { 'user-agent': 'OTel' }, { userAgent: 'OTel', address: '127.0.0.1', key: undefined }],
  [
    'with a key',
    { keys: [ingestKey('k', { name: 'web' })] },
    { 'x-api-key': 'k' },
    { userAgent: undefined, address: '127.0.0.1', key: 'web' },
  ],
  [
    'behind a proxy that is trusted',
    { trustProxy: 1 },
    { 'x-forwarded-for': '192.0.2.7' },
    { userAgent: undefined, address: '192.0.2.7', key: undefined },
  ],
  [
    'behind one that is not',
    {},
    { 'x-forwarded-for': '192.0.2.7' },
    { userAgent: undefined, address: '127.0.0.1', key: undefined },
  ],
])('from whom a request came: one %s', async (_, options, headers, expected) => {
  const senders: RequestSender[] = [];
  const accept: ReceiverOptions['accept'] = async ({ sender }) => {
    senders.push(sender);
    return NOTHING_TO_TELL;
  };
  const { url, close } = await startReceiver({ ...options, accept });
  expect((await post(`${url}/v1/traces`, { ...sent, headers: { ...sent.headers, ...headers } })).status).toBe(200);
  await close();
  expect(senders).toEqual([expected]);
});
