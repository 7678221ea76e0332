import pino from 'pino';
import { createDoor } from '../src/door';
import { GatewayError } from '../src/errors';
import { Inspector } from '../src/inspector/inspector';
import { TraceQueries } from '../src/inspector/queries';
import { createLedger } from '../src/ledger';
import { createMemoryQueue } from '../src/queue/memory-queue';
import { emptyMetrics } from './support/admin';
import { configOf } from './support/configuration';
import { encodeSpans, numberedSpans, TRACE_ID } from './support/trace-request';

/** What is done behind the answer is done then. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A door in front of a memory queue; the given inspector looks on. */
function start(inspector: Pick<Inspector, 'kept' | 'orphans'>, { bytesMax = 100_000 } = {}) {
  const logs: string[] = [];
  const ledger = createLedger();
  const queue = createMemoryQueue({ bytesMax, now: () => 0 });
  const log = pino({}, { write: (line: string) => logs.push(line) });
  const door = createDoor(configOf({}), {
    queue,
    destination: 'main',
    ledger,
    random: () => 0,
    metrics: emptyMetrics(),
    inspector,
    log,
  });
  const send = () =>
    door.accept({
      ...{ format: 'protobuf', bytes: encodeSpans(numberedSpans(3)), traceContext: undefined, destination: undefined },
      ...{ policy: undefined, onRead: () => {} },
      sender: { userAgent: 'curl', address: undefined, key: undefined },
    });
  return { door, ledger, logs, queue, send };
}

test('what is kept can be looked at; what was sent away cannot', async () => {
  const inspector = new Inspector({ mode: 'full', stampsOf: () => ({}), now: Date.now });
  const kept = start(inspector);
  await kept.send();
  await turn();
  kept.door.close();
  const sentAway = start(inspector, { bytesMax: 10 });
  await expect(sentAway.send()).rejects.toBeInstanceOf(GatewayError);
  await turn();
  sentAway.door.close();
  const { traces } = await new TraceQueries(inspector).list({ limit: 9, before: undefined, filter: {} });
  expect(traces).toMatchObject([{ traceId: TRACE_ID, observations: 3 }]);
  expect(inspector.clients.list()).toMatchObject([{ userAgent: 'curl', requests: 1, spans: 3 }]);
});

test('an inspector that stumbles fails no request that is kept already, and is told of', async () => {
  const stumbling = {
    kept: () => {
      throw new Error('these notes are gone');
    },
    orphans: () => {},
  };
  const { door, ledger, logs, queue, send } = start(stumbling);
  expect(await send()).toMatchObject({ accepted: 3, rejections: [] });
  expect(logs.filter((line) => line.includes('stumbled'))).toEqual([]);
  await turn();
  door.close();
  expect([ledger.totals().accepted, queue.stats().items]).toEqual([3, 3]);
  const told = logs.map((line) => JSON.parse(line) as { level: number; err?: { message: string } });
  expect(told.filter(({ level }) => level === 50)).toMatchObject([{ err: { message: 'these notes are gone' } }]);
});
