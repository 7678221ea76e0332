'use strict';
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const protobuf = require('protobufjs');

/**
 * What the load generator sends, and how a span is recognised again at the far end.
 *
 * A workload is one request, made once as a template. Every id in it starts with a fixed mark and ends with a number,
 * so that thousands of requests with ids of their own cost four bytes per id instead of an encoding each. The span
 * id's number counts through the run: it is the sequence number by which the sink proves what arrived.
 */

// Neither mark can be part of a text: b3 and d1 b6 f3 are no valid UTF-8, and no text of ours holds their hex digits.
const SPAN_MARK = 'b3e7c9f1';
const TRACE_MARK = 'd1b6f3a8c2e4975b0f8d6ac3';

/**
 * `spansPerRun` is the default of a measured run. `stockFlushAt` is the batch size of the stock side: the SDK's own
 * 512 wherever that works; 512 spans of 1 MB are beyond V8's longest string and would all be lost.
 */
const WORKLOADS = {
  llm: { spansPerRequest: 100, attributes: 25, spansPerRun: 102_400, stockFlushAt: 512, makeSpan: llmSpan(4096) },
  small: { spansPerRequest: 512, attributes: 10, spansPerRun: 512_000, stockFlushAt: 512, makeSpan: smallSpan },
  agent: { spansPerRequest: 1, attributes: 25, spansPerRun: 512, stockFlushAt: 16, makeSpan: llmSpan(1_048_576) },
};

const ENCODINGS = {
  protobuf: { json: false, gzip: false },
  'protobuf+gzip': { json: false, gzip: true },
  json: { json: true, gzip: false },
  'json+gzip': { json: true, gzip: true },
};

/** The protobufjs type of an OTLP trace request, by reflection over the project's own proto file. */
function loadRequestType() {
  const source = readFileSync(join(__dirname, '..', 'proto', 'trace.proto'), 'utf8');
  return protobuf.parse(source).root.lookupType('otlp.ExportTraceServiceRequest');
}

/**
 * Makes the template of one request.
 * @param {{ workload?: string, shape?: { spansPerRequest: number, makeSpan: Function }, json: boolean }} options `shape`:
 *   of a request that is none of the workloads
 * @returns {{ body: Buffer, number: (body: Buffer, request: number) => void }} the body, and the function that gives a
 *   copy of it the ids of the n-th request of a run
 */
function makeTemplate({ workload, shape = WORKLOADS[workload], json }) {
  const { spansPerRequest, makeSpan } = shape;
  const random = makeRandom(42);
  const id = json ? (hex) => hex : (hex) => Buffer.from(hex, 'hex');
  const spans = Array.from({ length: spansPerRequest }, (_, index) => ({
    traceId: id(TRACE_MARK + hex32(0)),
    spanId: id(SPAN_MARK + hex32(index)),
    ...(index > 0 && { parentSpanId: id(SPAN_MARK + hex32(Math.floor((index - 1) / 4))) }),
    flags: 0x101,
    ...makeSpan({ index, random }),
  }));
  const request = {
    resourceSpans: [
      {
        resource: {
          attributes: attributes({
            'service.name': 'checkout-assistant',
            'service.version': '3.14.1',
            'telemetry.sdk.language': 'nodejs',
            'host.name': 'worker-7',
          }),
        },
        scopeSpans: [{ scope: { name: 'langfuse-sdk', version: '5.11.1' }, spans }],
      },
    ],
  };
  const body = Buffer.from(json ? JSON.stringify(request) : loadRequestType().encode(request).finish());
  const points = [
    ...findMarks({ body, mark: SPAN_MARK, json }).map(({ at, value }) => ({ at, index: value, step: spansPerRequest })),
    ...findMarks({ body, mark: TRACE_MARK, json }).map(({ at, value }) => ({ at, index: value, step: 1 })),
  ];
  const write = json ? (target, at, value) => target.write(hex32(value), at, 'latin1') : writeBinary;
  return {
    body,
    number(target, request) {
      for (const { at, index, step } of points) write(target, at, request * step + index);
    },
  };
}

/** The sequence numbers of a body's spans, found without decoding it; parents are not counted as spans. */
function scanSpans({ body, json }) {
  // Before a span's own id stands its field (tag 2, eight bytes), or its name in JSON.
  const prefix = json ? Buffer.from(`"spanId":"${SPAN_MARK}`) : Buffer.from(`1208${SPAN_MARK}`, 'hex');
  return findMarks({ body, mark: prefix, json }).map(({ value }) => value);
}

function findMarks({ body, mark, json }) {
  const needle = Buffer.isBuffer(mark) ? mark : Buffer.from(mark, json ? 'latin1' : 'hex');
  const found = [];
  for (let at = body.indexOf(needle); at !== -1; at = body.indexOf(needle, at + 1)) {
    const after = at + needle.length;
    const value = json ? Number.parseInt(body.latin1Slice(after, after + 8), 16) : body.readUInt32BE(after);
    found.push({ at: after, value });
  }
  return found;
}

function writeBinary(target, at, value) {
  target.writeUInt32BE(value, at);
}

function hex32(value) {
  return value.toString(16).padStart(8, '0');
}

function llmSpan(inputBytes) {
  return ({ index, random }) => ({
    name: `generate-answer-${index % 7}`,
    kind: 1,
    ...times(index),
    attributes: attributes({
      'langfuse.observation.type': 'generation',
      'langfuse.observation.input': text({ bytes: inputBytes, random, accents: index % 10 === 0 }),
      'langfuse.observation.output': text({ bytes: 2048, random, accents: index % 10 === 0 }),
      'langfuse.observation.model.name': 'gpt-4.1-mini',
      'langfuse.observation.model.parameters': '{"temperature":0.7,"top_p":0.9,"max_tokens":1024}',
      'langfuse.observation.usage_details': `{"input":${1000 + index},"output":512,"total":${1512 + index}}`,
      'langfuse.observation.cost_details': '{"input":0.0004,"output":0.0008,"total":0.0012}',
      'langfuse.observation.level': 'DEFAULT',
      'langfuse.observation.completion_start_time': '"2026-01-04T12:00:00.250Z"',
      'langfuse.observation.metadata.request_id': `req-${hex32(random())}${hex32(random())}`,
      'langfuse.observation.metadata.tenant': `tenant-${random() % 50}`,
      'langfuse.trace.name': 'checkout-conversation',
      'langfuse.trace.tags': ['production', 'checkout', 'eu'],
      'langfuse.environment': 'production',
      'langfuse.release': '2026.01.3',
      'user.id': `user-${random() % 1000}`,
      'session.id': `session-${hex32(random())}`,
      'gen_ai.system': 'openai',
      'gen_ai.request.model': 'gpt-4.1-mini',
      'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14',
      'gen_ai.usage.input_tokens': 1000 + index,
      'gen_ai.usage.output_tokens': 512,
      'gen_ai.request.temperature': 0.7,
      'gen_ai.request.max_tokens': 1024,
      'gen_ai.request.stream': true,
    }),
    status: { code: 1 },
  });
}

function smallSpan({ index, random }) {
  return {
    name: 'GET /api/items/:id',
    kind: 3,
    ...times(index),
    attributes: attributes({
      'http.request.method': 'GET',
      'url.full': `https://shop.example.com/api/items/${random() % 10000}`,
      'url.path': '/api/items/:id',
      'server.address': 'shop.example.com',
      'server.port': 443,
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
      'user_agent.original': index % 10 === 0 ? 'Bücherwurm/2.1' : 'worker/2.1',
      'http.response.body.size': random() % 100000,
      'cache.hit': index % 3 === 0,
    }),
    status: {},
  };
}

function times(index) {
  const start = 1_767_528_000_000_000_000n + BigInt(index) * 1_234_567n;
  return { startTimeUnixNano: String(start), endTimeUnixNano: String(start + 812_345_678n) };
}

function attributes(values) {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
}

const SYLLABLES = 'a be con de er for ing ly men na or pro re sa ti tion un ver wi es pla qui th ous'.split(' ');
const ACCENTED = ['Größe', 'naïve', 'crème', '東京', '配達', 'привет', '🚀', 'señor'];
const VOCABULARY = makeVocabulary(makeRandom(7));

function makeVocabulary(random) {
  const syllable = () => SYLLABLES[random() % SYLLABLES.length];
  return Array.from({ length: 4000 }, () => Array.from({ length: 1 + (random() % 4) }, syllable).join(''));
}

/** A chat message of that many bytes. Few words are frequent (Zipf's law), so that it deflates about as prose does. */
function text({ bytes, random, accents }) {
  const parts = ['[{"role":"user","content":"'];
  let left = bytes - parts[0].length - 3;
  while (left > 0) {
    const common = VOCABULARY[Math.floor(VOCABULARY.length ** (random() / 2 ** 24)) - 1];
    const word = accents && random() % 20 === 0 ? ACCENTED[random() % ACCENTED.length] : common;
    const part = `${word}${random() % 12 === 0 ? '.\\n' : ' '}`;
    const partBytes = Buffer.byteLength(part);
    parts.push(partBytes <= left ? part : '.'.repeat(left));
    left -= partBytes;
  }
  return `${parts.join('')}"}]`;
}

/** Numerical Recipes' linear congruential generator: the same bytes on every machine. */
function makeRandom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

module.exports = { WORKLOADS, ENCODINGS, loadRequestType, makeTemplate, scanSpans };
