'use strict';
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { Pool } = require('undici');
const { makeDataRoot } = require('./data-root.cjs');
const {
  ask,
  callSink,
  describeMachine,
  requireBuild,
  runBench,
  startGateway,
  startSink,
  waitForSink,
} = require('./helpers.cjs');
const { AIMED_MS, MEDIA_WORKLOADS, mediaShape } = require('./media-spans.cjs');
const { names, splitArguments, wholeNumber } = require('./options.cjs');
const { post } = require('./posting.cjs');
const { median, printHead, printRow, spread, verdict } = require('./table.cjs');
const { makeTemplate } = require('./workloads.cjs');

/** `npm run bench:media`: how long one span full of images, or of what looks like it, holds up the gateway. See README.md. */

const ENCODINGS = { protobuf: { json: false }, json: { json: true } };
const MEDIA = { inline: { uploads: false }, upload: { uploads: true } };
const TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' };
/** Of each workload and encoding, in its smallest size. */
const WARM_UPS = 2;
/** For what is left to do once the span has arrived. */
const SETTLE_MS = 100;

runBench(main);

async function main() {
  const options = readOptions();
  const dataRoot = makeDataRoot(options.dataRoot);
  const sink = await startSink();
  console.log(describeMachine(dataRoot));
  console.log(`${options.rounds} rounds; median (min–max)`);
  for (const workload of options.workloads) await measureWorkload({ ...options, dataRoot, sink, workload });
}

/** In every round each way to handle media once, in a fresh gateway, which gets each encoding and size once. */
async function measureWorkload({ workload, rounds, encodings, media: ways, ...options }) {
  const { sizes } = MEDIA_WORKLOADS[workload];
  const spans = encodings.flatMap((encoding) => sizes.map((size) => makeSpan({ workload, encoding, size })));
  const results = [];
  for (let turn = 0; turn < rounds * ways.length; turn++) {
    const round = Math.floor(turn / ways.length);
    const media = ways[(round + turn) % ways.length];
    results.push(...(await measureGateway({ ...options, workload, media, spans: turned(spans, round) })));
    console.error(`${workload}, round ${round + 1} ${media}`);
  }
  printWorkload({ workload, rounds, encodings, ways, results });
}

function makeSpan({ workload, encoding, size }) {
  return {
    encoding,
    size,
    template: makeTemplate({ shape: mediaShape({ workload, size }), json: ENCODINGS[encoding].json }),
  };
}

/** The same in a circle, beginning elsewhere. */
function turned(list, by) {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function measureGateway({ workload, media, spans, dataRoot, sink, nodeArgs }) {
  const preload = ['--require', join(__dirname, 'loop-delay.cjs')];
  const args = [...nodeArgs, ...preload];
  const gateway = await startGateway({ dataRoot, sink, configuration: { media }, nodeArgs: args, ipc: true });
  const pool = new Pool(`http://127.0.0.1:${gateway.port}`);
  let number = 0;
  const measure = (span) => measureSpan({ gateway, sink, pool, span, number: number++ });
  try {
    const smallest = spans.filter(({ size }) => size === MEDIA_WORKLOADS[workload].sizes[0]);
    for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) for (const span of smallest) await measure(span);
    const results = [];
    for (const span of spans) {
      const { uploaded, sample, ...figures } = await measure(span);
      const problem = findProblem({ figures, uploaded, sample, images: MEDIA_WORKLOADS[workload].images, media });
      results.push({ ...figures, media, encoding: span.encoding, size: span.size, problem });
    }
    return results;
  } finally {
    await pool.close();
    await gateway.end();
  }
}

/** Sends it and waits until it is delivered; nothing else happens in the gateway meanwhile. */
async function measureSpan({ gateway, sink, pool, span: { encoding, template }, number }) {
  const { body } = template;
  template.number(body, number);
  await callSink(sink, 'POST', '/reset', { first: number, count: 1 });
  await ask(gateway, 'reset');
  const startedAtMs = Date.now();
  const status = await post(pool, { path: '/v1/traces', headers: { 'content-type': TYPES[encoding] }, body });
  const answeredMs = Date.now() - startedAtMs;
  const { delivered, lastAtMs } = await waitForSink({ sink, spans: 1 });
  await sleep(SETTLE_MS);
  return {
    ...{ status, delivered, answeredMs, deliveredMs: lastAtMs - startedAtMs, bodyMb: body.length / 1e6 },
    ...(await ask(gateway, 'read')),
    uploaded: await callSink(sink, 'GET', '/media'),
    sample: await callSink(sink, 'GET', '/sample'),
  };
}

/** Why a span must not be compared with others, or undefined. */
function findProblem({ figures: { status, delivered }, uploaded, sample, images, media }) {
  if (status !== 200) return `it was answered ${status}`;
  if (delivered === 0) return 'it never arrived';
  const { announced, stored, confirmed } = uploaded;
  const seen = [sample.dataUris, sample.mediaTags, announced, stored, confirmed];
  const expected = MEDIA[media].uploads ? [0, images, images, images, images] : [images, 0, 0, 0, 0];
  if (seen.every((count, index) => count === expected[index])) return undefined;
  return `data URIs, media tags, uploads announced, stored and confirmed are ${seen}, not ${expected}`;
}

function printWorkload({ workload, rounds, encodings, ways, results }) {
  const { sizes, aimed } = MEDIA_WORKLOADS[workload];
  console.log(`\n${workload}\n`);
  printHead([
    ...['MB', 'encoding', 'media', 'runs', 'body MB', 'longest loop delay ms', 'loop busy ms', 'busy / half the size'],
    ...['answered ms', 'delivered ms'],
  ]);
  const cells = encodings.flatMap((encoding) => ways.map((media) => ({ encoding, media })));
  for (const cell of cells) {
    for (const [index, size] of sizes.entries()) {
      printSize({
        cell,
        size,
        rounds,
        runs: counted({ results, cell, size }),
        halves: counted({ results, cell, size: sizes[index - 1] }),
      });
    }
  }
  for (const { size, encoding, media, problem } of results.filter((result) => result.problem !== undefined)) {
    console.log(`\na span of ${size} MB, ${encoding}, ${media} does not count: ${problem}`);
  }
  console.log('');
  for (const cell of cells) {
    const runs = counted({ results, cell, size: aimed });
    if (runs.length === 0) continue;
    const delayMs = median(runs, 'delayMs');
    const aim = `aim < ${AIMED_MS}: ${verdict(delayMs < AIMED_MS)}`;
    console.log(`${workload}, ${aimed} MB, ${cell.encoding}, ${cell.media}: ${delayMs.toFixed(1)} ms; ${aim}`);
  }
}

function counted({ results, cell: { encoding, media }, size }) {
  const own = results.filter(
    (result) => result.encoding === encoding && result.media === media && result.size === size,
  );
  return own.filter(({ problem }) => problem === undefined);
}

function printSize({ cell, size, rounds, runs, halves }) {
  const growth = runs.length > 0 && halves.length > 0 ? median(runs, 'busyMs') / median(halves, 'busyMs') : undefined;
  printRow([
    size,
    cell.encoding,
    cell.media,
    runs.length === rounds ? `${rounds}` : `${runs.length} of ${rounds}`,
    runs[0]?.bodyMb.toFixed(1) ?? '–',
    spread(runs, 'delayMs', 1),
    spread(runs, 'busyMs', 1),
    growth?.toFixed(2) ?? '–',
    spread(runs, 'answeredMs', 0),
    spread(runs, 'deliveredMs', 0),
  ]);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      workload: { type: 'string', default: 'all' },
      encoding: { type: 'string', default: 'all' },
      media: { type: 'string', default: 'all' },
      'data-root': { type: 'string', default: tmpdir() },
      'node-args': { type: 'string', default: '' },
    },
  });
  requireBuild();
  return {
    rounds: wholeNumber('rounds', values.rounds),
    workloads: names('workload', values.workload, MEDIA_WORKLOADS),
    encodings: names('encoding', values.encoding, ENCODINGS),
    media: names('media', values.media, MEDIA),
    dataRoot: values['data-root'],
    nodeArgs: splitArguments(values['node-args']),
  };
}
