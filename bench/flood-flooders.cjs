'use strict';
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('undici');
const { count, post } = require('./posting.cjs');
const { makeTemplate } = require('./workloads.cjs');

/**
 * The flood: closed loops over keep-alive connections, all with the browser key `web`. It is told by IPC `{port, bytes,
 * connections, requests, rate}`, answers when every connection has had an answer, and floods on until it is told `{}` and
 * has sent that many requests; then it answers with what came of it. Without `rate` (requests a second in all) each
 * connection sends as soon as it has its answer.
 */
const PATH = '/v1/traces?key=gw-web-1';
const HEADERS = { 'content-type': 'application/x-protobuf', origin: 'https://app.example.com' };
/** Beyond every number of the others' spans: the sink does not take the few that pass for theirs. */
const FIRST = 2 ** 31;

process.on('disconnect', () => process.exit());
flood();

async function flood() {
  for (;;) {
    const [order] = await once(process, 'message');
    await run(order);
  }
}

async function run({ port, bytes, connections, requests, rate = Number.POSITIVE_INFINITY }) {
  const template = templateOf(bytes);
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections, pipelining: 1 });
  const statuses = {};
  let sent = 0;
  let isOver = false;
  let flooding = 0;
  const beginMs = performance.now();
  async function connection() {
    const body = Buffer.from(template.body);
    for (let own = 0; !isOver || sent < requests; own++) {
      const waitMs = beginMs + (sent * 1000) / rate - performance.now();
      template.number(body, FIRST + sent++);
      if (waitMs > 0) await sleep(waitMs);
      count(statuses, await post(pool, { path: PATH, headers: HEADERS, body }));
      if (own === 0 && ++flooding === connections) process.send({});
    }
  }
  const over = once(process, 'message').then(() => {
    isOver = true;
  });
  await Promise.all([over, ...Array.from({ length: connections }, connection)]);
  const seconds = (performance.now() - beginMs) / 1000;
  await pool.close();
  process.send({ statuses, perS: sent / seconds });
}

/** A page's span, as long as makes a body of so many bytes, or a few less. */
function templateOf(bytes) {
  const withText = (length) =>
    makeTemplate({ shape: { spansPerRequest: 1, makeSpan: () => pageSpan(length) }, json: false });
  const shortfall = bytes - withText(0).body.length;
  const excess = withText(shortfall).body.length - bytes;
  return withText(shortfall - excess);
}

function pageSpan(textLength) {
  return {
    name: 'click',
    startTimeUnixNano: '1767528000000000000',
    endTimeUnixNano: '1767528000012345678',
    attributes: [{ key: 'langfuse.observation.input', value: { stringValue: 'x'.repeat(textLength) } }],
  };
}
