import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuiltGateway, endAllBuilt, startBuilt } from '../support/built-gateway';
import { asProtobuf, type Fields, spanOf } from '../support/otlp-twins';
import { post } from '../support/post';
import { makeTemporary, removeTemporary } from '../support/temporary';

/**
 * What senders may make of any length must not add to what is kept: 64 MiB, and room for what the garbage collector has not
 * looked at yet. All that is sent is more.
 */
const GROWTH_BYTES_MAX = 256 * 1024 * 1024;

let folder: string;
let gateway: BuiltGateway;
beforeEach(() => {
  folder = makeTemporary();
});
afterEach(async () => {
  await endAllBuilt();
  removeTemporary(folder);
});

/** Memory that no file is behind. */
function anonymousBytes(): number {
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8')) ?? [];
  expect(Number(kib)).toBeGreaterThan(0);
  return Number(kib) * 1024;
}

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
const long = (number: number, characters: number) => `${number}`.padEnd(characters, 'x');

/** Sends a request with one span, and what is long about it. */
function send(number: number, { service, agent, span }: { service?: string; agent?: string; span?: Fields }) {
  const attributes = [{ key: 'service.name', value: { stringValue: service ?? 's' } }];
  const spans = [spanOf({ traceId: hex(number + 1, 32), ...span })];
  const request = { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] };
  const { headers, body } = asProtobuf(request);
  return post(`${gateway.url}/v1/traces`, { headers: { ...headers, 'user-agent': agent ?? 'test' }, body });
}

describe.each(['metadata', 'full'])('inspector: %s', (mode) => {
  test.each<[string, number, (number: number) => Parameters<typeof send>[1]]>([
    ['user agents', 5_000, (number) => ({ agent: long(number, 60_000) })],
    ['names of services', 600, (number) => ({ service: long(number, 900_000) })],
    ['names of spans', 600, (number) => ({ span: { name: long(number, 900_000) } })],
  ])(
    'long %s',
    async (_, requests, what) => {
      const config = join(folder, 'gateway.yaml');
      writeFileSync(config, `inspector: ${mode}`);
      gateway = await startBuilt({ GATEWAY_CONFIG: config, GATEWAY_QUEUE: 'memory' });
      for (let number = 0; number < 20; number++) await send(number, {});
      const before = anonymousBytes();
      for (let number = 0; number < requests; number++) expect((await send(number, what(number))).status).toBe(200);
      const list = await (await fetch(`${gateway.adminUrl}/api/traces?limit=500`)).text();
      expect(list.length).toBeLessThan(1_000_000);
      expect(JSON.parse(list).traces.length).toBeGreaterThan(30);
      expect(anonymousBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
    },
    60_000,
  );
});
