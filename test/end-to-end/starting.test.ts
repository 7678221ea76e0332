import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { queueIn } from '../../src/data-directory';
import { endAllBuilt, spawnBuilt } from '../support/built-gateway';
import { makeTemporary, removeTemporary } from '../support/temporary';

const ENTRY_BYTES = 16 * 1024 * 1024;
const ENTRIES = 24;
const LOOKS_MAX = 2_000;

let dataDir: string;
beforeEach(() => {
  dataDir = makeTemporary();
});
afterEach(async () => {
  await endAllBuilt();
  removeTemporary(dataDir);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A queue that takes a while to read; for a destination that nobody serves, so that it stays as it is. */
async function fillQueue(): Promise<void> {
  const queue = queueIn(dataDir, { bytesMax: 2 * ENTRIES * ENTRY_BYTES });
  await queue.open();
  for (let entry = 0; entry < ENTRIES; entry++)
    await queue.offer(randomBytes(ENTRY_BYTES), { destination: 'elsewhere', items: 1 });
  await queue.close();
}

test('while a long queue is read somebody answers: alive, and starting', async () => {
  await fillQueue();
  const port = await freePort();
  const admin = `http://127.0.0.1:${port}`;
  const gateway = spawnBuilt({ GATEWAY_DATA_DIR: dataDir, GATEWAY_ADMIN_PORT: String(port) });
  const seen: [health: number, code: number, status: string][] = [];
  for (let look = 0; look < LOOKS_MAX && seen.at(-1)?.[1] !== 200; look++) {
    await sleep(5);
    const [health, ready] = await Promise.all([fetch(`${admin}/healthz`), fetch(`${admin}/readyz`)]).catch(() => []);
    if (health === undefined || ready === undefined) continue;
    seen.push([health.status, ready.status, ((await ready.json()) as { status: string }).status]);
  }
  expect(seen[0]).toEqual([200, 503, 'starting']);
  expect(seen.at(-1)).toEqual([200, 200, 'degraded']);
  expect(gateway.logs()).toContainEqual(
    expect.objectContaining({ msg: expect.stringMatching(/^elsewhere: not configured/) }),
  );
});

test('a signal while a long queue is read ends the start, and loses nothing', async () => {
  await fillQueue();
  const port = await freePort();
  const gateway = spawnBuilt({ GATEWAY_DATA_DIR: dataDir, GATEWAY_ADMIN_PORT: String(port) });
  let isAlive = false;
  for (let look = 0; look < LOOKS_MAX && !isAlive; look++) {
    await sleep(5);
    isAlive = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  gateway.kill('SIGTERM');
  expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });

  const queue = queueIn(dataDir, { bytesMax: 2 * ENTRIES * ENTRY_BYTES });
  await queue.open();
  expect(queue.stats().items).toBe(ENTRIES);
  await queue.close();
});
