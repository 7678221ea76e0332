'use strict';
const { monitorEventLoopDelay, performance } = require('node:perf_hooks');

/**
 * Loaded into the gateway's process with --require: answers every message with what its event loop has done since the
 * message before, in ms: the longest delay (with a resolution of 1 ms, so about 1 ms is none), and how long it was busy.
 */
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
let before = performance.eventLoopUtilization();
process.on('message', () => {
  const { active } = performance.eventLoopUtilization(before);
  process.send({ delayMs: delay.max / 1e6, busyMs: active });
  delay.reset();
  before = performance.eventLoopUtilization();
});
// The gateway ends as if nobody listened.
process.channel.unref();
