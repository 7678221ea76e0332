'use strict';
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('undici');
const { count, post } = require('./posting.cjs');
const { WORKLOADS, makeTemplate } = require('./workloads.cjs');

/**
 * Whoever is not part of the flood: an open loop with the key `backend`. It is told by IPC `{port, rate,
 * requests, first, spansPerRequest}` and answers when the last request has its answer. Each has a time at which it is due,
 * whatever became of those before, and its latency counts from there: who has to wait in line is not left out.
 */
const CONNECTIONS_MAX = 64;
const HEADERS = { 'content-type': 'application/x-protobuf', authorization: 'Bearer gw-backend-1' };

process.on('message', async (order) => process.send(await run(order)));
process.on('disconnect', () => process.exit());

async function run({ port, rate, requests, first, spansPerRequest }) {
  const template = makeTemplate({ shape: { ...WORKLOADS.llm, spansPerRequest }, json: false });
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS_MAX, pipelining: 1 });
  const latenciesMs = new Float64Array(requests);
  const latenessMs = new Float64Array(requests);
  const statuses = {};
  const answered = [];
  const beginMs = performance.now();
  for (let at = 0; at < requests; at++) {
    const dueMs = beginMs + (at * 1000) / rate;
    const body = Buffer.from(template.body);
    template.number(body, first + at);
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    latenessMs[at] = performance.now() - dueMs;
    answered.push(
      post(pool, { path: '/v1/traces', headers: HEADERS, body }).then((status) => {
        latenciesMs[at] = performance.now() - dueMs;
        count(statuses, status);
      }),
    );
  }
  await Promise.all(answered);
  const seconds = (performance.now() - beginMs) / 1000;
  await pool.close();
  const [p50Ms, p99Ms] = quantiles(latenciesMs, [0.5, 0.99]);
  const [lateP99Ms] = quantiles(latenessMs, [0.99]);
  return { statuses, seconds, p50Ms, p99Ms, lateP99Ms };
}

function quantiles(values, shares) {
  values.sort();
  return shares.map((share) => values[Math.floor((values.length - 1) * share)]);
}
