'use strict';
const http = require('node:http');
const { gunzipSync } = require('node:zlib');
const { createMediaStore } = require('./media-store.cjs');
const { loadRequestType, scanSpans } = require('./workloads.cjs');

/**
 * Stands where Langfuse stands: takes what a side delivers, answers as Langfuse does, and counts which spans of the
 * run have arrived. `POST /reset {first,count}` begins a run, `GET /count` tells how far it is, `GET /sample` decodes
 * the run's first body in full, so that the cheap count is not taken on trust. `GET /media` tells what was uploaded.
 */
let run = newRun({ first: 0, count: 0 });

http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const answer = route({ request, body });
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? {}));
    });
  })
  .listen(Number(process.env.PORT), '127.0.0.1');

function route({ request, body }) {
  switch (`${request.method} ${request.url}`) {
    case 'POST /api/public/otel/v1/traces':
      receive({ headers: request.headers, body });
      return {};
    case 'POST /reset':
      run = newRun(JSON.parse(body.toString()));
      return {};
    case 'GET /count':
      return { delivered: run.delivered, duplicates: run.duplicates, lastAtMs: run.lastAtMs };
    case 'GET /sample':
      return run.sample === undefined ? {} : inspect(run.sample);
    case 'GET /media':
      return run.media.counts;
    case 'GET /healthz':
      return {};
    default:
      return run.media.take({ request, body });
  }
}

function newRun({ first, count }) {
  return {
    first,
    seen: new Uint8Array(count),
    delivered: 0,
    duplicates: 0,
    lastAtMs: 0,
    sample: undefined,
    media: createMediaStore(),
  };
}

function receive({ headers, body: sent }) {
  const json = headers['content-type'].includes('json');
  const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
  const before = run.delivered;
  for (const sequence of scanSpans({ body, json })) {
    const index = sequence - run.first;
    if (index < 0 || index >= run.seen.length) continue; // a late one of the run before
    if (run.seen[index] === 1) run.duplicates++;
    else run.delivered++;
    run.seen[index] = 1;
  }
  if (run.delivered === before) return;
  run.lastAtMs = Date.now();
  run.sample ??= { body, json };
}

function inspect({ body, json }) {
  const request = json ? JSON.parse(body.toString()) : loadRequestType().decode(body);
  const spans = request.resourceSpans.flatMap((group) => group.scopeSpans.flatMap((scope) => scope.spans));
  return {
    scanned: scanSpans({ body, json }).length,
    decoded: spans.length,
    attributesMin: Math.min(...spans.map((span) => span.attributes.length)),
    dataUris: occurrences(body, /;base64,[A-Za-z0-9+/]{4}/g),
    mediaTags: occurrences(body, /@@@langfuseMedia:/g),
  };
}

function occurrences(body, pattern) {
  return body.latin1Slice().match(pattern)?.length ?? 0;
}
