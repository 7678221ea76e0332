'use strict';
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readdirSync, readFileSync } = require('node:fs');
const { createServer } = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

/** Starting, stopping and measuring processes. Linux only: what a process used is read from /proc. */
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const OUTPUT_CHARS_KEPT = 4000;
// The unit of the times in /proc/PID/stat is USER_HZ, which Linux has fixed at 100 a second towards user space.
const TICK_US = 10_000;

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

/** User and system time in µs of a process, all its threads and descendants (ended ones too, once waited for). */
function cpuUs(pid) {
  const times = processTree(pid).flatMap(({ fields }) => fields.slice(11, 15).map(Number));
  return times.reduce((sum, ticks) => sum + ticks, 0) * TICK_US;
}

/** The most memory that a process and its present descendants have had resident, in MB. */
function peakRssMb(pid) {
  const peaks = processTree(pid).map((member) => /^VmHWM:\s+(\d+) kB/m.exec(readProc(`${member.pid}/status`)));
  return peaks.reduce((sum, match) => sum + Number(match?.[1] ?? 0), 0) / 1024;
}

/** The process and its descendants, each with the fields of /proc/PID/stat that follow the command's name: state,
 * parent, …, utime (11), stime, cutime, cstime. */
function processTree(rootPid) {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const all = pids.map((pid) => ({
    pid: Number(pid),
    fields: readProc(`${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' '),
  }));
  const tree = all.filter(({ pid }) => pid === rootPid);
  for (const { pid } of tree) tree.push(...all.filter(({ fields }) => Number(fields[1]) === pid));
  return tree;
}

/** Empty if the process has ended since the directory was read. */
function readProc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

module.exports = { startNode, waitUntilServing, stop, freePort, hasEnded, cpuUs, peakRssMb };
