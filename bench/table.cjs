'use strict';

/** The targets the project has set itself for its main case; other cells print their ratios without one. */
const TARGETS = { 'llm protobuf': { cpuRatioMax: 0.2 } };
const RSS_FACTOR = 1.5;
const RSS_EXTRA_MB = 128;

/** Prints the table of one workload in one encoding, and the ratios. Only runs without a problem count. */
function printCell({ workload, encoding, sides, results, bodies, spansPerRun }) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(3);
  const size = `body ${megabytes(bodies.bodyBytes)} MB, on the wire ${megabytes(bodies.sentBytes)} MB`;
  console.log(`\n${workload} ${encoding}: ${spansPerRun} spans a run, ${size}; median (min–max)\n`);
  printRow(['side', 'runs', 'CPU µs/span', 'spans/s', 'p50 ms', 'p99 ms', 'peak RSS MB', 'refused', 'twice']);
  printRow(Array(9).fill('---'));
  const counted = Object.fromEntries(sides.map((side) => [side, results.filter(isCounted(side))]));
  for (const side of sides) {
    const runs = counted[side];
    const all = results.filter((result) => result.side === side).length;
    printRow([
      side,
      runs.length === all ? `${all}` : `${runs.length} of ${all}`,
      spread(runs, 'cpuPerSpanUs', 2),
      spread(runs, 'spansPerS', 0),
      spread(runs, 'p50Ms', 1),
      spread(runs, 'p99Ms', 1),
      spread(runs, 'peakRssMb', 0),
      total(runs, 'refused'),
      total(runs, 'duplicates'),
    ]);
  }
  for (const { side, problem } of results.filter(({ problem }) => problem !== undefined)) {
    console.log(`\na run of ${side} does not count: ${problem}`);
  }
  printRatios({ counted, target: TARGETS[`${workload} ${encoding}`] });
}

function isCounted(side) {
  return (result) => result.side === side && result.problem === undefined;
}

function printRatios({ counted, target }) {
  const { discard = [], stock = [], gateway = [] } = counted;
  console.log('');
  if (gateway.length > 0 && stock.length > 0) {
    const ratio = median(gateway, 'cpuPerSpanUs') / median(stock, 'cpuPerSpanUs');
    const goal =
      target === undefined
        ? ''
        : ` (target ≤ ${target.cpuRatioMax.toFixed(2)}: ${verdict(ratio <= target.cpuRatioMax)})`;
    console.log(`gateway / stock, CPU per delivered span: ${ratio.toFixed(3)}${goal}`);
  }
  if (gateway.length > 0 && discard.length > 0) {
    const allowedMb = RSS_FACTOR * median(discard, 'peakRssMb') + RSS_EXTRA_MB;
    const peakMb = median(gateway, 'peakRssMb');
    const limit = `${RSS_FACTOR} × discard + ${RSS_EXTRA_MB} MB = ${allowedMb.toFixed(0)} MB`;
    console.log(`gateway peak RSS ${peakMb.toFixed(0)} MB against ${limit}: ${verdict(peakMb <= allowedMb)}`);
  }
}

function verdict(kept) {
  return kept ? 'kept' : 'MISSED';
}

function spread(runs, figure, digits) {
  if (runs.length === 0) return '–';
  const values = runs.map((run) => run[figure]);
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(runs, figure).toFixed(digits)} (${low}–${high})`;
}

function total(runs, figure) {
  return runs.reduce((sum, run) => sum + run[figure], 0);
}

function median(runs, figure) {
  const values = runs.map((run) => run[figure]).sort((a, b) => a - b);
  const middle = Math.floor(values.length / 2);
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

function printRow(cells) {
  console.log(`| ${cells.join(' | ')} |`);
}

module.exports = { printCell };
