'use strict';
const { promisify } = require('node:util');
const { gzip } = require('node:zlib');
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('undici');
const { ENCODINGS, makeTemplate } = require('./workloads.cjs');

/**
 * The load generator: a closed loop over keep-alive connections. It is told what to do over the IPC channel:
 * `{kind:'prepare', workload, encoding, requests}`, then `{kind:'run', port, connections, first, requests}` per run.
 */
const ATTEMPTS_MAX = 50;
const RETRY_AFTER_MAX_MS = 5000;

let prepared;

process.on('message', async (message) => {
  process.send(message.kind === 'prepare' ? await prepare(message) : await run(message));
});
process.on('disconnect', () => process.exit());

/** Gzip is made beforehand, at the level exporters use, so that the load generator does not starve what it measures. */
async function prepare({ workload, encoding, requests }) {
  const { json, gzip: gzipped } = ENCODINGS[encoding];
  const template = makeTemplate({ workload, json });
  const bodies = [];
  for (let first = 0; gzipped && first < requests; first += 8) {
    const group = Array.from({ length: Math.min(8, requests - first) }, (_, index) => {
      const body = Buffer.from(template.body);
      template.number(body, first + index);
      return promisify(gzip)(body);
    });
    bodies.push(...(await Promise.all(group)));
  }
  const headers = { 'content-type': json ? 'application/json' : 'application/x-protobuf' };
  if (gzipped) headers['content-encoding'] = 'gzip';
  prepared = { template, bodies, headers };
  return { bodyBytes: template.body.length, sentBytes: bodies[0]?.length ?? template.body.length };
}

async function run({ port, connections, first, requests }) {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  const latenciesMs = [];
  const refusals = {};
  let next = first;
  async function connection() {
    const copy = Buffer.from(prepared.template.body);
    while (next < first + requests) {
      const request = next++;
      if (prepared.bodies.length === 0) prepared.template.number(copy, request);
      const latencyMs = await postUntilTaken({ pool, body: prepared.bodies[request] ?? copy, refusals });
      if (latencyMs !== undefined) latenciesMs.push(latencyMs);
    }
  }
  await Promise.all(Array.from({ length: connections }, connection));
  const endedAtMs = Date.now();
  await pool.close();
  latenciesMs.sort((a, b) => a - b);
  const quantile = (share) => latenciesMs[Math.floor((latenciesMs.length - 1) * share)];
  return { taken: latenciesMs.length, refusals, p50Ms: quantile(0.5), p99Ms: quantile(0.99), endedAtMs };
}

/** The time of the attempt that was answered 200; undefined if none was. Only 503 and 429 are tried again. */
async function postUntilTaken({ pool, body, refusals }) {
  const options = { path: '/v1/traces', method: 'POST', headers: prepared.headers, body };
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const startedAtMs = performance.now();
    const { status, retryAfterS = 1 } = await post(pool, options).catch((error) => ({
      status: error.code ?? error.name,
    }));
    if (status === 200) return performance.now() - startedAtMs;
    refusals[status] = (refusals[status] ?? 0) + 1;
    if (status !== 503 && status !== 429) return undefined;
    await sleep(Math.min(retryAfterS * 1000, RETRY_AFTER_MAX_MS));
  }
  return undefined;
}

async function post(pool, options) {
  const { statusCode: status, headers, body } = await pool.request(options);
  await body.dump();
  return { status, retryAfterS: Number(headers['retry-after'] ?? 1) };
}
