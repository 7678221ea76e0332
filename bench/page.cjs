'use strict';
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { parseArgs } = require('node:util');
const { makeDataRoot } = require('./data-root.cjs');
const { describeMachine, requireBuild, runBench, startGateway, startSink } = require('./helpers.cjs');
const { wholeNumber } = require('./options.cjs');
const { printHead, printRow, spread } = require('./table.cjs');

/** `npm run bench:page`: how long the inspector's page takes to show what came, in a real browser. See README.md. */

const CLIENTS = join(__dirname, '..', 'test', 'clients', 'node_modules');
const TRACES = 2_000;
const SPANS = 10_000;
const LARGE_TRACE = 'ab'.repeat(16);
const SPANS_PER_REQUEST = 1_000;
const PATIENCE_MS = 30_000;
const VIEWPORT = { width: 1280, height: 800 };

runBench(main);

async function main() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      browser: { type: 'string', default: '/usr/bin/chromium' },
      'data-root': { type: 'string', default: tmpdir() },
    },
  });
  requireBuild();
  const dataRoot = makeDataRoot(values['data-root']);
  const sink = await startSink();
  const { chromium } = require(join(CLIENTS, 'playwright-core'));
  const browser = await chromium.launch({
    executablePath: values.browser,
    chromiumSandbox: process.getuid() !== 0,
  });
  console.log(`${describeMachine(dataRoot)}, Chromium ${browser.version()}`);
  const rounds = [];
  for (let round = 0; round < wholeNumber('rounds', values.rounds); round++) {
    rounds.push(await measureRound({ browser, dataRoot, sink }));
    console.error(`round ${round + 1}`);
  }
  await browser.close();
  printHead(['what', 'ms, median (min–max)']);
  printRow(['a trace is sent until an open list shows it', spread(rounds, 'liveMs', 0)]);
  printRow([`the page is opened until a list of ${TRACES} traces is there`, spread(rounds, 'listMs', 0)]);
  printRow([`… until the last of them was reached by scrolling`, spread(rounds, 'scrolledMs', 0)]);
  printRow([`the page is opened until a tree of ${SPANS} spans is there`, spread(rounds, 'treeMs', 0)]);
}

/** In a fresh gateway; the first list and the first tree read what nobody has read before. */
async function measureRound({ browser, dataRoot, sink }) {
  const gateway = await startGateway({ dataRoot, sink, configuration: { inspector: 'full' }, nodeArgs: [] });
  const context = await browser.newContext({ viewport: VIEWPORT });
  const open = async (hash) => {
    const page = await context.newPage();
    const from = performance.now();
    await page.goto(`http://127.0.0.1:${gateway.adminPort}/${hash}`);
    return { page, sinceMs: () => performance.now() - from };
  };
  const send = (spans) => postSpans(gateway.port, spans);
  try {
    for (let at = 0; at < SPANS; at += SPANS_PER_REQUEST) await send(manySpans(at, spanOfTree));
    for (let at = 0; at < TRACES; at += SPANS_PER_REQUEST) await send(manySpans(at, aloneSpan));
    // The browser's own start is not the page's.
    await (await open('')).page.getByText('Flow').waitFor();
    const list = await open('#/traces');
    await list.page.locator('.trace-rows .trace-row').first().waitFor();
    const listMs = list.sinceMs();
    await scrollToTheEnd(list.page);
    const scrolledMs = list.sinceMs();
    const tree = await open(`#/traces/${LARGE_TRACE}`);
    await tree.page.locator('[role=treeitem]').first().waitFor();
    const treeMs = tree.sinceMs();
    const live = await open('#/traces');
    await live.page.locator('[data-state=live]').waitFor();
    const from = performance.now();
    await send([{ ...aloneSpan(0), traceId: 'cd'.repeat(16), name: 'just now' }]);
    await live.page.getByRole('link', { name: 'just now' }).waitFor();
    return { listMs, scrolledMs, treeMs, liveMs: performance.now() - from };
  } finally {
    await context.close();
    await gateway.end();
  }
}

/** The large trace came first, so it is the last one. */
async function scrollToTheEnd(page) {
  const last = page.locator(`.trace-rows a[href*="${LARGE_TRACE}"]`);
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  while ((await last.count()) === 0) {
    if (performance.now() > giveUpAtMs) throw new Error(`the end of the list was not reached in ${PATIENCE_MS} ms`);
    await page.evaluate(() => {
      const box = document.querySelector('.trace-rows');
      box.scrollTop = box.scrollHeight;
      return new Promise((resolve) => requestAnimationFrame(resolve));
    });
  }
}

const hex = (number, digits) => number.toString(16).padStart(digits, '0');
const manySpans = (from, make) => Array.from({ length: SPANS_PER_REQUEST }, (_, at) => make(from + at));
const text = (key, stringValue) => ({ key, value: { stringValue } });

function aloneSpan(at) {
  return {
    traceId: hex(at + 1, 32),
    spanId: hex(at + 1, 16),
    name: `trace ${at}`,
    startTimeUnixNano: String(1_767_225_600_000_000_000n + BigInt(at) * 1_000_000n),
    endTimeUnixNano: String(1_767_225_601_000_000_000n + BigInt(at) * 1_000_000n),
    attributes: [
      text('langfuse.observation.type', 'generation'),
      text('langfuse.observation.model.name', 'gpt-4o'),
      text('langfuse.observation.usage_details', '{"input":42,"output":7}'),
      text('langfuse.observation.input', `what is the answer to question ${at}?`.repeat(10)),
      text('session.id', `session-${at % 50}`),
      text('user.id', `user-${at % 20}`),
    ],
  };
}

/** Ten children each. */
function spanOfTree(at) {
  const parent = at === 0 ? {} : { parentSpanId: hex(Math.ceil(at / 10), 16) };
  return { ...aloneSpan(at), ...parent, traceId: LARGE_TRACE, name: `span ${at}` };
}

async function postSpans(port, spans) {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  });
  if (answer.status !== 200) throw new Error(`the gateway answered ${answer.status}`);
}
