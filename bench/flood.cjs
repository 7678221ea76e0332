'use strict';
const { constants, setPriority, tmpdir } = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { makeDataRoot } = require('./data-root.cjs');
const {
  ask,
  callSink,
  describeMachine,
  requireBuild,
  runBench,
  startGateway,
  startHelper,
  startSink,
  waitForSink,
} = require('./helpers.cjs');
const { names, splitArguments, wholeNumber } = require('./options.cjs');
const { cpuUs, peakRssMb } = require('./proc.cjs');
const { hasEnded } = require('./processes.cjs');
const { compare, printHead, printRow, spread, verdict } = require('./table.cjs');

/** `npm run bench:flood`: what a flood with a browser key costs the other keys. See README.md. */

const QUIET = 'quiet';
/** Bytes of each body of the flood. A beacon's are 64 KiB at most. */
const FLOODS = { small: 500, beacon: 65_536 };
const P99_RATIO_MAX = 2;
/** Of the others. */
const SPANS_PER_REQUEST = 10;
const WARM_UP_SHARE = 0.25;

const KEYS = [
  {
    name: 'web',
    key: 'gw-web-1',
    browser: true,
    origins: ['https://app.example.com'],
    spansPerSecond: 5,
    burstSeconds: 2,
  },
  { name: 'backend', key: 'gw-backend-1' },
];

runBench(main);

/** Resolves to false where a span of the others was lost. */
async function main() {
  const options = readOptions();
  const dataRoot = makeDataRoot(options.dataRoot);
  const sink = await startSink();
  const others = await startHelper('flood-others.cjs');
  const flooders = await startHelper('flood-flooders.cjs');
  // A flood comes from other machines: here it must not take the cores from what is measured.
  setPriority(flooders.pid, constants.priority.PRIORITY_LOW);
  console.log(describeMachine(dataRoot));
  const sides = [QUIET, ...options.floods];
  const results = [];
  for (let turn = 0; turn < options.rounds * sides.length; turn++) {
    const round = Math.floor(turn / sides.length);
    const side = sides[(round + turn) % sides.length];
    const result = await measureSide({ ...options, dataRoot, sink, others, flooders, side });
    results.push({ ...result, round });
    const fate = result.problem === undefined ? '' : `, DOES NOT COUNT: ${result.problem}`;
    console.error(`round ${round + 1} ${side}: p99 ${result.p99Ms.toFixed(1)} ms${fate}`);
  }
  print({ ...options, sides, results });
  return results.every(({ lost }) => lost === 0);
}

/** The others' requests for so many seconds, in a fresh gateway, with that flood or in quiet. */
async function measureSide({ side, seconds, sink, flooders, ...options }) {
  const gateway = await startGateway({ ...options, sink, configuration: { keys: KEYS } });
  try {
    const common = { ...options, gateway, sink };
    const warmUp = Math.ceil(options.otherRate * seconds * WARM_UP_SHARE);
    const before = await sendOthers({ ...common, first: 0, requests: warmUp });
    const rssBeforeMb = peakRssMb(gateway.pid);
    if (side !== QUIET) {
      const { connections, flood: requests, floodRate: rate } = options;
      await ask(flooders, { port: gateway.port, bytes: FLOODS[side], connections, requests, rate });
    }
    const half = sleep(seconds * 500).then(() => peakRssMb(gateway.pid));
    const flooded = async () => (side === QUIET ? undefined : ask(flooders, {}));
    const sent = await sendOthers({ ...common, first: warmUp, requests: options.otherRate * seconds, flooded });
    const rssMb = peakRssMb(gateway.pid);
    return {
      ...sent,
      side,
      lost: before.lost + sent.lost,
      floodPerS: sent.flood?.perS,
      rssMb,
      growthMb: rssMb - rssBeforeMb,
      laterGrowthMb: rssMb - (await half),
      problem: hasEnded(gateway) ? `it ended under load: ${gateway.output}` : undefined,
    };
  } finally {
    await gateway.end();
  }
}

/** Sends them, waits until the flood is over, and asks the sink what has arrived. Whatever they were answered, all have to. */
async function sendOthers({ gateway, sink, others, otherRate: rate, first, requests, flooded }) {
  const spans = requests * SPANS_PER_REQUEST;
  await callSink(sink, 'POST', '/reset', { first: first * SPANS_PER_REQUEST, count: spans });
  const cpuBeforeUs = cpuUs(gateway.pid);
  const order = { port: gateway.port, rate, requests, first, spansPerRequest: SPANS_PER_REQUEST };
  const sent = await ask(others, order);
  const cpuShare = (cpuUs(gateway.pid) - cpuBeforeUs) / sent.seconds / 10_000;
  const flood = await flooded?.();
  const { delivered, duplicates } = await waitForSink({ sink, spans });
  return { ...sent, cpuShare, flood, duplicates, lost: spans - delivered };
}

function print({ rounds, seconds, otherRate, connections, sides, results }) {
  const load = `${otherRate} requests/s of ${SPANS_PER_REQUEST} spans for ${seconds} s, ${connections} flooders`;
  console.log(`${rounds} rounds; the others: ${load}; median (min–max)\n`);
  printHead([
    ...['flood', 'runs', 'p50 ms', 'p99 ms', 'sent late p99 ms', 'answers', 'flood requests/s', 'its answers', 'CPU %'],
    ...['peak RSS MB', 'growth MB', 'growth in the 2nd half', 'lost', 'twice'],
  ]);
  const counted = (side) => results.filter((result) => result.side === side && result.problem === undefined);
  for (const side of sides) {
    const runs = counted(side);
    const sum = (figure) => runs.reduce((total, run) => total + run[figure], 0);
    printRow([
      side,
      runs.length === rounds ? `${rounds}` : `${runs.length} of ${rounds}`,
      spread(runs, 'p50Ms', 1),
      spread(runs, 'p99Ms', 1),
      spread(runs, 'lateP99Ms', 1),
      answers(runs),
      spread(runs, 'floodPerS', 0),
      answers(runs.flatMap(({ flood }) => flood ?? [])),
      spread(runs, 'cpuShare', 0),
      spread(runs, 'rssMb', 0),
      spread(runs, 'growthMb', 1),
      spread(runs, 'laterGrowthMb', 1),
      sum('lost'),
      sum('duplicates'),
    ]);
  }
  for (const { side, problem } of results.filter(({ problem }) => problem !== undefined)) {
    console.log(`\na run of ${side} does not count: ${problem}`);
  }
  console.log('');
  for (const side of sides.filter((name) => name !== QUIET))
    printRatios({ side, runs: counted(side), quiet: counted(QUIET) });
}

/** How often each status came in all runs: `200: 3000`. */
function answers(runs) {
  const statuses = {};
  for (const run of runs) {
    for (const [status, times] of Object.entries(run.statuses)) statuses[status] = (statuses[status] ?? 0) + times;
  }
  const texts = Object.entries(statuses).map(([status, times]) => `${status}: ${times}`);
  return texts.length === 0 ? '–' : texts.join(', ');
}

function printRatios({ side, runs, quiet }) {
  const p50 = compare(runs, quiet, 'p50Ms');
  const p99 = compare(runs, quiet, 'p99Ms');
  if (p99 === undefined) return;
  console.log(`${side} / ${QUIET}, p50 of the others: ${p50.text}`);
  const aim = `aim ≤ ${P99_RATIO_MAX}: ${verdict(p99.overall <= P99_RATIO_MAX)}`;
  console.log(`${side} / ${QUIET}, p99 of the others: ${p99.text}; ${aim}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '10' },
      flood: { type: 'string', default: '20000' },
      flooders: { type: 'string', default: '256' },
      'flood-rate': { type: 'string' },
      'other-rate': { type: 'string', default: '100' },
      bodies: { type: 'string', default: 'all' },
      'data-root': { type: 'string', default: tmpdir() },
      'node-args': { type: 'string', default: '' },
    },
  });
  requireBuild();
  return {
    rounds: wholeNumber('rounds', values.rounds),
    seconds: wholeNumber('seconds', values.seconds),
    flood: wholeNumber('flood', values.flood),
    connections: wholeNumber('flooders', values.flooders),
    floodRate: values['flood-rate'] && wholeNumber('flood-rate', values['flood-rate']),
    otherRate: wholeNumber('other-rate', values['other-rate']),
    floods: names('bodies', values.bodies, FLOODS),
    dataRoot: values['data-root'],
    nodeArgs: splitArguments(values['node-args']),
  };
}
