'use strict';
const { once } = require('node:events');
const { existsSync, mkdtempSync, writeFileSync } = require('node:fs');
const { cpus } = require('node:os');
const { join } = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { describeFileSystem, removeDirectory } = require('./data-root.cjs');
const { freePort, startNode, stop, waitUntilServing } = require('./processes.cjs');

/** What the benches of one gateway share: the gateway itself, the sink behind it, and the processes that send. */

const MAIN = join(__dirname, '..', 'dist', 'main.js');
const SINK_POLL_MS = 20;
// Longer than the five seconds for which LangfuseSpanProcessor may keep an incomplete batch.
const SINK_PATIENCE_MS = 15_000;

/** Runs a bench to its end: what it has started must not keep it from ending. `false` from it is a failure. */
function runBench(main) {
  main().then(
    (isFine) => process.exit(isFine === false ? 1 : 0),
    (error) => {
      console.error(error.message);
      process.exit(1);
    },
  );
}

/** Fails where nothing has been built yet. */
function requireBuild() {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing, run npm run build first`);
}

/** The first line of every output. */
function describeMachine(dataRoot) {
  return `Node ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, ${describeFileSystem(dataRoot)}`;
}

/** A process of the bench's own, by its file in this folder. Nothing goes on without it. */
async function startHelper(file) {
  const helper = await startNode({ args: [join(__dirname, file)], ipc: true });
  helper.child.once('exit', () => {
    console.error(`${file} ended:\n${helper.output}`);
    process.exit(1);
  });
  return helper;
}

async function startSink() {
  const sink = await startHelper('sink.cjs');
  await waitUntilServing(sink);
  return sink;
}

/**
 * Starts the built gateway before the sink, its queue on disk, with a folder of its own.
 * @param {{ dataRoot: string, sink: { port: number }, configuration: object, nodeArgs: string[], ipc?: boolean }} options
 *   `configuration`: what the YAML file says
 * @returns what `startNode` gives, `adminPort`, and `end`, which stops it and removes the folder
 */
async function startGateway({ dataRoot, sink, configuration, nodeArgs, ipc }) {
  const directory = mkdtempSync(join(dataRoot, 'gateway-'));
  const file = join(directory, 'gateway.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration));
  const adminPort = await freePort();
  const env = {
    LANGFUSE_BASE_URL: `http://127.0.0.1:${sink.port}`,
    LANGFUSE_PUBLIC_KEY: 'pk-lf-bench',
    LANGFUSE_SECRET_KEY: 'sk-lf-bench',
    GATEWAY_ADMIN_PORT: String(adminPort),
    GATEWAY_DATA_DIR: join(directory, 'data'),
    GATEWAY_CONFIG: file,
    LOG_LEVEL: 'warn',
  };
  const gateway = await startNode({ args: [...nodeArgs, MAIN, 'serve'], env, ipc });
  await waitUntilServing(gateway);
  return Object.assign(gateway, {
    adminPort,
    async end() {
      await stop(gateway);
      removeDirectory(directory);
    },
  });
}

async function callSink(sink, method, path, body) {
  const answer = await fetch(`http://127.0.0.1:${sink.port}${path}`, { method, body: body && JSON.stringify(body) });
  return answer.json();
}

/** What the sink has, once that is all the spans or nothing has come for a while. */
async function waitForSink({ sink, spans }) {
  let last = { delivered: -1 };
  let progressAtMs = Date.now();
  while (last.delivered < spans && Date.now() - progressAtMs < SINK_PATIENCE_MS) {
    const now = await callSink(sink, 'GET', '/count');
    if (now.delivered > last.delivered) progressAtMs = Date.now();
    last = now;
    if (now.delivered < spans) await sleep(SINK_POLL_MS);
  }
  return last;
}

/** The process's answer to a message. */
async function ask({ child }, message) {
  child.send(message);
  const [reply] = await once(child, 'message');
  return reply;
}

module.exports = {
  ask,
  callSink,
  describeMachine,
  requireBuild,
  runBench,
  startGateway,
  startHelper,
  startSink,
  waitForSink,
};
