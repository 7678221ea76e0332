import { createAccept } from '../src/accept';
import { GatewayError } from '../src/errors';
import { createJudge } from '../src/judge';
import { createLedger } from '../src/ledger';
import { createMemoryQueue } from '../src/queue/memory-queue';
import { type QueuePort, QueueRefusal } from '../src/queue/port';
import { configOf } from './support/configuration';
import { encodeSpans, numberedSpans } from './support/trace-request';

/** Accepts requests into the given queue. */
function start(queue: Pick<QueuePort, 'offer'>) {
  const ledger = createLedger();
  const kept: number[] = [];
  const accept = createAccept({
    ...{ judge: createJudge({ ...configOf({}), now: () => 0 }).judge, queue, ledger, destination: 'main' },
    onKept: ({ accepted }) => kept.push(accepted),
    random: () => 0,
  });
  const send = () =>
    accept({
      format: 'protobuf',
      bytes: encodeSpans(numberedSpans(3)),
      traceContext: undefined,
      destination: undefined,
      policy: undefined,
      sender: { userAgent: undefined, address: undefined, key: undefined },
      onRead: () => {},
    });
  return { send, kept, accepted: () => ledger.totals().accepted };
}

test('accepted spans are counted once they are kept', async () => {
  const queue = createMemoryQueue({ bytesMax: 10_000, now: () => 0 });
  const { send, kept, accepted } = start(queue);
  expect(await send()).toMatchObject({ rejections: [] });
  expect([accepted(), queue.stats('main').items, kept]).toEqual([3, 3, [3]]);
});

const refusing = (reason: QueueRefusal['reason']) => ({
  offer: () => Promise.reject(new QueueRefusal(reason, 'the reason of the queue')),
});

test.each([
  ['full', 'unavailable', 'the queue is full; the spans were not kept', { 'Retry-After': '1' }],
  ['sick', 'unavailable', 'the disk of the queue fails; the spans were not kept', { 'Retry-After': '1' }],
  ['too_large', 'too_large', expect.stringContaining('the reason of the queue; send smaller batches'), {}],
] as const)('%s: the sender is told, and nothing is counted', async (reason, code, message, headers) => {
  const { send, kept, accepted } = start(refusing(reason));
  const error = await send().catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(GatewayError);
  const { code: given, message: text, headers: sent } = error as GatewayError;
  expect([given, text, sent]).toEqual([code, message, headers]);
  expect([accepted(), kept]).toEqual([0, []]);
});

test('what is no refusal is handed on as it is', async () => {
  const fault = new Error('disk on fire');
  const { send, accepted } = start({ offer: () => Promise.reject(fault) });
  await expect(send()).rejects.toBe(fault);
  expect(accepted()).toBe(0);
});
