'use strict';

/** The targets the project has set itself; other cells print their ratios without one. */
const STOCK_RATIO_MAX = { side: 'gateway-memory', cell: 'llm protobuf', max: 0.2 };
const DISK_RATIO_MIN = { workloads: ['llm', 'agent'], min: 0.5 };
const INSPECTOR_RATIO_MAX = 1.1;
const RSS_FACTOR = 1.5;
const RSS_EXTRA_MB = 128;

/** Prints the table of one workload in one encoding, and the ratios. Only runs without a problem count. */
function printCell({ workload, encoding, sides, results, bodies, spansPerRun }) {
  const megabytes = (bytes) => (bytes / 1e6).toFixed(3);
  const size = `body ${megabytes(bodies.bodyBytes)} MB, on the wire ${megabytes(bodies.sentBytes)} MB`;
  console.log(`\n${workload} ${encoding}: ${spansPerRun} spans a run, ${size}; median (min–max)\n`);
  printHead([
    ...['side', 'runs', 'CPU µs/span', 'spans/s', 'p50 ms', 'p99 ms', 'peak RSS MB', 'peak anon MB', 'written MB'],
    ...['refused', 'twice'],
  ]);
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
      spread(runs, 'peakAnonMb', 0),
      spread(runs, 'writtenMb', 0),
      total(runs, 'refused'),
      total(runs, 'duplicates'),
    ]);
  }
  for (const { side, problem } of results.filter(({ problem }) => problem !== undefined)) {
    console.log(`\na run of ${side} does not count: ${problem}`);
  }
  console.log('');
  printStockRatios({ counted, cell: `${workload} ${encoding}` });
  printMemory(counted);
  printDiskRatio({ counted, workload });
  printOtherRatio(counted);
  printInspectorRatios(counted);
}

function isCounted(side) {
  return (result) => result.side === side && result.problem === undefined;
}

function printStockRatios({ counted, cell }) {
  const { stock = [] } = counted;
  for (const side of gatewaysOf(counted)) {
    const ratio = compare(counted[side], stock, 'cpuPerSpanUs');
    if (ratio === undefined) continue;
    const { max } = STOCK_RATIO_MAX;
    const aimed = STOCK_RATIO_MAX.side === side && STOCK_RATIO_MAX.cell === cell;
    const goal = aimed ? `; target ≤ ${max.toFixed(2)}: ${verdict(ratio.overall <= max)}` : '';
    console.log(`${side} / stock, CPU per delivered span: ${ratio.text}${goal}`);
  }
}

function printMemory(counted) {
  const { discard = [] } = counted;
  if (discard.length === 0) return;
  const allowedMb = RSS_FACTOR * median(discard, 'peakRssMb') + RSS_EXTRA_MB;
  const limit = `${RSS_FACTOR} × discard + ${RSS_EXTRA_MB} MB = ${allowedMb.toFixed(0)} MB`;
  for (const side of gatewaysOf(counted)) {
    const peakMb = median(counted[side], 'peakRssMb');
    console.log(`${side} peak RSS ${peakMb.toFixed(0)} MB against ${limit}: ${verdict(peakMb <= allowedMb)}`);
  }
}

/** What the disk costs: spans per CPU second with it, as a share of those without. */
function printDiskRatio({ counted, workload }) {
  const { gateway: disk = [], 'gateway-memory': memory = [] } = counted;
  const ratio = compare(memory, disk, 'cpuPerSpanUs');
  if (ratio === undefined) return;
  const [diskRate, memoryRate] = [disk, memory].map((runs) => (1e6 / median(runs, 'cpuPerSpanUs')).toFixed(0));
  const { workloads, min } = DISK_RATIO_MIN;
  const goal = workloads.includes(workload) ? `; target ≥ ${min.toFixed(2)}: ${verdict(ratio.overall >= min)}` : '';
  console.log(`gateway : gateway-memory, spans per CPU second: ${diskRate} : ${memoryRate} = ${ratio.text}${goal}`);
}

/** What a change of the code costs: this build to the one that `--other` names. */
function printOtherRatio({ 'gateway-memory': own = [], 'other-memory': other = [] }) {
  const ratio = compare(own, other, 'cpuPerSpanUs');
  if (ratio !== undefined) console.log(`gateway-memory / other-memory, CPU per delivered span: ${ratio.text}`);
}

/** What it costs to keep spans to be looked at. */
function printInspectorRatios({ 'inspector-off': off = [], ...others }) {
  for (const side of ['inspector-metadata', 'inspector-full', 'inspector-watched']) {
    const ratio = compare(others[side] ?? [], off, 'cpuPerSpanUs');
    if (ratio === undefined) continue;
    const goal = `target ≤ ${INSPECTOR_RATIO_MAX.toFixed(2)}: ${verdict(ratio.overall <= INSPECTOR_RATIO_MAX)}`;
    console.log(`${side} / inspector-off, CPU per delivered span: ${ratio.text}; ${goal}`);
  }
}

function gatewaysOf(counted) {
  return ['gateway', 'gateway-memory'].filter((side) => counted[side]?.length > 0);
}

/** The ratio of a figure's medians, and from round to round, where neighbours on the machine disturb both sides alike. */
function compare(runs, others, figure) {
  if (runs.length === 0 || others.length === 0) return undefined;
  const overall = median(runs, figure) / median(others, figure);
  const rounds = runs.flatMap((run) =>
    others.filter(({ round }) => round === run.round).map((other) => run[figure] / other[figure]),
  );
  const range = rounds.length === 0 ? 'no round with both' : `rounds ${fromTo(rounds)}`;
  return { overall, text: `${overall.toFixed(3)} (${range})` };
}

function fromTo(values) {
  return `${Math.min(...values).toFixed(3)}–${Math.max(...values).toFixed(3)}`;
}

function verdict(kept) {
  return kept ? 'kept' : 'MISSED';
}

function spread(runs, figure, digits) {
  const values = runs.map((run) => run[figure]);
  if (values.length === 0 || values.includes(undefined)) return '–';
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

function printHead(cells) {
  printRow(cells);
  printRow(cells.map(() => '---'));
}

function printRow(cells) {
  console.log(`| ${cells.join(' | ')} |`);
}

module.exports = { printCell, printHead, printRow, compare, spread, median, verdict };
