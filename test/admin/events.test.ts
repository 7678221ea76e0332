import type { ServerResponse } from 'node:http';
import type { TracesEvent } from '../../src/inspector/api';
import { type RunningAdmin, startAdmin } from '../support/admin';
import { type EventStream, listenTo } from '../support/event-stream';
import { eventually } from '../support/eventually';
import { startInspecting } from '../support/inspecting';

let admin: RunningAdmin;
let inspecting: ReturnType<typeof startInspecting>;
let answers: ServerResponse[];
let streams: EventStream[];
beforeEach(async () => {
  // The timers of watchers and pings alone: HTTP has its own, within Node.
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
  });
  inspecting = startInspecting();
  admin = await startAdmin({ inspecting });
  answers = [];
  streams = [];
  admin.server.on('request', (_, response) => answers.push(response));
});
afterEach(async () => {
  for (const stream of streams) stream.close();
  await admin.close();
  jest.useRealTimers();
});

async function listen(): Promise<EventStream> {
  const stream = await listenTo(admin.url);
  streams.push(stream);
  return stream;
}

/** Two ticks: in the first one it may have been read already. */
const tick = () => jest.advanceTimersByTimeAsync(1_000);
const idOf = (number: number) => number.toString(16).padStart(32, 'f');
/** And has all of them read: on a busy machine that may take more than watchers may spend at a time. */
async function keep(...traceIds: string[]): Promise<void> {
  await inspecting.keepSpans(traceIds.map((traceId) => ({ traceId, name: 's1' })));
  await inspecting.inspector.index.read();
}

test('an event per change, with the summaries of the list', async () => {
  const stream = await listen();
  expect(stream.answer).toMatchObject({
    statusCode: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  });
  await eventually(() => expect(stream.text()).toBe('retry: 2000\n\n'));
  await keep(idOf(1), idOf(2));
  await tick();
  const { traces } = await inspecting.list();
  expect(await stream.events(1)).toEqual([{ traces: JSON.parse(JSON.stringify(traces)), isCut: false }]);
  await keep(idOf(1));
  await tick();
  expect((await stream.events(2)).slice(1)).toMatchObject([{ traces: [{ traceId: idOf(1), observations: 1 }] }]);
  expect(stream.text()).toMatch(/^retry: 2000\n\n(event: traces\ndata: [^\n]*\n\n){2}$/);
});

test('all who listen hear, and more than is told is said', async () => {
  const [one, other] = [await listen(), await listen()];
  await keep(...Array.from({ length: 150 }, (_, at) => idOf(at)));
  await tick();
  const [event] = await one.events(1);
  expect([event?.isCut, event?.traces.length, event?.traces[0]?.traceId]).toEqual([true, 100, idOf(149)]);
  expect(await other.events(1)).toEqual([event]);
});

test('a trace that is gone again is not told of', async () => {
  const stream = await listen();
  await keep(idOf(1));
  await inspecting.inspector.index.read();
  inspecting.inspector.watchers.changed(idOf(2));
  await tick();
  expect((await stream.events(1))[0]?.traces.map(({ traceId }) => traceId)).toEqual([idOf(1)]);
});

test('while nothing happens the line is kept open', async () => {
  const stream = await listen();
  await jest.advanceTimersByTimeAsync(30_000);
  await eventually(() => expect(stream.text()).toBe('retry: 2000\n\n: still here\n\n: still here\n\n'));
});

test('HEAD asks what it would be, and does not listen', async () => {
  const head = await admin.get('/api/events', { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: '' });
  expect(inspecting.inspector.watchers.size).toBe(0);
});

test('32 may listen; when one has gone another may', async () => {
  for (let number = 0; number < 32; number++) await listen();
  expect(inspecting.inspector.watchers.size).toBe(32);
  const refused = { status: 503, body: { error: '32 watch already' } };
  expect(await admin.get('/api/events')).toMatchObject(refused);
  expect(await admin.get('/api/traces')).toMatchObject({ status: 200 });
  streams[7]!.close();
  await eventually(() => expect(inspecting.inspector.watchers.size).toBe(31));
  expect((await listen()).answer.statusCode).toBe(200);
});

test('who has gone leaves nothing behind', async () => {
  const before = jest.getTimerCount();
  const stream = await listen();
  expect(jest.getTimerCount()).toBeGreaterThan(before);
  stream.close();
  await eventually(() => expect(inspecting.inspector.watchers.size).toBe(0));
  await jest.advanceTimersByTimeAsync(1_000);
  expect(jest.getTimerCount()).toBe(before);
});

test('who does not read gets no more than fits, and hears later that there was more', async () => {
  const idle = await listen();
  idle.answer.pause();
  const reading = await listen();
  const [response] = answers as [ServerResponse];
  // Events of half a megabyte, until the system takes no more of them.
  const name = 'n'.repeat(5_000);
  const keepMany = () => inspecting.keepSpans(Array.from({ length: 100 }, (_, at) => ({ traceId: idOf(at), name })));
  let rounds = 0;
  for (; !response.writableNeedDrain && rounds < 200; rounds++) {
    await keepMany();
    await tick();
  }
  expect(response.writableNeedDrain).toBe(true);
  const held = response.writableLength;
  for (let more = 0; more < 5; more++) {
    await keepMany();
    await tick();
  }
  await jest.advanceTimersByTimeAsync(60_000);
  expect(response.writableLength).toBe(held);
  // Others hear all the while.
  expect((await reading.events(rounds + 5)).map(({ isCut }) => isCut)).not.toContain(true);

  idle.answer.resume();
  await eventually(() => expect(response.writableNeedDrain).toBe(false));
  await keep(idOf(1));
  await tick();
  await keep(idOf(2));
  await tick();
  const isLast = ({ traces }: TracesEvent) => traces.length === 1 && traces[0]?.traceId === idOf(2);
  await eventually(async () => expect((await idle.events(1)).some(isLast)).toBe(true));
  const [all, cut] = [await reading.events(rounds + 7), (await idle.events(1)).map(({ isCut }) => isCut)];
  expect(cut.length).toBeLessThan(all.length);
  // Told once, with the first that fits again.
  expect(cut.indexOf(true)).toBe(cut.length - 2);
  expect(cut.lastIndexOf(true)).toBe(cut.length - 2);
});

test('they end with the server', async () => {
  const streamsOfAll = [await listen(), await listen()];
  await admin.close();
  for (const { closed } of streamsOfAll) await closed;
  expect(inspecting.inspector.watchers.size).toBe(0);
  expect(admin.logs).toEqual([]);
});
