import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { corpusCases, plainBody } from '../support/corpus';
import { type Answer, post } from '../support/post';
import { nested } from '../support/wire';

const MB = 1024 * 1024;
const BODY_MAX_BYTES = 8 * MB;
const ROUNDS = Number(process.env.FUZZ_RUNS ?? 300);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_007);
const STATUSES = [200, 400, 413, 415];

const root = protobuf.loadSync([
  join(__dirname, '../../proto/trace.proto'),
  join(__dirname, '../../proto/status.proto'),
]);
const bodies = corpusCases.filter(({ body }) => body.length < 20_000);

let gateway: ChildProcess;
let url: string;
let adminUrl: string;
const stderr: Buffer[] = [];

/** A process of its own with little heap: what it kept of all this would end it. */
beforeAll(async () => {
  const main = join(__dirname, '../../dist/main.js');
  const env = {
    PATH: process.env.PATH,
    PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    GATEWAY_BODY_MAX_BYTES: String(BODY_MAX_BYTES),
  };
  gateway = spawn(process.execPath, ['--max-old-space-size=96', main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  gateway.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const lines = createInterface({ input: gateway.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  ({ receiverUrl: url, adminUrl } = JSON.parse(line) as { receiverUrl: string; adminUrl: string });
});

afterAll(async () => {
  gateway.kill('SIGTERM');
  await once(gateway, 'exit');
});

afterEach(() => {
  expect(gateway.exitCode).toBeNull();
  expect(Buffer.concat(stderr).toString()).toBe('');
});

/** Whatever was sent, the answer is one that an OTLP client can read. */
function expectWellFormed(answer: Answer): void {
  expect(STATUSES).toContain(answer.status);
  const type = answer.headers['content-type'];
  const name = answer.status === 200 ? 'otlp.ExportTraceServiceResponse' : 'rpc.Status';
  expect(['application/json', 'application/x-protobuf']).toContain(type);
  const read =
    type === 'application/json' ? JSON.parse(answer.body.toString()) : root.lookupType(name).decode(answer.body);
  expect(typeof read).toBe('object');
  expect(answer.body.length).toBeLessThan(4096);
}

/** Mulberry32: small, and the same everywhere for one seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TYPES = ['application/json', 'application/x-protobuf', 'text/plain', 'application/octet-stream'];
const CODINGS = ['', 'gzip', 'deflate', 'br', 'zstd', 'gzip, br'];

type Mangle = (body: Buffer, next: () => number) => Buffer;

const MANGLES: [string, Mangle][] = [
  [
    'random bytes',
    (_body, next) => Buffer.from(Array.from({ length: 1 + Math.floor(next() * 600) }, () => next() * 256)),
  ],
  ['truncated', (body, next) => body.subarray(0, Math.floor(next() * body.length))],
  [
    'bits flipped',
    (body, next) => {
      const mutated = Buffer.from(body);
      for (let flips = 1 + Math.floor(next() * 8); flips > 0; flips--) {
        mutated[Math.floor(next() * body.length)]! ^= 1 << Math.floor(next() * 8);
      }
      return mutated;
    },
  ],
  [
    'a part doubled',
    (body, next) => {
      const at = Math.floor(next() * body.length);
      return Buffer.concat([body.subarray(0, at), body.subarray(Math.floor(next() * at))]);
    },
  ],
];

describe(`hostile bodies, FUZZ_SEED=${SEED} FUZZ_RUNS=${ROUNDS}`, () => {
  test.each(MANGLES)(
    '%s: always a well-formed answer',
    async (_name, mangle) => {
      const next = random(SEED);
      for (let round = 0; round < ROUNDS; round++) {
        const sent = bodies[Math.floor(next() * bodies.length)]!;
        const headers: Record<string, string> = { 'content-type': sent.headers['content-type']! };
        if (next() < 0.2) headers['content-type'] = TYPES[Math.floor(next() * TYPES.length)]!;
        if (next() < 0.2) headers['content-encoding'] = CODINGS[Math.floor(next() * CODINGS.length)]!;
        const body = mangle(next() < 0.5 ? sent.body : plainBody(sent), next);
        expectWellFormed(await post(`${url}/v1/traces`, { headers, body }));
      }
    },
    120_000,
  );

  test.each([
    ['JSON arrays', 2_000, '{"arrayValue":{"values":[', ']}}'],
    ['JSON key-value lists', 2_000, '{"kvlistValue":{"values":[{"key":"k","value":', '}]}}'],
    ['JSON arrays', 100_000, '{"arrayValue":{"values":[', ']}}'],
    ['unknown JSON members', 100_000, '{"x":[', ']}'],
  ])('%s nested %d deep', async (_name, levels, open, close) => {
    const value = `${open.repeat(levels)}{}${close.repeat(levels)}`;
    const span = `{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","attributes":[{"key":"a","value":${value}}]}`;
    const body = Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${span}]}]}]}`);
    const answer = await post(`${url}/v1/traces`, { headers: { 'content-type': 'application/json' }, body });
    expectWellFormed(answer);
    expect(answer.status).toBe(levels > 5_000 ? 400 : 200);
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('%s that swells a thousandfold is 413', async (coding, compress) => {
    const bomb = compress(Buffer.alloc(64 * MB));
    expect(bomb.length).toBeLessThan(MB / 8);
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': coding };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(`${url}/v1/traces`, { headers, body: bomb })),
    );
    for (const answer of answers) expectWellFormed(answer);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 413));
  });

  test.each([
    [
      'spans',
      'application/x-protobuf',
      () => nested([1, 2], Buffer.alloc(BODY_MAX_BYTES - 64, Buffer.from([0x12, 0]))),
    ],
    ['resources', 'application/x-protobuf', () => Buffer.alloc(BODY_MAX_BYTES, Buffer.from([0x0a, 0]))],
    [
      'attributes',
      'application/x-protobuf',
      () => nested([1, 2, 2], Buffer.alloc(BODY_MAX_BYTES - 64, Buffer.from([0x4a, 0]))),
    ],
    [
      'spans',
      'application/json',
      () => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(2_000_000)}{}]}]}]}`),
    ],
  ])('a few kilobytes that are millions of %s are 413, %s', async (_what, type, bodyOf) => {
    const body = gzipSync(bodyOf());
    expect(body.length).toBeLessThan(MB / 16);
    const answer = await post(`${url}/v1/traces`, {
      headers: { 'content-type': type, 'content-encoding': 'gzip' },
      body,
    });
    expectWellFormed(answer);
    expect(answer.status).toBe(413);
  });

  test('bodies cut mid-way leave nothing behind', async () => {
    const { hostname, port } = new URL(url);
    for (let cut = 0; cut < 100; cut++) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      const half = `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${MB}\r\n\r\n{"resourceSpans":[`;
      await new Promise<void>((resolve) => socket.write(half, () => resolve()));
      socket.destroy();
    }
    const answer = await post(`${url}/v1/traces`, {
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{}'),
    });
    expect(answer.body.toString()).toBe('{}');
  });

  test('after all of it memory is back where it was', async () => {
    const resident = async () => {
      const text = await (await fetch(`${adminUrl}/metrics`)).text();
      return Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1]) / MB;
    };
    const storm = async () => {
      const bomb = gzipSync(Buffer.alloc(64 * MB));
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
      for (let turn = 0; turn < 20; turn++) expectWellFormed(await post(`${url}/v1/traces`, { headers, body: bomb }));
    };
    await storm();
    const before = await resident();
    for (let turn = 0; turn < 3; turn++) await storm();
    // Sixty bombs of 8 MiB each: had one in five been kept, this would show it.
    expect((await resident()) - before).toBeLessThan(96);
    const health = await fetch(`${adminUrl}/readyz`);
    expect(health.status).toBe(200);
  }, 60_000);
});
