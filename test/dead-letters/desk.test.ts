import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { REPAIRS, type RepairName } from '../../src/admission/repairs';
import { createDeadLetterDesk, deskListener } from '../../src/dead-letter-desk';
import type { DeadLetterStore } from '../../src/dead-letters/store';
import { realFiles } from '../../src/queue/files';
import { createMemoryQueue } from '../../src/queue/memory-queue';
import { createReplay } from '../../src/replay';
import { makeTemporary, removeTemporary } from '../support/temporary';
import { put, storeAt } from './letters';

let directory: string;
let server: Server;
let url: string;
let store: DeadLetterStore;
const disk = { broken: false };

beforeEach(async () => {
  directory = makeTemporary();
  disk.broken = false;
  const remove: typeof realFiles.remove = async (path) => {
    if (disk.broken) throw Object.assign(new Error('broken'), { code: 'EIO' });
    await realFiles.remove(path);
  };
  store = storeAt(directory, { files: { ...realFiles, remove } });
  await store.open();
  const underWay = new Set<string>();
  const replay = createReplay({
    ...{ store, queue: createMemoryQueue({ bytesMax: 1_000_000, now: () => 0 }), underWay, onReplayed: () => {} },
    isKnown: (destination) => destination === 'main',
    repairs: Object.fromEntries(REPAIRS.map((name) => [name, true])) as Record<RepairName, boolean>,
  });
  server = createServer(deskListener(createDeadLetterDesk({ store, underWay, replay })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  removeTemporary(directory);
});

async function ask(method: string, path: string) {
  const answer = await fetch(`${url}${path}`, { method });
  expect(answer.headers.get('content-type')).toBe('application/json');
  return [answer.status, await answer.json()];
}

test('replay', async () => {
  const id = await put(store);
  expect(await ask('POST', `/dead-letters/${id}/replay`)).toEqual([200, { id, spans: 2 }]);
  const problem = 'there is no such dead letter';
  expect(await ask('POST', `/dead-letters/${id}/replay`)).toEqual([404, { id, problem }]);
});

test('a replay that has a problem', async () => {
  const id = await put(store, undefined, { destination: 'eu' });
  const problem = 'destination eu is not configured; the letter stays';
  expect(await ask('POST', `/dead-letters/${id}/replay`)).toEqual([409, { id, problem }]);
});

test('drop', async () => {
  const id = await put(store);
  expect(await ask('DELETE', `/dead-letters/${id}`)).toEqual([200, { id }]);
  expect(await store.ids()).toEqual([]);
  const problem = 'there is no such dead letter';
  expect(await ask('DELETE', `/dead-letters/${id}`)).toEqual([404, { id, problem }]);
});

test('a drop that the disk refuses', async () => {
  const id = await put(store);
  disk.broken = true;
  const problem = 'its files could not be removed (EIO)';
  expect(await ask('DELETE', `/dead-letters/${id}`)).toEqual([500, { id, problem }]);
});

test.each([
  ...(['GET', 'POST', 'PUT'].map((method) => [method, '']) as [string, string][]),
  ...(['GET', 'DELETE', 'PUT'].map((method) => [method, '/replay']) as [string, string][]),
  ...([
    ['POST', '/replay/'],
    ['POST', '/replay?x=1'],
    ['DELETE', '/'],
    ['DELETE', '%00'],
    ['DELETE', '.json'],
    ['DELETE', '%2f..%2fx'],
  ] as [string, string][]),
])('%s and ID%s: not served', async (method, end) => {
  const id = await put(store);
  expect(await ask(method, `/dead-letters/${id}${end}`)).toEqual([404, expect.anything()]);
  expect(await ask(method, `/x/dead-letters/${id}${end}`)).toEqual([404, expect.anything()]);
  expect(await store.ids()).toEqual([id]);
});
