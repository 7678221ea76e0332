'use strict';
const { existsSync, mkdtempSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { parseArgs } = require('node:util');
const { makeDataRoot, removeDirectory } = require('./data-root.cjs');
const { ask, callSink, describeMachine, runBench, startHelper, startSink, waitForSink } = require('./helpers.cjs');
const { names, splitArguments, wholeNumber } = require('./options.cjs');
const { cpuUs, peakRssMb, watchAnonymousMb, writtenBytes } = require('./proc.cjs');
const { startNode, waitUntilServing, stop, freePort, hasEnded } = require('./processes.cjs');
const { printCell } = require('./table.cjs');
const { ENCODINGS, WORKLOADS } = require('./workloads.cjs');

/** `npm run bench`: the same load through each side, [load] → [side] → [sink], each a process. See README.md. */

const GATEWAY = [join(__dirname, '..', 'dist', 'main.js'), 'serve'];
const SIDES = {
  discard: { args: [join(__dirname, 'sides', 'discard.cjs')] },
  stock: { args: [join(__dirname, 'sides', 'stock.cjs')] },
  // `disk` is the default. It is said all the same, so that a build without it fails instead of passing for one.
  gateway: { args: GATEWAY, env: { GATEWAY_QUEUE: 'disk' } },
  'gateway-memory': { args: GATEWAY, env: { GATEWAY_QUEUE: 'memory' } },
};
/** `--sides inspector`: the gateway by what it keeps to be looked at; watched is as metadata, with a page open. */
const INSPECTOR_SIDES = {
  'inspector-off': { args: GATEWAY, configuration: { inspector: 'off' } },
  'inspector-metadata': { args: GATEWAY, configuration: { inspector: 'metadata' } },
  'inspector-full': { args: GATEWAY, configuration: { inspector: 'full' } },
  'inspector-watched': { args: GATEWAY, configuration: { inspector: 'metadata' }, isWatched: true },
};
/** The side of `--other`: another build, with the queue in memory. */
const OTHER = 'other-memory';
const WARM_UP_SHARE = 0.25;
/** As in ui/src/traces/use-traces.ts. */
const LIST_MS = 5_000;

runBench(main);

async function main() {
  const options = readOptions();
  const dataRoot = makeDataRoot(options.dataRoot);
  const sink = await startSink();
  const load = await startHelper('load.cjs');
  console.log(describeMachine(dataRoot));
  for (const workload of options.workloads) {
    for (const encoding of options.encodings)
      await measureCell({ ...options, dataRoot, workload, encoding, sink, load });
  }
}

/** One workload in one encoding: in every round each side once, in a process of its own, the order turning. */
async function measureCell({ workload, encoding, sides, rounds, spans, ...options }) {
  const plan = planRequests({ workload, spans });
  const requests = plan.warmUp + plan.measured;
  const bodies = await ask(options.load, { kind: 'prepare', workload, encoding, requests });
  const results = [];
  for (let turn = 0; turn < rounds * sides.length; turn++) {
    const round = Math.floor(turn / sides.length);
    const side = sides[(round + turn) % sides.length];
    const result = await measureSide({ ...options, side, workload, plan });
    results.push({ ...result, round });
    const fate = result.problem === undefined ? '' : `, DOES NOT COUNT: ${result.problem}`;
    console.error(`round ${round + 1} ${side}: ${result.cpuPerSpanUs.toFixed(2)} µs/span${fate}`);
  }
  const spansPerRun = plan.measured * WORKLOADS[workload].spansPerRequest;
  printCell({ workload, encoding, sides, results, bodies, spansPerRun });
}

/** Numbers of requests that make whole batches of the stock side: an incomplete one waits five seconds for more. */
function planRequests({ workload, spans }) {
  const { spansPerRequest, spansPerRun, stockFlushAt } = WORKLOADS[workload];
  let step = 1;
  while ((step * spansPerRequest) % stockFlushAt !== 0) step++;
  const whole = (count) => Math.ceil(count / spansPerRequest / step) * step;
  return { warmUp: whole((spans ?? spansPerRun) * WARM_UP_SHARE), measured: whole(spans ?? spansPerRun) };
}

async function measureSide({ side, workload, plan, dataRoot, nodeArgs, ...options }) {
  const dataDir = mkdtempSync(join(dataRoot, `${side}-`));
  const { configuration, isWatched } = SIDES[side];
  const adminPort = await freePort();
  const env = {
    LANGFUSE_BASE_URL: `http://127.0.0.1:${options.sink.port}`,
    LANGFUSE_PUBLIC_KEY: 'pk-lf-bench',
    LANGFUSE_SECRET_KEY: 'sk-lf-bench',
    GATEWAY_ADMIN_PORT: String(adminPort),
    GATEWAY_DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    OTEL_BSP_MAX_QUEUE_SIZE: '10000000',
    STOCK_FLUSH_AT: String(WORKLOADS[workload].stockFlushAt),
    ...SIDES[side].env,
    ...(configuration && { GATEWAY_CONFIG: writeConfiguration(dataDir, configuration) }),
  };
  const started = await startNode({ args: [...nodeArgs, ...SIDES[side].args], env });
  const anonymous = watchAnonymousMb(started.pid);
  try {
    await waitUntilServing(started);
    if (isWatched) await watch(adminPort);
    const common = { ...options, side, started, workload };
    const warmUp = await drive({ ...common, first: 0, requests: plan.warmUp });
    const measured = await drive({ ...common, first: plan.warmUp, requests: plan.measured });
    return { ...measured, peakAnonMb: anonymous.stop(), problem: warmUp.problem ?? measured.problem };
  } finally {
    anonymous.stop();
    await stop(started);
    removeDirectory(dataDir);
  }
}

function writeConfiguration(directory, configuration) {
  const file = join(directory, 'gateway.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration));
  return file;
}

/** Does what an open page does until the gateway ends: listens, and asks for the list as often as the page may. */
async function watch(adminPort) {
  const { body } = await fetch(`http://127.0.0.1:${adminPort}/api/events`);
  const asking = setInterval(() => {
    fetch(`http://127.0.0.1:${adminPort}/api/traces?limit=100`).then(
      (answer) => answer.body.pipeTo(new WritableStream()),
      () => clearInterval(asking),
    );
  }, LIST_MS);
  body.pipeTo(new WritableStream()).catch(() => clearInterval(asking));
}

/** Sends the requests and waits until the sink has their spans; all CPU time in between is on the side's account. */
async function drive({ side, started, workload, connections, first, requests, sink, load }) {
  const { spansPerRequest, attributes } = WORKLOADS[workload];
  const spans = requests * spansPerRequest;
  await callSink(sink, 'POST', '/reset', { first: first * spansPerRequest, count: spans });
  const cpuBeforeUs = cpuUs(started.pid);
  const writtenBefore = writtenBytes(started.pid);
  const startedAtMs = Date.now();
  const sent = await ask(load, { kind: 'run', port: started.port, connections, first, requests });
  const arrived =
    side === 'discard'
      ? { delivered: sent.taken * spansPerRequest, duplicates: 0, lastAtMs: sent.endedAtMs }
      : await waitForSink({ sink, spans });
  const cpuSpentUs = cpuUs(started.pid) - cpuBeforeUs;
  const written = writtenBytes(started.pid);
  const sample = side === 'discard' ? undefined : await callSink(sink, 'GET', '/sample');
  return {
    side,
    cpuPerSpanUs: cpuSpentUs / Math.max(1, arrived.delivered),
    spansPerS: (arrived.delivered / Math.max(1, arrived.lastAtMs - startedAtMs)) * 1000,
    p50Ms: sent.p50Ms,
    p99Ms: sent.p99Ms,
    peakRssMb: peakRssMb(started.pid),
    writtenMb: written === undefined || writtenBefore === undefined ? undefined : (written - writtenBefore) / 1e6,
    refused: Object.values(sent.refusals).reduce((sum, count) => sum + count, 0),
    duplicates: arrived.duplicates,
    problem: findProblem({ started, requests, spans, attributes, sent, arrived, sample }),
  };
}

/** Why a run must not be compared with others, or undefined. */
function findProblem({ started, requests, spans, attributes, sent, arrived, sample }) {
  if (hasEnded(started)) return `it ended under load: ${started.output}`;
  if (sent.taken < requests) return `${requests - sent.taken} requests never taken: ${JSON.stringify(sent.refusals)}`;
  if (arrived.delivered < spans) return `${spans - arrived.delivered} of ${spans} spans LOST; ${started.output}`;
  if (sample === undefined) return undefined;
  const whole = sample.decoded === sample.scanned && sample.attributesMin >= attributes;
  return whole ? undefined : `spans arrived maimed: ${JSON.stringify(sample)}`;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      spans: { type: 'string' },
      connections: { type: 'string', default: '8' },
      workload: { type: 'string', default: 'llm' },
      encoding: { type: 'string', default: 'protobuf' },
      sides: { type: 'string', default: 'all' },
      other: { type: 'string' },
      'data-root': { type: 'string', default: tmpdir() },
      'node-args': { type: 'string', default: '' },
    },
  });
  if (values.other !== undefined) {
    SIDES[OTHER] = { args: [resolve(values.other), 'serve'], env: SIDES['gateway-memory'].env };
  }
  const groups = { all: Object.keys(SIDES), inspector: Object.keys(INSPECTOR_SIDES) };
  Object.assign(SIDES, INSPECTOR_SIDES);
  const asked = groups[values.sides] ?? names('sides', values.sides, SIDES);
  // Whoever names another build wants it measured, whichever sides it is to be compared with.
  const sides = values.other === undefined ? asked : [...new Set([...asked, OTHER])];
  const missing = sides.find((side) => !existsSync(SIDES[side].args[0]));
  if (missing !== undefined)
    throw new Error(`${missing}: ${SIDES[missing].args[0]} is missing, run npm run build first`);
  return {
    sides,
    rounds: wholeNumber('rounds', values.rounds),
    spans: values.spans && wholeNumber('spans', values.spans),
    connections: wholeNumber('connections', values.connections),
    workloads: names('workload', values.workload, WORKLOADS),
    encodings: names('encoding', values.encoding, ENCODINGS),
    dataRoot: values['data-root'],
    nodeArgs: splitArguments(values['node-args']),
  };
}
