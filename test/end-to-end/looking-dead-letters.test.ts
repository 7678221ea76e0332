import { dataDirectory } from '../../src/data-directory';
import type { DeadLetterList } from '../../src/inspector/api';
import { put, storeAt } from '../dead-letters/letters';
import { ask } from '../support/admin';
import { eventually } from '../support/eventually';
import { type FakeLangfuse, startFakeLangfuse } from '../support/fake-langfuse';
import { type RunningGateway, startGateway } from '../support/gateway';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { numberedSpans, postOf, spanIdOf, TRACE_ID } from '../support/trace-request';

let dataDir: string;
let fake: FakeLangfuse;
let gateway: RunningGateway;
let isStrict: boolean;
beforeEach(async () => {
  dataDir = makeTemporary();
  isStrict = true;
  fake = await startFakeLangfuse({ refuseSpan: () => isStrict });
});
afterEach(async () => {
  await gateway.stop();
  await fake.close();
  removeTemporary(dataDir);
});

const start = async (env: Record<string, string> = {}, yaml?: string) => {
  gateway = await startGateway({ fake, yaml, env: { GATEWAY_DATA_DIR: dataDir, ...env } });
};

const JSON_BODY = { 'content-type': 'application/json' };
const change = async (method: string, path: string, headers: object = JSON_BODY) => {
  const { status, body } = await ask(gateway.adminUrl, `/api/dead-letters/${path}`, { method, headers });
  return [status, body];
};
const list = async (query = ''): Promise<DeadLetterList> =>
  (await ask(gateway.adminUrl, `/api/dead-letters${query}`)).body as DeadLetterList;

/** So many requests that Langfuse refuses, one after another; ids newest first. */
async function refused(count: number): Promise<string[]> {
  for (let number = 1; number <= count; number++) {
    await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(2, { from: number * 10 })));
    await eventually(async () => expect((await list()).total).toBe(number));
  }
  return (await list()).deadLetters.map(({ id }) => id);
}

test('what was given up, newest first, page by page', async () => {
  await start();
  expect(await list()).toEqual({ deadLetters: [], total: 0, bytes: 0, next: null });
  const ids = await refused(3);
  expect(ids.toSorted().toReversed()).toEqual(ids);
  const { deadLetters, total, bytes, next } = await list('?limit=2');
  expect([deadLetters.map(({ id }) => id), total, next]).toEqual([ids.slice(0, 2), 3, ids[1]]);
  expect(bytes).toBeGreaterThan(100);
  expect(deadLetters[0]).toEqual({
    ...{ id: ids[0], destination: 'main', reason: 'refused', status: 400, attempts: 1, spanCount: 2 },
    ...{ firstAt: expect.any(String), lastAt: expect.any(String), bytes: expect.any(Number) },
    spans: ['s30', 's31'].map((name) => ({ traceId: TRACE_ID, spanId: spanIdOf(name) })),
  });
  expect(await list(`?limit=2&before=${ids[1]}`)).toMatchObject({
    deadLetters: [{ id: ids[2] }],
    total: 3,
    next: null,
  });
  for (const query of ['?limit=0', '?limit=x', '?limit=1000', '?before[x]=1']) {
    expect((await list(query)).deadLetters).toHaveLength(3);
  }
});

test('replayed they go to Langfuse, and are letters no more', async () => {
  await start();
  const [last, first] = (await refused(2)) as [string, string];
  isStrict = false;
  expect(await change('POST', `${first}/replay`)).toEqual([200, { id: first, spans: 2 }]);
  expect((await fake.waitForSpans(2)).map(({ name }) => name)).toEqual(['s10', 's11']);
  expect((await list()).deadLetters.map(({ id }) => id)).toEqual([last]);
  const problem = 'there is no such dead letter';
  expect(await change('POST', `${first}/replay`)).toEqual([404, { id: first, problem }]);
  expect((await ask(gateway.adminUrl, '/api/overview')).body).toMatchObject({
    totals: { accepted: 4, deadLettered: 4, replayed: 2, delivered: 2, queued: 0 },
  });
});

test('dropped they are gone for good', async () => {
  await start();
  const [id, other] = (await refused(2)) as [string, string];
  expect(await change('DELETE', id)).toEqual([200, { id }]);
  expect(await change('DELETE', id)).toEqual([404, { id, problem: 'there is no such dead letter' }]);
  expect(await list()).toMatchObject({ deadLetters: [{ id: other }], total: 1 });
});

test('one for a destination that is not there stays', async () => {
  const store = storeAt(dataDirectory(dataDir).deadLetters);
  await store.open();
  const id = await put(store, undefined, { destination: 'eu' });
  await start();
  const problem = 'destination eu is not configured; the letter stays';
  expect(await change('POST', `${id}/replay`)).toEqual([409, { id, problem }]);
  expect(await list()).toMatchObject({ deadLetters: [{ id, destination: 'eu' }], total: 1 });
});

test.each<[name: string, headers: object, status: number]>([
  ['no type', {}, 415],
  ['the type of a form', { 'content-type': 'text/plain' }, 415],
  ['a foreign page', { ...JSON_BODY, origin: 'https://evil.example' }, 403],
  ['a page without an origin', { ...JSON_BODY, origin: 'null' }, 403],
  ['a name that points here', { ...JSON_BODY, host: 'evil.example' }, 403],
])('a change by %s is none', async (_, headers, status) => {
  await start();
  const [id] = (await refused(1)) as [string];
  isStrict = false;
  for (const [method, path] of [
    ['POST', `${id}/replay`],
    ['DELETE', id],
  ] as const) {
    expect(await change(method, path, headers)).toEqual([status, { error: expect.any(String) }]);
  }
  expect((await list()).total).toBe(1);
  expect(fake.spans).toEqual([]);
});

test('asking changes nothing', async () => {
  await start();
  const [id] = (await refused(1)) as [string];
  isStrict = false;
  for (const [method, path] of [
    ['GET', `${id}/replay`],
    ['HEAD', `${id}/replay`],
    ['GET', id],
    ['PUT', id],
    ['POST', id],
    ['DELETE', `${id}/replay`],
  ] as const) {
    const [status] = await change(method, path);
    expect([method, path, status]).toEqual([method, path, 405]);
  }
  expect((await list()).total).toBe(1);
  expect(fake.spans).toEqual([]);
});

test.each([
  ...['%00', '%2e%2e%2f%2e%2e%2fx', '..%5cx', '__proto__', 'x'],
  // As an id looks, but for its last letter.
  '20261120T105533123Z-0000000F',
])('an id that is none: %p', async (id) => {
  await start();
  const unknown = [404, { id: decodeURIComponent(id), problem: 'there is no such dead letter' }];
  expect(await change('POST', `${id}/replay`)).toEqual(unknown);
  expect(await change('DELETE', id)).toEqual(unknown);
  expect(gateway.logs.filter((line) => line.includes('"level":50'))).toEqual([]);
});

test('without a disk there are none, and none to put back', async () => {
  await start({ GATEWAY_QUEUE: 'memory' });
  await post(`${gateway.url}/v1/traces`, postOf(numberedSpans(2)));
  await eventually(async () => expect((await gateway.metrics()).gateway_queue_spans).toBe(0));
  expect(await list()).toEqual({ deadLetters: [], total: 0, bytes: 0, next: null });
  const problem = 'the gateway keeps no dead letters, or is starting; try again';
  expect(await change('POST', 'x/replay')).toEqual([409, { problem }]);
  expect(await change('DELETE', 'x')).toEqual([409, { problem }]);
});

test('with the inspector off they are there all the same', async () => {
  await start({}, 'inspector: off');
  const [id] = (await refused(1)) as [string];
  expect(await change('DELETE', id)).toEqual([200, { id }]);
});
