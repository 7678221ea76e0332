'use strict';
const { randomBytes } = require('node:crypto');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { setImmediate: turn, setTimeout: sleep } = require('node:timers/promises');
const { writtenBytes } = require('./proc.cjs');

/**
 * One run of one queue in a process of its own. It is told by IPC `{queue, bytes, writers, directory, seconds}` and
 * answers with the figures: writers that offer one entry after another, and a reader that takes and settles at once.
 */
const QUEUE_BYTES_MAX = 2 ** 30;
const WARM_UP_SHARE = 0.25;
// Room for the latencies; a queue in memory is through with them before the time is over.
const OFFERS_MAX = 200_000;
const MAINTAIN_MS = 1000;
const PAUSE_WHEN_FULL_MS = 1;
const LOOK_MS = 10;
const LOOKS_MAX = 500;
const DESTINATION = 'main';

process.once('message', async (order) => {
  process.send(await run(order).catch((error) => ({ problem: error.stack })));
});
process.on('disconnect', () => process.exit());
process.on('SIGTERM', () => process.exit());

async function run({ queue: kind, bytes, writers, directory, seconds }) {
  const queue = await QUEUES[kind](directory);
  const timer = setInterval(() => queue.maintain?.(), MAINTAIN_MS);
  const reader = startReader(queue);
  const entries = Array.from({ length: writers }, () => randomBytes(bytes));
  await offerFor({ queue, entries, seconds: seconds * WARM_UP_SHARE });
  const measured = await measure(() => offerFor({ queue, entries, seconds }));
  await reader.emptied();
  clearInterval(timer);
  await queue.close();
  const { latenciesMs, elapsedMs, cpuUs, written, delay, refused } = measured;
  const offers = latenciesMs.length;
  if (offers === 0) throw new Error(`no offer was kept, ${refused} were refused`);
  latenciesMs.sort();
  const quantile = (share) => latenciesMs[Math.floor((offers - 1) * share)];
  return {
    offersPerS: (offers / elapsedMs) * 1000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpuPerOfferUs: cpuUs / offers,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
    writtenPerOffered: written === undefined ? undefined : written / (offers * bytes),
    refused,
  };
}

const QUEUES = {
  async disk(directory) {
    const { createDiskQueue } = require('../dist/queue/disk-queue.js');
    const { realFiles } = require('../dist/queue/files.js');
    const queue = createDiskQueue({
      files: realFiles,
      directory,
      bytesMax: QUEUE_BYTES_MAX,
      now: Date.now,
      randomMark: () => randomBytes(8).toString('hex'),
    });
    await queue.open();
    return queue;
  },
  async memory() {
    const { createMemoryQueue } = require('../dist/queue/memory-queue.js');
    return createMemoryQueue({ bytesMax: QUEUE_BYTES_MAX, now: Date.now });
  },
};

async function measure(load) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const writtenBefore = writtenBytes(process.pid);
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  delay.enable();
  const result = await load();
  delay.disable();
  const elapsedMs = performance.now() - startedAtMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const written = writtenBefore === undefined ? undefined : writtenBytes(process.pid) - writtenBefore;
  return { ...result, elapsedMs, cpuUs: user + system, written, delay };
}

/** Closed loops until the time is over. The buffers are shared out again and again: a queue never changes them. */
async function offerFor({ queue, entries, seconds }) {
  const latenciesMs = new Float64Array(OFFERS_MAX);
  const untilMs = performance.now() + seconds * 1000;
  let begun = 0;
  let kept = 0;
  let refused = 0;
  async function writer(entry) {
    while (performance.now() < untilMs && begun < OFFERS_MAX) {
      begun++;
      const startedAtMs = performance.now();
      try {
        await queue.offer(entry, { destination: DESTINATION, items: 1 });
        latenciesMs[kept++] = performance.now() - startedAtMs;
      } catch (error) {
        if (error.reason !== 'full') throw error;
        refused++;
        await sleep(PAUSE_WHEN_FULL_MS);
      }
      // An offer to memory resolves within the turn; without this no timer would ever run.
      await turn();
    }
  }
  await Promise.all(entries.map(writer));
  return { latenciesMs: latenciesMs.subarray(0, kept), refused };
}

/** Takes and settles whatever is there, as often as the queue calls. */
function startReader(queue) {
  let reading;
  let called = false;
  async function read() {
    while (called) {
      called = false;
      for (let entry = await queue.take(DESTINATION); entry !== undefined; entry = await queue.take(DESTINATION)) {
        queue.settle(entry, [0]);
      }
    }
    reading = undefined;
  }
  queue.onAvailable(() => {
    called = true;
    reading ??= read();
  });
  return {
    async emptied() {
      for (let look = 0; look < LOOKS_MAX && queue.stats().items > 0; look++) {
        await reading;
        await sleep(LOOK_MS);
      }
      const { items } = queue.stats();
      if (items > 0) throw new Error(`${items} entries could not be taken`);
    },
  };
}
