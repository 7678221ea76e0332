'use strict';
const { readdirSync, readFileSync } = require('node:fs');

/** What a process used, together with its descendants. Linux only: read from /proc. */
// The unit of the times in /proc/PID/stat is USER_HZ, which Linux has fixed at 100 a second towards user space.
const TICK_US = 10_000;
const SAMPLE_MS = 100;

/** User and system time in µs, of all threads (and of descendants that have ended, once waited for). */
function cpuUs(pid) {
  const times = processTree(pid).flatMap(({ fields }) => fields.slice(11, 15).map(Number));
  return times.reduce((sum, ticks) => sum + ticks, 0) * TICK_US;
}

/** The most memory that a process and its present descendants have had resident, in MB. */
function peakRssMb(pid) {
  return kilobytes(pid, 'VmHWM') / 1024;
}

/**
 * Bytes that were handed to block devices, `undefined` where the system does not tell. Counted when a page becomes
 * dirty, so a file that is removed before it is written out counts too; tmpfs has no device and counts nothing.
 */
function writtenBytes(pid) {
  const counts = processTree(pid).map((member) => /^write_bytes: (\d+)$/m.exec(readProc(`${member.pid}/io`))?.[1]);
  if (counts.length === 0 || counts.includes(undefined)) return undefined;
  return counts.reduce((sum, count) => sum + Number(count), 0);
}

/**
 * Looks every 100 ms how much anonymous memory is resident (heap and buffers, without mapped files), for which Linux
 * keeps no peak. `stop` gives the most that was seen in MB, `undefined` where the system does not tell.
 */
function watchAnonymousMb(pid) {
  let peakKb = 0;
  const timer = setInterval(() => {
    peakKb = Math.max(peakKb, kilobytes(pid, 'RssAnon'));
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return peakKb === 0 ? undefined : peakKb / 1024;
    },
  };
}

function kilobytes(pid, field) {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm');
  const counts = processTree(pid).map((member) => line.exec(readProc(`${member.pid}/status`))?.[1] ?? 0);
  return counts.reduce((sum, count) => sum + Number(count), 0);
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

/** Empty if the process has ended since the directory was read, or is not ours to look at. */
function readProc(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch {
    return '';
  }
}

module.exports = { cpuUs, peakRssMb, writtenBytes, watchAnonymousMb };
