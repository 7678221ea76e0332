import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { endAllBuilt, startBuilt } from '../support/built-gateway';
import { startFakeLangfuse } from '../support/fake-langfuse';
import { langfuseVariables } from '../support/gateway';
import { asJson, requestOf, spanOf } from '../support/otlp-twins';
import { makeTemporary, removeTemporary } from '../support/temporary';

afterEach(endAllBuilt);

const FLOOD = 20_000;
/** Each refusal takes its time, so there have to be many. */
const FLOODERS = 512;
const OTHERS = 300;
/** Coarse: what a young heap takes, and no room for 10 KB that are kept of each request. */
const GROWTH_BYTES_MAX = 200 * 1024 * 1024;
const PAGE = 'https://app.example.com';

const YAML = `
keys:
  - { name: web, key: gw-web-1, browser: true, origins: [${PAGE}], spansPerSecond: 5, burstSeconds: 2 }
  - { name: shop, key: gw-shop-1, browser: true, origins: [${PAGE}] }
  - { name: backend, key: gw-backend-1 }
`;

/** Sends one after the other over one connection each, `connections` at once; resolves to how often each status came. */
async function sendAll(
  url: string,
  {
    total,
    connections,
    requestAt,
  }: { total: number; connections: number; requestAt: (at: number) => http.RequestOptions & { body: Buffer } },
): Promise<Record<number, number>> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections });
  const counts: Record<number, number> = {};
  let next = 0;
  const worker = async () => {
    while (next < total) {
      const { body, ...options } = requestAt(next++);
      const status = await new Promise<number>((resolve, reject) => {
        const request = http.request(`${url}/v1/traces`, { method: 'POST', agent, ...options }, (answer) => {
          answer.resume();
          answer.once('end', () => resolve(answer.statusCode ?? 0));
        });
        request.once('error', reject);
        request.end(body);
      });
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return counts;
}

/** Resident memory of a process, in bytes. Where there is no /proc nobody can tell: 0, and so no growth. */
function residentBytes(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync('/proc/self/status')) return 0;
  const [, kibibytes] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(path, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

test('20,000 requests beyond the rate of a browser key cost no other key a span, and memory stays within a bound', async () => {
  const folder = makeTemporary();
  const config = join(folder, 'gateway.yaml');
  writeFileSync(config, YAML);
  const fake = await startFakeLangfuse();
  const gateway = await startBuilt({ ...langfuseVariables(fake), GATEWAY_CONFIG: config });
  const { headers, body } = asJson(requestOf(spanOf({ name: 'flood' })));
  const by = (key: string, sent: Buffer) => ({
    headers: { ...headers, origin: PAGE, 'x-api-key': key, 'content-length': sent.length },
    body: sent,
  });
  const named = (name: string) => asJson(requestOf(spanOf({ name }))).body;

  const residentBefore = residentBytes(gateway.pid);
  const [flood, shop, backend] = await Promise.all([
    sendAll(gateway.url, { total: FLOOD, connections: FLOODERS, requestAt: () => by('gw-web-1', body) }),
    sendAll(gateway.url, { total: OTHERS, connections: 2, requestAt: (at) => by('gw-shop-1', named(`shop ${at}`)) }),
    sendAll(gateway.url, { total: OTHERS, connections: 2, requestAt: (at) => by('gw-backend-1', named(`back ${at}`)) }),
  ]);
  expect([shop, backend]).toEqual([{ 200: OTHERS }, { 200: OTHERS }]);
  const { 200: passed = 0, 429: refused = 0, ...rest } = flood;
  expect([rest, passed + refused]).toEqual([{}, FLOOD]);
  // A burst of ten, and five for every second that it took.
  expect(passed).toBeGreaterThanOrEqual(10);
  expect(refused).toBeGreaterThan(FLOOD / 2);

  await fake.waitForSpans(2 * OTHERS + passed, 15_000);
  const arrived = fake.spans.map(({ name }) => name).filter((name) => name !== 'flood');
  expect(new Set(arrived).size).toBe(2 * OTHERS);
  expect(residentBytes(gateway.pid) - residentBefore).toBeLessThan(GROWTH_BYTES_MAX);
  const metrics = await gateway.metrics();
  expect(metrics['gateway_receiver_refused_requests_total{key="web",reason="rate"}']).toBe(refused);
  expect(metrics['gateway_receiver_requests_total{path="/v1/traces",code="429"}']).toBe(refused);
  const lines = gateway.logs().filter(({ reason }) => reason === 'rate');
  expect(lines.length).toBeGreaterThanOrEqual(1);
  expect(lines.length).toBeLessThan(10);
  await fake.close();
  removeTemporary(folder);
}, 120_000);
