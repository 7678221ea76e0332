import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLangfuseClient } from '../../src/delivery/langfuse-client';
import { encodeSpans, numberedSpans } from '../support/trace-request';

/** Sockets live on real turns of the event loop, whatever the timers do. */
async function passTurns(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** One test: undici keeps a timer of its own, which must not have begun before the clock is ours. */
test('answers that do not come, or do not end, are given up after half a minute', async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    if (request.url?.startsWith('/endless')) response.writeHead(503).write('{');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientOf = (baseUrl: string) =>
    createLangfuseClient({
      destination: { name: 'main', baseUrl, publicKey: 'pk', secretKey: 'sk', compression: 'none' },
      ...{ proxy: {}, userAgent: 'test/1', gzip: false, now: Date.now },
    });
  const clients = [clientOf(`${origin}/silent`), clientOf(`${origin}/endless`)];
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  const verdicts: unknown[] = [];
  for (const [index, client] of clients.entries()) {
    void client.post([encodeSpans(numberedSpans(1))]).then((verdict) => {
      verdicts[index] = verdict;
    });
  }
  while (asked < 2) await passTurns();
  await passTurns();

  await jest.advanceTimersByTimeAsync(28_000);
  await passTurns();
  expect(verdicts).toEqual([]);
  await jest.advanceTimersByTimeAsync(6_000);
  await passTurns();
  expect(verdicts).toEqual([
    { kind: 'retry', reason: 'timeout' },
    // Its status has said all.
    { kind: 'retry', reason: 'http_503' },
  ]);

  jest.useRealTimers();
  await Promise.all(clients.map((client) => client.close()));
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});
