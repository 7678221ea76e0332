import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { type BuiltGateway, endAllBuilt, startBuilt } from '../support/built-gateway';
import { expectRefusal, expectSuccess } from '../support/otlp-answer';
import { asJson, asProtobuf, requestOf, spanOf } from '../support/otlp-twins';
import { type Answer, post } from '../support/post';

const MIB = 1024 * 1024;
const LIMIT_BYTES = 64 * MIB;

/** Takes everything and looks at nothing: what is measured is the gateway, in a process of its own. */
let langfuse: Server;
let gateway: BuiltGateway;
beforeAll(async () => {
  langfuse = createServer((request, response) => request.resume().on('end', () => response.end('{}')));
  langfuse.listen(0, '127.0.0.1');
  await once(langfuse, 'listening');
  gateway = await startBuilt({
    LANGFUSE_BASE_URL: `http://127.0.0.1:${(langfuse.address() as AddressInfo).port}`,
    ...{ LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-1' },
    // How often others get their turn is counted below: a disk would have its say in that.
    GATEWAY_QUEUE: 'memory',
  });
});
afterAll(async () => {
  await endAllBuilt();
  langfuse.closeAllConnections();
  langfuse.close();
});

const url = () => `${gateway.url}/v1/traces`;
const SMALL = asProtobuf(requestOf(spanOf()));

/** Repeats a look at the gateway until the answer is there; returns the answer and what was seen. */
async function during<Seen>(answer: Promise<Answer>, look: () => Promise<Seen>): Promise<[Answer, Seen[]]> {
  const seen: Seen[] = [];
  let answered = false;
  const done = answer.finally(() => {
    answered = true;
  });
  while (!answered) seen.push(await look());
  return [await done, seen];
}

const residentBytes = async () => {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]);
};

test.each(['application/json', 'application/x-protobuf'])(
  'D31 1 GiB of zeros in 1 MiB of gzip: 413, and memory grows by less than twice the limit, %s',
  async (contentType) => {
    for (let warmUp = 0; warmUp < 20; warmUp += 1) await post(url(), SMALL);
    const before = await residentBytes();
    const headers = { 'content-type': contentType, 'content-encoding': 'gzip' };
    const [answer, seen] = await during(post(url(), { headers, body: gzipOfZeros(1024) }), residentBytes);
    expectRefusal(answer, { status: 413, encoding: contentType === 'application/json' ? 'json' : 'protobuf' });
    expect(Math.max(...seen) - before).toBeLessThan(2 * LIMIT_BYTES);
  },
);

const attributes = [...Array(10).keys()].map((key) => ({ key: `k${key}`, value: { stringValue: 'x'.repeat(200) } }));
const MANY = Array.from({ length: 9000 }, (_, index) =>
  spanOf({ spanId: (index + 1).toString(16).padStart(16, '0'), attributes }),
);

test('G74 20 MiB of JSON while others send: they do not wait', async () => {
  const large = asJson(requestOf(...MANY));
  expect(large.body.length).toBeGreaterThan(20 * MIB);
  for (let warmUp = 0; warmUp < 50; warmUp += 1) await post(url(), SMALL);

  const [answer, others] = await during(post(url(), large), async () => {
    const small = await post(url(), SMALL);
    await sleep(1);
    return small;
  });
  expectSuccess(answer, 'json');
  for (const small of others) expectSuccess(small, 'protobuf');
  // The row's 250 ms are a matter of the machine. Read in one go the body lets six or seven others in, before and after;
  // read in slices, between twenty and thirty.
  expect(others.length).toBeGreaterThan(12);
});

/** A gzip member of so many MiB of zeros, without its end, which nobody reaches: a piece of deflate again and again. */
function gzipOfZeros(mebibytes: number): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const piece = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([header, ...Array.from({ length: mebibytes }, () => piece)]);
}
