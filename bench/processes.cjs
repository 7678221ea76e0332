'use strict';
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createServer } = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

/** Starting and stopping processes. */
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const OUTPUT_CHARS_KEPT = 4000;

const running = new Set();
// Whatever way the bench ends, nothing it started stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/**
 * Starts `node <args>` with PORT set to a free port of loopback and nothing of the caller's environment but PATH
 * (a proxy or an OTEL_ variable of the caller would change one side and not the other).
 * @param {{ args: string[], env?: Record<string, string>, ipc?: boolean }} options
 */
async function startNode({ args, env = {}, ipc = false }) {
  const port = await freePort();
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
  });
  running.add(child);
  const started = { child, port, pid: child.pid, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      started.output = (started.output + chunk).slice(-OUTPUT_CHARS_KEPT);
    });
  }
  child.on('exit', () => running.delete(child));
  return started;
}

/** Waits until the process answers on its port; fails with what it printed if it does not, or ends. */
async function waitUntilServing(started) {
  const { child, port } = started;
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs && !hasEnded(started)) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`${child.spawnargs.join(' ')} did not start:\n${started.output}`);
}

/** Asks the process to end, and ends it. */
async function stop({ child }) {
  if (hasEnded({ child })) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(killer);
}

function hasEnded({ child }) {
  return child.exitCode !== null || child.signalCode !== null;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

module.exports = { startNode, waitUntilServing, stop, freePort, hasEnded };
