'use strict';
const { once } = require('node:events');
const { existsSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { makeDataRoot, removeDirectory } = require('./data-root.cjs');
const { describeMachine, runBench } = require('./helpers.cjs');
const { names, splitArguments, wholeNumber } = require('./options.cjs');
const { startNode, stop } = require('./processes.cjs');
const { median, printHead, printRow, spread } = require('./table.cjs');

/** `npm run bench:queue`: the two queues alone, without receiver and delivery. See README.md. */

const QUEUES = ['disk', 'memory'];
const SIZES = { '50KB': 50_000, '1MB': 1_000_000 };
const WRITERS = { 1: 1, 16: 16, 128: 128 };
/** Of one run, beside its seconds. */
const PATIENCE_MS = 60_000;

runBench(main);

async function main() {
  const options = readOptions();
  const dataRoot = makeDataRoot(options.dataRoot);
  console.log(describeMachine(dataRoot));
  console.log(`${options.rounds} rounds of ${options.seconds} s a run; median (min–max)\n`);
  const cells = options.sizes.flatMap((size) => options.writers.map((writers) => ({ size, writers })));
  printHead([
    ...['entries, writers', 'queue', 'runs', 'offers/s', 'p50 ms', 'p99 ms', 'CPU µs/offer'],
    ...['loop delay p99 ms', 'loop delay max ms', 'written / offered', 'refused'],
  ]);
  for (const cell of cells) {
    cell.runs = await measureCell({ ...options, ...cell, dataRoot });
    for (const queue of QUEUES) printQueue({ ...cell, queue, all: options.rounds });
  }
  printComparison(cells);
}

/** In every round each queue once, in a process and a directory of its own; who begins alternates. */
async function measureCell({ rounds, size, writers, ...options }) {
  const runs = { disk: [], memory: [] };
  for (let turn = 0; turn < rounds * QUEUES.length; turn++) {
    const round = Math.floor(turn / QUEUES.length);
    const queue = QUEUES[(round + turn) % QUEUES.length];
    const result = await measureQueue({ ...options, queue, bytes: SIZES[size], writers: WRITERS[writers] });
    if (result.problem === undefined) runs[queue].push(result);
    const figure = result.problem ? `DOES NOT COUNT: ${result.problem}` : `${result.offersPerS.toFixed(0)} offers/s`;
    console.error(`${label({ size, writers })}, round ${round + 1} ${queue}: ${figure}`);
  }
  return runs;
}

async function measureQueue({ queue, bytes, writers, seconds, dataRoot, nodeArgs }) {
  const directory = mkdtempSync(join(dataRoot, `${queue}-`));
  const started = await startNode({ args: [...nodeArgs, join(__dirname, 'queue-run.cjs')], ipc: true });
  const limit = AbortSignal.timeout(seconds * 1000 + PATIENCE_MS);
  const ended = new AbortController();
  try {
    const answer = once(started.child, 'message', { signal: AbortSignal.any([limit, ended.signal]) });
    started.child.once('exit', () => ended.abort());
    started.child.send({ queue, bytes, writers, directory, seconds });
    const [result] = await answer;
    return result;
  } catch {
    return { problem: `${limit.aborted ? 'it took too long' : 'it ended'}: ${started.output}` };
  } finally {
    await stop(started);
    removeDirectory(directory);
  }
}

function printQueue({ size, writers, queue, runs, all }) {
  const counted = runs[queue];
  printRow([
    label({ size, writers }),
    queue,
    counted.length === all ? `${all}` : `${counted.length} of ${all}`,
    spread(counted, 'offersPerS', 0),
    spread(counted, 'p50Ms', 3),
    spread(counted, 'p99Ms', 3),
    spread(counted, 'cpuPerOfferUs', 0),
    spread(counted, 'delayP99Ms', 1),
    spread(counted, 'delayMaxMs', 1),
    spread(counted, 'writtenPerOffered', 2),
    counted.reduce((sum, { refused }) => sum + refused, 0),
  ]);
}

/** A column for each cell; the ratios are those of the medians. */
function printComparison(cells) {
  const both = cells.filter(({ runs }) => QUEUES.every((queue) => runs[queue].length > 0));
  if (both.length === 0) return;
  const ratio = (figure) =>
    both.map(({ runs }) => inFewDigits(median(runs.disk, figure) / median(runs.memory, figure)));
  const delay = (queue) => both.map(({ runs }) => median(runs[queue], 'delayP99Ms').toFixed(1));
  console.log('');
  printHead(['disk : memory', ...both.map(label)]);
  printRow(['offers/s', ...ratio('offersPerS')]);
  printRow(['p50', ...ratio('p50Ms')]);
  printRow(['p99', ...ratio('p99Ms')]);
  printRow(['CPU per offer', ...ratio('cpuPerOfferUs')]);
  printRow(['loop delay p99 ms, disk', ...delay('disk')]);
  printRow(['loop delay p99 ms, memory', ...delay('memory')]);
}

function inFewDigits(ratio) {
  return ratio < 10 ? ratio.toPrecision(2) : ratio.toFixed(0);
}

function label({ size, writers }) {
  return `${size}, ${writers} writer${writers === '1' ? '' : 's'}`;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '2' },
      size: { type: 'string', default: 'all' },
      writers: { type: 'string', default: 'all' },
      'data-root': { type: 'string', default: tmpdir() },
      'node-args': { type: 'string', default: '' },
    },
  });
  const missing = QUEUES.find((queue) => !existsSync(join(__dirname, '..', 'dist', 'queue', `${queue}-queue.js`)));
  if (missing !== undefined) throw new Error(`the ${missing} queue is not in dist, run npm run build first`);
  return {
    rounds: wholeNumber('rounds', values.rounds),
    seconds: wholeNumber('seconds', values.seconds),
    sizes: names('size', values.size, SIZES),
    writers: names('writers', values.writers, WRITERS),
    dataRoot: values['data-root'],
    nodeArgs: splitArguments(values['node-args']),
  };
}
