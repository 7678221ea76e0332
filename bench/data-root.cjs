'use strict';
const { mkdtempSync, readFileSync, realpathSync, rmSync } = require('node:fs');
const { join } = require('node:path');
// Asked for first: on the way out the processes are ended before their directories are removed.
require('./processes.cjs');

/** File systems in memory: a sync costs nothing there. */
const IN_MEMORY = ['tmpfs', 'ramfs'];

/** One directory for all data of this bench, below `root`; gone however the bench ends. */
function makeDataRoot(root) {
  const directory = mkdtempSync(join(root, 'gateway-bench-'));
  process.on('exit', () => removeDirectory(directory));
  return directory;
}

/** Tries again where a process that was just ended is still making files. */
function removeDirectory(directory) {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** What a reader must know about the disk: `data on ext4`, or that there is none. */
function describeFileSystem(directory) {
  const type = fileSystemType(directory);
  return IN_MEMORY.includes(type)
    ? `data on ${type}: NO DISK, figures of the disk queue mean nothing`
    : `data on ${type}`;
}

/** The type of the mount with the longest path that leads to the directory; of two on one path the later one. */
function fileSystemType(directory) {
  const path = `${realpathSync(directory)}/`;
  let nearest = { mountPoint: '', type: 'an unknown file system' };
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n')) {
    const [mount, source] = line.split(' - ');
    const mountPoint = mount
      .split(' ')[4]
      .replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
    const leadsHere = path.startsWith(mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`);
    if (leadsHere && mountPoint.length >= nearest.mountPoint.length)
      nearest = { mountPoint, type: source.split(' ')[0] };
  }
  return nearest.type;
}

module.exports = { makeDataRoot, removeDirectory, describeFileSystem };
